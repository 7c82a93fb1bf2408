"""`selene doctor`: schema and rows checked, and every way round the guards tried."""

from __future__ import annotations

from typing import Any

import click

from selene_os.edges.cli.options import db_option, json_option, named_database
from selene_os.edges.wire import dumps
from selene_os.ledger.inspection import Inspection


@click.command()
@db_option
@json_option
def doctor(db: str | None, as_json: bool) -> None:
    """Try to get round the guards, and check what is there.

    Nothing in the ledger itself is changed: a file is attacked in a copy, a server in transactions
    that are rolled back. Exit 0 where everything held, 3 where something differs from what it
    must be.
    """
    found = named_database(db).inspect()
    if as_json:
        click.echo(dumps(_record(found)))
    else:
        _print(found)
    if not found.held:
        click.get_current_context().exit(3)


def _record(found: Inspection) -> dict[str, Any]:
    return {
        "path": found.name,
        "schema_differences": list(found.schema),
        "row_faults": list(found.faults),
        "attempts": [
            {"name": one.name, "held": one.held, "found": one.found} for one in found.attempts
        ],
        "beyond": [{"name": name, "seen_by": by} for name, by in found.beyond],
        "warnings": list(found.warnings),
        "held": found.held,
    }


def _print(found: Inspection) -> None:
    good, bad = click.style("held", fg="green"), click.style("BROKEN", fg="red", bold=True)
    click.echo(f"Ledger {found.name}")
    click.echo(f"Schema: {'; '.join(found.schema) or 'as its migrations made it'}")
    click.echo(f"Rows:   {'; '.join(found.faults) or 'sound'}")
    for warning in found.warnings:
        click.echo(f"{click.style('Warning:', fg='yellow')} {warning}")
    click.echo(f"Tried {found.tried}:")
    for attempt in found.attempts:
        click.echo(f"  {good if attempt.held else bad}  {attempt.name}: {attempt.found}")
    click.echo("What no database can refuse to whoever owns it, and what shows it:")
    for name, seen_by in found.beyond:
        click.echo(f"  {name}: {seen_by}")
    click.echo(
        f"{sum(one.held for one in found.attempts)} of {len(found.attempts)} attempts held."
        + (
            ""
            if not found.schema and not found.faults
            else " The ledger itself differs: see above."
        )
    )
