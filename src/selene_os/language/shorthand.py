"""What PH1.SRL repairs, as tables: shorthand, doubled words, sounds made while thinking, marks.

    repair_tables/en.toml   English; its head says how an entry is written
    repair_tables/zh.toml   Mandarin

A table with anything in it that means nothing is refused, as a pack is: a key misspelt would be a
rule left out. The tables of all languages hold together, since speakers mix them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from pkgutil import get_data
from typing import Final

from selene_os.errors import PackInvalid
from selene_os.language.pack_file import Entry, read_file

SHORTHAND: Final = "SHORTHAND"
DOUBLED: Final = "DOUBLED"
FILLER: Final = "FILLER"
PUNCTUATION: Final = "PUNCTUATION"
REPAIR_KINDS: Final = (SHORTHAND, DOUBLED, FILLER, PUNCTUATION)
FLAG_KINDS: Final = ("NUMBER_LIKE", "NAME_LIKE", "DATE_TIME_LIKE", "AMOUNT_LIKE", "UNKNOWN")
# What may be asked for beside a form, other than a word.
BEGINNING: Final = "^"
END: Final = "$"
CLOCK: Final = "#clock"
NUMBER: Final = "#number"

_DIRECTORY: Final = "repair_tables"
_ENGLISH: Final = "en.toml"
_CHINESE: Final = "zh.toml"
_ENGLISH_KEYS: Final = (
    "lists", "shorthand", "apostrophes", "beside", "apostrophe_beside", "doubled", "fillers",
    "flags", "marks", "verbatim",
)  # fmt: skip
_BESIDE: Final = ("after", "before", "not_after", "not_before")
_VERBATIM: Final = (
    "anywhere", "anywhere_not_after", "onward", "dictated", "heads", "courtesies",
    "heads_not_before", "names_after", "names_before",
)  # fmt: skip
_FORM: Final = re.compile("[a-z0-9]+|w/o?|@")
_WORDS: Final = re.compile("[a-z0-9']+(?: [a-z0-9']+)*")
_LIST: Final = re.compile("<([a-z_]+)>")
_NEXT_STEP: Final = "Mend the table."

# Phrases by their first word.
Phrases = dict[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a form, and beside which words.

    Attributes:
        means: what it becomes; empty where it is dropped, or flagged.
        kind: of the repair, or of the flag.
        after, before, not_after, not_before: words and markers; an empty `after` or `before` asks
            for nothing.
        often: a word said three times or more is one slip too.
    """

    means: str
    kind: str
    after: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    often: bool = False

    def fits(self, said_before: Collection[str], said_behind: Collection[str]) -> bool:
        """Whether it holds between the words before a form and those behind it."""
        return (
            (not self.after or not self.after.isdisjoint(said_before))
            and (not self.before or not self.before.isdisjoint(said_behind))
            and self.not_after.isdisjoint(said_before)
            and self.not_before.isdisjoint(said_behind)
        )


Rules = dict[str, tuple[Rule, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """The tables of all languages, ready for use; every word in lower case.

    Attributes:
        shorthand, doubled, fillers, flags: form -> its rules, of which the first that fits holds.
        meanings: form -> what it means, which is what its neighbours see, repaired or not.
        sounds: sounds of Mandarin at the head of a clause, each with the pause behind it.
        repeated: a mark that is typed twice or more.
        droppable: the only characters beyond ASCII that a repair may drop.
        verbatim: a name for each list of words that keep others from being repaired.
        quoting: words of Mandarin that talk about words.
        triggers: every form that is repaired by itself.
        pairs: two words in a row of which one may be dropped or flagged.
        telling: a mark or sound without which no sign, mark or sound is repaired.
    """

    shorthand: Rules
    doubled: Rules
    fillers: Rules
    flags: Rules
    meanings: dict[str, str]
    sounds: re.Pattern[str]
    repeated: re.Pattern[str]
    droppable: frozenset[str]
    verbatim: dict[str, Phrases]
    quoting: re.Pattern[str]
    triggers: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    telling: re.Pattern[str]


@cache
def load_table() -> Table:
    """The tables that ship with Selene, read once, when a text is first to be repaired.

    Raises:
        PackInvalid: naming the file, the line and the reason.
    """
    return read_table(_content(_ENGLISH), _content(_CHINESE))


def read_table(english: bytes, chinese: bytes) -> Table:
    """Tables from the bytes of their files.

    Raises:
        PackInvalid: naming the file, the line and the reason.
    """
    return _English(read_file(_ENGLISH, english)).table(_Chinese(read_file(_CHINESE, chinese)))


def _content(name: str) -> bytes:
    try:
        content = get_data("selene_os.language", f"{_DIRECTORY}/{name}")
    except OSError as error:
        raise PackInvalid(f"{_DIRECTORY}/{name} cannot be read: {error}", _NEXT_STEP) from error
    if content is None:
        raise PackInvalid(f"{_DIRECTORY}/{name} is missing", _NEXT_STEP)
    return content


class _Chinese:
    """The table of Mandarin: characters, which need no words beside them."""

    def __init__(self, root: Entry) -> None:
        root.table(("fillers", "marks", "verbatim"))
        fillers, marks = root["fillers"], root["marks"]
        fillers.table(("sounds", "pauses"))
        marks.table(("repeated",))
        root["verbatim"].table(("anywhere",))
        self.sounds = fillers["sounds"].text()
        self.pauses = fillers["pauses"].text()
        self.repeated = marks["repeated"].text()
        for entry in (fillers["sounds"], fillers["pauses"], marks["repeated"]):
            if any(char.isascii() or char.isspace() for char in entry.text()):
                raise entry.refuse(f"{entry.name} must hold characters of Mandarin alone")
        self.quoting = [re.escape(text) for text in _split(root["verbatim"]["anywhere"])]


class _English:
    """The table of English, entry by entry."""

    def __init__(self, root: Entry) -> None:
        root.table(_ENGLISH_KEYS)
        self._root = root
        self._lists = {
            name: frozenset(_split(entry)) for name, entry in root["lists"].table().items()
        }
        self._shorthand: Rules = {}
        self._settled: set[str] = set()
        self._everywhere("shorthand", SHORTHAND)
        self._everywhere("apostrophes", PUNCTUATION)
        self._ruled("beside", self._shorthand, SHORTHAND)
        self._ruled("apostrophe_beside", self._shorthand, PUNCTUATION)
        self._doubled = self._ruled("doubled", {}, DOUBLED)
        self._fillers = self._ruled("fillers", {}, FILLER)
        self._flags = self._ruled("flags", {}, None)
        self._check_settled()

    def table(self, chinese: _Chinese) -> Table:
        marks = self._root["marks"]
        marks.table(("repeated",))
        repeated = re.escape(marks["repeated"].text() + chinese.repeated)
        sounds, pauses = re.escape(chinese.sounds), re.escape(chinese.pauses)
        return Table(
            self._shorthand,
            self._doubled,
            self._fillers,
            self._flags,
            {form: rules[0].means for form, rules in self._shorthand.items()},
            re.compile(
                f"(?<![^\\n。！？，])[ \\t]*(?:[{sounds}]+[{pauses}]+[ \\t]*)+"
                "(?=[A-Za-z0-9\u3400-\u9fff])"
            ),
            re.compile(f"([{repeated}])\\1+"),
            frozenset(chinese.sounds + chinese.pauses + chinese.repeated),
            self._verbatim(),
            re.compile("|".join(chinese.quoting)),
            frozenset(self._shorthand) | frozenset(self._fillers),
            frozenset(chain(self._doubles(), self._flagged())),
            re.compile(f"([{repeated}])\\1|[{sounds}]|(?<!\\S)(?:w/|@[ \\t])"),
        )

    # ---- forms and their rules

    def _everywhere(self, name: str, kind: str) -> None:
        for means, entry in self._root[name].table().items():
            if not _WORDS.fullmatch(means):
                raise entry.refuse(f"{means!r:.60} must be words in lower case")
            for form in _split(entry):
                self._add(entry, self._shorthand, form, self._rule(entry, means, kind))
                self._settled.add(form)

    def _ruled(self, name: str, into: Rules, kind: str | None) -> Rules:
        """The rules of a list of tables; each may have several forms."""
        takes_meaning = into is self._shorthand
        keys = (
            ("say", *_BESIDE)
            + (("means",) if takes_meaning else ())
            + (("kind",) if kind is None else ())
            + (("often",) if kind == DOUBLED else ())
        )
        for entry in self._root[name].entries():
            entry.table(keys)
            means = self._meaning(entry["means"]) if takes_meaning else ""
            rule = self._rule(entry, means, kind or entry["kind"].one_of(FLAG_KINDS))
            if kind is None and not (rule.after and rule.before):
                raise entry.refuse("a flag needs words before and after it, or it asks needlessly")
            for form in _split(entry["say"]):
                if kind == DOUBLED and form in into:
                    raise entry.refuse(f"{form!r} stands twice")
                self._add(entry, into, form, rule)
        return into

    def _rule(self, entry: Entry, means: str, kind: str) -> Rule:
        if not isinstance(entry.value, dict):
            return Rule(means, kind)
        after, before, not_after, not_before = (self._beside(entry[key]) for key in _BESIDE)
        often = entry["often"].flag(default=False)
        return Rule(means, kind, after, before, not_after, not_before, often)

    def _add(self, entry: Entry, into: Rules, form: str, rule: Rule) -> None:
        if not _FORM.fullmatch(form):
            raise entry.refuse(f"{form!r:.60} is no form: it has lower case letters and digits")
        if form in self._settled:
            raise entry.refuse(f"{form!r} stands twice")
        if any(before.means != rule.means for before in into.get(form, ())):
            raise entry.refuse(f"{form!r} means two things")
        if rule.kind == PUNCTUATION and rule.means.replace("'", "") != form:
            raise entry.refuse(f"{rule.means!r:.60} is not {form!r} with an apostrophe")
        into[form] = (*into.get(form, ()), rule)

    def _meaning(self, entry: Entry) -> str:
        text = entry.text()
        if not _WORDS.fullmatch(text):
            raise entry.refuse(f"{text!r:.60} must be words in lower case")
        return text

    def _beside(self, entry: Entry) -> frozenset[str]:
        """The words of a condition, with the lists that it names."""
        found: set[str] = set()
        for word in _split(entry) if entry.given else ():
            named = _LIST.fullmatch(word)
            if named and named[1] not in self._lists:
                raise entry.refuse(f"no list is named {word}")
            found |= self._lists[named[1]] if named else {word}
        for word in sorted(found - {BEGINNING, END, CLOCK, NUMBER}):
            if not _WORDS.fullmatch(word):
                raise entry.refuse(f"{word!r:.60} in {entry.name} can never be met")
        return frozenset(found)

    def _check_settled(self) -> None:
        """Refuse a meaning that would be repaired in its turn."""
        for form, rules in self._shorthand.items():
            for rule in rules:
                for word in rule.means.split():
                    if word in self._shorthand:
                        raise self._root["beside"].refuse(f"{form!r} becomes {word!r}, a form too")

    # ---- what tells that there may be something to do

    def _doubles(self) -> Iterator[tuple[str, str]]:
        for word in self._doubled:
            forms = [form for form in self._settled if self._shorthand[form][0].means == word]
            yield from product((word, *forms), repeat=2)

    def _flagged(self) -> Iterator[tuple[str, str]]:
        for form, rules in self._flags.items():
            for rule in rules:
                yield from ((words.split()[-1], form) for words in rule.after)

    def _verbatim(self) -> dict[str, Phrases]:
        given = self._root["verbatim"]
        given.table(_VERBATIM)
        found: dict[str, Phrases] = {}
        for name in _VERBATIM:
            by_first: Phrases = {}
            for text in sorted(self._beside(given[name])):
                first, *_ = phrase = tuple(text.split())
                by_first[first] = (*by_first.get(first, ()), phrase)
            found[name] = by_first
        return found


def _split(entry: Entry) -> list[str]:
    """The texts of an entry with | between them."""
    parts = [part.strip() for part in entry.text().split("|")]
    for part in parts:
        if not part or parts.count(part) > 1:
            raise entry.refuse(f"{part!r:.60} in {entry.name} is empty or stands twice")
    return parts
