"""What a confirmed MEMORY_… draft does: the only thing in this project that acts on a draft.

Everything is read again from the ledger: a caller names events, and is not believed further. The
gates are asked each time. A second call with the same confirmation does nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from selene_os.engines import persona
from selene_os.errors import BadField, ExecutionDenied, NotFound
from selene_os.gates import AccessPort, Confirmed, Draft, SimulationPort, may_execute
from selene_os.language.tokens import fold, tokenize
from selene_os.ledger import codec
from selene_os.ledger.events import CurrentMemory, MemoryEvent, Receipt
from selene_os.ledger.memories import Memories, Remembered, words_of
from selene_os.names import IdempotencyKey
from selene_os.reasons import ReasonCode

REMEMBER: Final = "MEMORY_REMEMBER"
FORGET: Final = "MEMORY_FORGET"
QUERY: Final = "MEMORY_QUERY"
INTENTS: Final = (REMEMBER, FORGET, QUERY)
_SENSITIVITY: Final = {"PUBLIC": "LOW", "PRIVATE": "SENSITIVE", "CONFIDENTIAL": "CONFIDENTIAL"}
# Words that say nothing of what is meant: "forget about my locker" is about the locker.
_LIGHT: Final = frozenset(
    "a an the my your our his her their of is are was were be been that what which who where when"
    " how i me you we it to in on for at about s do did does have has had know remember forget"
    " anything everything all thing things 我 的 是 了 吗 呢 什么 关于 有 在".split()
)
_HAN: Final = re.compile("[\u3400-\u9fff]+")
_HAN_LIGHT: Final = re.compile("[我你的是了吗呢在有]|什么|关于")


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing that is remembered of a user.

    Attributes:
        memory_key: its name, which holds none of the words.
        text: the user's words.
        normalised: what they were understood as, or None.
        updated_at: nanoseconds since 1970 UTC.
    """

    memory_key: str
    text: str
    normalised: str | None
    updated_at: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a MEMORY_… draft.

    Attributes:
        intent_type: MEMORY_REMEMBER, MEMORY_FORGET or MEMORY_QUERY.
        memories: what was remembered, forgotten (without its words), or found.
        receipt: of the memory event; None for MEMORY_QUERY, which writes nothing.
    """

    intent_type: str
    memories: tuple[Memory, ...]
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class Ports:
    """Who may have what done, and which intents are live; see `gates`."""

    access: AccessPort
    simulation: SimulationPort


def use_key(confirmation: Confirmed) -> IdempotencyKey:
    """The key of what is done once for one confirmation."""
    return IdempotencyKey(f"PH1.X:{confirmation.event_id}")


def apply(
    draft: Draft,
    scope: codec.Scope,
    confirmation: Callable[[bool], Confirmed | None],
    ports: Ports,
    memories: Memories,
    now: int,
) -> Applied:
    """Do what a MEMORY_… draft says, if the gates let it.

    Args:
        draft: out of the ledger.
        scope: for whom.
        confirmation: the user's yes, out of the ledger, told whether it was used before.
        now: nanoseconds since 1970 UTC.

    Raises:
        BadField: no MEMORY_… draft. ExecutionDenied: a gate says no. NotFound: nothing matches.
    """
    if draft.intent_type not in INTENTS:
        raise BadField(
            "draft_event_id",
            f"is a {draft.intent_type:.64}, which nothing here acts on",
            f"Give a draft of {' | '.join(INTENTS)}.",
        )
    said = confirmation(False)
    key = None if said is None else use_key(said)
    who = (scope.tenant_id, scope.user_id)
    there = None if key is None else memories.there(*who, key)
    if (done := _done(draft, there)) is not None:
        return done
    verdict = may_execute(
        draft, scope, ports.access, ports.simulation, confirmation(bool(there)), now=now
    )
    if not verdict:
        raise ExecutionDenied(
            f"{draft.event_id} of {draft.intent_type}",
            "See docs/reason-codes.md.",
            field="draft_event_id",
            reason=verdict.reason_code.name,
        )
    held = memories.held(scope.tenant_id, scope.user_id, now)
    if draft.intent_type == QUERY:
        found = held if _subject(draft) is None else _matching(held, _subject(draft) or "")
        return Applied(QUERY, tuple(map(_memory, reversed(found))), None)
    assert key is not None, "the gates let nothing be written without a yes"
    if draft.intent_type == FORGET:
        matching = _matching(held, _subject(draft) or "")
        if not matching and (done := _done(draft, memories.there(*who, key))) is not None:
            # Another call with the same yes was first.
            return done
        change = _forgotten(_only(matching), draft)
    else:
        change = _change(draft, held)
    receipt = memories.append(*who, change, key, now)
    if receipt.deduplicated and (done := _done(draft, memories.there(*who, key))) is not None:
        # As above: what was done is what this yes was said to, however it was found to be so.
        return done
    changed = Memory(change.memory_key, change.verbatim or "", change.normalised, now)
    return Applied(draft.intent_type, (changed,), receipt)


def held_memories(rows: list[CurrentMemory]) -> tuple[Memory, ...]:
    """Rows as what a user may be told, the newest first."""
    return tuple(map(_memory, reversed(rows)))


def _done(draft: Draft, there: MemoryEvent | None) -> Applied | None:
    """What a draft's confirmation has done already, or None."""
    if there is None or there.provenance != _provenance(draft):
        return None
    receipt = Receipt(there.memory_event_id, deduplicated=True, same_decision=True)
    return Applied(draft.intent_type, (), receipt)


def _subject(draft: Draft) -> str | None:
    for field in draft.result.fields:
        if field.key == "subject":
            return str(field.value)
    return None


def _provenance(draft: Draft) -> str:
    return f"event:{draft.event_id}"


def _change(draft: Draft, held: list[CurrentMemory]) -> Remembered:
    """What is to be remembered: as a preference where it plainly is one, else under a new name.

    The same words again are the same memory.
    """
    subject = _subject(draft) or ""
    wish = persona.wish_of(subject)
    same = [row for row in held if _folded(_memory(row).text) == _folded(subject)]
    name = wish[0] if wish else same[0].memory_key if same else f"said:{draft.event_id}"
    known = any(row.memory_key == name for row in held)
    return Remembered(
        "UPDATED" if known else "STORED",
        name,
        subject,
        _provenance(draft),
        normalised=wish[1] if wish else None,
        sensitivity=_SENSITIVITY.get(draft.result.sensitivity or "", "CONFIDENTIAL"),
        use_policy="ALWAYS_USABLE" if wish else "USER_REQUESTED_ONLY",
    )


def _forgotten(row: CurrentMemory, draft: Draft) -> Remembered:
    """The end of a memory: whatever it was, it is no less sensitive for being gone."""
    return Remembered(
        "FORGOTTEN",
        row.memory_key,
        None,
        _provenance(draft),
        layer=row.layer,
        sensitivity=row.sensitivity,
        use_policy=row.use_policy,
    )


def _only(found: list[CurrentMemory]) -> CurrentMemory:
    """The one memory that is meant; nobody picks one of several."""
    if not found:
        raise NotFound(
            "names a subject that nothing remembered matches",
            "Ask what is remembered first.",
            field="draft_event_id",
            reason=ReasonCode.MEMORY_SUBJECT_UNKNOWN.name,
        )
    if len(found) > 1:
        raise ExecutionDenied(
            f"names a subject that {len(found)} things remembered match",
            "Say it so that it matches one.",
            field="draft_event_id",
            reason=ReasonCode.MEMORY_SUBJECT_AMBIGUOUS.name,
        )
    return found[0]


def _matching(held: list[CurrentMemory], subject: str) -> list[CurrentMemory]:
    """The memories that have every word of a subject that says something, or are the same wish."""
    if (wish := persona.wish_of(subject)) is not None:
        same = [row for row in held if (row.memory_key, _memory(row).normalised) == wish]
        if same:
            return same
    words = {word for word in tokenize(subject).words if _says(word)}
    runs = {run for part in _HAN.findall(fold(subject)) for run in _HAN_LIGHT.split(part) if run}
    if not words and not runs:
        return []
    found = []
    for row in held:
        text = _memory(row).text
        folded = fold(text)
        if words <= set(tokenize(text).words) and all(run in folded for run in runs):
            found.append(row)
    return found


def _says(word: str) -> bool:
    return word[0].isalnum() and word not in _LIGHT and not _HAN.match(word)


def _folded(text: str) -> tuple[str, ...]:
    return tuple(word for word in tokenize(text).words if word[0].isalnum())


def _memory(row: CurrentMemory) -> Memory:
    verbatim, normalised = words_of(row)
    return Memory(row.memory_key, verbatim or "", normalised, row.updated_at)
