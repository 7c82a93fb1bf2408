"""What PH1.PERSONA is told of a user: their wishes, out of memory and out of what they said.

A memory speaks only where its consent, its use policy and its time allow it. A line of conversation
speaks only where PH1.NLP took it for talk and it plainly says how to answer. What was forgotten or
has expired does not live on in the last profile. Source: docs/spec/000 §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from selene_os import records
from selene_os.engines import persona
from selene_os.errors import BadField, EngineRefused, IdentityRequired
from selene_os.ledger import codec
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    PLAIN_KEY_ID,
    AuditEvent,
    CurrentMemory,
    MemoryEvent,
    RecordedTurn,
    Utterance,
)
from selene_os.ledger.memories import is_held, words_of
from selene_os.ledger.store import Store
from selene_os.names import UserId
from selene_os.spots import Spot

# What may be used without being asked for.
_USABLE: Final = ("ALWAYS_USABLE", "CONTEXT_RELEVANT_ONLY")
_LINES_MAX: Final = 32
_UNREADABLE: Final = "(not readable)"
_PREVIOUS: Final = "previous_snapshot"
_DEFAULT: Final = "default"
_MEMORY: Final = "memory:"


def complete(
    store: Store,
    scope: codec.Scope,
    spot: Spot,
    wished: persona.Request,
    last: RecordedTurn | None,
    at: int,
) -> tuple[persona.Request, dict[str, str], tuple[str, ...]]:
    """What PH1.PERSONA is asked: what the caller gives, and what the ledger knows of the user.

    Args:
        wished: of the caller.
        last: the user's last profile.
        at: nanoseconds since 1970 UTC.

    Returns:
        The request; what each part of the last profile rests on; and what of the context was not
        used, and why.
    """
    if wished.speaker_id is None:
        # Nothing of a user is read for somebody who may be another.
        return wished, {}, ()
    memories = store.memory_current(scope.tenant_id, scope.user_id)
    talk = (scope.tenant_id, spot.correlation_id)
    lines = [] if spot.fresh else store.conversation(*talk)
    events = [] if spot.fresh else store.trace(*talk)
    found = read(memories, lines, events, scope.user_id, at)
    signals = _with_callers(found, wished.signals)
    if last is None or last.key_id == ERASED_KEY_ID:
        # A profile that was erased is one that never was: nobody knows what it rested on.
        return replace(wished, signals=signals), {}, found.notes
    rests = records.rests_of(last)
    parts = gone(rests, store.memory_events(scope.tenant_id, scope.user_id), at)
    notes = tuple(f"{part}: rested on a memory that is gone; taken back" for part in parts)
    asked = replace(
        wished,
        signals=signals,
        previous=records.snapshot_of(last),
        gone=tuple(persona.PARTS[part][0] for part in parts),
    )
    return asked, rests, (*found.notes, *notes)


@dataclass(frozen=True, slots=True)
class Context:
    """What was found of a user.

    Attributes:
        signals: their wishes, the latest last, at most one of a key.
        notes: what was there and not used, and why; never the words.
    """

    signals: tuple[persona.Signal, ...]
    notes: tuple[str, ...]


def read(
    memories: Sequence[CurrentMemory],
    lines: Sequence[Utterance],
    events: Sequence[AuditEvent],
    user_id: UserId,
    at: int,
) -> Context:
    """Gather a user's wishes.

    Args:
        memories: all of theirs, the forgotten ones too.
        lines, events: of the conversation that the profile is for; none where it is new.
        at: nanoseconds since 1970 UTC.
    """
    found: list[tuple[int, persona.Signal]] = []
    notes: list[str] = []
    for row in memories:
        if row.memory_key in persona.KEYS and row.active:
            if (refused := _unusable(row, at)) is not None:
                notes.append(f"memory {row.memory_key}: not used, {refused}")
            else:
                found.append((row.updated_at, _remembered(row)))
    talk = {
        event.turn_id
        for event in events
        if event.user_id == user_id
        and event.engine == codec.PH1_NLP
        and codec.decode_json(event.payload_min)["decision"] == "CHAT"
    }
    said = [
        line
        for line in lines
        if line.role == "USER" and line.user_id == user_id and line.turn_id in talk
    ]
    for line in said[-_LINES_MAX:]:
        if line.key_id == PLAIN_KEY_ID and (wish := persona.wish_of(line.text.decode())):
            ref = f"conversation:{line.correlation_id}:{line.turn_id}"
            found.append((line.created_at, persona.Signal(*wish, ref)))
    latest: dict[str, persona.Signal] = {}
    for _, signal in sorted(found, key=lambda one: (one[0], one[1].evidence_ref)):
        latest.pop(signal.key, None)
        latest[signal.key] = signal
    return Context(tuple(latest.values()), tuple(notes))


def _with_callers(context: Context, given: Sequence[persona.Signal]) -> tuple[persona.Signal, ...]:
    """A user's wishes and behind them the caller's, which are later.

    Where they are too many, one that another of its key follows is left out: it decides nothing.
    """
    everything = (*context.signals, *given)
    if len(everything) <= persona.SIGNALS_MAX:
        return everything
    latest = {signal.key: place for place, signal in enumerate(everything)}
    return tuple(everything[place] for place in sorted(latest.values()))


def gone(rests: Mapping[str, str], history: Sequence[MemoryEvent], at: int) -> tuple[str, ...]:
    """The parts of the last profile that rest on a memory that is gone: forgotten, erased, expired.

    What merely has a newer memory beside it stays until that one decides: else a wish for silence
    would end where a newer one may not be used.

    Args:
        rests: what decided each part in the first place.
        history: every change of the user's memory.
        at: nanoseconds since 1970 UTC.
    """
    return tuple(
        part
        for part, ref in rests.items()
        if part in persona.PARTS
        and ref.startswith(_MEMORY)
        and _is_gone(ref.removeprefix(_MEMORY), history, at)
    )


def _is_gone(event_id: str, history: Sequence[MemoryEvent], at: int) -> bool:
    """Whether what one event kept was forgotten by a later one, was erased, or has expired."""
    one = next((event for event in history if event.memory_event_id == event_id), None)
    if one is None:
        # A reference of the caller's own, which only looks like one of ours.
        return False
    if one.key_id == ERASED_KEY_ID or (one.expires_at is not None and one.expires_at <= at):
        return True
    return any(
        event.event == "FORGOTTEN"
        and event.memory_key == one.memory_key
        and event.version > one.version
        for event in history
    )


def rests_on(evidence: Sequence[tuple[str, str]], before: dict[str, str]) -> dict[str, str]:
    """What decided each part of a profile in the first place, through all profiles before it."""
    return {part: before.get(part, _DEFAULT) if ref == _PREVIOUS else ref for part, ref in evidence}


def _unusable(row: CurrentMemory, at: int) -> str | None:
    """Why a memory is not to be used unasked, or None."""
    if not is_held(row, at):
        return "it has expired"
    if row.consent != "CONFIRMED":
        return f"consent is {row.consent}"
    if row.use_policy not in _USABLE:
        return f"use_policy is {row.use_policy}"
    if row.confidence == "LOW":
        return "confidence is LOW"
    return None


def _remembered(row: CurrentMemory) -> persona.Signal:
    """A memory as a wish: as it was understood when it was kept, else in the user's words.

    One that cannot be read is still a wish, so that privacy fails closed.
    """
    ref = f"{_MEMORY}{row.memory_event_id}"
    for said in reversed(words_of(row)):
        if said and len(said.encode(errors="replace")) <= persona.VALUE_BYTES_MAX:
            try:
                return persona.Signal(row.memory_key, said, ref)
            except BadField:
                continue
    return persona.Signal(row.memory_key, _UNREADABLE, ref)


def validated(request: persona.Request, result: persona.Result) -> persona.Snapshot:
    """The snapshot of a result that holds; a refusal of the engine's as the caller's to mend."""
    if result.reason_code == "PERSONA_IDENTITY_REQUIRED":
        raise IdentityRequired(
            "is missing or not verified",
            "Verify the speaker and name them; there is no fallback profile.",
            field="speaker_id",
            reason=result.reason_code,
        )
    if result.snapshot is None:
        raise EngineRefused("PH1.PERSONA", "See the reason code.", reason=result.reason_code)
    if broken := persona.validate(request, result.snapshot):
        raise EngineRefused(
            f"PH1.PERSONA's profile breaks {', '.join(broken)}",
            "Report this; nothing was written.",
            reason="PERSONA_VALIDATION_FAILED",
        )
    return result.snapshot
