"""An utterance that follows a question: its answer, a refusal, or something new.

What was heard before comes from the pending record of the answer before; its offsets stay those of
the turn in which it was said.
"""

from __future__ import annotations

from dataclasses import replace

from selene_os.engines.nlp import asking
from selene_os.engines.nlp.contract import Field, Record, Request, Result
from selene_os.engines.nlp.decoding import decode_field
from selene_os.engines.nlp.fields import Filled, Filling
from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.moments import has_passed, narrowed, on_its_day, refuse_past
from selene_os.engines.nlp.reading import Read, Reader
from selene_os.language.grammar import WORDS, Pieces, Slot
from selene_os.language.matching import Match
from selene_os.language.pack import Intent, Pack
from selene_os.language.speech import Language


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
    if intent is None or any(is_new(heard) for heard in read.requests):
        return None
    filled = filled_of(pack, pending)
    language = reader.language
    if asked == asking.TRIGGER:
        if not reader.spoken.is_phrase("yes", 0, last):
            return None
        return asking.answer(filled, request, language)
    if (chosen := _by_place(filled, asked, reader, request)) is not None:
        filled.fields[asked] = chosen
        filled.unsettled.pop(asked, None)
        return asking.answer(filled, request, language)
    match = _match(reader, asked, intent)
    if match is None:
        if read.requests or _asks(reader):
            return None
        return _ask_again(filled, asked, request, language)
    take(filled, asked, match, reader, request)
    return asking.answer(filled, request, language)


def is_new(heard: Heard) -> bool:
    """Whether something else is asked for, and plainly: "a party of six" may be an answer."""
    return heard.intent_type is not None and not heard.unexplained


def _match(reader: Reader, asked: str, intent: Intent) -> Match | None:
    """How the utterance answers the question, all of it explained; None where it does not."""
    last = len(reader.spoken.said)
    if any(reader.spoken.is_phrase(name, 0, last) for name in ("yes", "after", "before")):
        return None
    first, end = reader.spoken.trimmed(0, last)
    first = reader.spoken.past("correction", first, end) or first
    end = reader.spoken.without_thanks(first, end)
    is_text = reader.pack.kinds.get(asked, WORDS) == WORDS
    pieces = reader.language.pieces.get(intent.intent_type, ())
    timed = "when" in intent.fields
    for pattern in (*reader.language.answers.get(asked, ()), (Slot(asked),)):
        match = reader.spoken.matcher.match(pattern, first, end, pieces, timed=timed)
        if match is None or asked not in match.slots:
            # "{when}" may also have been taken as a time between two elements.
            continue
        if is_text and _asks(reader, match.slots[asked][0]):
            continue
        return match
    # Not what was asked for, but more of the same request: "for two, at seven".
    match = reader.spoken.matcher.match((Pieces(),), first, end, pieces, timed=timed)
    return match if match is not None and (match.slots or match.times) else None


def _asks(reader: Reader, at: int = 0) -> bool:
    """Whether the words from `at` on are a question of the user's own."""
    words, lists = reader.said.words, reader.language.words
    return bool(words) and (
        words[at] in lists["question_heads"]
        or words[at] in lists["auxiliaries"]
        or words[-1] in ("?", "？", "吗", "呢")
    )


def take(filled: Filled, asked: str, match: Match, reader: Reader, request: Request) -> None:
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
    if match.times and asked != "when" and not names_day(reader, match, ""):
        fresh.fields["when"] = on_its_day(filled.fields.get("when"), fresh.fields["when"])
    for key, found in fresh.fields.items():
        if key in keys or key not in filled.fields:
            filled.fields[key] = found
    filled.unsettled.update(fresh.unsettled)
    filled.uncertain |= fresh.uncertain
    if before is not None and before.grain is not None and asked in fresh.fields:
        chosen = narrowed(before, fresh.fields[asked], dated=names_day(reader, match, asked))
        filled.fields[asked] = chosen
        if chosen.value is not None and not chosen.readings:
            filled.unsettled.pop(asked, None)
    if filled.intent.confirm:
        refuse_past(filled.fields, filled.unsettled, request)


def names_day(reader: Reader, match: Match, asked: str) -> bool:
    """Whether an answer names a day, or counts from now, and is not only a time of day."""
    spans = [reader.spoken.times[index] for index in match.times]
    if asked in match.slots and match.slots[asked][0] in reader.spoken.times:
        spans.append(reader.spoken.times[match.slots[asked][0]])
    return any(
        (span.form is None and span.kind != "range")
        or (span.form is not None and span.form.date is not None)
        or (span.form is not None and span.form.clock and span.form.clock.op == "shift")
        for span in spans
    )


def _by_place(filled: Filled, asked: str, reader: Reader, request: Request) -> Field | None:
    """The reading that an answer points at by its place: "the second one"."""
    heard, last = filled.fields.get(asked), len(reader.said)
    if heard is None or len(heard.readings) < 2:
        return None
    offered = [
        reading
        for reading in heard.readings
        if isinstance(reading, str)
        or (isinstance(reading, dict) and not has_passed(str(reading.get("start")), request))
    ]
    for place, phrases in enumerate(reader.language.ordinals):
        if place < len(offered) and reader.spoken.is_one_of(phrases, 0, last):
            one = offered[place]
            if isinstance(one, str):
                return replace(heard, value=one, readings=())
            return replace(heard, value=one.get("start"), grain=one.get("grain"), readings=())
    return None


def _ask_again(filled: Filled, asked: str, request: Request, language: Language) -> Result:
    missing = filled.missing()
    if not missing:
        return asking.answer(filled, request, language)
    return asking.ask(filled, asked if asked in missing else missing[0], request, language)


def filled_of(pack: Pack, pending: Record) -> Filled:
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
            filled = filled_of(pack, draft)
            results.append(asking.answer(filled, request, language))
        else:
            results.append(asking.UNKNOWN)
    if len(results) == 1:
        return results[0]
    results = [asking.as_multi(result) for result in results]
    return replace(results[0], drafts=tuple(results))
