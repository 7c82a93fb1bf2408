"""`selene normalize`, `explain` and `times`: understanding without a ledger."""

from __future__ import annotations

import io
import sys
from functools import partial

import click

from selene_os.edges import wire
from selene_os.edges.cli.explanation import explained
from selene_os.edges.cli.options import json_option, loaded, pack_option, show
from selene_os.engines import nlp
from selene_os.engines.nlp.explaining import explain as explain_request


@click.command()
@click.option(
    "--jsonl", is_flag=True, help="Read one JSON request a line, write one answer a line."
)
@click.option("--now", help="The moment of speaking, ISO 8601 with offset.")
@click.option("--language", default="en", show_default=True, help="en or zh.")
@pack_option
@click.argument("text", required=False)
def normalize(
    jsonl: bool, now: str | None, language: str, packs: tuple[str, ...], text: str | None
) -> None:
    """Understand utterances without a ledger.

    With --jsonl: requests on stdin, answers on stdout in the same order, each flushed. A bad line
    gives {"error": …} on its own line, and the run goes on.
    """
    pack = loaded(packs)
    if jsonl:
        _answer_stdin(partial(wire.normalize, pack=pack))
        return
    if text is None:
        raise click.UsageError("Give TEXT, or --jsonl and requests on stdin.")
    request = {"text": text, "language": language} | ({"now": now} if now else {})
    click.echo(wire.dumps(wire.normalize(request, pack)))


@click.command()
@click.option("--now", help="The moment of speaking, ISO 8601 with offset.")
@click.option("--language", default="en", show_default=True, help="en or zh.")
@click.option("--policy", default="ask", show_default=True, help="ask or next_occurrence.")
@pack_option
@json_option
@click.argument("text")
def explain(
    now: str | None,
    language: str,
    policy: str,
    packs: tuple[str, ...],
    as_json: bool,
    text: str,
) -> None:
    """Show why an utterance comes to what it comes to.

    What was passed over, which values and patterns were found, what was set aside and why, what
    the scorer said, and the outcome. Nothing is recorded.
    """
    pack = loaded(packs)
    request = {"text": text, "language": language, "now": now, "policy": {"time": policy}}
    explanation = explain_request(nlp.decode_request(request), pack)
    show(as_json, explanation.as_record(), explained(explanation))


@click.command()
@click.option(
    "--jsonl", is_flag=True, help="Read one JSON request a line, write one answer a line."
)
@click.option("--now", help="The moment of speaking, local: 2026-11-21T09:30:00.")
@click.option("--policy", default="ask", show_default=True, help="ask or next_occurrence.")
@click.option("--order", help="How 10/11 is read: DMY, MDY or YMD; without it, both ways.")
@click.argument("text", required=False)
def times(jsonl: bool, now: str | None, policy: str, order: str | None, text: str | None) -> None:
    """Find the time expressions of a text, English and Chinese.

    With --jsonl: {"text", "reference_time"} a line, and {"times": […]} in the same order. A bad
    line gives {"error": …} on its own line, and the run goes on.
    """
    if jsonl:
        _answer_stdin(wire.find_times)
        return
    if text is None:
        raise click.UsageError("Give TEXT, or --jsonl and requests on stdin.")
    request = {"text": text, "reference_time": now, "policy": policy, "order": order}
    click.echo(wire.dumps(wire.find_times(request)))


def _answer_stdin(answer: wire.Answering) -> None:
    if sys.stdin is None or sys.stdin.closed:
        raise click.UsageError("There is no stdin to read requests from.")
    # A byte that is no UTF-8 becomes half a surrogate pair, which the request refuses by name.
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape")
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
    wire.answer_lines(lines, out, answer)
    out.detach()
