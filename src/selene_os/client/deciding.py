"""Requests that make rows: turns, profiles, decisions that are brought, a yes.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from selene_os.client.answers import Brought, ProfileAnswer, TurnAnswer, Verdicts
from selene_os.client.asking import Ask, ask
from selene_os.client.bodies import BringOne, Chat, Clarify, Draft, Salient, Signal, UncertainSpan


def take_turn(
    user_id: str,
    device_id: str,
    text: str,
    *,
    session_id: str | None = None,
    correlation_id: str | None = None,
    turn_id: int | None = None,
    now: str | None = None,
    language: Literal["en", "zh"] = "en",
    source: Literal["TYPED_TEXT", "VOICE_TRANSCRIPT"] = "TYPED_TEXT",
    transcript_confidence: Literal["HIGH", "MED", "LOW"] = "HIGH",
    privacy_scope: Literal["PUBLIC", "PRIVATE", "CONFIDENTIAL"] = "PRIVATE",
    uncertain_spans: Sequence[UncertainSpan] = (),
    salient: Sequence[Salient] = (),
    idempotency_key: str | None = None,
    traceparent: str | None = None,
) -> Ask[TurnAnswer]:
    """Understand one utterance and record the decision.

    The decision is an intent draft, one question, or chat; it never acts. Where a draft of the
    user's turn before waits for a yes, the utterance may be that yes. With an Idempotency-Key,
    or with correlation_id and turn_id, sending it again is a retry.

    Args:
        user_id: The user.
        device_id: A device of that user's.
        session_id: A session on that device.
        correlation_id: The conversation; a W3C trace id is one.
        turn_id: The turn; the next one where it is left out.
        text: What was said, 1 to 32,768 bytes of UTF-8.
        now: The moment of speaking, ISO 8601 with its offset.
        idempotency_key: the same for the same request, ever.
        traceparent: W3C trace context.
    """
    return ask(
        "takeTurn",
        "POST",
        ("turns",),
        TurnAnswer,
        body={
            "user_id": user_id,
            "device_id": device_id,
            "session_id": session_id,
            "correlation_id": correlation_id,
            "turn_id": turn_id,
            "text": text,
            "now": now,
            "language": language,
            "source": source,
            "transcript_confidence": transcript_confidence,
            "privacy_scope": privacy_scope,
            "uncertain_spans": uncertain_spans,
            "salient": salient,
        },
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        makes_key=True,
    )


def confirm(
    draft_event_id: str,
    *,
    confirmed: bool = True,
    user_id: str | None = None,
    device_id: str | None = None,
    session_id: str | None = None,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
) -> Ask[TurnAnswer]:
    """Record a user's yes or no to one draft, once and in time.

    Args:
        draft_event_id: An event's id, a UUID of version 7.
        user_id: The user.
        device_id: A device of that user's.
        session_id: A session on that device.
        idempotency_key: the same for the same request, ever.
        traceparent: W3C trace context.
    """
    return ask(
        "confirm",
        "POST",
        ("confirmations",),
        TurnAnswer,
        body={
            "draft_event_id": draft_event_id,
            "confirmed": confirmed,
            "user_id": user_id,
            "device_id": device_id,
            "session_id": session_id,
        },
        idempotency_key=idempotency_key,
        traceparent=traceparent,
    )


def commit_profile(
    user_id: str,
    device_id: str,
    *,
    session_id: str | None = None,
    correlation_id: str | None = None,
    turn_id: int | None = None,
    speaker_id: str | None = None,
    signals: Sequence[Signal] = (),
    place: Literal["PRIVATE", "SHARED", "UNKNOWN"] = "UNKNOWN",
    style_hint: Literal["DOMINANT", "GENTLE", "NEUTRAL"] | None = None,
    correction_event_count: int = 0,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
) -> Ask[ProfileAnswer]:
    """Decide and record a verified user's tone and delivery.

    Args:
        user_id: The user.
        device_id: A device of that user's.
        session_id: A session on that device.
        correlation_id: The conversation; a W3C trace id is one.
        turn_id: The turn; the next one where it is left out.
        speaker_id: The verified speaker.
        idempotency_key: the same for the same request, ever.
        traceparent: W3C trace context.
    """
    return ask(
        "commitProfile",
        "POST",
        ("profiles",),
        ProfileAnswer,
        body={
            "user_id": user_id,
            "device_id": device_id,
            "session_id": session_id,
            "correlation_id": correlation_id,
            "turn_id": turn_id,
            "speaker_id": speaker_id,
            "signals": signals,
            "place": place,
            "style_hint": style_hint,
            "correction_event_count": correction_event_count,
        },
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        makes_key=True,
    )


def bring_decision(
    user_id: str,
    device_id: str,
    decision: Draft | Clarify | Chat,
    *,
    session_id: str | None = None,
    correlation_id: str | None = None,
    turn_id: int | None = None,
    text: str | None = None,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
) -> Ask[Brought]:
    """Record one decision of your own understanding.

    Args:
        user_id: The user.
        device_id: A device of that user's.
        session_id: A session on that device.
        correlation_id: The conversation; a W3C trace id is one.
        turn_id: The turn; the next one where it is left out.
        text: What was said, 1 to 32,768 bytes of UTF-8.
        idempotency_key: the same for the same request, ever.
        traceparent: W3C trace context.
    """
    return ask(
        "bringDecision",
        "POST",
        ("decisions",),
        Brought,
        body={
            "user_id": user_id,
            "device_id": device_id,
            "session_id": session_id,
            "correlation_id": correlation_id,
            "turn_id": turn_id,
            "decision": decision,
            "text": text,
        },
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        makes_key=True,
    )


def bring_decisions(
    decisions: Sequence[BringOne],
    *,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
) -> Ask[Verdicts]:
    """Record up to 1,000 decisions in one transaction, each with its own verdict.

    The verdicts stand in the order of the decisions; the answer is 200 whatever they are. An
    item without a key gets the header's with its place: `<key>:1` and on. A traceparent is kept
    in each record and names no conversation: each item has one of its own.

    Args:
        idempotency_key: the same for the same request, ever.
        traceparent: W3C trace context.
    """
    return ask(
        "bringDecisions",
        "POST",
        (
            "decisions",
            "batch",
        ),
        Verdicts,
        body={"decisions": decisions},
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        makes_key=True,
    )
