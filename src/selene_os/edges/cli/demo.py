"""`selene demo`: one conversation, from what was said to a row that the database guards."""

from __future__ import annotations

import tempfile
from pathlib import Path

import apsw
import click

from selene_os.edges import library
from selene_os.edges.cli import paint
from selene_os.errors import Refusal

_NOW = "2026-11-21T09:30:00+00:00"


@click.command()
def demo() -> None:
    """Hold one conversation in a scratch ledger and show what becomes of it."""
    with tempfile.TemporaryDirectory(prefix="selene-demo-") as folder:
        path = str(Path(folder) / "demo.db")
        with library.open(path, create=True) as selene:
            _prepare(selene)
            correlation = _converse(selene)
            _refuse(selene, correlation)
            _tamper(path)
            _trace(selene, correlation)
    click.echo(
        "\nThat is Selene: a decision with its evidence, a row that the database guards, and\n"
        "enough beside the row to decide again. Now with a ledger of your own:\n  selene init"
    )


def _title(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True, underline=True))


def _prepare(selene: library.Selene) -> None:
    selene.add_tenant("acme")
    selene.add_tenant("globex")
    selene.tenant("acme").register("alice", "kitchen")
    selene.tenant("globex").register("mallory", "lobby")


def _converse(selene: library.Selene) -> str:
    acme = selene.tenant("acme")
    _title("1. A complete request: every value has its evidence in the sentence")
    text = "remind me to call mom tomorrow at 5 pm"
    answer = acme.take_turn("alice", "kitchen", text, now=_NOW)
    click.echo(f'alice says: "{text}"\n{paint.answer(text, answer.result)}')
    click.echo(f"  row       {answer.event_id}")

    _title("2. A draft is no permission: alice says yes, once, to this draft alone")
    yes = acme.take_turn("alice", "kitchen", "yes", correlation=answer.correlation_id, now=_NOW)
    click.echo(f'alice says: "yes"\n{paint.turn("yes", yes, "acme", "")}')

    _title("3. Something is open: one question, and no guess")
    text = "send $20 to him"
    asked = acme.take_turn(
        "alice", "kitchen", text, correlation=answer.correlation_id, turn=3, now=_NOW
    )
    click.echo(f'alice says: "{text}"\n{paint.answer(text, asked.result)}')

    _title("4. The answer completes it; what was heard before is not asked again")
    text = "to Alex"
    drafted = acme.take_turn(
        "alice", "kitchen", text, correlation=answer.correlation_id, turn=4, now=_NOW
    )
    click.echo(f'alice says: "{text}"\n{paint.answer(text, drafted.result)}')

    _title("5. The network failed, the client tries again: nothing is written twice")
    again = acme.take_turn(
        "alice", "kitchen", text, correlation=answer.correlation_id, turn=4, now=_NOW
    )
    click.echo(f"first try  row {drafted.event_id}")
    click.echo(f"retry      row {again.event_id}  deduplicated: {again.deduplicated}")
    return answer.correlation_id


def _refuse(selene: library.Selene, correlation: str) -> None:
    _title("6. Another tenant writes on alice's device: refused, and nothing is left behind")
    try:
        selene.tenant("globex").take_turn(
            "mallory", "kitchen", "send $500 to Mallory", correlation=correlation, now=_NOW
        )
    except Refusal as refusal:
        click.echo(str(refusal))
    rows = selene.tenant("globex").trace(correlation)
    click.echo(f"rows of globex in this conversation: {len(rows)}")


def _tamper(path: str) -> None:
    _title("7. Someone with the file and SQL changes the record: the database refuses")
    stranger = apsw.Connection(path)
    for statement in (
        "UPDATE audit_events SET user_id = 'mallory'",
        "DELETE FROM audit_events",
        "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events",
    ):
        try:
            stranger.execute(statement)
            click.echo(f"{statement}\n  -> {stranger.changes()} rows changed")
        except apsw.Error as error:
            click.echo(f"{statement}\n  -> {error}")
    stranger.close()


def _trace(selene: library.Selene, correlation: str) -> None:
    _title("8. The conversation, as any auditor will read it")
    for event in selene.tenant("acme").trace(correlation):
        click.echo(paint.event(event))
