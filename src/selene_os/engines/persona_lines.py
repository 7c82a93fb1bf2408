"""Whether a whole line is one wish about how to be answered: "I prefer short answers".

A word alone is no wish. "Short" may answer any question and "mute" may be about the television, so
a line is a wish by its shape: something in it must tie it to the answers or to the one who gives
them ("*your answers* are too long", "*be* brief", "talk *to me* in German"). The shapes are
in `persona_shapes`, written in the parts of `persona_phrases`; every word of the line has a part in
them, or the line says something else as well and is no wish. What the words of a shape ask for is
then read as any wish is, in `persona_wishes`.

Precision goes before recall: a wish that is passed over is said again, one that was never made
changes every answer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from selene_os.engines.persona_phrases import PHRASES
from selene_os.engines.persona_shapes import PIECES, WISHES
from selene_os.engines.persona_wishes import BREAK_MARKS, read_wish, read_words, words_of
from selene_os.engines.persona_words import PREFERRED_LANGUAGE
from selene_os.errors import BadField
from selene_os.names import check_text

_LINE_BYTES_MAX: Final = 96


class _Phrase(NamedTuple):
    """Some words, the letter of their part, and what of them is read as the wish."""

    words: tuple[str, ...]
    letter: str
    meant: tuple[str, ...]


class _Form(NamedTuple):
    """The shapes of one wish; without a value, the words of the line say which."""

    key: str
    value: str | None
    shape: re.Pattern[str]


class _Clause(NamedTuple):
    """A clause as the letters of its parts, and its words that are read as the wish."""

    letters: str
    meant: tuple[str, ...]


_LETTERS: Final[Mapping[str, str]] = {
    part: chr(0xE000 + at) for at, part in enumerate(part for table in PHRASES for part in table)
}
# Parts whose phrases differ and whose meaning for the wish does not.
_MEANT: Final[Mapping[str, str]] = {
    "no": "not", "not": "not", "not_you": "not", "never": "not", "i_hate": "not", "stop": "stop",
    "ramble": "ramble", "rambling": "ramble", "sugarcoat": "sugarcoat", "sugarcoating": "sugarcoat",
}  # fmt: skip
# Parts that are read in their own words.
_READ: Final = frozenset(
    """too so enough pair harsh mild mildly size length terse briefly in_depth detail short_story
    tongue""".split()
)


def read_value(key: str, value: str) -> str | None:
    """Read what a signal's value asks for, be it words about its key or a line of its own.

    Args:
        key: one of the five keys of a signal.
        value: the words said, or a closed value.

    Returns:
        The closed value that is asked for, or None where the words do not say exactly one.
    """
    wish = read_wish(key, value)
    if wish is None:
        told = wish_of(value)
        wish = told[1] if told is not None and told[0] == key else None
    return wish


def wish_of(text: str) -> tuple[str, str] | None:
    """Tell what a line wishes of all answers, if it states one wish and nothing else.

    Args:
        text: what was said, as it was said. What could be no value of a signal is no wish: more
            than 96 bytes of UTF-8, or a control character.

    Returns:
        The key and its closed value; None where the line is no wish, more than one, or leaves
        open what is wished.
    """
    if len(text) > _LINE_BYTES_MAX:
        return None
    try:
        check_text("line", text, _LINE_BYTES_MAX)
    except BadField:
        return None
    clauses = _clauses_of(words_of(text))
    marks = frozenset("".join(clause.letters for clause in clauses))
    found = [form for form in _forms() if _fits(form, clauses, marks)] if clauses else []
    if len(found) != 1:
        return None
    form = found[0]
    meant = tuple(word for clause in clauses for word in clause.meant)
    value = form.value or read_words(form.key, meant)
    return None if value is None else (form.key, value)


def _clauses_of(words: tuple[str, ...]) -> list[_Clause]:
    """The clauses of a line; none if one of its words has no part to play."""
    clauses: list[_Clause] = []
    letters = ""
    meant: tuple[str, ...] = ()
    at = 0
    while at < len(words):
        phrase = _phrase_at(words, at)
        if phrase is None:
            return []
        at += len(phrase.words)
        letters += phrase.letter
        meant += phrase.meant
        if phrase.letter == _LETTERS["end"] or at == len(words):
            letters = letters.rstrip(_LETTERS["end"])
            clauses += [_Clause(letters, meant)] if letters else []
            letters, meant = "", ()
    return clauses


def _phrase_at(words: tuple[str, ...], at: int) -> _Phrase | None:
    """The longest phrase that starts at word `at`."""
    for phrase in _PHRASES.get(words[at], ()):
        size = len(phrase.words)
        if size == 1 or words[at : at + size] == phrase.words:
            return phrase
    return None


def _fits(form: _Form, clauses: Sequence[_Clause], marks: frozenset[str]) -> bool:
    """Whether every clause has a shape of this form, in a tier that holds in this line."""
    tiers = []
    for clause in clauses:
        shaped = form.shape.fullmatch(clause.letters)
        if shaped is None:
            return False
        tiers.append(shaped.lastgroup)
    full = len(tiers) - tiers.count("tail") - tiers.count("bare")
    lasts = not marks.isdisjoint(_LASTING)
    return (
        full > 0
        and ("half" not in tiers or full > 1)
        and ("loose" not in tiers or full > 1 or lasts)
        and ("asked" not in tiers or not marks.isdisjoint(_ASKING))
        and ("lasting" not in tiers or lasts)
        and _is_request(form, marks)
    )


def _is_request(form: _Form, marks: frozenset[str]) -> bool:
    """Whether a question, or a permission, is a wish for this form.

    Everyone can be brief, so "can you be brief?" is a request; not everyone speaks German, or
    speaks at all, so "can you speak German?" may want to know. "You may" grants voice, and wishes
    nothing else; "可以" does not say who may.
    """
    voice = form.value == "VOICE_ALLOWED"
    asks, tag = _LETTERS["query"] in marks, _LETTERS["tag"] in marks
    modal, can = not marks.isdisjoint(_MODAL), not marks.isdisjoint(_CAN)
    if asks and not (modal or can or tag):
        return False
    if _LETTERS["you_should"] in marks and marks.isdisjoint(_ADDRESSED):
        return False
    if can and not (asks or tag):
        return voice and _LETTERS["keyi"] not in marks
    wonders = (modal or can) and (voice or form.key == PREFERRED_LANGUAGE)
    return not wonders or tag or not marks.isdisjoint(_ASKING)


def _part_letters(parts: str) -> frozenset[str]:
    return frozenset(_LETTERS[part] for part in parts.split())


def _phrases() -> dict[str, tuple[_Phrase, ...]]:
    """Every phrase by its first word, the longest first."""
    listed = [
        (words_of(said), part)
        for table in PHRASES
        for part, phrases in table.items()
        for said in phrases.split(",")
    ]
    listed += [((mark,), "end") for mark in BREAK_MARKS]
    phrases: dict[str, tuple[_Phrase, ...]] = {}
    for words, part in sorted(listed, key=lambda row: len(row[0]), reverse=True):
        meant = words if part in _READ else (_MEANT[part],) if part in _MEANT else ()
        phrase = _Phrase(words, _LETTERS[part], meant)
        phrases[words[0]] = (*phrases.get(words[0], ()), phrase)
    return phrases


@functools.cache
def _forms() -> tuple[_Form, ...]:
    """Every form; compiled when a line first needs them, which most lines never do."""
    head, tail = _letters("HEAD"), _letters("TAIL")
    forms = []
    for key, value, tiers in WISHES:
        # Which tier a clause was found in is the one thing captured; "please" alone is bare.
        ways = [f"(?P<{tier}>{_letters(shape)})" for tier, shape in tiers.items()]
        shape = re.compile(f"{head}(?:{'|'.join(ways)}|(?P<bare>)){tail}")
        forms.append(_Form(key, value, shape))
    return tuple(forms)


def _letters(shape: str) -> str:
    """A shape as a regular expression: pieces spelt out, then each part as its letter."""
    for name, piece in PIECES.items():
        shape = re.sub(rf"\b{name}\b", f"({piece})", shape)
    shape = re.sub("[a-z_]+", lambda part: _LETTERS[part[0]], shape)
    return "".join(shape.split()).replace("(", "(?:")


_ASKING: Final = _part_letters("please from_now lasting i_want")
_ADDRESSED: Final = _part_letters("please from_now with_me talk gen_wo gen_wo_shuo huida_wo")
_MODAL: Final = _part_letters("modal would_mind")
_CAN: Final = _part_letters("can keyi")
_LASTING: Final = _part_letters("from_now lasting always each never")
_PHRASES: Final = _phrases()
