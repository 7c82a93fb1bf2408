"""An utterance that follows a question: its answer, a refusal, or something new.

What was heard before comes from the pending record of the answer before; its offsets stay those of
the turn in which it was said.
"""

from __future__ import annotations

from dataclasses import replace

from selene_os.engines.nlp import asking
from selene_os.engines.nlp.contract import Field, Record, Request, Result
from selene_os.engines.nlp.decoding import decode_field
from selene_os.engines.nlp.fields import Filled, Filling, select_reading
from selene_os.engines.nlp.reading import Heard, Read, Reader
from selene_os.language.grammar import WORDS, Match
from selene_os.language.pack import Language, Pack

_QUESTION_WORDS = frozenset(
    [
        "what",
        "who",
        "why",
        "how",
        "where",
        "which",
        "whose",
        "do",
        "does",
        "did",
        "is",
        "are",
        "can",
        "could",
    ]
)


def answer_pending(
    reader: Reader, read: Read, request: Request, pack: Pack, pending: Record
) -> Result | None:
    """The outcome of an answer to a question; None where the utterance is something new."""
    last = len(reader.spoken.said)
    if read.withdrawn or reader.spoken.is_phrase("refusal", 0, last):
        return asking.CHAT
    asked = pending["asked"]
    if asked == asking.INTENT_CHOICE:
        return _choose(reader, request, pack, pending)
    intent = pack.intents.get(pending.get("intent_type") or "")
    if intent is None or any(heard.intent_type for heard in read.requests):
        return None
    filled = _filled(pack, pending)
    language = reader.language
    if asked == asking.TRIGGER:
        if not reader.spoken.is_phrase("yes", 0, last):
            return None
        return asking.answer(filled, request, language)
    match = _match(reader, asked)
    if match is None:
        if read.requests or (
            reader.spoken.said.words[:1]
            and (
                reader.spoken.said.words[0] in _QUESTION_WORDS
                or reader.spoken.said.words[-1] == "?"
            )
        ):
            return None
        return _ask_again(filled, asked, request, language)
    _take(filled, asked, match, reader, request)
    return asking.answer(filled, request, language)


def _match(reader: Reader, asked: str) -> Match | None:
    """How the utterance answers the question, all of it explained; None where it does not."""
    last = len(reader.spoken.said)
    if any(reader.spoken.is_phrase(name, 0, last) for name in ("yes", "after", "before")):
        return None
    first, end = reader.spoken.trimmed(0, last)
    end = reader.spoken.without_thanks(first, end)
    is_text = reader.pack.kinds.get(asked, WORDS) == WORDS
    for pattern in reader.language.answers.get(asked, ()):
        match = reader.spoken.matcher.match(pattern, first, end)
        if match is None or asked not in match.slots:
            # "{when}" may also have been taken as a time between two elements.
            continue
        head = reader.spoken.said.words[match.slots[asked][0]]
        if is_text and (head in _QUESTION_WORDS or reader.spoken.said.words[-1] == "?"):
            continue
        return match
    return None


def _take(filled: Filled, asked: str, match: Match, reader: Reader, request: Request) -> None:
    """Put what the answer says into the request, the field that was asked for and others."""
    before = filled.fields.get(asked)
    keys = set(match.slots)
    heard = Heard(
        filled.intent.intent_type,
        0,
        len(reader.spoken.said),
        {key: place for key, place in match.slots.items() if key in filled.intent.fields},
        tuple(reader.spoken.times[index] for index in match.times),
    )
    if match.times and asked != "when":
        keys.add("when")
    for key in keys:
        filled.unsettled.pop(key, None)
        filled.uncertain.discard(key)
    fresh = Filling(reader, request).fill(heard, filled.intent)
    for key, found in fresh.fields.items():
        if key in keys or key not in filled.fields:
            filled.fields[key] = found
    filled.unsettled.update(fresh.unsettled)
    filled.uncertain |= fresh.uncertain
    if before is not None and before.readings and asked in fresh.fields:
        chosen = select_reading(before, fresh.fields[asked])
        filled.fields[asked] = chosen
        if chosen.value is not None and not chosen.readings:
            filled.unsettled.pop(asked, None)


def _ask_again(filled: Filled, asked: str, request: Request, language: Language) -> Result:
    missing = filled.missing()
    return asking.ask(filled, asked if asked in missing else missing[0], request, language)


def _filled(pack: Pack, pending: Record) -> Filled:
    """The request as it was when the question was asked."""
    filled = Filled(pack.intents[pending["intent_type"]])
    for given in pending.get("fields", ()):
        heard: Field = decode_field(given, "pending")
        if given.get("source") == "confirmed":
            heard = replace(heard, source="confirmed")
        filled.fields[heard.key] = heard
    unsettled = pending.get("unsettled")
    filled.unsettled = dict(unsettled) if isinstance(unsettled, dict) else {}
    uncertain = pending.get("uncertain")
    filled.uncertain = set(uncertain) if isinstance(uncertain, list) else set()
    filled.firm = pending.get("firm") is True
    return filled


def _choose(reader: Reader, request: Request, pack: Pack, pending: Record) -> Result | None:
    """Which of several requests: both, or one by its place."""
    last = len(reader.spoken.said)
    drafts = list(pending.get("drafts", ()))
    language = reader.language
    if reader.spoken.is_phrase("both", 0, last):
        chosen = drafts
    else:
        places = [
            place
            for place, phrases in enumerate(language.ordinals)
            if reader.spoken.is_one_of(phrases, 0, last)
        ]
        chosen = [drafts[place] for place in places if place < len(drafts)]
    if not chosen:
        return None
    results = []
    for draft in chosen:
        if draft.get("intent_type") in pack.intents:
            filled = _filled(pack, draft)
            results.append(asking.answer(filled, request, language))
        else:
            results.append(asking.UNKNOWN)
    if len(results) == 1:
        return results[0]
    results = [asking.as_multi(result) for result in results]
    return replace(results[0], drafts=tuple(results))
