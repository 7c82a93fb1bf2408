"""PH1.NLP on input that wants to break it: only BadField is raised, and every rule holds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp_corpus
from nlp_rules import broken, check_answer
from selene_os.engines.nlp import decode_request, run
from selene_os.errors import BadField
from selene_os.language.times import ASK, NEXT_OCCURRENCE, find
from steps import lines_run

Json = dict[str, Any]
NOW = nlp_corpus.NOW
BYTES_MAX = 32_768

# For each of the sixteen intents how it is begun, in both languages. Source: docs/spec/002 §8.
TRIGGERS = """
    remind me to|set a reminder to|提醒我|change my reminder to|把提醒改到|取消提醒|记住|转账给|
    cancel the reminder for|what reminders do I have|我有什么提醒|schedule a meeting|安排会议|
    cancel my meeting with|取消会议|what is on my calendar|我今天有什么安排|book a table|给|忘记|
    订一张桌子|send|pay|transfer|remember that|forget|what do you remember about|你记得|搜索|
    what time is it|现在几点|what's the weather|天气怎么样|news about|有什么新闻|search for|
    play|order me
""".replace("\n", "").split("|")
AROUND = """
    please|can you|could you|do not|don't|never mind|if|he said "|what does '|actually|no, I mean|
    and|then|or|to|for|with|at|on|not|yes|both|the first one|sorry|wait|，|。|、|
    请|不要|算了|然后|和|thanks
""".replace("\n", "").split("|")
VALUES = """
    tomorrow|at five|5 pm|at 17:30|on Friday|next Friday|10/11|February 30|every day|in 20 minutes|
    yesterday|明天|下午五点|三月一日|每天|$20|20 euros|-$5|$0|1,000.50|¥٥|二十块|500|€1e9|Ann|him|
    that|John|王芳|O'Neill|the dentist|rem_42|Marina Bay|for two|for 2|Tokyo|东京|milk|
    my code is 4417
""".replace("\n", "").split("|")
WORDS = [word.strip() for word in TRIGGERS + AROUND + VALUES]
CONTROLS = [
    chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFF9, 0xFFFF)
]
INVISIBLE = list(
    "\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff\ufff9\U000e0001\U000e0041\U000e0100"
)
COMBINING = list("\u0300\u0301\u0308\u0327\u0345\u0489\u0e31\u20d0\u3099\U0001d165")
PICTURES = ["👍🏽", "👩\u200d👩\u200d👧", "🇳🇴", "1️⃣", "☕", "\U0001f9a8", "❤️", "🕔"]
SCRIPTS = list("İıẞßﬁŉ½²①Ⅳ５ＡＺ٥०፩᧚𝟓𝐬㋿㏂㍿王々〇ー가각ا\U00020000\U000e0fff\ue000\U0010ffff")
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(CONTROLS + INVISIBLE + COMBINING + PICTURES + SCRIPTS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
SAID = st.tuples(
    st.lists(st.sampled_from(WORDS) | PIECES, min_size=1, max_size=16),
    st.sampled_from([" ", " ", " ", "", "\u200b", "\u3000", "\n", ", "]),
).map(lambda parts: (parts[1].join(parts[0]) or "x")[:400])
PEOPLE = ["Ann", "John Smith", "John Doe", "王芳", "E\u0301va", "a", "5"]


@st.composite
def requests(draw: st.DrawFn) -> Json:
    """A request within its bounds: any text, any context but an earlier turn."""
    say = draw(SAID)
    spots = st.tuples(st.integers(0, len(say) - 1), st.integers(1, 9)).map(
        lambda spot: {"start": spot[0], "end": min(sum(spot), len(say))}
    )
    kinds = st.sampled_from(nlp_corpus.SPAN_KINDS)
    return {
        "text": say,
        "language": draw(st.sampled_from(["en", "zh"])),
        "now": draw(st.sampled_from([None, NOW, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])),
        "transcript_confidence": draw(st.sampled_from(["HIGH", "MED", "LOW"])),
        "uncertain_spans": [
            {**spot, "kind": draw(kinds)} for spot in draw(st.lists(spots, max_size=2))
        ],
        "terms": [
            {"term": name, "kind": "EMPLOYEE_NAME_PREFERRED"}
            for name in draw(st.lists(st.sampled_from(PEOPLE), max_size=3))
        ],
        "focus": draw(st.lists(spots, max_size=2)),
        "policy": draw(
            st.sampled_from([{}, {"time": "next_occurrence"}, {"currency": "EUR"},
                             {"date_order": "MDY"}])
        ),
    }  # fmt: skip


def answered(request: Json) -> Json:
    return run(decode_request(request)).as_record()


def check_sound(request: Json, earlier: tuple[str, ...] = ()) -> Json:
    """The answer, once every rule was found to hold and it came a second time."""
    answer = answered(request)
    assert broken(answer, decode_request(request), earlier) == [], ascii(request)
    assert nlp_corpus.compact(answered(request)) == nlp_corpus.compact(answer)
    return answer


@settings(max_examples=300)
@given(requests())
def test_every_rule_of_an_answer_holds_whatever_was_said(request: Json) -> None:
    check_sound(request)


ASKED = ["remind me to eat", "remind me at 6 pm", "remind me to eat at five", "send money to Ann",
         "send $20", "send $20 to Ann and $30 to Bob"]  # fmt: skip


@settings(max_examples=150)
@given(requests(), st.sampled_from(ASKED))
def test_whatever_answers_a_question_every_rule_holds(request: Json, say: str) -> None:
    context = {key: request[key] for key in ("language", "now", "terms", "policy")}
    asked = check_sound({**context, "text": say})
    pending = asked.get("pending")
    check_sound({**request, "pending": pending}, (say,))
    for reply in asked.get("accepted_answer_formats", ()):
        check_sound({**context, "text": reply, "pending": pending}, (say,))


@settings(max_examples=100)
@given(requests())
def test_what_is_confirmed_fills_nothing_that_nobody_pointed_at(request: Json) -> None:
    fields = [{"key": key, "text": "Zebedee", "value": "Zebedee"} for key in ("recipient", "task")]
    confirmed = {"intent_type": "SEND_MONEY", "fields": fields}
    answer = check_sound({**request, "confirmed": confirmed}, ("Zebedee",))
    plain = answered(request)
    pointed = [field for field in answer["fields"] if field.get("source") == "confirmed"]
    if not pointed and plain["decision"] != "CLARIFY":
        assert answer == plain


@settings(max_examples=150)
@given(SAID, st.integers(0, 400), st.sampled_from("\ud800\udbff\udc00\udfff"))
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(say: str, at: int, half: str) -> None:
    for key, value in [
        ("text", say[:at] + half + say[at:]),
        ("correlation_id", half),
        ("terms", [{"term": f"Ann{half}", "kind": "PROJECT_CODE"}]),
        ("policy", {"zone": half}),
    ]:
        with pytest.raises(BadField) as refused:
            decode_request({"text": say, key: value})
        assert (refused.value.field or "").split(".")[0] == key
    # Both halves are no character either: JSON joins them before they come here.
    with pytest.raises(BadField):
        decode_request({"text": f"{say}\ud83d\udc4d"})


@pytest.mark.parametrize("char", ["a", "é", "王", "👩", "\u200b", "\x00", "\U0010ffff"])
def test_a_text_is_measured_in_bytes_and_refused_behind_the_last_one(char: str) -> None:
    size = len(char.encode())
    full = char * (BYTES_MAX // size) + "b" * (BYTES_MAX % size)
    assert len(full.encode()) == BYTES_MAX
    decode_request({"text": full})
    for more in (full + "a", full[:-1] + char + "a", char + full):
        with pytest.raises(BadField) as refused:
            decode_request({"text": more})
        assert refused.value.field == "text"
        assert "32768" in str(refused.value)


def test_a_text_of_nothing_is_refused_and_one_of_nothing_to_see_is_talk() -> None:
    with pytest.raises(BadField):
        decode_request({"text": ""})
    for say in [" ", "\x00", "\u200b" * 90, "\u0301", "\ufeff", "\u202e", "\U000e0001", "\n\n"]:
        assert check_sound({"text": say, "now": NOW})["decision"] == "CHAT"


HEARD: Json = {"key": "when", "text": "at five", "start": 17, "end": 24, "grain": "hour"}
WHEN: Json = {
    "asked": "when",
    "intent_type": "SET_REMINDER",
    "unsettled": {"when": "AMBIGUOUS_TIME"},
}
TASK: Json = {"key": "task", "text": "eat", "start": 13, "end": 16, "value": "eat"}


@pytest.mark.parametrize(
    "pending",
    [
        {**WHEN, "fields": [{**HEARD, "readings": ["2026", "2027"]}]},
        {**WHEN, "fields": [{**HEARD, "readings": [{"start": "2027-01-01T17$:00"}, {"end": "x"}]}]},
        {**WHEN, "fields": [{**HEARD, "readings": [{"start": "T"}, {"start": "9"}]}]},
        {**WHEN, "fields": [TASK, {**HEARD, "value": "2027-01-01"}], "unsettled": {"other": "X"}},
    ],
)
def test_a_pending_that_no_answer_gave_is_refused_or_answered(pending: Json) -> None:
    try:
        request = decode_request({"text": "h", "now": NOW, "pending": pending})
    except BadField as refused:
        assert (refused.field or "").split(".")[0] == "pending"
    else:
        nlp_corpus.compact(run(request).as_record())


@pytest.mark.parametrize("key", ["turn_id", "focus"])
def test_a_number_of_five_thousand_digits_is_refused_by_the_name_of_its_field(key: str) -> None:
    huge: Any = 10**5_000
    with pytest.raises(BadField):
        decode_request({"text": "h", key: huge if key == "turn_id" else [{"start": huge}]})


@pytest.mark.parametrize("when", ["next 0 days", "in the last zero weeks", "未来0天", "下0个月"])
def test_a_stretch_of_no_length_is_no_range(when: str) -> None:
    for policy in (ASK, NEXT_OCCURRENCE):
        found = find(when, now=datetime(2026, 11, 21, 9, 30), policy=policy)
        assert all(r.end is None or r.end > r.start for span in found for r in span.readings)


SHORT = [
    "at ",
    "to ",
    "$1 ",
    "no,",
    "5pm",
    "pay",
    "and",
    "明",
    "转",
    "给",
    "\"'",
    "if ",
    "1/1",
    ", ,",
]


@pytest.mark.parametrize("part", SHORT)
def test_a_trigger_ten_thousand_times_breaks_no_rule(part: str) -> None:
    say = part * 10_000
    request = decode_request({"text": say, "now": NOW})
    check_answer(run(request).as_record(), request)


@pytest.mark.parametrize("trigger", [word.strip() for word in TRIGGERS])
def test_a_request_over_and_over_breaks_no_rule(trigger: str) -> None:
    for value in ("$5 to Ann at five, ", "明天 "):
        part = f"{trigger} {value}"
        say = part * (8_192 // len(part.encode()))
        request = decode_request({"text": say, "now": NOW})
        check_answer(run(request).as_record(), request)


@pytest.mark.parametrize("mark", INVISIBLE[:8] + COMBINING[:3] + ["\x00", "\x1b[2J", "\u202e"])
def test_a_mark_between_any_two_characters_breaks_no_evidence(mark: str) -> None:
    said = "remind me to pay Ann $20 tomorrow at 5 pm"
    for at in range(len(said) + 1):
        check_sound({"text": said[:at] + mark + said[at:], "now": NOW})
    check_sound({"text": mark.join(said), "now": NOW})


def test_many_terms_of_hostile_names_break_no_rule() -> None:
    names = ["\u0301", "\u200b", "-", "'", "to Ann and", "$20", "tomorrow", "王", "a " * 59, "👩"]
    terms = [{"term": name, "kind": "EMPLOYEE_NAME_PREFERRED"} for name in names * 40]
    for say in ("send $20 to Ann and Bob", "send $20 to 王", "remind me to eat tomorrow", "\u0301"):
        check_sound({"text": say, "now": NOW, "terms": terms})


# ---- steps, counted


def steps(say: str, terms: list[Json] | None = None) -> int:
    """Lines of Selene's own code that run for an answer."""
    request = decode_request({"text": say, "now": NOW, "terms": terms})
    return lines_run(lambda: run(request))


GROWING = [
    "remind me to ", "send $20 to Ann and ", "at ", "5 ", "and ", ", ", ". ", "if ", "no, ", "'",
    '"', "tomorrow at 5 ", "提醒我", "明天", "please ", "never mind ", "Ann ", "next ",
    "between 5 and ",
]  # fmt: skip


@pytest.mark.parametrize("part", GROWING)
def test_twice_the_text_takes_no_more_than_twice_the_steps(part: str) -> None:
    run(decode_request({"text": part, "now": NOW}))
    size = 300
    once, twice = steps(part * size), steps(part * (2 * size))
    # Once more is what is done for any text, however short.
    assert twice <= 2.2 * once + 4 * steps(part), (once, twice)


def test_json_holds_a_request_of_any_text_without_loss() -> None:
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    for start in range(0, len(everything), 8_000):
        say = everything[start : start + 8_000]
        request = decode_request({"text": say})
        assert decode_request(json.loads(json.dumps(request.as_record()))) == request


def test_many_terms_and_a_long_text_cost_their_sum_and_not_their_product() -> None:
    def cost(terms: int, words: int) -> int:
        named = [{"term": f"Ann X{at}", "kind": "EMPLOYEE_NAME_PREFERRED"} for at in range(terms)]
        return steps("ann " * words, named)

    assert cost(200, 400) <= cost(200, 10) + cost(1, 400)
