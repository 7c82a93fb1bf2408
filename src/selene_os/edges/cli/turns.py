"""`selene say`, `persona` and `trace`."""

from __future__ import annotations

import sys

import click

from selene_os.edges import wire
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import (
    db_option,
    device_option,
    json_option,
    nanoseconds,
    opened,
    pack_option,
    place_options,
    session_option,
    show,
    tenant_option,
    user_option,
)
from selene_os.engines.persona import Signal
from selene_os.registry import DECISIONS


@click.command()
@tenant_option
@user_option
@device_option
@session_option
@place_options
@click.option("--now", help="The moment of speaking, ISO 8601 with offset; by default the clock.")
@click.option("--language", default="en", show_default=True, help="en or zh.")
@pack_option
@db_option
@json_option
@click.argument("text")
def say(
    tenant: str,
    user: str,
    device: str,
    session: str | None,
    correlation: str | None,
    turn: int | None,
    key: str | None,
    now: str | None,
    language: str,
    packs: tuple[str, ...],
    db: str | None,
    as_json: bool,
    text: str,
) -> None:
    """Understand an utterance and record the decision. TEXT "-" reads it from stdin.

    The same --correlation and --turn again, or the same --key, is a retry: nothing more is
    written, and the first row's id comes back.
    """
    said = _stdin() if text == "-" else text
    with opened(db, packs) as selene:
        answer = selene.tenant(tenant).take_turn(
            user,
            device,
            said,
            session=session,
            correlation=correlation,
            turn=turn,
            key=key,
            now=now,
            language=language,
        )
    dedup = ""
    if answer.deduplicated:
        same = "said the same" if answer.same_decision else "said something else"
        dedup = f"  (there already; this try {same})"
    show(
        as_json,
        wire.answer_record(answer),
        f"{paint.answer(said, answer.result)}\n"
        f"  row       {answer.event_id}{dedup}\n"
        f"  turn      {answer.turn_id} of --correlation {answer.correlation_id}",
    )


def _stdin() -> str:
    """What stands on stdin; a byte that is no UTF-8 is refused by name where it is parsed."""
    if sys.stdin is None:
        raise click.UsageError("There is no stdin to read the text from.")
    return sys.stdin.buffer.read().decode(errors="surrogateescape").removesuffix("\n")


@click.command()
@tenant_option
@user_option
@device_option
@session_option
@place_options
@click.option("--speaker", help="The verified speaker; without one the commit is refused.")
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="KEY=VALUE",
    help="A preference, the latest last; may be repeated.",
)
@click.option(
    "--place",
    type=click.Choice(["PRIVATE", "SHARED", "UNKNOWN"]),
    default="UNKNOWN",
    show_default=True,
    help="Who may hear or see the answer.",
)
@click.option("--style-hint", help="DOMINANT, GENTLE or NEUTRAL, from PH1.EMO.GUIDE.")
@db_option
@json_option
def persona(
    tenant: str,
    user: str,
    device: str,
    session: str | None,
    correlation: str | None,
    turn: int | None,
    key: str | None,
    speaker: str | None,
    signals: tuple[str, ...],
    place: str,
    style_hint: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Decide and record a verified user's tone and delivery.

    Keys of signals: preferred_language, brevity_preference, response_tone_target,
    privacy_preference, confirmation_preference.
    """
    given = []
    for number, signal in enumerate(signals, 1):
        name, mark, value = signal.partition("=")
        if not mark:
            raise click.UsageError(f"--signal {signal!r} is no KEY=VALUE.")
        given.append(Signal(name, value, f"cli:signal:{number}"))
    with opened(db) as selene:
        profile = selene.tenant(tenant).commit_profile(
            user,
            device,
            speaker=speaker,
            signals=given,
            place=place,
            style_hint=style_hint,
            session=session,
            correlation=correlation,
            turn=turn,
            key=key,
        )
    record = wire.profile_record(profile)
    notes = [f"  note      {note}" for note in profile.result.diagnostics]
    show(
        as_json,
        record,
        "\n".join(
            [
                f"PROFILE {record['style_profile_ref']} {record['delivery_policy_ref']}"
                f" {record['brevity_ref']}",
                f"  because   {', '.join(f'{k}: {v}' for k, v in record['evidence'].items())}",
                *notes,
                f"  snapshot  {record['preferences_snapshot_ref']}",
                f"  row       {record['event_id']}"
                + ("  (there already)" if profile.receipt.deduplicated else ""),
                f"  turn      {profile.turn_id} of --correlation {profile.correlation_id}",
            ]
        ),
    )


@click.command()
@tenant_option
@click.option("--correlation", required=True, help="The conversation.")
@db_option
@json_option
def trace(tenant: str, correlation: str, db: str | None, as_json: bool) -> None:
    """Show the decisions of one conversation, by turn."""
    with opened(db) as selene:
        events = selene.tenant(tenant).trace(correlation)
    if as_json:
        click.echo(wire.dumps({"events": [wire.event_record(event) for event in events]}))
        return
    for event in events:
        click.echo(paint.event(event))
    if not events:
        click.echo(f"Tenant {tenant} has no conversation {correlation}.")


@click.command()
@tenant_option
@click.option("--intent", help="Only drafts of this intent type.")
@click.option("--reason", help="Only rows with this reason code: its name or number.")
@click.option("--decision", type=click.Choice(DECISIONS), help="Only rows of this kind.")
@click.option("--user", help="Only rows of this user.")
@click.option("--since", help="Only rows from this moment on: 2026-01-31 or 2026-01-31T09:00Z.")
@click.option("--until", help="Only rows before this moment.")
@click.option("--after", metavar="CURSOR", help="Go on behind this row, as the page before says.")
@click.option("--rows", type=int, default=50, show_default=True, help="Rows of a page, to 1,000.")
@db_option
@json_option
def search(
    tenant: str,
    intent: str | None,
    reason: str | None,
    decision: str | None,
    user: str | None,
    since: str | None,
    until: str | None,
    after: str | None,
    rows: int,
    db: str | None,
    as_json: bool,
) -> None:
    """Find decisions of a tenant, the newest first; all that is given must hold."""
    with opened(db) as selene:
        page = selene.tenant(tenant).search(
            intent=intent,
            reason=reason,
            decision=decision,
            user=user,
            since=None if since is None else nanoseconds("since", since),
            until=None if until is None else nanoseconds("until", until),
            after=after,
            rows=rows,
        )
    if as_json:
        events = [wire.event_record(event) for event in page.events]
        click.echo(wire.dumps({"events": events, "cursor": page.cursor}))
        return
    for event in page.events:
        click.echo(paint.found(event))
    if not page.events:
        click.echo("Nothing was found.")
    if page.cursor is not None:
        click.echo(f"More: --after {page.cursor}")
