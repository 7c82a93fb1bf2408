"""Requests that read: conversations, decisions, search, replay.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from typing import Literal

from selene_os.client.answers import Decision, Explained, Found, Memories, Packs, Replayed, Story
from selene_os.client.asking import Ask, ask


def trace(correlation_id: str, *, explain: bool = False) -> Ask[Story]:
    """Tell a conversation: its decisions by turn.

    With `explain=true` the whole story: what was said, what each engine did with it, what
    waited for a yes and what became of it.

    Args:
        explain: Tell how each decision came about.
    """
    return ask(
        "trace",
        "GET",
        (
            "conversations",
            correlation_id,
        ),
        Story,
        query={"explain": explain},
    )


def replay(correlation_id: str) -> Ask[Replayed]:
    """Decide a conversation's events again and compare, field by field."""
    return ask(
        "replay",
        "POST",
        (
            "conversations",
            correlation_id,
            "replay",
        ),
        Replayed,
    )


def search(
    *,
    intent: str | None = None,
    reason: str | None = None,
    decision: Literal[
        "INTENT_DRAFT", "CLARIFY", "CHAT", "PROFILE", "CONFIRMED", "DECLINED", "CHANGED"
    ]
    | None = None,
    user: str | None = None,
    device: str | None = None,
    since: str | None = None,
    until: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Ask[Found]:
    """Find decisions, the newest first, page by page.

    All that is given must hold. `Link: rel=next` and `next_cursor` lead on.

    Args:
        intent: Only drafts of this intent type.
        reason: Only this reason code, by name or number.
        user: The user.
        device: Only what was decided on this device.
        since: RFC 3339, or nanoseconds since 1970 UTC in digits.
        until: RFC 3339, or nanoseconds since 1970 UTC in digits.
        cursor: Of the page before.
    """
    return ask(
        "search",
        "GET",
        ("decisions",),
        Found,
        query={
            "intent": intent,
            "reason": reason,
            "decision": decision,
            "user": user,
            "device": device,
            "since": since,
            "until": until,
            "cursor": cursor,
            "limit": limit,
        },
    )


def get_decision(event_id: str, *, record: bool = False) -> Ask[Decision]:
    """Read one decision, with what made it.

    Args:
        record: With its record, which holds what was said; scope export.
    """
    return ask(
        "getDecision",
        "GET",
        (
            "decisions",
            event_id,
        ),
        Decision,
        query={"record": record},
    )


def explain(
    text: str,
    *,
    now: str | None = None,
    language: Literal["en", "zh"] = "en",
    transcript_confidence: Literal["HIGH", "MED", "LOW"] = "HIGH",
) -> Ask[Explained]:
    """Understand an utterance and tell why; nothing is stored.

    Args:
        text: What was said, 1 to 32,768 bytes of UTF-8.
        now: The moment of speaking, ISO 8601 with its offset.
    """
    return ask(
        "explain",
        "POST",
        ("explain",),
        Explained,
        body={
            "text": text,
            "now": now,
            "language": language,
            "transcript_confidence": transcript_confidence,
        },
    )


def get_packs() -> Ask[Packs]:
    """List what can be asked for."""
    return ask("getPacks", "GET", ("packs",), Packs)


def list_memories(user_id: str, *, at: str | None = None) -> Ask[Memories]:
    """List what is remembered of a user.

    Args:
        at: RFC 3339, or nanoseconds since 1970 UTC in digits.
    """
    return ask(
        "listMemories",
        "GET",
        (
            "memories",
            user_id,
        ),
        Memories,
        query={"at": at},
    )
