"""Requests and answers out of their JSON form, with an error that names what is wrong."""

from __future__ import annotations

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
    Term,
    UncertainSpan,
)
from selene_os.errors import BadField
from selene_os.names import check_count, check_text


def decode_request(given: object) -> Request:
    """Read a request from its JSON form; unknown keys are refused, so that none is lost in silence.

    Raises:
        BadField: naming the key, the limit and the next step.
    """
    if not isinstance(given, Mapping):
        raise BadField("request", "must be a JSON object", "Send one object a line.")
    unknown = sorted(str(key) for key in given.keys() - _REQUEST_KEYS)
    if unknown:
        raise BadField(unknown[0][:64], "is no key of a request", "Leave it out, or mend its name.")
    if "text" not in given:
        raise BadField("text", "is missing", "Give what was said.")
    policy = _mapping("policy", given.get("policy") or {})
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
                span.get("field"),
            )
            for span in _mappings("uncertain_spans", given.get("uncertain_spans"))
        ),
        confirmed=_decode_confirmed(given.get("confirmed")),
        pending=_decode_pending(given.get("pending")),
        terms=tuple(
            Term(term.get("term", ""), _text("terms.kind", term.get("kind"), ""))
            for term in _mappings("terms", given.get("terms"))
        ),
        focus=tuple(
            (span.get("start", -1), span.get("end", -1))
            for span in _mappings("focus", given.get("focus"))
        ),
        policy=Policy(
            _text("policy.time", policy.get("time"), "ask"),
            policy.get("currency"),
            policy.get("date_order"),
            policy.get("zone"),
        ),
        correlation_id=_text("correlation_id", given.get("correlation_id"), ""),
        turn_id=check_count("turn_id", given.get("turn_id") or 0, 0, 2**31 - 1),
    )


_REQUEST_KEYS: Final = {
    "text", "language", "now", "transcript_confidence", "uncertain_spans", "confirmed", "pending",
    "terms", "focus", "policy", "correlation_id", "turn_id",
}  # fmt: skip


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
    try:
        moment = datetime.fromisoformat(given if isinstance(given, str) else "")
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
    start = check_count(f"{where}.start", given.get("start", 0), 0, TEXT_BYTES_MAX)
    text = given.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= TEXT_BYTES_MAX:
        raise BadField(f"{where}.text", "must be what was said", "Send it verbatim.")
    return Field(
        key=check_text(f"{where}.key", given.get("key"), 64),
        text=text,
        start=start,
        end=check_count(f"{where}.end", given.get("end", start + len(text)), 0, TEXT_BYTES_MAX),
        value=given.get("value"),
        grain=given.get("grain"),
        readings=tuple(_list(f"{where}.readings", given.get("readings"))),
        source=source,
    )


def _decode_confirmed(given: object) -> Record | None:
    if given is None:
        return None
    confirmed = _mapping("confirmed", given)
    fields = [
        decode_field(f, "confirmed").as_record()
        for f in _mappings("confirmed.fields", confirmed.get("fields"))
    ]
    return {"intent_type": confirmed.get("intent_type"), "fields": fields}


def _decode_pending(given: object) -> Record | None:
    if given is None:
        return None
    pending = dict(_mapping("pending", given))
    check_text("pending.asked", pending.get("asked"), 64)
    for heard in _mappings("pending.fields", pending.get("fields")):
        decode_field(heard, "pending")
    for draft in _mappings("pending.drafts", pending.get("drafts")):
        for heard in _mappings("pending.drafts.fields", draft.get("fields")):
            decode_field(heard, "pending")
    return pending


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
