"""`selene apikey` and `access`: who may call the API of a tenant, and what was done there."""

from __future__ import annotations

import re
import time
from typing import Any

import click

from selene_os.edges.apikeys import IMPLIED, make_key
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import (
    db_option,
    json_option,
    ledger,
    nanoseconds,
    show,
    tenant_option,
)
from selene_os.edges.wire import dumps
from selene_os.errors import BadField
from selene_os.ledger import refusals
from selene_os.ledger.access import AccessEvent, ApiKeyRow
from selene_os.ledger.store import Store
from selene_os.names import TenantId, check_count, parse_event_id, parse_tenant_id, parse_time_ns

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_SPAN_NS = {
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_ONCE = "It is shown this once, and kept nowhere: put it where secrets are kept."
_ROWS_MAX = 1_000


@click.group()
def apikey() -> None:
    """Add, list, rotate and revoke keys of the API."""


@apikey.command("add")
@tenant_option
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(list(IMPLIED)),
    help="What it may do; may be repeated.",
)
@click.option("--label", default="", help="What it is for, to 64 bytes.")
@click.option("--expires", metavar="TIME", help="After 90d, 12h or 30m, or at 2027-01-31.")
@db_option
@json_option
def apikey_add(
    tenant: str,
    scopes: tuple[str, ...],
    label: str,
    expires: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Make a key, and print it: this once."""
    tenant_id, now = parse_tenant_id(tenant), time.time_ns()
    ends = None if expires is None else _moment("expires", expires, now)
    row, text = make_key(tenant_id, scopes, now, expires_at=ends, label=label)
    with ledger(db) as store:
        if not store.access.add_api_key(row):
            raise refusals.row_refused()
    show(as_json, {"key": text, **_record(row)}, f"{text}\n{_ONCE}\n{_line(row, now)}")


@apikey.command("list")
@tenant_option
@db_option
@json_option
def apikey_list(tenant: str, db: str | None, as_json: bool) -> None:
    """List a tenant's keys, the oldest first, those that have ended too; never their secrets."""
    tenant_id = parse_tenant_id(tenant)
    with ledger(db) as store:
        _check_tenant(store, tenant_id)
        rows = store.access.api_keys(tenant_id)
    if as_json:
        click.echo(dumps({"keys": [_record(row) for row in rows]}))
        return
    now = time.time_ns()
    for row in rows:
        click.echo(_line(row, now))
    if not rows:
        click.echo(f"Tenant {tenant} has no key. Add one with `selene apikey add`.")


@apikey.command("revoke")
@tenant_option
@click.argument("key_id")
@db_option
@json_option
def apikey_revoke(tenant: str, key_id: str, db: str | None, as_json: bool) -> None:
    """End a key, for good: five seconds later nobody gets in by it."""
    tenant_id = parse_tenant_id(tenant)
    with ledger(db) as store:
        store.access.end_api_key(tenant_id, key_id, time.time_ns())
        row = _key(store, tenant_id, key_id)
    show(as_json, _record(row), f"Key {key_id} of tenant {tenant} is revoked.")


@apikey.command("rotate")
@tenant_option
@click.argument("key_id")
@click.option(
    "--overlap",
    metavar="TIME",
    default="24h",
    show_default=True,
    help="How long the old one is of use beside it: 24h, 30m, 7d.",
)
@click.option("--expires", metavar="TIME", help="The new one's end; by default the old one's span.")
@db_option
@json_option
def apikey_rotate(
    tenant: str, key_id: str, overlap: str, expires: str | None, db: str | None, as_json: bool
) -> None:
    """Make a key in the place of another, with the same scopes; print it: this once."""
    tenant_id, now = parse_tenant_id(tenant), time.time_ns()
    ends_at = now + _span("overlap", overlap)
    with ledger(db) as store:
        old = _key(store, tenant_id, key_id)
        if expires is not None:
            ends: int | None = _moment("expires", expires, now)
        else:
            ends = None if old.expires_at is None else now + old.expires_at - old.created_at
        row, text = make_key(
            tenant_id, old.scopes.split(" "), now, expires_at=ends, label=old.label
        )
        store.access.replace_api_key(key_id, row, ends_at)
        ended = _key(store, tenant_id, key_id)
    show(
        as_json,
        {"key": text, **_record(row), "replaces": _record(ended)},
        f"{text}\n{_ONCE}\n{_line(row, now)}\n{_line(ended, now)}",
    )


@click.command()
@tenant_option
@click.option("--after", metavar="CURSOR", help="Go on behind this row, as the page before says.")
@click.option("--rows", type=int, default=50, show_default=True, help="Rows of a page, to 1,000.")
@db_option
@json_option
def access(tenant: str, after: str | None, rows: int, db: str | None, as_json: bool) -> None:
    """List what keys and operators did with a tenant's rows.

    The newest first, page by page.
    """
    tenant_id = parse_tenant_id(tenant)
    check_count("rows", rows, 1, _ROWS_MAX)
    behind = None
    if after is not None:
        at, _, access_id = after.partition("/")
        if not at.isascii() or not at.isdigit():
            raise BadField("after", "is no cursor", "Copy it from the page before.")
        behind = (parse_time_ns(int(at[:20]), "after"), parse_event_id(access_id))
    with ledger(db) as store:
        _check_tenant(store, tenant_id)
        found = store.access.access_events(tenant_id, behind, rows + 1)
    page = found[:rows]
    cursor = f"{page[-1].at}/{page[-1].access_id}" if len(found) > rows else None
    if as_json:
        click.echo(dumps({"events": [event._asdict() for event in page], "cursor": cursor}))
        return
    for event in page:
        click.echo(_event_line(event))
    if not page:
        click.echo("Nothing was found.")
    if cursor is not None:
        click.echo(f"More: --after {cursor}")


def _span(name: str, text: str) -> int:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadField(name, f"{text!r:.20} is no time like 90d", "Give 90d, 12h, 30m or 45s.")
    return int(found[1]) * _SPAN_NS[found[2]]


def _moment(name: str, text: str, now: int) -> int:
    if _SPAN.fullmatch(text):
        return now + _span(name, text)
    try:
        return nanoseconds(name, text)
    except BadField:
        problem = f"{text!r:.40} is no moment, and no time like 90d"
        raise BadField(name, problem, "Give 90d, 12h, 30m, 45s, or 2027-01-31T09:00Z.") from None


def _check_tenant(store: Store, tenant_id: TenantId) -> None:
    if store.tenant(tenant_id) is None:
        raise refusals.tenant_unknown(tenant_id)


def _key(store: Store, tenant_id: TenantId, key_id: str) -> ApiKeyRow:
    row = store.access.api_key(tenant_id, key_id)
    if row is None:
        raise refusals.key_unknown(key_id)
    return row


def _record(row: ApiKeyRow) -> dict[str, Any]:
    record = row._asdict()
    del record["digest"]
    return record | {"scopes": row.scopes.split(" ")}


def _line(row: ApiKeyRow, now: int) -> str:
    if row.revoked_at is not None:
        until = f"revoked {paint.moment(row.revoked_at)}"
    elif row.expires_at is None:
        until = "does not expire"
    else:
        until = f"{'expired' if row.expires_at <= now else 'until'} {paint.moment(row.expires_at)}"
    parts = [row.key_id, row.scopes.replace(" ", ","), f"of {paint.moment(row.created_at)}", until]
    if row.replaced_by is not None:
        parts.append(f"replaced by {row.replaced_by}")
    return "  ".join([*parts, *([paint.shown(row.label)] if row.label else [])])


def _event_line(event: AccessEvent) -> str:
    parts = [event.actor, event.action, event.target, event.outcome, event.reason]
    told = (paint.shown(part) for part in parts if part)
    return "  ".join([paint.moment(event.at), *told])
