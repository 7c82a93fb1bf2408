"""From what stands in a pattern's slots to fields: verbatim evidence, a value or its readings.

Nothing is filled in. What cannot be settled keeps its readings, or stays missing, with the flag
that says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from selene_os.engines.nlp.contract import Field, Request
from selene_os.engines.nlp.decoding import decode_field
from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.moments import (
    AMBIGUOUS_TIME,
    ASKED_LIGHTLY,
    time_field,
)
from selene_os.engines.nlp.reading import Reader
from selene_os.engines.nlp.spoken import is_owner
from selene_os.language import times
from selene_os.language.grammar import COUNT, DURATION, MONEY, NAME, TIME, WORDS
from selene_os.language.pack import Intent

TIME_OF_DAY_MISSING: Final = "TIME_OF_DAY_MISSING"
UNRESOLVED_REFERENCE: Final = "UNRESOLVED_REFERENCE"
AMBIGUOUS_NAME: Final = "AMBIGUOUS_NAME"
UNVERIFIED_NAME: Final = "UNVERIFIED_NAME"
CURRENCY_MISSING: Final = "CURRENCY_MISSING"
AMOUNT_NOT_POSITIVE: Final = "AMOUNT_NOT_POSITIVE"
UNCERTAIN_TRANSCRIPT: Final = "UNCERTAIN_TRANSCRIPT"
# Of more people of one name than this, nobody picks one from a list.
NAMES_MAX: Final = 16


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
        needed = set(self.required())
        return tuple(
            key
            for key in self.intent.fields
            if key in open_keys or (key in needed and key not in self.fields)
        )

    def required(self) -> tuple[str, ...]:
        """What is required: of fields of which one is enough, those heard, else the first."""
        one_of = self.intent.one_of
        heard = tuple(key for key in one_of if key in self.fields or key in self.unsettled)
        return self.intent.required + (heard or one_of[:1])


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
        if "when" in intent.fields and "when" not in heard.slots:
            spans = heard.times
            if not spans and "when" in intent.required:
                spans = self._inner_times(filled, heard)
            if spans:
                self._put_time(filled, "when", spans)
            if heard.times and self._goes_on_behind_time(heard):
                # "Call mom at 5 pm and feed the cat at 6 pm": each has a time of its own.
                filled.unsettled["when"] = AMBIGUOUS_TIME
        self._mark_uncertain(filled, heard)
        return filled

    def put(self, filled: Filled, key: str, first: int, last: int) -> None:
        """Fill one field from the tokens that stand in its slot."""
        kind = self._reader.pack.kinds.get(key, WORDS)
        if kind == MONEY:
            self._put_money(filled, key, first)
        elif kind == COUNT:
            number = self._reader.spoken.counts[first]
            filled.fields[key] = self._evidence(key, first, number.last, int(number.value))
        elif kind == DURATION:
            span = self._reader.spoken.durations[first]
            filled.fields[key] = self._evidence(key, first, span.last, span.duration)
        elif kind == TIME:
            self._put_time(filled, key, (self._reader.spoken.times[first],))
        elif kind == NAME:
            self._put_name(filled, key, first, last)
        else:
            self._put_words(filled, key, first, last)

    def _evidence(self, key: str, first: int, last: int, value: Any) -> Field:
        start, end = self._said.starts[first], self._said.ends[last - 1]
        return Field(key, self._said.text[start:end], start, end, value)

    def _words(self, key: str, first: int, last: int) -> Field:
        """Words that are their own value."""
        start, end = self._said.starts[first], self._said.ends[last - 1]
        text = self._said.text[start:end]
        return Field(key, text, start, end, text)

    def _folded(self, first: int, last: int) -> str:
        return " ".join(self._said.words[first:last])

    # ---- words and names

    def _put_words(self, filled: Filled, key: str, first: int, last: int) -> None:
        if self._points(key, first, last):
            self._refer(filled, key, self._folded(first, last))
            return
        filled.fields[key] = self._words(key, first, last)

    def _points(self, key: str, first: int, last: int) -> bool:
        """Whether words only point at something: "that", "the same place", "the one about it"."""
        lists, words = self._reader.language.words, self._said.words[first:last]
        said = " ".join(words)
        if said in lists["references"]:
            return True
        if self._reader.clauses.is_text(key):
            return False
        return (
            said in lists["pronouns"]
            or words[0] in lists["pointing"]
            or " ".join(words[:2]) in lists["pointing"]
            or (self._reader.clauses.is_reference(key) and words[-1] in lists["references"])
        )

    def _put_name(self, filled: Filled, key: str, first: int, last: int) -> None:
        words = self._said.words[first:last]
        if self._points(key, first, last):
            self._refer(filled, key, self._folded(first, last))
            return
        heard = self._evidence(key, first, last, None)
        kinds = self._reader.pack.terms.get(key, frozenset())
        terms = self._request.terms
        matching = terms.named(heard.text, kinds) if terms else []
        if "or" in words[1:-1]:
            at = words.index("or")
            matching = [self._said.said(first, first + at), self._said.said(first + at + 1, last)]
        if len(matching) > 1:
            filled.fields[key] = replace(heard, readings=tuple(matching[:NAMES_MAX]))
            filled.unsettled[key] = AMBIGUOUS_NAME
            return
        filled.fields[key] = replace(heard, value=heard.text)
        if (
            terms.has_kind(kinds)
            and not matching
            and words[0] not in self._reader.language.words["roles"]
        ):
            # Not a verified name although the tenant has such names: only at HIGH (002 §11).
            filled.unsettled.setdefault(key, UNVERIFIED_NAME)

    def _refer(self, filled: Filled, key: str, words: str) -> None:
        """A pronoun stands for a confirmed value of the same field, or for nothing."""
        if words in self._reader.language.words["indefinites"]:
            filled.unsettled[key] = UNRESOLVED_REFERENCE
            return
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
            if key in filled.intent.required and self._reader.pack.kinds.get(key, WORDS) == WORDS
            for span in self._reader.spoken.times.values()
            if first <= span.first
            and span.last <= last
            and span.kind in ("instant", "vague")
            and not is_owner(span)
        ]
        if len(inner) != 1:
            return ()
        filled.firm = False
        return (inner[0],)

    def _put_time(self, filled: Filled, key: str, spans: tuple[times.TimeSpan, ...]) -> None:
        heard, flag = time_field(key, spans, self._request)
        if flag in ASKED_LIGHTLY and not filled.intent.confirm:
            # Nothing is done at that time: what was said of it may stand as it is.
            heard, flag = replace(heard, grain=None, readings=()), None
        if flag is None and key in filled.intent.clock and heard.value and "T" not in heard.value:
            day = {"start": heard.value, "end": None, "grain": heard.grain}
            heard, flag = replace(heard, value=None, readings=(day,)), TIME_OF_DAY_MISSING
        filled.fields[key] = heard
        if flag is not None:
            filled.unsettled[key] = flag

    def _goes_on_behind_time(self, heard: Heard) -> bool:
        """Whether free text holds a time and goes on with something more to be done."""
        joiners = self._reader.language.words["joiners"]
        return any(
            first <= span.first and span.last < last and self._said.words[span.last] in joiners
            for key, (first, last) in heard.slots.items()
            if self._reader.clauses.is_text(key)
            for span in self._reader.spoken.times.values()
        )

    # ---- what the transcript is unsure of

    def _mark_uncertain(self, filled: Filled, heard: Heard) -> None:
        for span in self._request.uncertain_spans:
            touched = [
                key
                for key, found in filled.fields.items()
                if found.source is None and span.start < found.end and found.start < span.end
            ]
            if span.field in filled.fields:
                touched.append(str(span.field))
            filled.uncertain.update(touched)
            # Words beside a value that was heard badly are asked about with it.
            filled.trigger_uncertain |= not touched and any(
                span.start < self._said.ends[index] and self._said.starts[index] < span.end
                for index in _trigger(heard)
            )


def _trigger(heard: Heard) -> tuple[int, ...]:
    """The words of a pattern that fill no field."""
    filled = {index for first, last in heard.slots.values() for index in range(first, last)}
    return tuple(index for index in heard.literals if index not in filled)
