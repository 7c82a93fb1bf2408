"""The steps of a decision as records: what was passed over, found, matched, set aside, chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from selene_os.engines.nlp.contract import Record, Result


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the utterance, text[start:end]."""

    text: str
    start: int
    end: int

    def as_record(self) -> Record:
        """As JSON."""
        return {"text": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Passed:
    """Words that were passed over, and as what."""

    at: Stretch
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was recognised before any pattern looked.

    Attributes:
        kind: time, duration, money, count or quotation.
        meaning: what it means, one text a reading; empty where it stays relative.
        grain: of a time.
    """

    at: Stretch
    kind: str
    meaning: tuple[str, ...] = ()
    grain: str | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """A pattern that explains a clause, and what the scorer says of that.

    Attributes:
        unexplained: how many words a loose pattern passed over.
        score, allow, agree, verdict: the scorer's, None where it has no opinion.
        chosen: the request was read by it.
    """

    intent_type: str
    pattern: str
    at: Stretch
    unexplained: int
    score: int | None
    allow: int | None
    agree: int | None
    verdict: str | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was not taken, and why.

    Attributes:
        pattern: the pattern in question, None where it is no pattern's matter.
    """

    at: Stretch
    reason: str
    pattern: str | None = None
    intent_type: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A request as it was read: what stands in its fields, before they are settled.

    Attributes:
        slots: field -> its words; "time" for each time beside them.
    """

    intent_type: str | None
    at: Stretch
    slots: tuple[tuple[str, Stretch], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every step from an utterance to its outcome.

    Attributes:
        text: what was said.
        pack, digest: what it was read by.
        sentences: in spoken order.
        passed: courtesies, and words that a correction took back.
        values: what was recognised in it.
        matched: the patterns that explain a clause.
        set_aside: what was not taken, with the reason.
        chosen: the requests, in spoken order.
        withdrawn: what was said was taken back.
        result: the outcome, as `run` gives it.
    """

    text: str
    pack: str
    digest: str
    sentences: tuple[Stretch, ...]
    passed: tuple[Passed, ...]
    values: tuple[Found, ...]
    matched: tuple[Matched, ...]
    set_aside: tuple[SetAside, ...]
    chosen: tuple[Chosen, ...]
    withdrawn: bool
    result: Result

    def as_record(self) -> Record:
        """As JSON, the steps in their order."""
        return {
            "text": self.text,
            "pack": self.pack,
            "digest": self.digest,
            "sentences": [one.as_record() for one in self.sentences],
            "passed": [_plain(one) for one in self.passed],
            "values": [_plain(one) for one in self.values],
            "matched": [_plain(one) for one in self.matched],
            "set_aside": [_plain(one) for one in self.set_aside],
            "chosen": [
                {
                    "intent_type": one.intent_type,
                    **one.at.as_record(),
                    "slots": [{"key": key, **at.as_record()} for key, at in one.slots],
                }
                for one in self.chosen
            ],
            "withdrawn": self.withdrawn,
            "result": self.result.as_record(),
        }


def _plain(value: Any) -> Any:
    """A step as JSON, its place among its own keys."""
    record: Record = {}
    for name in value.__dataclass_fields__:
        given = getattr(value, name)
        if isinstance(given, Stretch):
            record |= given.as_record()
        else:
            record[name] = list(given) if isinstance(given, tuple) else given
    return record
