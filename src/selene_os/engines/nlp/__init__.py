"""PH1.NLP: an utterance in, exactly one of INTENT_DRAFT, CLARIFY or CHAT out. It never guesses.

Pure and total: the same request gives the same result on every machine, process and hash seed.
Source: docs/spec/002 §3, §4, §6 and §8 to §11; docs/nlp.md.
"""

from __future__ import annotations

from typing import Final

from selene_os.engines.nlp import asking
from selene_os.engines.nlp.answering import answer_pending
from selene_os.engines.nlp.clauses import Note
from selene_os.engines.nlp.contract import (
    LANGUAGES,
    UNCERTAIN_SPANS_MAX,
    Field,
    Policy,
    Request,
    Result,
    UncertainSpan,
    check_currency,
    check_utterance,
)
from selene_os.engines.nlp.decoding import decode_now, decode_request, decode_result
from selene_os.engines.nlp.fields import Filling
from selene_os.engines.nlp.reading import Reader
from selene_os.engines.nlp.replying import CONFIRMATION, Reply, reply_to
from selene_os.engines.nlp.spoken import Spoken
from selene_os.engines.nlp.terms import NO_TERMS, Term, Terms
from selene_os.language.pack import TERM_KINDS, Pack, core_pack

NAME: Final = "PH1.NLP"
VERSION: Final = "1.1.0"
MULTI_INTENT: Final = asking.MULTI_INTENT

__all__ = [
    "CONFIRMATION",
    "LANGUAGES",
    "MULTI_INTENT",
    "NAME",
    "NO_TERMS",
    "TERM_KINDS",
    "UNCERTAIN_SPANS_MAX",
    "VERSION",
    "Field",
    "Pack",
    "Policy",
    "Reply",
    "Request",
    "Result",
    "Term",
    "Terms",
    "UncertainSpan",
    "ask_about",
    "check_currency",
    "check_utterance",
    "decode_now",
    "decode_request",
    "decode_result",
    "pack_digest",
    "recorded_formats",
    "reply",
    "run",
]


def run(request: Request, pack: Pack | None = None, note: Note | None = None) -> Result:
    """Decide what an utterance asks for.

    Args:
        request: the utterance and its context, checked when it was built.
        pack: what can be asked for and how it is said; the core pack where none is given.
        note: told of every step, for whoever asks why (`explaining.py`).

    Returns:
        One outcome: a draft with everything it needs, one question, or CHAT.
    """
    pack = pack or core_pack()
    language = asking.language_of(pack, request)
    reader = Reader(Spoken(request, pack, language), pack, language, note)
    read = reader.read()
    if note is not None:
        note("read", {"reader": reader, "read": read})
    if (request.pending or {}).get("asked") == CONFIRMATION:
        replied = reply_to(reader, read, request, pack)
        if replied is not None and replied.result is not None:
            return replied.result
    elif request.pending is not None:
        answered = answer_pending(reader, read, request, pack, request.pending)
        if answered is not None:
            return answered
    if read.withdrawn or not read.requests:
        return asking.CHAT
    filling = Filling(reader, request)
    results = []
    for heard in read.requests:
        if heard.intent_type is None:
            results.append(asking.UNKNOWN)
        else:
            filled = filling.fill(heard, pack.intents[heard.intent_type])
            if not heard.askable or filled.missing():
                results.append(asking.answer(filled, request, language))
    if not results:
        return asking.CHAT
    if len(results) == 1:
        return results[0]
    if all(result.intent_type == "UNKNOWN" for result in results):
        return asking.UNKNOWN
    return asking.ask_which(results, request, language)


def reply(request: Request, pack: Pack | None = None) -> Reply | None:
    """What an utterance says to the drafts that wait for a yes.

    Args:
        request: its `pending` is {"asked": "confirmation", "drafts": […]}.

    Returns:
        A yes, a no, or what the draft became; None where the utterance speaks of something else,
        and `run` says what it is.
    """
    pack = pack or core_pack()
    language = asking.language_of(pack, request)
    reader = Reader(Spoken(request, pack, language), pack, language)
    return reply_to(reader, reader.read(), request, pack)


def ask_about(result: Result, key: str, request: Request, pack: Pack | None = None) -> Result:
    """The same CLARIFY about another of its missing fields, as PH1.PRUNE chose."""
    return asking.ask_about(result, key, request, pack or core_pack())


def recorded_formats(key: str, request: Request, pack: Pack | None = None) -> tuple[str, ...]:
    """The pack's own examples of an answer: what an audit row keeps.

    The answer may offer others, made from what was said; those belong into erasable records.
    """
    return asking.language_of(pack or core_pack(), request).questions[key].formats


def pack_digest(pack: Pack | None = None) -> str:
    """The digest of the pack that decides, kept with each decision."""
    return (pack or core_pack()).digest
