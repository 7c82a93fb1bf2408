"""`selene bundle` and `verify-bundle`: a conversation's evidence as one file, made and checked."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selene_os.edges.cli.options import db_option, json_option, opened, show, tenant_option
from selene_os.edges.cli.paint import shown
from selene_os.errors import BadField

if TYPE_CHECKING:
    from selene_os.proof.judging import Judgement
    from selene_os.proof.signing import VerifierKey

_path = click.Path(path_type=Path)
_OWN_KEY = (
    "The key came with the bundle: its signature shows no more than that the bundle agrees with"
    " itself. Compare the key's id with the one you were given, or give it with --key."
)


@click.command()
@tenant_option
@click.option("--correlation", required=True, help="The conversation.")
@click.option("--out", required=True, type=_path, help="The new file, like case.zip.")
@click.option("--against", type=_path, help="An older checkpoint, to prove that the log grew on.")
@click.option("--unsealed", is_flag=True, help="Carry rows not sealed yet, as not proven.")
@click.option("--with-inputs", is_flag=True, help="Disclose what was said.")
@db_option
@json_option
def bundle(
    tenant: str,
    correlation: str,
    out: Path,
    against: Path | None,
    unsealed: bool,
    with_inputs: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Write a conversation's evidence as one file: rows, proofs, checkpoint, keys, a report.

    It can be checked without Selene, by the one Python file in it. What was said stays out of it
    unless --with-inputs is given.
    """
    older = None if against is None else _read("against", against)
    with opened(db) as selene:
        made = selene.tenant(tenant).bundle(
            correlation, against=older, unsealed=unsealed, with_inputs=with_inputs
        )
    try:
        with out.open("xb") as file:
            file.write(made)
    except FileExistsError:
        raise BadField("out", "is there already", "Name a new file.") from None
    except OSError as error:
        raise BadField("out", f"cannot be written ({error.strerror})", "Name another.") from None
    record = {"file": str(out), "bytes": len(made)}
    told = f"{shown(str(out))}: {len(made):,} bytes."
    show(as_json, record, f"{told} Check it: selene verify-bundle {shlex.quote(str(out))}")


@click.command()
@click.argument("file", type=_path)
@click.option("--key", "keys", multiple=True, help="A key that you trust: its line, or a file.")
@click.option("--against", type=_path, help="An older checkpoint that you kept.")
@json_option
def verify_bundle(file: Path, keys: tuple[str, ...], against: Path | None, as_json: bool) -> None:
    """Check a bundle: each byte of the zip, each row against the signed log, the report.

    Exit 0 where everything holds, 3 where anything differs, 4 where nothing differs but a row is
    not proven, 2 where the file cannot be read.
    """
    from selene_os.proof.judging import judge

    trusted = [key for given in keys for key in _keys(given)] if keys else None
    older = None if against is None else _read("against", against)
    found = judge(_read("file", file), trusted, older)
    if as_json:
        show(True, _record(found), "")
    else:
        for line in _lines(found):
            click.echo(line)
    click.get_current_context().exit(3 if not found.holds else 4 if found.has_gaps else 0)


def _read(field: str, path: Path) -> bytes:
    from selene_os.proof.archive import ARCHIVE_BYTES_MAX

    try:
        if path.stat().st_size > ARCHIVE_BYTES_MAX:
            raise BadField(field, "is larger than any bundle", "Name a bundle's file.")
        return path.read_bytes()
    except OSError as error:
        raise BadField(field, f"cannot be read ({error.strerror})", "Name a file.") from None


def _keys(given: str) -> list[VerifierKey]:
    """The keys of a line, or of a file of lines."""
    from selene_os.proof.signing import parse_verifier_key

    # A key has two + in it, as few paths have.
    if given.count("+") > 1:
        return [parse_verifier_key(given)]
    try:
        lines = Path(given).read_text("utf-8").split()
    except (OSError, ValueError):
        raise BadField("key", "is no key and no file of keys", "Give the key's line.") from None
    if not lines:
        raise BadField("key", "names a file without keys", "Give the key's line.")
    return list(map(parse_verifier_key, lines))


def _record(found: Judgement) -> dict[str, Any]:
    checkpoint = found.checkpoint
    row = found.case.rows[0].row if found.case else None
    return {
        "holds": found.holds,
        "tenant_id": row and row.tenant_id,
        "correlation_id": row and row.correlation_id,
        "rows": len(found.case.rows) if found.case else None,
        "unproven": list(found.unproven),
        "log": checkpoint and checkpoint.origin,
        "size": checkpoint and checkpoint.size,
        "root": checkpoint and checkpoint.root.hex(),
        "keys": [key.encode() for key in found.keys],
        "key_trusted": found.trusted,
        "begins_with": found.begins_with,
        "not_shown": found.not_shown,
        "findings": [one._asdict() for one in found.findings],
    }


def _lines(found: Judgement) -> list[str]:
    """What was found, for people: of what, whose word it is, what differs, what it comes to."""
    lines = []
    if found.case and found.checkpoint:
        row, log = found.case.rows[0].row, found.checkpoint
        talk = f"tenant {shown(row.tenant_id)}, conversation {shown(row.correlation_id)}"
        key = found.keys[-1]
        lines = [
            f"{len(found.case.rows)} rows of {talk}",
            f"Log {shown(log.origin)}: {log.size} leaves, root {log.root.hex()}, key"
            f" {shown(key.name)}+{key.key_id.hex()}",
        ]
        if not found.trusted:
            lines.append(_OWN_KEY)
    if found.begins_with is not None:
        lines.append(
            f"The log still begins with the {found.begins_with} leaves of your checkpoint."
        )
    differs = click.style("DIFFERS", fg="red", bold=True)
    for file, row_name, problem in found.findings:
        where = f"{file} row {row_name}" if row_name else file
        lines.append(f"{differs}  {shown(where)} {shown(problem)}")
    for event_id in found.unproven:
        lines.append(
            f"{click.style('NOT PROVEN', fg='yellow')}  row {shown(event_id)} was not sealed:"
            " nothing shows that it is as it was written"
        )
    if found.not_shown is not None:
        lines.append(
            f"{click.style('NOT PROVEN', fg='yellow')}  that the log still begins with the"
            f" {found.not_shown} leaves of your checkpoint: ask for a bundle made --against it"
        )
    if not found.holds:
        lines.append("Do not rely on this bundle.")
    elif found.has_gaps:
        lines.append("What could be checked holds.")
    else:
        lines.append(click.style("Everything holds.", fg="green"))
    return lines
