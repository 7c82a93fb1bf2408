"""From a filled request to the answer: a draft where nothing is open, else one question.

A question holds no word of the user's: it is the pack's, or made from readings, so that it is one
line within its bounds whatever was said.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from string import Template
from typing import Final

from selene_os.engines.nlp.contract import Field, Record, Request, Result
from selene_os.engines.nlp.fields import UNCERTAIN_TRANSCRIPT, UNVERIFIED_NAME, Filled
from selene_os.engines.nlp.moments import has_passed
from selene_os.language.pack import Pack
from selene_os.language.speech import Language, Moments, Question
from selene_os.language.tokens import fold
from selene_os.reasons import ReasonCode

INTENT_CHOICE: Final = "intent_choice"
TRIGGER: Final = "trigger"
MULTI_INTENT: Final = "MULTI_INTENT"
FORMATS_MAX: Final = 3

CHAT: Final = Result("CHAT", ReasonCode.NLP_CHAT_DEFAULT.name)
UNKNOWN: Final = Result(
    "INTENT_DRAFT", ReasonCode.NLP_INTENT_UNKNOWN.name, "UNKNOWN", overall_confidence="LOW"
)


def answer(filled: Filled, request: Request, language: Language) -> Result:
    """The one outcome of a filled request."""
    high = filled.firm and request.transcript_confidence != "LOW" and not filled.uncertain
    unverified = [key for key, flag in filled.unsettled.items() if flag == UNVERIFIED_NAME]
    if high:
        # At HIGH a name that no list verifies may stand (002 §11).
        for key in unverified:
            del filled.unsettled[key]
    if filled.trigger_uncertain:
        return _ask_trigger(filled, request, language)
    missing = filled.missing()
    if missing:
        return ask(filled, missing[0], request, language)
    return Result(
        "INTENT_DRAFT",
        ReasonCode.NLP_INTENT_OK.name,
        filled.intent.intent_type,
        "HIGH" if high else "MED",
        fields=_fields(filled),
        required_fields=filled.required(),
        ambiguity_flags=(),
        requires_confirmation=filled.intent.confirm,
        sensitivity=filled.intent.sensitivity,
    )


def ask(filled: Filled, key: str, request: Request, language: Language) -> Result:
    """A CLARIFY about one field of a filled request."""
    heard = filled.fields.get(key)
    if key in filled.uncertain:
        reason = ReasonCode.NLP_UNCERTAIN_SPAN
    elif key in filled.unsettled:
        reason = ReasonCode.NLP_CLARIFY_AMBIGUOUS_REFERENCE
    else:
        reason = ReasonCode.NLP_CLARIFY_MISSING_FIELD
    question = language.questions[key]
    offered: tuple[str, ...] = ()
    if heard is not None and key not in filled.uncertain:
        offered = _offers(heard, request, question, language.moments)
        if key in filled.intent.clock and not all(map(_has_clock, heard.readings)):
            # A day alone would only be asked about again.
            offered = ()
    flags = tuple(dict.fromkeys(filled.unsettled.values()))
    if filled.uncertain:
        flags += (UNCERTAIN_TRANSCRIPT,)
    fields = tuple(f for f in _fields(filled) if f.key not in filled.uncertain)
    intent = filled.intent
    return Result(
        "CLARIFY",
        reason.name,
        intent.intent_type,
        fields=fields,
        required_fields=filled.required(),
        required_fields_missing=filled.missing(),
        ambiguity_flags=flags,
        requires_confirmation=intent.confirm,
        sensitivity=intent.sensitivity,
        what_is_missing=key,
        question=question.ask_readings if offered else question.ask,
        accepted_answer_formats=offered or question.formats,
        clarification_unit_id=unit_id(request, intent.intent_type, key),
        pending=_pending(intent.intent_type, key, fields, filled),
    )


def ask_about(result: Result, key: str, request: Request, pack: Pack) -> Result:
    """The same CLARIFY, asking about another of its missing fields: PH1.PRUNE's choice.

    Returns the result unchanged where it does not miss that field: PH1.NLP names what is missing.
    """
    if result.what_is_missing == key or key not in result.required_fields_missing:
        return result
    if result.intent_type is None or result.pending is None:
        return result
    filled = _again(result, pack)
    return ask(filled, key, request, language_of(pack, request))


def _again(result: Result, pack: Pack) -> Filled:
    """The filled request that a CLARIFY was made from, out of the answer itself."""
    assert result.intent_type is not None and result.pending is not None
    filled = Filled(pack.intents[result.intent_type])
    filled.fields = {heard.key: heard for heard in result.fields}
    filled.unsettled = dict(result.pending["unsettled"])
    filled.uncertain = set(result.pending["uncertain"])
    filled.firm = result.pending["firm"]
    return filled


def ask_which(found: list[Result], request: Request, language: Language) -> Result:
    """Two or more requests in one utterance: which of them, or all."""
    question = language.questions[INTENT_CHOICE]
    return Result(
        "CLARIFY",
        ReasonCode.NLP_MULTI_INTENT.name,
        ambiguity_flags=(MULTI_INTENT,),
        required_fields_missing=(INTENT_CHOICE,),
        what_is_missing=INTENT_CHOICE,
        question=question.ask,
        accepted_answer_formats=question.formats,
        clarification_unit_id=unit_id(request, "", INTENT_CHOICE),
        pending={
            "intent_type": None,
            "asked": INTENT_CHOICE,
            "fields": [],
            "drafts": [
                {
                    "intent_type": result.intent_type,
                    "fields": [heard.as_record() for heard in result.fields],
                    "unsettled": (result.pending or {}).get("unsettled", {}),
                    "uncertain": (result.pending or {}).get("uncertain", []),
                    "firm": result.overall_confidence == "HIGH"
                    or bool((result.pending or {}).get("firm")),
                }
                for result in found
            ],
        },
    )


def _ask_trigger(filled: Filled, request: Request, language: Language) -> Result:
    """The transcript is unsure of the very word that makes this a request."""
    question = language.questions[TRIGGER]
    return Result(
        "CLARIFY",
        ReasonCode.NLP_UNCERTAIN_SPAN.name,
        ambiguity_flags=(UNCERTAIN_TRANSCRIPT,),
        required_fields_missing=(TRIGGER,),
        what_is_missing=TRIGGER,
        question=question.ask,
        accepted_answer_formats=question.formats,
        clarification_unit_id=unit_id(request, filled.intent.intent_type, TRIGGER),
        pending=_pending(filled.intent.intent_type, TRIGGER, _fields(filled), filled),
    )


def language_of(pack: Pack, request: Request) -> Language:
    """The pack's words for the request's language; English where it has none of its own."""
    return pack.languages.get(request.language) or pack.languages["en"]


def unit_id(request: Request, intent_type: str, key: str) -> str:
    """The name of one exchange: the same on a retry, and no trace of the words said."""
    named = f"{request.correlation_id}|{request.turn_id}|{intent_type}|{key}"
    return "cu_" + hashlib.sha256(named.encode()).hexdigest()[:32]


def as_multi(result: Result) -> Result:
    """A draft that was one of several in its utterance."""
    if result.decision != "INTENT_DRAFT" or result.intent_type == "UNKNOWN":
        return result
    return replace(
        result,
        reason_code=ReasonCode.NLP_MULTI_INTENT.name,
        ambiguity_flags=(*result.ambiguity_flags, MULTI_INTENT),
    )


def _pending(intent: str, asked: str, fields: tuple[Field, ...], filled: Filled) -> Record:
    return {
        "intent_type": intent,
        "asked": asked,
        "fields": [heard.as_record() for heard in fields],
        "unsettled": dict(filled.unsettled),
        "uncertain": sorted(filled.uncertain),
        "firm": filled.firm,
    }


def _fields(filled: Filled) -> tuple[Field, ...]:
    """The fields in the pack's order."""
    return tuple(filled.fields[key] for key in filled.intent.fields if key in filled.fields)


def _offers(
    heard: Field, request: Request, question: Question, moments: Moments | None
) -> tuple[str, ...]:
    """Literal answers that settle a field with several readings, or nothing."""
    if len(heard.readings) < 2 or moments is None:
        return ()
    if heard.grain is None or not all(isinstance(one, dict) for one in heard.readings):
        return _salient_first([str(name) for name in heard.readings], request)[:FORMATS_MAX]
    starts = [str(reading["start"]) for reading in heard.readings]
    # What has passed is a reading, and no answer.
    starts = [start for start in starts if not has_passed(start, request)]
    said = tuple(dict.fromkeys(_spoken(start, moments) for start in starts[:FORMATS_MAX]))
    if not said:
        return ()
    return said if len(said) > 1 else (*said, *question.formats[:1])


def _has_clock(reading: object) -> bool:
    return isinstance(reading, dict) and "T" in str(reading.get("start"))


def _salient_first(names: list[str], request: Request) -> tuple[str, ...]:
    """Names in the order of the readings, those first that the focus hints point at."""
    salient = " ".join(fold(request.text[start:end]) for start, end in request.focus)
    return tuple(sorted(names, key=lambda name: fold(name) not in salient))


def _spoken(start: str, moments: Moments) -> str:
    """A moment as a person would say it, without doubt: "November 22, 2026 at 5 pm"."""
    moment = datetime.fromisoformat(start)
    grain = "day" if "T" not in start else "minute" if moment.minute else "hour"
    return Template(getattr(moments, grain)).substitute(
        year=moment.year,
        month=moment.month,
        month_name=moments.months[moment.month - 1] if moments.months else moment.month,
        day=moment.day,
        hour=moment.hour,
        hour12=moment.hour % 12 or 12,
        minute=f"{moment.minute:02}",
        half=moments.halves[moment.hour >= 12],
    )
