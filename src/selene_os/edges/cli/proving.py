"""`selene seal`, `verify`, `checkpoint` and `signing-key`: proof that no row was changed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from selene_os.edges import sealing, signing_keys
from selene_os.edges import verifying as runs
from selene_os.edges.cli.options import (
    address,
    db_option,
    json_option,
    keys_of,
    ledger,
    named_database,
    settings,
    show,
)
from selene_os.edges.cli.paint import moment
from selene_os.edges.configuration import every_s
from selene_os.edges.settings import CHECKPOINT_HOOK
from selene_os.edges.wire import dumps
from selene_os.errors import BadField, NotFound
from selene_os.ledger.events import CheckpointRow
from selene_os.names import TenantId, parse_tenant_id
from selene_os.proof.verification import Verified
from selene_os.proof.verifying import Difference


@click.command()
@click.option("--every", metavar="TIME", help="Again and again: 1s, 500ms, 5m; ends with Ctrl-C.")
@click.option(
    "--hook",
    metavar="COMMAND|URL",
    help="What takes the newest checkpoint out: a command gets it on stdin, an address by POST;"
    f" else {CHECKPOINT_HOOK}.",
)
@db_option
@json_option
def seal(every: str | None, hook: str | None, db: str | None, as_json: bool) -> None:
    """Take what is committed into each tenant's tree, and sign what the tree is then.

    Once, or with --every for as long as it runs. Several may run; what one seals the others leave.
    """
    seconds = None if every is None else every_s(every)
    carrier = sealing.Hook(hook or settings().get(CHECKPOINT_HOOK))
    rows: dict[str, int] = {}

    def told(row: CheckpointRow, count: int) -> None:
        rows[row.tenant_id] = rows.get(row.tenant_id, 0) + count
        if every is None:
            carrier.note(row)
        else:
            record = {"tenant_id": row.tenant_id, "rows": count, "size": row.size}
            show(as_json, record, f"{row.tenant_id}: {count} rows, {row.size} in all")

    stop = threading.Event()
    if seconds is not None:
        # Before anything is open: who ends it in its first moment has it end in order as well.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    with ledger(db) as store:
        sealer = sealing.sealer_of(store, keys_of(db), time.time_ns)
        if seconds is None:
            try:
                sealer.seal_all(told)
            finally:
                # Also where one tenant could not be sealed: the others were.
                record = {"rows": sum(rows.values()), "tenants": rows}
                lines = [f"{tenant_id}: {count} rows sealed" for tenant_id, count in rows.items()]
                show(as_json, record, "\n".join(lines) or "Nothing was sealed.")
            carrier.carry()
            return
        sealing.run(sealer, seconds, stop, told, _tell, carrier)


def _tell(fault: Exception) -> None:
    click.echo(f"selene: {fault}", err=True)


@click.command()
@click.option("--tenant", "tenants", multiple=True, help="A tenant; may be repeated; else all.")
@click.option(
    "--key",
    "given",
    multiple=True,
    metavar="KEY|FILE",
    help="A verifier key to believe, by its line or in a file; else the keys directory's.",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that was kept elsewhere: the log must still begin with it. May be repeated.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file for the last checkpoint that held: begins behind it, and keeps it up to date.",
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; by default all processors.")
@db_option
@json_option
def verify(
    tenants: tuple[str, ...],
    given: tuple[str, ...],
    against: tuple[Path, ...],
    resume: Path | None,
    jobs: int | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Make every leaf again from its row and every root from the leaves, and compare.

    Also checked: the signatures, that each checkpoint begins with those before it, the guards of
    the schema, and that no row stands there that nobody committed. Exit 3 where anything differs.
    """
    url = address(db)
    trusted = runs.keys_to_believe(given, keys_of(db))
    kept = [(path, _read(path, "against")) for path in against]
    if resume is not None and len(tenants) != 1:
        raise click.UsageError("--resume is of one log: name its --tenant.")
    schema = named_database(db).schema_differences()
    found = []
    with ledger(db) as store:
        named = [parse_tenant_id(one) for one in tenants]
        known = [row.tenant_id for row in store.tenants()]
        for tenant_id in named:
            if tenant_id not in known:
                raise NotFound(f"{tenant_id!r} is not known", "See `selene tenant list`.")
        notes = [(_whose(path, note), note) for path, note in kept]
        for tenant_id, _ in notes:
            if tenant_id not in (named or known):
                raise BadField("against", f"is of a tenant {tenant_id}", "Name that --tenant.")
        for tenant_id in named or known:
            after = _read(resume, "resume") if resume is not None and resume.exists() else None
            with _progress(tenant_id, as_json) as told:
                came = runs.verify_tenant(
                    store,
                    tenant_id,
                    trusted,
                    runs.many_processes(url, tenant_id, jobs or os.cpu_count() or 1),
                    against=[note for whose, note in notes if whose == tenant_id],
                    after=after,
                    told=told,
                )
            if resume is not None and came.held and came.newest is not None:
                _keep(resume, came.newest.note, "resume")
            found.append(came)
    _show_verified(as_json, schema, found, bool(given))
    if schema or not all(came.held for came in found):
        click.get_current_context().exit(3)


@contextmanager
def _progress(tenant_id: str, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """A line that says how far it is, on a terminal."""
    shown = sys.stderr.isatty() and not as_json

    def told(done: int, of: int) -> None:
        if shown:
            part = f"{100 * done // of} %"
            click.echo(f"\r{tenant_id}: {done} of {of} rows ({part})", err=True, nl=False)

    try:
        yield told
    finally:
        if shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def _read(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"{str(path)!r} cannot be read ({error.strerror})"
        raise BadField(field, problem, "Give a checkpoint's file.") from error


def _whose(path: Path, note: bytes) -> TenantId:
    try:
        return runs.tenant_of(note)
    except BadField as error:
        problem = f"{str(path)!r} is no checkpoint: {error.field} {error.problem}"
        raise BadField("against", problem, "Give a file that `selene checkpoint` wrote.") from error


def _keep(path: Path, note: bytes, field: str) -> None:
    """Replace a file as a whole, so that one that is cut off leaves the old one."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_bytes(note)
        beside.replace(path)
    except OSError as error:
        problem = f"{str(path)!r} cannot be written ({error.strerror})"
        raise BadField(field, problem, "Name a file in a directory that is there.") from error


def _show_verified(as_json: bool, schema: list[str], found: list[Verified], given: bool) -> None:
    held = not schema and all(came.held for came in found)
    if as_json:
        record = {"held": held, "schema": schema, "tenants": [_record(came) for came in found]}
        click.echo(dumps(record))
        return
    for one in schema:
        click.echo(f"{click.style('DIFFERS', fg='red', bold=True)}  schema: {one}")
    for came in found:
        _print(came)
    if not held:
        click.echo("Something is not as it was signed: see above, the first difference first.")
    elif not given:
        click.echo(
            "Checked with the keys that lie beside the ledger. Who does not trust its keeper gives"
            " --key and --against."
        )


def _print(came: Verified) -> None:
    mark = (
        click.style("held", fg="green")
        if came.held
        else click.style("DIFFERS", fg="red", bold=True)
    )
    waiting = f", {came.counts.unsealed} wait" if came.counts.unsealed else ""
    behind = "" if came.checked == came.size else f" ({came.checked} of them now)"
    newest = f", the newest of {moment(came.newest.created_at)}" if came.newest else ""
    click.echo(
        f"{mark}  {came.tenant_id}: {came.size} rows sealed{behind}{waiting},"
        f" {came.checkpoints} checkpoints{newest}"
    )
    for one in came.differences:
        click.echo(f"  {_line(one)}")


def _line(one: Difference) -> str:
    place = "" if one.leaf_index is None else f" leaf {one.leaf_index}"
    event = "" if one.event_id is None else f" event {one.event_id}"
    return f"{one.kind}{place}{event}: {one.found}"


def _record(came: Verified) -> dict[str, Any]:
    return {
        "tenant_id": came.tenant_id,
        "held": came.held,
        "size": came.size,
        "checked": came.checked,
        "checkpoints": came.checkpoints,
        "rows": came.counts.events,
        "unsealed": came.counts.unsealed,
        "differences": [
            {
                "kind": one.kind,
                "leaf_index": one.leaf_index,
                "event_id": one.event_id,
                "found": one.found,
            }
            for one in came.differences
        ],
    }


@click.command()
@click.option("--tenant", required=True, help="The tenant.")
@click.option("--size", type=click.IntRange(1), help="Of how many leaves; else the newest.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; else stdout.")
@db_option
def checkpoint(tenant: str, size: int | None, out: Path | None, db: str | None) -> None:
    """Write a tenant's newest checkpoint, for whoever keeps it elsewhere.

    Who has one can tell at any time whether a row behind it was changed: `selene verify --against`.
    """
    with ledger(db) as store:
        row = store.proofs.checkpoint(parse_tenant_id(tenant), size)
    if row is None:
        raise NotFound(
            f"{tenant!r} has no checkpoint" + ("" if size is None else f" of {size} leaves"),
            "Make one with `selene seal`.",
        )
    if out is None:
        click.echo(row.note, nl=False)
    else:
        _keep(out, row.note, "out")
        click.echo(f"The checkpoint of {row.size} rows of {tenant} is in {out}.")


@click.group(name="signing-key")
def signing_key() -> None:
    """The key that signs checkpoints."""


@signing_key.command("show")
@db_option
@json_option
def show_key(db: str | None, as_json: bool) -> None:
    """Show every verifier key of the log, the oldest first: what an auditor is given."""
    _show_keys(as_json, signing_keys.load(keys_of(db)))


@signing_key.command("rotate")
@db_option
@json_option
def rotate(db: str | None, as_json: bool) -> None:
    """Let a new key sign from now on; the old one signs that, and is gone.

    Whoever trusts the old key can follow to the new one. Sealers that run go on with the old one
    until they are started again; do that at once.
    """
    _show_keys(as_json, signing_keys.rotate(keys_of(db)))


def _show_keys(as_json: bool, log: signing_keys.Log) -> None:
    keys = [key.encode() for key, _ in log.keys]
    record = {"log": log.signer.name, "keys": keys, "key_id": log.signer.key_id.hex()}
    show(as_json, record, "\n".join(keys))
