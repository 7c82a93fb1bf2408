"""`selene export`: a tenant's rows, for whoever counts or archives them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from selene_os import names
from selene_os.edges import exporting
from selene_os.edges.cli.options import db_option, ledger, nanoseconds, tenant_option
from selene_os.errors import BadField, NotFound
from selene_os.ledger.events import Wanted
from selene_os.reasons import reason_number
from selene_os.registry import DECISIONS


@click.command()
@tenant_option
@click.option("--intent", help="Only drafts of this intent type.")
@click.option("--reason", help="Only rows with this reason code: its name or number.")
@click.option("--decision", type=click.Choice(DECISIONS), help="Only rows of this kind.")
@click.option("--user", help="Only rows of this user.")
@click.option("--since", help="Only rows from this moment on: 2026-01-31 or 2026-01-31T09:00Z.")
@click.option("--until", help="Only rows before this moment.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(exporting.FORMATS),
    default="jsonl",
    show_default=True,
    help="JSONL as in bundles, or CSV.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file; else stdout."
)
@click.option("--resume", is_flag=True, help="Go on behind the last whole row of that file.")
@click.option("--after", metavar="CREATED_AT.EVENT_ID", help="Go on behind this row.")
@db_option
def export(
    tenant: str,
    intent: str | None,
    reason: str | None,
    decision: str | None,
    user: str | None,
    since: str | None,
    until: str | None,
    kind: str,
    out: Path | None,
    resume: bool,
    after: str | None,
    db: str | None,
) -> None:
    """Write a tenant's rows, the newest first; all that is given must hold."""
    if resume and (out is None or after is not None):
        raise BadField("resume", "needs a file, and no --after", "Give --out.")
    wanted = Wanted(
        None if intent is None else names.check_text("intent", intent, 64),
        None if reason is None else reason_number(reason),
        decision,
        None if user is None else names.parse_user_id(user),
        None if since is None else nanoseconds("since", since),
        None if until is None else nanoseconds("until", until),
        None if after is None else exporting.parse_place(after),
    )
    tenant_id = names.parse_tenant_id(tenant)
    with ledger(db) as store:
        if store.tenant(tenant_id) is None:
            raise NotFound(f"{tenant!r} is not known", "See `selene tenant list`.", field="tenant")
        if out is None:
            target: BinaryIO = sys.stdout.buffer
        else:
            target = exporting.opened(out, again=resume)
        try:
            begun = after is not None
            if resume and (place := exporting.resume(target, kind)) is not None:
                wanted, begun = wanted._replace(after=place), True
            if not begun and (out is None or target.tell() == 0):
                target.write(exporting.header(kind))
            count, encode = 0, exporting.encoder(kind)
            for row in exporting.rows(store, tenant_id, wanted):
                target.write(encode(row))
                count += 1
            target.flush()
        finally:
            if out is not None:
                target.close()
    click.echo(f"{count} row{'' if count == 1 else 's'} of {tenant} written.", err=True)
