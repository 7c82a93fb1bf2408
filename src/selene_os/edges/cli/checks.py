"""`selene doctor`: the ledger's schema and rows checked, and every bypass tried on a copy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import apsw
import click

from selene_os import names
from selene_os.decision import Chat
from selene_os.edges import library
from selene_os.edges.cli.options import address, db_option, json_option
from selene_os.edges.settings import sqlite_path
from selene_os.edges.wire import dumps
from selene_os.errors import SeleneError
from selene_os.ledger.events import PLAIN_KEY_ID, MemoryEvent
from selene_os.ledger.sqlite import bypasses
from selene_os.ledger.sqlite.connection import connect
from selene_os.ledger.sqlite.store import SqliteStore

# What a file cannot refuse to whoever may write it. Each is seen, or needs a signed checkpoint.
BEYOND_THE_FILE = (
    ("turn triggers off on a connection of one's own, and change rows", "only a signed checkpoint"),
    ("drop or edit a trigger, then change rows and put it back", "only a signed checkpoint"),
    ("drop or edit a trigger, and leave it so", "selene doctor"),
    ("write the schema table, turn checks off", "selene doctor"),
    ("replace the whole file by an older or another one", "only a signed checkpoint"),
)


@click.command()
@db_option
@json_option
def doctor(db: str | None, as_json: bool) -> None:
    """Try to get round the ledger's guards, on a scratch copy, and check what is there.

    Nothing in the ledger itself is changed. Exit 0 where everything held, 3 where something
    differs from what it must be.
    """
    path = sqlite_path(address(db))
    connection = connect(path, write=True)
    try:
        schema = bypasses.schema_differences(connection, path)
        faults = bypasses.row_faults(connection)
        with tempfile.TemporaryDirectory(prefix="selene-doctor-") as folder:
            copy = str(Path(folder) / "scratch.db")
            try:
                bypasses.scratch(connection, copy)
                _fill(copy)
                tried = bypasses.attempts(copy)
            except (SeleneError, apsw.Error) as error:
                # A guard or table that is missing, or was added: what was found, not a failure.
                schema.append(f"a scratch copy of this schema cannot be used ({error})")
                tried = []
    finally:
        connection.close()
    failed = [attempt for attempt in tried if not attempt.held]
    if as_json:
        click.echo(dumps(_record(path, schema, faults, tried)))
    else:
        _print(path, schema, faults, tried)
    if schema or faults or failed:
        click.get_current_context().exit(3)


def _fill(path: str) -> None:
    """Give every table of the copy a row to attack, whatever the ledger holds."""
    around = library.system()
    tenant_id = names.parse_tenant_id(f"doctor-{around.correlation_id()[:8]}")
    store = SqliteStore(path, synchronous="OFF")
    with library.Selene(store, around) as selene:
        selene.add_tenant(tenant_id)
        tenant = selene.tenant(tenant_id)
        device = f"device-{tenant_id}"
        tenant.register("doctor", device, "session")
        tenant.commit_decision(Chat(), "doctor", device, session="session", text="hello")
        store.append_memory(_memory(tenant_id, around.event_id(), around.clock()))


def _memory(tenant_id: names.TenantId, event_id: names.EventId, at: int) -> MemoryEvent:
    return MemoryEvent(
        tenant_id,
        event_id,
        names.parse_user_id("doctor"),
        "k",
        0,
        "STORED",
        b"{}",
        PLAIN_KEY_ID,
        "WORKING",
        "LOW",
        "HIGH",
        "NOT_REQUESTED",
        "USER_REQUESTED_ONLY",
        None,
        "doctor",
        names.parse_idempotency_key("doctor"),
        at,
    )


def _record(
    path: str, schema: list[str], faults: list[str], tried: list[bypasses.Attempt]
) -> dict[str, Any]:
    return {
        "path": str(Path(path).absolute()),
        "schema_differences": schema,
        "row_faults": faults,
        "attempts": [{"name": a.name, "held": a.held, "found": a.found} for a in tried],
        "beyond_the_file": [{"name": name, "seen_by": by} for name, by in BEYOND_THE_FILE],
        "held": not schema and not faults and all(attempt.held for attempt in tried),
    }


def _print(path: str, schema: list[str], faults: list[str], tried: list[bypasses.Attempt]) -> None:
    good, bad = click.style("held", fg="green"), click.style("BROKEN", fg="red", bold=True)
    click.echo(f"Ledger {Path(path).absolute()}")
    click.echo(f"Schema: {'as its migrations made it' if not schema else '; '.join(schema)}")
    click.echo(f"Rows:   {'sound' if not faults else '; '.join(faults)}")
    click.echo("Tried on a scratch copy, by SQL on a connection of its own:")
    for attempt in tried:
        click.echo(f"  {good if attempt.held else bad}  {attempt.name}: {attempt.found}")
    click.echo("What no file can refuse to whoever may write it, and what shows it:")
    for name, seen_by in BEYOND_THE_FILE:
        click.echo(f"  {name}: {seen_by}")
    click.echo(
        f"{sum(a.held for a in tried)} of {len(tried)} attempts held."
        + ("" if not schema and not faults else " The ledger itself differs: see above.")
    )
