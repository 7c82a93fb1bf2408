"""What a preference signal's words ask for, in English and Chinese.

A wish is what it leaves open. Every word of the wish narrows the closed values of its key: "short"
leaves BRIEF, "not too short" leaves BALANCED and DETAILED, "neither too short nor too long" leaves
BALANCED alone. The wish is understood when one value is left; when none is (a wish and its
opposite) or several are, it is not understood.

A wish is understood as a whole or not at all: a single word without a place in these tables
("only speak *when* I ask", "text me at *work*") may be a condition, so nothing is concluded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from selene_os.engines.persona_words import (
    BREVITIES,
    BREVITY_PREFERENCE,
    BREVITY_ROWS,
    CONFIRMATION_PARTS,
    CONFIRMATION_PREFERENCE,
    CONFIRMATION_ROWS,
    CONFIRMATIONS,
    DEGREE_PARTS,
    DELIVERIES,
    LANGUAGE_PARTS,
    LANGUAGES,
    PREFERRED_LANGUAGE,
    PRIVACY_PARTS,
    PRIVACY_PREFERENCE,
    PRIVACY_ROWS,
    RESPONSE_TONE_TARGET,
    SHARED_PARTS,
    STYLE_PARTS,
    STYLE_ROWS,
    STYLES,
)
from selene_os.language.tokens import fold, tokenize

# How the words before a wish word turn it. What is not in this table (two negations, "so" alone)
# has no one reading. "Not too short" sets a limit; "don't be so short" and "too short" complain
# of what is, and so ask for the other pole. "Less" asks for a step of unknown size.
_READINGS: Final[Mapping[tuple[str, ...], str]] = {
    (): "said",
    ("lack",): "said",
    ("not",): "negated",
    ("not", "too"): "negated",
    ("stop",): "negated",
    ("less",): "negated",
    ("too",): "complained",
    ("not", "so"): "complained",
    ("stop", "so"): "complained",
    ("stop", "too"): "complained",
}
_MODIFIERS: Final = frozenset(["not", "stop", "less", "lack", "too", "so"])
_CONTRACTIONS: Final = """don't: do not, dont: do not, doesn't: do not, didn't: did not,
    can't: can not, cant: can not, cannot: can not, shouldn't: should not, mustn't: should not,
    needn't: need not, isn't: is not, it's: it is, i'd: i would, you're: you are"""
_CONTRACTED: Final[Mapping[str, tuple[str, ...]]] = {
    short.strip(): tuple(full.split())
    for short, full in (row.split(":") for row in _CONTRACTIONS.split(","))
}
_SIMPLIFIED: Final = str.maketrans(
    "別說話聲語長短簡潔溫親體貼詳細閉靜發問確認總無關開繞彎囉讀讓應對給當雙這樣麼過於個點請麻煩"
    "實時書寫講優隨須軟會見與從還沒種漢國華韓蘭臘爾亞馬羅維烏廣東話盡輕強嚴厲觀輯並許準絕歡"
    "為爲僅後啟啓嗎復複覆夠態執報斷顯來氣現經節詢該調談謝賅較遠適選釋間題麥論討動勢厭廢唸粵託乾麽妳説徵",
    "别说话声语长短简洁温亲体贴详细闭静发问确认总无关开绕弯啰读让应对给当双这样么过于个点请麻烦"
    "实时书写讲优随须软会见与从还没种汉国华韩兰腊尔亚马罗维乌广东话尽轻强严厉观辑并许准绝欢"
    "为为仅后启启吗复复复够态执报断显来气现经节询该调谈谢赅较远适选释间题麦论讨动势厌废念粤托干么你说征",
)
_NO_VOICE: Final = frozenset(["TEXT_ONLY", "SILENT"])
_VOICE: Final = frozenset(["VOICE_ALLOWED"])
BREAK_MARKS: Final = ",.;:!。、…"
_DROPPED_MARKS: Final = frozenset("-\"'\u2010\u2011\u2013")
_CODE: Final = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{4})?(?:[-_](?:[a-z]{2}|[0-9]{3}))?", re.ASCII)


class _Sense(NamedTuple):
    """What a word leaves open: as said, when denied, and when complained of."""

    said: frozenset[str]
    negated: frozenset[str]
    complained: frozenset[str]


class _Entry(NamedTuple):
    """A phrase, the part it plays, and its sense when it is a wish word."""

    words: tuple[str, ...]
    part: str
    sense: _Sense | None


class _Lexicon(NamedTuple):
    """All that can be said of one key: phrases by their first word, longest first."""

    values: frozenset[str]
    entries: Mapping[str, tuple[_Entry, ...]]


def read_wish(key: str, value: str) -> str | None:
    """Read what a signal's value asks for.

    Args:
        key: one of the five keys of a signal.
        value: the words said; a closed value or a language code is such words too.

    Returns:
        The closed value that is asked for, or None where the words do not say exactly one.
    """
    if key == PREFERRED_LANGUAGE:
        code = _CODE.fullmatch(fold(value.strip()))
        if code and code[1] in LANGUAGES:
            return code[1]
    return read_words(key, words_of(value))


def read_words(key: str, words: tuple[str, ...]) -> str | None:
    """Read what plain words ask for, as `read_wish` does with the words of a text."""
    left = _values_left(_LEXICONS[key], words)
    if left == _NO_VOICE:
        return "TEXT_ONLY"  # Nothing but voice is denied: text is what is left to answer with.
    return next(iter(left)) if len(left) == 1 else None


def _values_left(lexicon: _Lexicon, words: tuple[str, ...]) -> frozenset[str]:
    """Narrow a key's values word by word; the empty set is a wish without one reading."""
    nothing: frozenset[str] = frozenset()
    left = before = lexicon.values
    pending: tuple[str, ...] = ()
    turned: tuple[str, ...] = ()
    sense: _Sense | None = None
    # Of voice: whether a word named it, and whether a denial may reach over another word to it.
    named = doubtful = denied = beside = False
    at = 0
    while at < len(words):
        entry = _entry_at(lexicon, words, at)
        if entry is None:
            return nothing
        at += len(entry.words)
        if entry.sense is not None:
            reading = _READINGS.get(pending)
            if reading is None:
                return nothing
            sense, before = entry.sense, left
            narrowed: frozenset[str] = getattr(sense, reading)
            left = before & narrowed
            turned, pending = pending, ()
            named = named or narrowed == _VOICE
            doubtful, beside = doubtful or (denied and beside), True
        elif entry.part in _MODIFIERS:
            pending += (entry.part,)
            denied = True
        elif entry.part == "carrier":
            continue
        elif entry.part == "instead":
            # "Text instead of voice" denies what follows, and nothing before.
            pending += ("not",)
            denied, beside = True, False
        elif pending or entry.part == "unclear":
            # A negation that meets a comma, a focus or an "or" before its wish denies no wish.
            return nothing
        elif entry.part == "break":
            denied = beside = False
        elif entry.part == "or":
            # "Not X or Y" denies both; "X or Y" leaves the choice to us, which is no wish.
            pending = turned[:1]
            if pending not in (("not",), ("stop",)):
                return nothing
        elif entry.part == "enough":
            # "Not X enough" complains of too little X.
            if sense is None or turned != ("not",):
                return nothing
            left = before & sense.said
    # Voice is asked for in so many words: it is never what is left when the rest is denied, nor
    # what stands beside another word in a clause with a denial ("don't read the text aloud").
    return nothing if pending or (left == _VOICE and (doubtful or not named)) else left


def _entry_at(lexicon: _Lexicon, words: tuple[str, ...], at: int) -> _Entry | None:
    """The longest phrase of the lexicon that starts at word `at`."""
    for entry in lexicon.entries.get(words[at], ()):
        size = len(entry.words)
        if size == 1 or words[at : at + size] == entry.words:
            return entry
    return None


def words_of(text: str) -> tuple[str, ...]:
    """Cut text into plain words: contractions opened, traditional characters simplified."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_SIMPLIFIED)
    words: list[str] = []
    for word in tokenize(text.replace("_", " ")).words:
        if word in _CONTRACTED:
            words.extend(_CONTRACTED[word])
        elif word not in _DROPPED_MARKS:
            words.append(word)
    return tuple(words)


def _lexicon(values: Iterable[str], rows: str, *parts: Mapping[str, str]) -> _Lexicon:
    """Build a key's lexicon; a phrase that is named again, later or in a row, changes its part."""
    every = frozenset(values)
    phrases: dict[tuple[str, ...], _Entry] = {}
    for mark in BREAK_MARKS:
        phrases[mark,] = _Entry((mark,), "break", None)
    for table in parts:
        for part, listed in table.items():
            for words in map(words_of, listed.split(",")):
                phrases[words] = _Entry(words, part, None)
    for row in rows.split("\n\n"):
        listed, *cells = row.split("|")
        sense = _Sense(*(every if "-" in cell else frozenset(cell.split()) for cell in cells))
        for words in map(words_of, listed.split(",")):
            phrases[words] = _Entry(words, "wish", sense)
    entries: dict[str, tuple[_Entry, ...]] = {}
    for words in sorted(phrases, key=len, reverse=True):
        entries[words[0]] = (*entries.get(words[0], ()), phrases[words])
    return _Lexicon(every, entries)


def _language_rows() -> str:
    """Each language's names leave that language; denied, all the others."""
    return "\n\n".join(
        f"{names} | {code} | {' '.join(LANGUAGES.keys() - {code})} | -"
        for code, names in LANGUAGES.items()
    )


_LEXICONS: Final[Mapping[str, _Lexicon]] = {
    RESPONSE_TONE_TARGET: _lexicon(STYLES, STYLE_ROWS, SHARED_PARTS, DEGREE_PARTS, STYLE_PARTS),
    BREVITY_PREFERENCE: _lexicon(BREVITIES, BREVITY_ROWS, SHARED_PARTS, DEGREE_PARTS),
    PRIVACY_PREFERENCE: _lexicon(DELIVERIES, PRIVACY_ROWS, SHARED_PARTS, PRIVACY_PARTS),
    CONFIRMATION_PREFERENCE: _lexicon(
        CONFIRMATIONS, CONFIRMATION_ROWS, SHARED_PARTS, CONFIRMATION_PARTS
    ),
    PREFERRED_LANGUAGE: _lexicon(LANGUAGES, _language_rows(), SHARED_PARTS, LANGUAGE_PARTS),
}
