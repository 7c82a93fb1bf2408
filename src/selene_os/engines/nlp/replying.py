"""An utterance that follows a draft which waits for a yes: a yes, a no, or the draft otherwise.

Only words that can mean nothing else confirm: a yes with anything else around it is none, nor is a
question, a quotation, or what the transcript is unsure of. A no must be all that was said as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.engines.nlp.answering import filled_of, is_new
from selene_os.engines.nlp.changing import changed
from selene_os.engines.nlp.contract import Record, Request, Result
from selene_os.engines.nlp.reading import Read, Reader
from selene_os.language.grammar import LIGHT_MARKS
from selene_os.language.pack import Pack

CONFIRMATION: Final = "confirmation"
CONFIRMED: Final = "CONFIRMED"
DECLINED: Final = "DECLINED"
CHANGED: Final = "CHANGED"
_QUESTION_MARKS: Final = frozenset("?？")
_QUESTION_ENDS: Final = (("吗",), ("嗎",))
_QUOTES: Final = frozenset('"\u201c\u201d\u2018「」『』«»')
# To a draft of such a kind "cancel it" says yes as well as no.
_UNDOING: Final = frozenset("CANCEL FORGET REMOVE DELETE".split())
_ENDS: Final = frozenset(".!。！…")
_STEPS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to drafts that wait.

    Attributes:
        said: CONFIRMED, DECLINED or CHANGED.
        which: the drafts it was said to, by their place.
        result: what a changed draft became: a draft, or a question about it.
    """

    said: str
    which: tuple[int, ...]
    result: Result | None = None


def reply_to(reader: Reader, read: Read, request: Request, pack: Pack) -> Reply | None:
    """What an utterance says to the drafts that wait, or None where it speaks of something else.

    Args:
        request: its `pending` holds the drafts: {"asked": "confirmation", "drafts": […]}.
    """
    drafts = list((request.pending or {}).get("drafts") or ())
    if not drafts or _is_quoted(reader):
        return None
    first, last = _without_address(reader)
    if _asks(reader, last) or reader.spoken.is_phrase("no_answer", first, last):
        return None
    if _declines(reader, first, last, drafts):
        return Reply(DECLINED, tuple(range(len(drafts))))
    if which := _confirmed(reader, request, len(drafts), first, last):
        return Reply(CONFIRMED, which)
    if len(drafts) > 1 or drafts[0].get("intent_type") not in pack.intents:
        return None
    new = any(is_new(heard) for heard in read.requests)
    result = changed(reader, request, filled_of(pack, drafts[0]), first, last, new=new)
    return None if result is None else Reply(CHANGED, (0,), result)


def _is_quoted(reader: Reader) -> bool:
    """Whether somebody's words are quoted, be it a single mark: then nobody here says them."""
    text = reader.said.text.strip()
    return not _QUOTES.isdisjoint(text) or text[:1] in "'\u2019"


def _asks(reader: Reader, last: int) -> bool:
    words = reader.said.words
    return not _QUESTION_MARKS.isdisjoint(words) or words[last - 1 : last] in _QUESTION_ENDS


def _without_address(reader: Reader) -> tuple[int, int]:
    """The words without who is spoken to, and without the marks at their end."""
    first, last = 0, len(reader.said)
    for _ in range(_STEPS_MAX):
        end = reader.spoken.past("address", first, last)
        if end is None or end >= last:
            break
        first = end
    while last > first and reader.said.words[last - 1] in _ENDS:
        last -= 1
    for start in range(last - 1, first, -1):
        if reader.spoken.is_phrase("address", start, last):
            last = start
            break
        if last - start >= _STEPS_MAX:
            break
    return reader.spoken.trimmed(first, last)


def _declines(reader: Reader, first: int, last: int, drafts: list[Record]) -> bool:
    """Whether all that was said is one refusal, or several: "no, never mind, thanks"."""
    refused = False
    at = first
    for _ in range(_STEPS_MAX):
        paused, at = at, _past_ends(reader, at, last)
        if at >= last:
            break
        ends = [_longest(reader, name, at, last) for name in ("refusal", "withdrawal")]
        denies = reader.said.words[first] in reader.language.words["denying"]
        if any(ends) and (not refused or paused < at or not denies):
            refused, at = True, max(ends)
            continue
        courtesy = max(_longest(reader, name, at, last) for name in ("before", "after"))
        if not courtesy or _longest(reader, "yes", at, last):
            return False
        at = courtesy
    return refused and at >= last and not _may_mean_yes(reader, first, last, drafts)


def _may_mean_yes(reader: Reader, first: int, last: int, drafts: list[Record]) -> bool:
    """Whether "cancel it" answers a draft that is to cancel something."""
    said = f" {' '.join(reader.said.words[first:last])} "
    undoes = any(f" {word} " in said for word in reader.language.words["undoing"])
    return undoes and any(
        not _UNDOING.isdisjoint(str(draft.get("intent_type")).split("_")) for draft in drafts
    )


def _confirmed(
    reader: Reader, request: Request, drafts: int, first: int, last: int
) -> tuple[int, ...]:
    """The drafts that are confirmed: the only one by a yes, of several "both", or one by place."""
    if request.transcript_confidence == "LOW" or request.uncertain_spans:
        return ()
    if drafts == 1:
        return (0,) if _says(reader, "yes", first, last) else ()
    # "Yes, both" says no more than "both".
    after = reader.spoken.past("yes", first, last)
    for begin in {first, after if after is not None and after < last else first}:
        if _says(reader, "both", begin, last):
            return tuple(range(drafts))
        which = tuple(
            place
            for place, phrases in enumerate(reader.language.ordinals[:drafts])
            if reader.spoken.is_one_of(phrases, begin, last)
        )
        if which:
            return which
    return ()


def _says(reader: Reader, name: str, first: int, last: int) -> bool:
    """Whether the words are a phrase of that name, in any language: who speaks two mixes them."""
    return any(
        reader.spoken.is_one_of(language.phrases[name], first, last)
        for language in reader.pack.languages.values()
    )


def _longest(reader: Reader, name: str, first: int, last: int) -> int:
    """Where the longest phrase of that name ends that begins here; 0 where none does."""
    found = [
        reader.spoken.past_one_of(language.phrases[name], first, last) or 0
        for language in reader.pack.languages.values()
    ]
    return max(found)


def _past_ends(reader: Reader, at: int, last: int) -> int:
    words = reader.said.words
    while at < last and (
        words[at] in _ENDS or words[at] in LIGHT_MARKS or at in reader.spoken.skipped
    ):
        at += 1
    return at
