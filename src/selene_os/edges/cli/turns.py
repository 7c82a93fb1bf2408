"""`selene say`, `confirm` and `persona`: what makes a row."""

from __future__ import annotations

import sys

import click

from selene_os.edges import wire
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import (
    db_option,
    device_option,
    here,
    json_option,
    opened,
    pack_option,
    place_options,
    session_option,
    show,
    tenant_option,
    user_option,
)
from selene_os.engines.persona import Signal, Snapshot


@click.command()
@tenant_option
@user_option
@device_option
@session_option
@place_options
@click.option("--now", help="The moment of speaking, ISO 8601 with offset; by default the clock.")
@click.option("--language", default="en", show_default=True, help="en or zh.")
@click.option(
    "--source",
    type=click.Choice(["TYPED_TEXT", "VOICE_TRANSCRIPT"]),
    default="TYPED_TEXT",
    show_default=True,
    help="How it came.",
)
@click.option(
    "--transcript-confidence",
    type=click.Choice(["HIGH", "MED", "LOW"]),
    default="HIGH",
    show_default=True,
    help="How sure the transcriber was.",
)
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
    source: str,
    transcript_confidence: str,
    packs: tuple[str, ...],
    db: str | None,
    as_json: bool,
    text: str,
) -> None:
    """Understand an utterance and record the decision. TEXT "-" reads it from stdin.

    Where a draft of the turn before waits for a yes, TEXT may be that yes, a no, or say what is
    wanted otherwise. The same --correlation and --turn again, or the same --key, is a retry:
    nothing more is written, and the first row's id comes back.
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
            source=source,
            transcript_confidence=transcript_confidence,
        )
    show(as_json, wire.answer_record(answer), paint.turn(said, answer, tenant, here(db)))


@click.command()
@tenant_option
@click.option("--event", required=True, help="The draft's row.")
@click.option("--no", "declined", is_flag=True, help="Decline it.")
@click.option("--user", help="Who says so, to be checked: only the draft's own user may.")
@click.option("--device", help="Where it is said; by default the draft's device.")
@session_option
@click.option("--key", help="The idempotency key; by default of the draft's row.")
@db_option
@json_option
def confirm(
    tenant: str,
    event: str,
    declined: bool,
    user: str | None,
    device: str | None,
    session: str | None,
    key: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Say yes or no to a draft that waits for it.

    Once, and within the time that the tenant sets: see `selene tenant set … confirm_within_s=…`.
    The same again is a retry.
    """
    with opened(db) as selene:
        answer = selene.tenant(tenant).confirm(
            event, not declined, user=user, device=device, session=session, key=key
        )
    show(as_json, wire.answer_record(answer), paint.turn(None, answer, tenant, here(db)))


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
    notes = [f"  note      {note}" for note in (*profile.result.diagnostics, *profile.notes)]
    show(
        as_json,
        record,
        "\n".join(
            [
                f"PROFILE {record['style_profile_ref']} {record['delivery_policy_ref']}"
                f" {record['brevity_ref']}{_also(profile.snapshot)}",
                f"  because   {', '.join(f'{k}: {v}' for k, v in record['evidence'].items())}",
                *notes,
                f"  snapshot  {record['preferences_snapshot_ref']}",
                f"  row       {record['event_id']}"
                + ("  (there already)" if profile.receipt.deduplicated else ""),
                f"  turn      {profile.turn_id} of --correlation {profile.correlation_id}",
            ]
        ),
    )


def _also(snapshot: Snapshot) -> str:
    """The parts of a profile that it may lack."""
    told = {"language": snapshot.preferred_language, "confirm": snapshot.confirmation_ref}
    return "".join(f" {name}={value}" for name, value in told.items() if value)
