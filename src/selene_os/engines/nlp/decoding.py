"""Requests and answers out of their JSON form, with an error that names what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from selene_os.engines.nlp.contract import (
    TEXT_BYTES_MAX,
    Field,
    Policy,
    Record,
    Request,
    Result,
    UncertainSpan,
)
from selene_os.engines.nlp.terms import NO_TERMS, Term, Terms
from selene_os.errors import BadField
from selene_os.names import check_count, check_text

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3])"
    r"(?::?[0-5][0-9](?::?[0-5][0-9](?:[.,][0-9]{1,6})?)?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_START: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[+-][0-9]{2}:[0-9]{2})?)?"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def decode_request(given: object) -> Request:
    """Read a request from its JSON form; unknown keys are refused, so that none is lost in silence.

    Raises:
        BadField: naming the key, the limit and the next step.
    """
    if not isinstance(given, Mapping):
        raise BadField("request", "must be a JSON object", "Send one object a line.")
    _check_unicode("", given)
    _known("", given, _REQUEST_KEYS)
    if "text" not in given:
        raise BadField("text", "is missing", "Give what was said.")
    return Request(
        text=given["text"],
        language=_text("language", given.get("language"), "en"),
        now=decode_now(given.get("now")),
        transcript_confidence=_text(
            "transcript_confidence", given.get("transcript_confidence"), "HIGH"
        ),
        uncertain_spans=tuple(
            UncertainSpan(
                span.get("start", -1),
                span.get("end", -1),
                _text("uncertain_spans.kind", span.get("kind"), "UNKNOWN"),
                _key("uncertain_spans.field", span.get("field")),
            )
            for span in _mappings("uncertain_spans", given.get("uncertain_spans"))
        ),
        confirmed=_decode_confirmed(given.get("confirmed")),
        pending=_decode_pending(given.get("pending")),
        terms=_decode_terms(given.get("terms")),
        focus=tuple(
            (span.get("start", -1), span.get("end", -1))
            for span in _mappings("focus", given.get("focus"))
        ),
        policy=_decode_policy(given.get("policy")),
        correlation_id=_text("correlation_id", given.get("correlation_id"), ""),
        turn_id=check_count(
            "turn_id", 0 if given.get("turn_id") is None else given["turn_id"], 0, 2**31 - 1
        ),
    )


_REQUEST_KEYS: Final = frozenset(
    "text language now transcript_confidence uncertain_spans confirmed pending terms focus policy"
    " correlation_id turn_id".split()
)
_POLICY_KEYS: Final = frozenset("time currency date_order zone".split())
_FIELD_KEYS: Final = frozenset("key text start end value grain readings source".split())
_DRAFT_KEYS: Final = frozenset("intent_type fields unsettled uncertain firm".split())
_DEPTH_MAX: Final = 12


def _decode_terms(given: object) -> Terms:
    items = [
        Term(term.get("term", ""), _text("terms.kind", term.get("kind"), ""))
        for term in _mappings("terms", given)
    ]
    return Terms(items) if items else NO_TERMS


def _decode_policy(given: object) -> Policy:
    if given is None:
        return Policy()
    policy = _mapping("policy", given)
    _known("policy.", policy, _POLICY_KEYS)
    return Policy(
        _text("policy.time", policy.get("time"), "ask"),
        policy.get("currency"),
        policy.get("date_order"),
        policy.get("zone"),
    )


def _check_unicode(where: str, value: object, depth: int = 0) -> None:
    """Refuse halves of surrogate pairs, which no UTF-8 holds, and nesting without end."""
    if depth > _DEPTH_MAX:
        raise BadField(where[:64], f"is nested over {_DEPTH_MAX} deep", "Send a flatter request.")
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise BadField(where, "holds half of a surrogate pair", "Send valid UTF-8.")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if _SURROGATE.search(str(key)):
                raise BadField(where or "request", "has a key that is no UTF-8", "Mend the key.")
            _check_unicode(f"{where}.{key}" if where else str(key), inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_unicode(where, inner, depth + 1)
    elif isinstance(value, float):
        raise BadField(where, "is a fraction; there are none in a request", "Send whole numbers.")


def decode_result(record: Mapping[str, Any]) -> Result:
    """An answer out of its own JSON, as a record keeps it."""
    asked = record.get("what_is_missing")
    return Result(
        decision=record["decision"],
        reason_code=record["reason_code"],
        intent_type=record["intent_type"],
        overall_confidence=record["overall_confidence"],
        fields=tuple(_recorded_field(heard) for heard in record["fields"]),
        required_fields=tuple(record["required_fields"]),
        required_fields_missing=tuple(record["required_fields_missing"]),
        ambiguity_flags=tuple(record["ambiguity_flags"]),
        requires_confirmation=record["requires_confirmation"],
        sensitivity=record["sensitivity"],
        what_is_missing=asked[0] if asked else None,
        question=record.get("question"),
        accepted_answer_formats=tuple(record.get("accepted_answer_formats", ())),
        clarification_unit_id=record.get("clarification_unit_id"),
        pending=record.get("pending"),
        drafts=tuple(decode_result(draft) for draft in record.get("drafts", ())),
    )


def _recorded_field(record: Mapping[str, Any]) -> Field:
    return Field(
        record["key"],
        record["text"],
        record["start"],
        record["end"],
        record["value"],
        record.get("grain"),
        tuple(record.get("readings", ())),
        record.get("source"),
    )


def decode_now(given: object) -> datetime | None:
    """A moment with its offset from ISO 8601 text; None stays None; raises BadField."""
    if given is None:
        return None
    # What Python's own parser takes grows with its versions.
    try:
        if not isinstance(given, str) or not _MOMENT.fullmatch(given):
            raise ValueError
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise BadField(
            "now", f"{given!r:.60} is no ISO 8601 time", "Write it like 2026-11-21T09:30:00+00:00."
        ) from error
    if moment.tzinfo is None:
        raise BadField("now", "has no offset from UTC", "Write it like 2026-11-21T09:30+01:00.")
    return moment


def decode_field(given: Mapping[str, Any], source: str) -> Field:
    """A field of an earlier turn, marked with where it comes from; raises BadField."""
    where = f"{source}.fields"
    _known(f"{where}.", given, _FIELD_KEYS)
    start = check_count(f"{where}.start", given.get("start", 0), 0, TEXT_BYTES_MAX)
    text = given.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= TEXT_BYTES_MAX:
        raise BadField(f"{where}.text", "must be what was said", "Send it verbatim.")
    _check_meaning(f"{where}.value", given.get("value"))
    timed = given.get("grain") is not None
    for reading in _list(f"{where}.readings", given.get("readings")):
        _check_meaning(f"{where}.readings", reading)
        if timed:
            _check_moment(f"{where}.readings", reading)
    return Field(
        key=check_text(f"{where}.key", given.get("key"), 64),
        text=text,
        start=start,
        end=check_count(f"{where}.end", given.get("end", start + len(text)), 0, TEXT_BYTES_MAX),
        value=given.get("value"),
        grain=_key(f"{where}.grain", given.get("grain")),
        readings=tuple(_list(f"{where}.readings", given.get("readings"))),
        source=source,
    )


def _decode_confirmed(given: object) -> Record | None:
    if given is None:
        return None
    confirmed = _mapping("confirmed", given)
    _known("confirmed.", confirmed, frozenset({"intent_type", "fields"}))
    fields = [
        decode_field(f, "confirmed").as_record()
        for f in _mappings("confirmed.fields", confirmed.get("fields"))
    ]
    intent = confirmed.get("intent_type")
    return {
        "intent_type": None if intent is None else _text("confirmed.intent_type", intent, ""),
        "fields": fields,
    }


def _decode_pending(given: object) -> Record | None:
    """What an answer asked, as that answer gave it."""
    if given is None:
        return None
    pending = _mapping("pending", given)
    _known("pending.", pending, _DRAFT_KEYS | {"asked", "drafts"})
    if pending.get("asked") is None:
        raise BadField("pending.asked", "is missing", "Send `pending` as it was given.")
    _key("pending.asked", pending.get("asked"))
    _check_draft("pending", pending)
    for draft in _mappings("pending.drafts", pending.get("drafts")):
        _known("pending.drafts.", draft, _DRAFT_KEYS)
        _check_draft("pending.drafts", draft)
    return dict(pending)


def _check_draft(where: str, draft: Mapping[str, Any]) -> None:
    _text(f"{where}.intent_type", draft.get("intent_type"), "")
    for heard in _mappings(f"{where}.fields", draft.get("fields")):
        decode_field(heard, "pending")
    unsettled = {} if draft.get("unsettled") is None else draft["unsettled"]
    for key, flag in _mapping(f"{where}.unsettled", unsettled).items():
        _key(f"{where}.unsettled", key)
        _text(f"{where}.unsettled", flag, "")
    for key in _list(f"{where}.uncertain", draft.get("uncertain")):
        _key(f"{where}.uncertain", key)
    if not isinstance(draft.get("firm", False), bool):
        raise BadField(f"{where}.firm", "must be true or false", "Send `pending` as it was given.")


def _check_meaning(where: str, value: object) -> None:
    """A field's value: text, a whole number, or a flat object of texts."""
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return
    if isinstance(value, Mapping) and all(
        isinstance(part, str) or part is None for part in value.values()
    ):
        return
    raise BadField(
        where, "must be text, a whole number or texts by name", "Send it as it was given."
    )


def _check_moment(where: str, reading: object) -> None:
    """A reading of a time: it starts on a day, perhaps at an hour."""
    start = reading.get("start") if isinstance(reading, Mapping) else None
    try:
        if not isinstance(start, str) or not _START.fullmatch(start):
            raise ValueError
        datetime.fromisoformat(start)
    except ValueError as error:
        raise BadField(
            where, "must start like 2026-11-21 or 2026-11-21T09:30", "Send it as it was given."
        ) from error


def _known(where: str, given: Mapping[str, Any], known: frozenset[str] | set[str]) -> None:
    for key in given:
        if key not in known:
            raise BadField(f"{where}{key}"[:64], "is no key of a request", "Mend its name.")


def _key(name: str, given: object) -> str | None:
    """A field's key, or None."""
    return None if given is None else check_text(name, given, 64)


def _mapping(name: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise BadField(name, "must be a JSON object", "Send {…}, or leave it out.")
    return given


def _mappings(name: str, given: object) -> list[Mapping[str, Any]]:
    return [_mapping(name, entry) for entry in _list(name, given)]


def _list(name: str, given: object) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadField(name, "must be a JSON list", "Send […], or leave it out.")
    return given


def _text(name: str, given: object, default: str) -> str:
    if given is None:
        return default
    if not isinstance(given, str):
        raise BadField(name, "must be text", "Send a string, or leave it out.")
    return given
