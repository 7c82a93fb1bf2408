"""From what stands in a pattern's slots to fields: verbatim evidence, a value or its readings.

Nothing is filled in. What cannot be settled keeps its readings, or stays missing, with the flag
that says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from selene_os.engines.nlp.contract import Field, Request
from selene_os.engines.nlp.decoding import decode_field
from selene_os.engines.nlp.reading import Heard, Reader
from selene_os.engines.nlp.spoken import reading_of
from selene_os.language import times
from selene_os.language.grammar import MONEY, NAME, TIME, WORDS
from selene_os.language.pack import Intent
from selene_os.language.tokens import fold, tokenize

AMBIGUOUS_TIME: Final = "AMBIGUOUS_TIME"
VAGUE_TIME: Final = "VAGUE_TIME"
IMPOSSIBLE_TIME: Final = "IMPOSSIBLE_TIME"
RECURRING_TIME: Final = "RECURRING_TIME"
PAST_TIME: Final = "PAST_TIME"
UNRESOLVED_REFERENCE: Final = "UNRESOLVED_REFERENCE"
AMBIGUOUS_NAME: Final = "AMBIGUOUS_NAME"
UNVERIFIED_NAME: Final = "UNVERIFIED_NAME"
CURRENCY_MISSING: Final = "CURRENCY_MISSING"
AMOUNT_NOT_POSITIVE: Final = "AMOUNT_NOT_POSITIVE"
UNCERTAIN_TRANSCRIPT: Final = "UNCERTAIN_TRANSCRIPT"


@dataclass(slots=True)
class Filled:
    """A request with its fields, on its way to an answer.

    Attributes:
        intent: what is asked for.
        fields: by key, in the order in which they were filled.
        unsettled: field -> flag; heard, but not to be taken as it is.
        uncertain: fields whose evidence the transcript is unsure of.
        firm: nothing was guessed at: HIGH is possible.
        trigger_uncertain: the transcript is unsure of the trigger itself.
    """

    intent: Intent
    fields: dict[str, Field] = field(default_factory=dict)
    unsettled: dict[str, str] = field(default_factory=dict)
    uncertain: set[str] = field(default_factory=set)
    firm: bool = True
    trigger_uncertain: bool = False

    def missing(self) -> tuple[str, ...]:
        """Required fields without a settled value, in the pack's order; then unsettled others."""
        open_keys = set(self.unsettled) | self.uncertain
        return tuple(
            key
            for key in self.intent.fields
            if key in open_keys or (key in self.intent.required and key not in self.fields)
        )


class Filling:
    """Fills the fields of one heard request.

    Args:
        reader: the utterance, read.
        request: its context.
    """

    def __init__(self, reader: Reader, request: Request) -> None:
        self._reader = reader
        self._request = request
        self._said = reader.said

    def fill(self, heard: Heard, intent: Intent) -> Filled:
        """Every field of a heard request."""
        filled = Filled(intent, firm=heard.firm)
        for key, (first, last) in heard.slots.items():
            if key in intent.fields:
                self.put(filled, key, first, last)
        if "when" in intent.fields:
            spans = heard.times or self._inner_times(filled, heard)
            if spans:
                self._put_time(filled, "when", spans)
        self._mark_uncertain(filled, heard)
        return filled

    def put(self, filled: Filled, key: str, first: int, last: int) -> None:
        """Fill one field from the tokens that stand in its slot."""
        kind = self._reader.pack.kinds.get(key, WORDS)
        if kind == MONEY:
            self._put_money(filled, key, first)
        elif kind == TIME:
            self._put_time(filled, key, (self._reader.spoken.times[first],))
        elif kind == NAME:
            self._put_name(filled, key, first, last)
        else:
            self._put_words(filled, key, first, last)

    def _evidence(self, key: str, first: int, last: int, value: Any) -> Field:
        start, end = self._said.starts[first], self._said.ends[last - 1]
        return Field(key, self._said.text[start:end], start, end, value)

    def _folded(self, first: int, last: int) -> str:
        return " ".join(self._said.words[first:last])

    # ---- words and names

    def _put_words(self, filled: Filled, key: str, first: int, last: int) -> None:
        references = self._reader.language.words["task_references"]
        if self._folded(first, last) in references:
            self._refer(filled, key)
            return
        heard = self._evidence(key, first, last, None)
        filled.fields[key] = replace(heard, value=heard.text)

    def _put_name(self, filled: Filled, key: str, first: int, last: int) -> None:
        words = self._said.words[first:last]
        if len(words) == 1 and words[0] in self._reader.language.words["pronouns"]:
            self._refer(filled, key)
            return
        heard = self._evidence(key, first, last, None)
        kinds = self._reader.pack.terms.get(key, frozenset())
        terms = [term.term for term in self._request.terms if term.kind in kinds]
        matching = _terms_of(heard.text, terms)
        if len(matching) > 1:
            filled.fields[key] = replace(heard, readings=tuple(matching))
            filled.unsettled[key] = AMBIGUOUS_NAME
            return
        filled.fields[key] = replace(heard, value=heard.text)
        if terms and not matching and not _says_role(words):
            # Not a verified name although the tenant has such names: only at HIGH (002 §11).
            filled.unsettled.setdefault(key, UNVERIFIED_NAME)

    def _refer(self, filled: Filled, key: str) -> None:
        """A pronoun stands for a confirmed value of the same field, or for nothing."""
        confirmed = (self._request.confirmed or {}).get("fields", [])
        for given in confirmed:
            if given["key"] == key:
                filled.fields[key] = decode_field(given, "confirmed")
                return
        filled.unsettled[key] = UNRESOLVED_REFERENCE

    # ---- money

    def _put_money(self, filled: Filled, key: str, first: int) -> None:
        money = self._reader.spoken.money[first]
        currency = money.currency or self._request.policy.currency
        heard = self._evidence(key, money.first, money.last, None)
        if Decimal(money.amount) <= 0:
            filled.fields[key] = heard
            filled.unsettled[key] = AMOUNT_NOT_POSITIVE
        elif currency is None:
            filled.fields[key] = heard
            filled.unsettled[key] = CURRENCY_MISSING
        else:
            value = {"amount": money.amount, "currency": currency}
            filled.fields[key] = replace(heard, value=value)

    # ---- time

    def _inner_times(self, filled: Filled, heard: Heard) -> tuple[times.TimeSpan, ...]:
        """A single time inside free text: "call mom tomorrow about the party" says when, at MED."""
        inner = [
            span
            for key, (first, last) in heard.slots.items()
            if self._reader.pack.kinds.get(key, WORDS) == WORDS
            for span in self._reader.spoken.times.values()
            if first <= span.first and span.last <= last and span.kind in ("instant", "vague")
        ]
        if len(inner) != 1:
            return ()
        filled.firm = False
        return (inner[0],)

    def _put_time(self, filled: Filled, key: str, spans: tuple[times.TimeSpan, ...]) -> None:
        said = tuple(span for span in spans if span.kind != "vague") or spans
        first = min(said, key=lambda span: span.start)
        heard = Field(key, first.text, first.start, first.end)
        readings = self._readings(said)
        flag = _time_flag(said, readings, self._request)
        if flag is None:
            filled.fields[key] = _settled(heard, said, readings)
            return
        filled.unsettled[key] = flag
        grain = readings[0].grain if readings else first.grain
        kept = tuple({"start": r.start, "end": r.end, "grain": r.grain} for r in readings)
        filled.fields[key] = replace(heard, grain=grain, readings=kept if len(kept) > 1 else ())

    def _readings(self, said: tuple[times.TimeSpan, ...]) -> tuple[times.Reading, ...]:
        if len(said) == 1:
            # Where the evening begins is a convention; the first one holds, and grain says "part".
            return said[0].readings[:1] if said[0].grain == "part" else said[0].readings
        if len(said) > 2:
            return ()
        return times.combine(said[0], said[1], **reading_of(self._request)) or ()

    # ---- what the transcript is unsure of

    def _mark_uncertain(self, filled: Filled, heard: Heard) -> None:
        for span in self._request.uncertain_spans:
            for key, found in filled.fields.items():
                if found.source is None and span.start < found.end and found.start < span.end:
                    filled.uncertain.add(key)
            if span.field in filled.fields:
                filled.uncertain.add(str(span.field))
            filled.trigger_uncertain |= any(
                span.start < self._said.ends[index] and self._said.starts[index] < span.end
                for index in heard.literals[:2]
            )


def select_reading(pending: Field, answer: Field) -> Field:
    """The readings that were offered and that the answer fits: "tomorrow at 7", then "7 pm".

    Returns the answer itself where it fits none of them.
    """
    offered = [r for r in pending.readings if isinstance(r, dict) and "T" in str(r.get("start"))]
    said = answer.readings or ({"start": answer.value, "grain": answer.grain},)
    clocks = {str(r["start"])[11:] for r in said if isinstance(r, dict) and r.get("start")}
    chosen = [r for r in offered if str(r["start"])[11:] in clocks]
    if len(chosen) != 1 or answer.grain not in ("minute", "hour", "second"):
        return answer
    return replace(answer, value=chosen[0]["start"], grain=chosen[0]["grain"], readings=())


def _settled(
    heard: Field, said: tuple[times.TimeSpan, ...], readings: tuple[times.Reading, ...]
) -> Field:
    """One reading is a value; none is a phrase that stays relative because no moment was given."""
    if not readings:
        return replace(heard, grain=said[0].grain)
    reading = readings[0]
    if reading.end is None:
        return replace(heard, value=reading.start, grain=reading.grain)
    whole = ({"start": reading.start, "end": reading.end, "grain": reading.grain},)
    return replace(heard, value=reading.start, grain=reading.grain, readings=whole)


def _time_flag(
    said: tuple[times.TimeSpan, ...], readings: tuple[times.Reading, ...], request: Request
) -> str | None:
    """Why a time cannot be taken as it is, or None where it can."""
    kinds = {span.kind for span in said}
    for kind, flag in (
        ("alternatives", AMBIGUOUS_TIME),
        ("impossible", IMPOSSIBLE_TIME),
        ("recurring", RECURRING_TIME),
        ("vague", VAGUE_TIME),
    ):
        if kind in kinds:
            return flag
    if len(readings) > 1 or (len(said) > 1 and not readings and request.now is not None):
        return AMBIGUOUS_TIME
    if any(span.about and span.grain in ("hour", "minute") for span in said):
        return VAGUE_TIME
    if readings and request.now is not None:
        now = request.now.replace(tzinfo=None).isoformat(timespec="minutes")
        last = readings[0].end or readings[0].start
        if last < now[: len(last)]:
            return PAST_TIME
    return None


def _terms_of(said: str, terms: Iterable[str]) -> list[str]:
    """The verified terms that a name can mean: the same words, or one of a term's words."""
    words = tokenize(said).words
    same = [term for term in terms if tokenize(term).words == words]
    if same:
        return same[:1]
    return sorted({term for term in terms if len(words) == 1 and words[0] in tokenize(term).words})


def _says_role(words: tuple[str, ...]) -> bool:
    """Whether a person is named by a role, which no list of names can verify: "my landlord"."""
    return fold(words[0]) in ("my", "our", "the", "mom", "dad", "mum")
