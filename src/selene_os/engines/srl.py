"""PH1.SRL: the transcript's repair, between the transcriber and PH1.NLP.

Advisory: it adds no fact, changes no meaning and translates nothing. It writes out shorthand that
has one reading, and drops what was said without meaning anything: a sound made while thinking, a
word said twice, a mark typed twice. What may be another word than the one written is marked and
left. Every repair is told with its place, so that evidence points into what was said.
Source: docs/spec/002 §8A.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import digits
from typing import Final

from selene_os.engines import srl_finding
from selene_os.engines.srl_finding import words_of
from selene_os.errors import BadField
from selene_os.language.shorthand import (
    DOUBLED,
    FILLER,
    FLAG_KINDS,
    PUNCTUATION,
    REPAIR_KINDS,
    SHORTHAND,
    Table,
    load_table,
)
from selene_os.names import check_count
from selene_os.reasons import ReasonCode

__all__ = ["NAME", "VERSION", "Flag", "Repair", "Request", "Result", "run", "words_of"]

NAME: Final = "PH1.SRL"
VERSION: Final = "1.0.0"

TEXT_BYTES_MAX: Final = 32_768
FLAGS_MAX: Final = 32
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What was transcribed.

    Attributes:
        text: 1 to 32,768 bytes of UTF-8.
        language: "en" or "zh"; who speaks mixes them, so both tables are read for either.
        known: words that name something of the tenant's, of which nothing is repaired; see
            `words_of`.

    Raises:
        BadField: the text is outside its bounds.
    """

    text: str
    language: str = "en"
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        try:
            size = len(self.text.encode())
        except UnicodeEncodeError as error:
            raise BadField(
                "text", f"holds half of a surrogate pair at {error.start}", "Send valid UTF-8."
            ) from error
        if not 1 <= size <= TEXT_BYTES_MAX:
            raise BadField(
                "text",
                f"is {size} bytes of UTF-8; 1 to {TEXT_BYTES_MAX} are accepted",
                "Cut it into several turns.",
            )


@dataclass(frozen=True, slots=True)
class Repair:
    """One change: what was said from `start` to before `end` became `text`.

    Attributes:
        start, end: code points of what was said; never empty.
        text: what stands there now; empty where it was dropped.
        kind: SHORTHAND, DOUBLED, FILLER or PUNCTUATION.
    """

    start: int
    end: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A word that may be another one, misheard or mistyped, and was left as it is.

    Attributes:
        start, end: code points of what was said.
        kind: NUMBER_LIKE, NAME_LIKE, DATE_TIME_LIKE, AMOUNT_LIKE or UNKNOWN.
    """

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Result:
    """The text to go on with, and how it came from what was said.

    Attributes:
        reason_code: SRL_REPAIR_OK; SRL_BUDGET_EXCEEDED or SRL_VALIDATION_FAILED where the text
            was left as it is, without flags.
        text: what was said, repaired.
        repairs: in the order of their places; they do not overlap.
        flags: at most 32, in the order of their places.
    """

    reason_code: ReasonCode
    text: str
    repairs: tuple[Repair, ...] = ()
    flags: tuple[Flag, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in what was said of a span of the repaired text.

        A span that touches a repaired stretch widens to the whole of it. What was dropped belongs
        to a span that stands on both sides of it, and to none that begins or ends there.

        Args:
            start, end: code points of the repaired text, `0 <= start <= end <= len(text)`.

        Returns:
            Code points of what was said, end exclusive.

        Raises:
            BadField: the span is not one of the repaired text.
        """
        check_count("end", end, check_count("start", start, 0, len(self.text)), len(self.text))
        return _mapped(((new, old) for old, new in self._stretches()), start, end)

    def repaired(self, start: int, end: int) -> tuple[int, int]:
        """The place in the repaired text of a span of what was said.

        A span that touches a repaired stretch widens to what stands there now. One wholly inside
        of what was dropped comes to the place where that stood, which is empty.

        Args:
            start, end: code points of what was said, `0 <= start <= end <= its length`.

        Returns:
            Code points of the repaired text, end exclusive.

        Raises:
            BadField: the span is not one of what was said.
        """
        length = len(self.text) - sum(len(r.text) - (r.end - r.start) for r in self.repairs)
        check_count("end", end, check_count("start", start, 0, length), length)
        return _mapped(self._stretches(), start, end)

    def _stretches(self) -> Iterator[tuple[_Span, _Span]]:
        """Each repair's place in what was said, and in the repaired text."""
        grown = 0
        for repair in self.repairs:
            begins = repair.start + grown
            grown += len(repair.text) - (repair.end - repair.start)
            yield (repair.start, repair.end), (begins, begins + len(repair.text))


def run(request: Request, table: Table | None = None) -> Result:
    """Repair a transcript, or hand it on as it is.

    Args:
        request: the transcript, checked when it was built.
        table: what is repaired; the tables that ship with Selene where none is given.

    Returns:
        The text to go on with. Where there is too much to repair or to flag for one utterance,
        where the text would outgrow its bound, or where a repair breaks the rules that all keep,
        it is what was said, with the reason.
    """
    text = request.text
    table = table or load_table()
    found = srl_finding.find(text, table)
    if found is not srl_finding.NOTHING and request.known:
        found = srl_finding.without(found, text, request.known)
    if found is srl_finding.NOTHING:
        return Result(ReasonCode.SRL_REPAIR_OK, text)
    if found.too_much or len(found.flags) > FLAGS_MAX:
        return Result(ReasonCode.SRL_BUDGET_EXCEEDED, text)
    pieces, at = [], 0
    for start, end, means, _ in found.repairs:
        pieces += [text[at:start], means]
        at = end
    repaired = "".join([*pieces, text[at:]])
    if len(repaired.encode()) > TEXT_BYTES_MAX:
        return Result(ReasonCode.SRL_BUDGET_EXCEEDED, text)
    result = Result(
        ReasonCode.SRL_REPAIR_OK,
        repaired,
        tuple([Repair(*repair) for repair in found.repairs]),
        tuple([Flag(*flag) for flag in found.flags]),
    )
    if not _keeps_contract(text, result, table):
        return Result(ReasonCode.SRL_VALIDATION_FAILED, text)
    return result


def _mapped(stretches: Iterable[tuple[_Span, _Span]], start: int, end: int) -> _Span:
    """A span of one text as a span of the other, by stretches that differ: (here, there)."""
    begins, ends = start, end
    for here, there in stretches:
        if here[0] > end:
            break
        if here[0] <= start:
            begins = there[0] if start < here[1] else there[1] + start - here[1]
        if here[0] < end:
            ends = there[1] if end <= here[1] else there[1] + end - here[1]
    # An empty span where something was dropped would end before it begins.
    return begins, max(begins, ends)


def _keeps_contract(text: str, result: Result, table: Table) -> bool:
    """Whether repairs and flags are what the contract says, however they were found."""
    at = new = 0
    for repair in result.repairs:
        if not at <= repair.start < repair.end <= len(text):
            return False
        kept = text[at : repair.start] + repair.text
        if result.text[new : new + len(kept)] != kept or not _adds_nothing(text, repair, table):
            return False
        at, new = repair.end, new + len(kept)
    return result.text[new:] == text[at:] and all(
        0 <= flag.start < flag.end <= len(text) and flag.kind in FLAG_KINDS for flag in result.flags
    )


def _adds_nothing(text: str, repair: Repair, table: Table) -> bool:
    """Whether a repair leaves every script and every figure as it was, and is one of its kind."""
    was = text[repair.start : repair.end]
    scripts = [char for char in was if not char.isascii()]
    if repair.kind in (FILLER, PUNCTUATION) and table.droppable.issuperset(scripts):
        scripts = []
    figures = [char for char in was if char in digits]
    return (
        repair.kind in REPAIR_KINDS
        and was != repair.text
        and (repair.kind in (SHORTHAND, PUNCTUATION) or not repair.text)
        and [char for char in repair.text if not char.isascii()] == scripts
        and (repair.kind == SHORTHAND or not figures)
        and (repair.kind != DOUBLED or was.split() == was.split()[:1] * len(was.split()))
    )
