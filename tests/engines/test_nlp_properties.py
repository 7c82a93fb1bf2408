"""PH1.NLP on any text whatever: total, exact, the same again, and linear."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selene_os.engines.nlp import decode_request, decode_result, run
from selene_os.errors import BadField

Json = dict[str, Any]
NOW = "2026-11-21T09:30:00+00:00"
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Words near the grammar, so that many generated texts are almost commands.
WORDS = """
    remind me us to send pay transfer money $20 20 euros to Ann Bob John him it that what's time
    is it in Tokyo tomorrow at five 5 pm am no not don't never mind actually sorry I mean and
    if can you could please " ' ( ) , . ? ! … — \u201c \u2019 \u200b \ufeff \u00ad 王芳 明天 İ ß ﬁ
    set a reminder for every day on Friday next yesterday February 30 half past both yes the
    first one ５ ｐｍ -$5 $0 1,000.50 ¥ £ % \u0301 👩‍👩‍👧 \r \n \t \x00
""".split(" ")
NEAR = st.lists(st.sampled_from([w for w in WORDS if w]), min_size=1, max_size=14).map(" ".join)
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
TEXTS = st.one_of(NEAR, ANY)


@st.composite
def requests(draw: st.DrawFn) -> Json:
    """A request with any context that is within its bounds."""
    text = draw(TEXTS)
    spots = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    spans = [
        {"start": a, "end": b, "kind": "UNKNOWN", "field": None}
        for a, b in draw(st.lists(spots, max_size=3))
        if a < b
    ]
    names = draw(st.lists(st.sampled_from(["Ann", "John Smith", "John Doe", "王芳"]), max_size=3))
    return {
        "text": text,
        "language": draw(st.sampled_from(["en", "zh"])),
        "now": draw(st.sampled_from([None, NOW, "2024-02-29T23:59:59+14:00"])),
        "transcript_confidence": draw(st.sampled_from(["HIGH", "MED", "LOW"])),
        "uncertain_spans": spans,
        "terms": [{"term": name, "kind": "EMPLOYEE_NAME_PREFERRED"} for name in names],
        "focus": [{"start": span["start"], "end": span["end"]} for span in spans],
        "policy": {
            "time": draw(st.sampled_from(["ask", "next_occurrence"])),
            "currency": draw(st.sampled_from([None, "EUR"])),
            "date_order": draw(st.sampled_from([None, "DMY", "MDY", "YMD"])),
        },
        "correlation_id": "c" * 32,
        "turn_id": draw(st.integers(0, 9)),
    }


def answered(request: Json) -> Json:
    return run(decode_request(request)).as_record()


def compact(record: Json) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


@RELAXED
@given(requests())
def test_every_text_is_answered_and_every_field_is_a_slice_of_it(request: Json) -> None:
    answer = answered(request)
    assert answer["decision"] in ("INTENT_DRAFT", "CLARIFY", "CHAT")
    for field in answer["fields"]:
        assert request["text"][field["start"] : field["end"]] == field["text"] != ""
        assert "source" not in field
        assert field["value"] is None or len(field.get("readings", [])) <= 1
    if answer["decision"] == "CHAT":
        assert answer["intent_type"] is None
    if answer["decision"] == "INTENT_DRAFT":
        assert answer["required_fields_missing"] == []
        wants = set(answer["required_fields"])
        assert wants <= {f["key"] for f in answer["fields"] if f["text"]}
        assert answer["overall_confidence"] != "HIGH" or request["transcript_confidence"] != "LOW"
    if answer["decision"] == "CLARIFY":
        assert len(answer["what_is_missing"]) == 1
        assert len(answer["question"].splitlines()) == 1
        assert len(answer["question"].encode()) <= 240
        assert 2 <= len(answer["accepted_answer_formats"]) <= 3


@RELAXED
@given(requests())
def test_no_uncertain_span_touches_a_required_field_of_a_draft(request: Json) -> None:
    answer = answered(request)
    if answer["decision"] != "INTENT_DRAFT" or answer["intent_type"] == "UNKNOWN":
        return
    for field in answer["fields"]:
        for span in request["uncertain_spans"]:
            apart = span["end"] <= field["start"] or span["start"] >= field["end"]
            assert apart or field["key"] not in answer["required_fields"]


@RELAXED
@given(requests())
def test_a_request_made_again_from_its_record_gives_the_same_bytes(request: Json) -> None:
    first = decode_request(request)
    again = decode_request(json.loads(json.dumps(first.as_record())))
    assert again == first
    assert compact(again.as_record()) == compact(first.as_record())
    assert compact(run(again).as_record()) == compact(run(first).as_record())
    assert compact(answered(request)) == compact(run(first).as_record())


@RELAXED
@given(requests())
def test_an_answer_made_again_from_its_record_is_the_same_answer(request: Json) -> None:
    answer = answered(request)
    assert decode_result(json.loads(json.dumps(answer))).as_record() == answer


@RELAXED
@given(
    st.sampled_from(["remind me at 6 pm", "remind me to eat", "send $20", "send money to Ann",
                     "send $20 to Ann and $30 to Bob", "remind me to eat at five"]),
    TEXTS,
)  # fmt: skip
def test_any_answer_to_a_question_is_taken_and_evidence_stays_exact(say: str, reply: str) -> None:
    asked = answered({"text": say, "now": NOW})
    answer = answered({"text": reply, "now": NOW, "pending": asked["pending"]})
    for given_answer in [answer, *answer.get("drafts", [])]:
        for field in given_answer["fields"]:
            source = say if field.get("source") else reply
            assert source[field["start"] : field["end"]] == field["text"]


@RELAXED
@given(ANY, st.characters(categories=["Cs"]), st.integers(0, 80))
def test_half_a_surrogate_pair_is_refused_by_the_name_of_the_field(
    text: str, half: str, at: int
) -> None:
    with pytest.raises(BadField) as refused:
        decode_request({"text": text[:at] + half + text[at:]})
    assert refused.value.field == "text"


GARBAGE: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "\ud800", "a\nb", "9" * 40_000, [], [None], [1],
    ["x"], [[]], [{}], {}, {"x": 1}, {"start": "0", "end": None}, [{"start": 0, "end": 10**9}],
    [{"start": -5, "end": 2}], [{"start": True, "end": 2}], [{"start": 2, "end": 1}],
    [{"start": 0, "end": 1, "kind": 7}], [{"start": 0, "end": 1, "kind": []}],
    [{"start": 0, "end": 1, "field": {"deep": []}}], [{"start": 0, "end": 1}] * 99,
    [{"term": 5, "kind": "PROJECT_CODE"}], [{"term": "Ann", "kind": "NO_KIND"}],
    [{"term": "a\u2028b", "kind": "PROJECT_CODE"}], [{"kind": "PROJECT_CODE"}],
    {"time": 3}, {"time": "soon"}, {"currency": 5}, {"currency": []}, {"currency": "\ud800"},
    {"date_order": ["DMY"]}, {"date_order": {}}, {"zone": 9}, {"zone": "No/Where"}, {"x": "y"},
    {"currency": "euros please"}, {"asked": "when"}, {"asked": 5}, {"asked": "when", "fields": 3},
    {"asked": "when", "fields": [{}]}, {"asked": "when", "intent_type": "NO_INTENT"},
    {"asked": "when", "intent_type": 5, "fields": []}, {"asked": "intent_choice", "drafts": [1]},
    {"asked": "intent_choice", "drafts": [{}]}, {"asked": "intent_choice"},
    {"asked": "trigger", "intent_type": None}, {"asked": "recipient", "intent_type": "SEND_MONEY"},
    {"asked": "recipient", "intent_type": "SEND_MONEY", "unsettled": 5, "uncertain": 7},
    {"intent_type": ["x"], "fields": [{"key": "recipient", "text": "Ann", "value": "Ann"}]},
    {"intent_type": "SEND_MONEY", "fields": [{"key": "recipient", "text": "Ann", "value": {}}]},
    {"intent_type": "SEND_MONEY", "fields": [{"key": [], "text": "Ann", "value": None}]},
    {"intent_type": "SEND_MONEY", "fields": [{"key": "amount", "text": "Ann", "start": "1"}]},
    {"intent_type": "SEND_MONEY", "fields": [{"key": "a", "text": "b", "readings": {"a": 1}}]},
    "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T09:30", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-11-21T09:30:00+23:59",
]  # fmt: skip
KEYS = """
    text language now transcript_confidence uncertain_spans confirmed pending terms focus policy
    correlation_id turn_id
""".split()


def check_refused_or_answered(request: Any, key: str) -> None:
    """Either BadField that names the key (or a part of it), or a whole answer."""
    try:
        decoded = decode_request(request)
    except BadField as refused:
        assert refused.field is not None
        assert refused.field.split(".")[0] == key, refused.field
        assert str(refused)
        return
    answer = run(decoded).as_record()
    json.dumps(answer).encode()
    assert decode_request(json.loads(json.dumps(decoded.as_record()))) == decoded


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("say", ["send $20 to her tomorrow at five", "yes", "tomorrow at 5 pm"])
def test_garbage_in_a_key_is_refused_by_its_name_or_does_no_harm(key: str, say: str) -> None:
    wrong = []
    for garbage in GARBAGE:
        try:
            check_refused_or_answered({"text": say, "now": NOW, key: garbage}, key)
        except Exception as error:
            wrong.append(f"{key}={garbage!r:.80}: {type(error).__name__}: {error!s:.100}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("key", "garbage"),
    [
        ("text", None), ("text", 5), ("text", ""), ("text", "é" * 16_385), ("text", ["x"]),
        ("language", "fr"), ("language", 5), ("now", "yesterday"), ("now", "2026-11-21T09:30"),
        ("now", 17), ("transcript_confidence", "high"), ("uncertain_spans", {"start": 0}),
        ("uncertain_spans", [{"start": 0, "end": 1}] * 33), ("uncertain_spans", [{"start": 0}]),
        ("uncertain_spans", [{"start": 3, "end": 3}]), ("focus", [{"start": 0, "end": 99}]),
        ("uncertain_spans", [{"start": 0, "end": 99}]),
        ("uncertain_spans", [{"start": 0, "end": 1, "kind": "NOISE"}]), ("terms", "Ann"),
        ("uncertain_spans", [{"start": 0, "end": 1, "field": 5}]), ("terms", [{"term": "Ann"}]),
        ("terms", [{"term": "x" * 121, "kind": "PROJECT_CODE"}]), ("focus", [{"start": 0}]),
        ("terms", [{"term": "x", "kind": "PROJECT_CODE"}] * 4_097), ("policy", []),
        ("focus", [{"start": 0, "end": 1}] * 13), ("policy", {"time": "guess"}),
        ("policy", {"currency": 5}), ("policy", {"date_order": "DYM"}), ("policy", {"zone": 9}),
        ("confirmed", "yes"), ("confirmed", {"fields": [{"key": "recipient"}]}), ("pending", "x"),
        ("pending", {"asked": 5}), ("correlation_id", 5), ("turn_id", "1"), ("turn_id", -1),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused_by_its_name(key: str, garbage: Any) -> None:
    with pytest.raises(BadField) as refused:
        decode_request({"text": "remind me", "now": NOW, key: garbage})
    assert (refused.value.field or "").split(".")[0] == key


@pytest.mark.parametrize("given_request", [None, [], "x", 5, [{"text": "hello"}]])
def test_what_is_no_object_is_no_request(given_request: Any) -> None:
    with pytest.raises(BadField):
        decode_request(given_request)


def test_a_key_that_no_request_has_is_refused_and_named() -> None:
    with pytest.raises(BadField) as refused:
        decode_request({"text": "hello", "texts": "hello"})
    assert refused.value.field == "texts"


REPEATED = [
    "remind me ", "send $20 to Ann and ", "what time is it ", "tomorrow at 5 ", "please ", "to ",
    "no, ", "\"", "'", "(", "$", "5 ", "and ", "if ", "remind me to ", "Ann ", "at five or ",
    "don't ", "never mind ", "twenty ", "hundred and ", "half past ", ", ", ". ", "\u200b", "王",
    "send Ann ", "next ", "every ", "actually 5 pm no 6 pm ", "send -", "can you ", "in the ",
    "remind me at 5 pm to send $20 to Ann. ", "«", "1,000,", "a", "1", "between 5 and ", "-",
    "then ", "remind me to eat and ", "pay Ann $5, ",
]  # fmt: skip


def taken(text: str) -> float:
    """Seconds of processor time that an answer takes."""
    request = decode_request({"text": text, "now": NOW})
    began = time.process_time()
    run(request)
    return time.process_time() - began


@pytest.mark.parametrize("part", REPEATED)
def test_a_text_of_32_kilobytes_takes_time_in_proportion_to_its_length(part: str) -> None:
    size = 32_768 // len(part.encode())
    whole = taken(part * size)
    assert whole < 3
    if whole > 0.2:
        # Four times the text; sixteen times the time would be quadratic.
        assert min(whole, taken(part * size)) < 10 * taken(part * (size // 4))


def test_a_request_behind_32_kilobytes_of_talk_is_still_found() -> None:
    talk = "it rained. " * 2_900
    answer = answered({"text": talk + "Send $20 to Ann.", "now": NOW})
    assert answer["intent_type"] in ("SEND_MONEY", None)
    for field in answer["fields"]:
        assert field["start"] >= len(talk)
