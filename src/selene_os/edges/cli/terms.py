"""`selene terms`: what a tenant's people, products and projects are called."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from selene_os.dictionary import Imported, Line
from selene_os.edges import term_files, wire
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import db_option, json_option, opened, show, tenant_option
from selene_os.engines.know import Entry

_ID_SHOWN_MAX = 128


@click.group()
def terms() -> None:
    """Import, list and remove a tenant's terms."""


@terms.command("import")
@tenant_option
@click.option("--format", "form", type=click.Choice(term_files.FORMATS), help="Of FILE.")
@click.option("--replace", "replace_all", is_flag=True, help="Take out what FILE does not hold.")
@click.option("--skip-refused", is_flag=True, help="Take the good lines where others are refused.")
@db_option
@json_option
@click.argument("file")
def terms_import(
    tenant: str,
    form: str | None,
    replace_all: bool,
    skip_refused: bool,
    db: str | None,
    as_json: bool,
    file: str,
) -> None:
    """Add terms, or change those of the same id, from FILE; "-" is JSONL on stdin.

    A CSV names the keys in its first line: entry_id, tenant_id, kind, source, canonical, locale,
    evidence_ref. JSONL has one object with these keys a line. kind, source and canonical must be
    there. Where one line is refused nothing is written, and the command ends with 2.
    """
    form = form or (term_files.JSONL if file == "-" else term_files.format_of(file))
    if form is None:
        raise click.UsageError(f"Which format has {file!r}? Say --format csv or --format jsonl.")
    content = _stdin() if file == "-" else term_files.load(file)
    lines = term_files.lines_of(content, form)
    with opened(db) as selene:
        imported = selene.tenant(tenant).import_terms(
            [line.given for line in lines], replace_all=replace_all, skip_refused=skip_refused
        )
    imported = term_files.told(imported, lines)
    show(as_json, wire.imported_record(imported), _report(imported))
    if not imported.written:
        click.get_current_context().exit(2)


@terms.command("list")
@tenant_option
@click.option("--jsonl", is_flag=True, help="One object a line, as `terms import` takes it.")
@db_option
@json_option
def terms_list(tenant: str, jsonl: bool, db: str | None, as_json: bool) -> None:
    """List a tenant's terms, by id."""
    with opened(db) as selene:
        found = selene.tenant(tenant)
        entries, digest = found.terms(), found.settings.terms_digest
    if jsonl:
        for entry in entries:
            click.echo(wire.dumps(asdict(entry)))
        return
    record: dict[str, Any] = {"terms": [asdict(entry) for entry in entries], "digest": digest}
    lines = paint.columns([_row(entry) for entry in entries]) if entries else []
    show(as_json, record, "\n".join([*lines, _sum(len(entries), digest)]))


@terms.command("remove")
@tenant_option
@db_option
@json_option
@click.argument("entry_ids", nargs=-1, required=True, metavar="ID…")
def terms_remove(tenant: str, db: str | None, as_json: bool, entry_ids: tuple[str, ...]) -> None:
    """Take terms out, all of them or none."""
    with opened(db) as selene:
        removed = selene.tenant(tenant).remove_terms(entry_ids)
    text = [f"removed  {line.entry_id}" for line in removed.lines]
    text.append(_sum(removed.terms, removed.digest))
    show(as_json, wire.imported_record(removed), "\n".join(text))


def _stdin() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise click.UsageError("There is no stdin to read terms from.")
    return term_files.read(sys.stdin.buffer)


def _row(entry: Entry) -> tuple[str, ...]:
    told = (entry.entry_id, entry.kind, entry.canonical, entry.locale, entry.source)
    return tuple(paint.shown(cell) for cell in (*told, entry.evidence_ref or ""))


def _report(imported: Imported) -> str:
    lines = [f"line {line.number:<6} {line.became:<8} {_told(line)}" for line in imported.lines]
    refused = sum(line.refusal is not None for line in imported.lines)
    if not imported.written:
        lines.append(
            f"Nothing was written, because {_lines(refused)} {'was' if refused == 1 else 'were'}"
            " refused. Mend the file, or say --skip-refused to take the others."
        )
    elif refused:
        lines.append(f"Left out, because refused: {refused} of {_lines(len(imported.lines))}.")
    return "\n".join([*lines, _sum(imported.terms, imported.digest)])


def _told(line: Line) -> str:
    named = "" if line.entry_id is None else paint.shown(line.entry_id[:_ID_SHOWN_MAX])
    refusal = line.refusal
    if refusal is None:
        return named
    # What is wrong with the line as a whole stands behind the line's number.
    field = "" if refusal.field == "line" else f"{refusal.field} "
    why = paint.shown(f"{field}{refusal.problem}. {refusal.next_step} ({refusal.reason})")
    return f"{named}: {why}" if named else why


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _sum(count: int, digest: str | None) -> str:
    named = "no terms were imported yet" if digest is None else f"digest {digest}"
    return f"{count} {'term' if count == 1 else 'terms'}; {named}"
