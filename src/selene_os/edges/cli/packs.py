"""`selene pack new`, `check` and `test`: a pack of one's own."""

from __future__ import annotations

from typing import Any

import click

from selene_os.edges import cases, packs
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import json_option, show
from selene_os.edges.wire import dumps
from selene_os.language.pack import Intent

_directory = click.argument("directory", metavar="DIR")


@click.group()
def pack() -> None:
    """Begin, check and test a pack of your own."""


@pack.command("new")
@_directory
@json_option
def new(directory: str, as_json: bool) -> None:
    """Write an example pack into DIR, to be changed into your own.

    It orders coffee, says in comments what each line is for, and passes its own cases. A directory
    that is there must be empty.
    """
    files = [str(file) for file in packs.begin(directory)]
    text = [
        f"A pack that orders coffee is in {directory}:",
        *(f"  {file}" for file in files),
        "Try it, then change it:",
        f"  selene pack test {directory}",
        f'  selene explain --pack {directory} "order me a flat white"',
    ]
    show(as_json, {"directory": directory, "files": files}, "\n".join(text))


@pack.command("check")
@_directory
@json_option
def check(directory: str, as_json: bool) -> None:
    """Load a pack beside the core pack, and show what it holds.

    A pack that cannot be used is refused with file, line and reason, exit 1.
    """
    held = packs.contents(directory)
    record = {
        "name": held.name,
        "version": held.version,
        "digest": held.digest,
        "intents": [
            {
                "intent_type": intent.intent_type,
                "required": list(intent.required),
                "one_of": list(intent.one_of),
                "optional": list(intent.optional),
                "confirm": intent.confirm,
                "sensitivity": intent.sensitivity,
            }
            for intent in held.intents
        ],
        "languages": held.patterns,
        "case_files": held.cases,
    }
    lines = [
        f"{held.name} {held.version} can be used beside the core pack.",
        *(f"  intent    {one.intent_type}: {_fields(one)}" for one in held.intents),
        *(f"  language  {code}: {count} patterns" for code, count in held.patterns.items()),
        f"  cases     {held.cases} file{'' if held.cases == 1 else 's'}",
        f"  digest    {held.digest} (with the core pack)",
    ]
    show(as_json, record, "\n".join(lines))


def _fields(intent: Intent) -> str:
    parts = [
        ("needs", intent.required, ", "),
        ("one of", intent.one_of, " or "),
        ("may have", intent.optional, ", "),
    ]
    said = "; ".join(f"{word} {mark.join(keys)}" for word, keys, mark in parts if keys)
    return f"{said or 'no fields'}; {'asks' if intent.confirm else 'does not ask'} to be confirmed"


@pack.command("test")
@_directory
@json_option
def test(directory: str, as_json: bool) -> None:
    """Run the cases of a pack, DIR/cases/*.toml, and show each that fails.

    Exit 1 where any does.
    """
    loaded = packs.load([directory])
    every = cases.read_cases(directory, loaded)
    failures: list[dict[str, Any]] = []
    for case in every:
        _, differences = cases.run_case(case, loaded)
        if differences:
            failures.append(_failure(case, differences))
    if as_json:
        record = {
            "cases": len(every), "passed": len(every) - len(failures), "failures": failures,
        }  # fmt: skip
        click.echo(dumps(record))
    else:
        for failure in failures:
            _print(failure)
        click.echo(f"{len(every) - len(failures)} of {len(every)} cases passed.")
    if failures:
        click.get_current_context().exit(1)


def _failure(case: cases.Case, differences: list[cases.Difference]) -> dict[str, Any]:
    return {
        "place": case.place,
        "text": case.text,
        "differences": [
            {"what": one.what, "wanted": one.wanted, "got": one.got} for one in differences
        ],
    }


def _print(failure: dict[str, Any]) -> None:
    bad = click.style("FAILED", fg="red", bold=True)
    click.echo(f"{bad} {failure['place']}: {paint.shown(failure['text'])}")
    width = max(len(one["what"]) for one in failure["differences"])
    for one in failure["differences"]:
        what, wanted, got = (paint.shown(one[key]) for key in ("what", "wanted", "got"))
        click.echo(f"  {what:<{width}}  wanted {wanted}")
        click.echo(f"  {'':<{width}}  got    {got}")
