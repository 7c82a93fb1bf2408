"""What the fuzzer feeds: each target fails by raising, and on nothing that is refused well.

`make fuzz` runs them under coverage guidance; the ordinary tests run them on their own seeds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nlp_rules import broken
from selene_os.engines.nlp import Request, decode_request, run
from selene_os.errors import BadField, PackInvalid
from selene_os.language.pack import load_pack
from selene_os.language.times import NEXT_OCCURRENCE, find
from selene_os.language.times.spans import ASK
from selene_os.language.tokens import tokenize

NOW = "2026-11-21T09:30:00+00:00"
VOCABULARY = """
    remind me us to set a reminder for cancel the dentist reminders what do I have schedule meeting
    with put on my calendar book table at two people Ann Bob John him her it that send pay transfer
    money $ € £ 元 dollars euros cents hundred twenty fifty one five 5 12 20 1,000.50 2026
    2026-12-01 10/11 5pm pm am a.m. o'clock half past quarter : - —
    . , ! ? " ' « 「 ( ) and or then
    if not don't never mind actually sorry no I mean yes both first second time is in
    Tokyo weather news search about remember forget tomorrow today tonight next last this
    every Monday Friday March noon midnight week weeks month year days hours minutes
    before after from between until ago end
    of the Christmas later weekend T05 T : 5h30 5h h q1 h1 eoy may3
    提醒 我 明天 下午 五 点 半 给 转 块 取消 订 桌子 天气 几点 记住 忘记 日历 下 周 一
    月 日 号 年 从 到
    \u200b \u200d \u00ad \ufeff \u202e \u0301 \u0345 \x00 \x1c \x85 \u2028 \u3000 ５ ｐｍ ﬁ ½ ²
    ① ٥٥ ፩፩ İ ß K 👩‍👩‍👧
""".split(" ")  # fmt: skip
WORDS = [word.strip("\n") for word in VOCABULARY if word.strip("\n")]
HEAD = """name = "small"
version = "1"
[intents.SEND]
required = ["amount"]
optional = ["note"]
confirm = true
sensitivity = "PUBLIC"
[kinds]
amount = "money"
note = "words"
[terms]
"""
ENGLISH = """[parts]
give = "(pay|give)"
us = "[me|us|the @]"
[patterns]
SEND = ["send {amount} [for {note}]", "<give> <us> {amount}", "<give> {*}", "<give> ..."]
[likely]
SEND = ["donate {note: to [the] ~} {amount}", "tip tip_* {amount}"]
[pieces]
SEND = ["of {amount}", "for {note}"]
[more]
SEND = ["and {amount}"]
[answers]
amount = ["{amount}", '''[just] {amount}''']
[questions]
amount = { ask = "How much?", formats = ["$20", "20 euros"] }
note = { ask = "What for?", formats = ["for lunch", "for the tea"] }
[questions.intent_choice]
ask = "Which?"
formats = ["the first", "both"]
[questions.trigger]
ask = "Was that a request?" # asked where the transcript is unsure
formats = ["yes", "no"]
[moments]
day = "$month_name $day, $year"
hour = "$day/$month/$year at $hour12 $half"
minute = "$year-$month-$day $hour:$minute"
months = []
[phrases]
before = ["please", "hey [there]"]
ordinals = [["the first [one]"], ["the second"]]
[words]
pronouns = ["him", "her"]
"""

# What is said to a pack that was loaded, whatever its patterns came to be.
SAID = [
    Request(text)
    for text in ("send $20 for tea", "give for tea of $20", "pay me whatever for tea, and $5")
]


def decide(data: bytes) -> None:
    """JSON to an answer: BadField or a sound answer, the same one again, and whose formats fit."""
    try:
        given = json.loads(data)
        request = decode_request(given)
    except (BadField, ValueError, RecursionError) as refused:
        # json.loads raises the others; what decode_request raises of them is a defect.
        if isinstance(refused, BadField) or not _is_json(data):
            return
        raise
    answer = run(request).as_record()
    assert run(request).as_record() == answer, "the second answer differs"
    again = decode_request(json.loads(json.dumps(request.as_record())))
    assert again == request, "the record makes another request"
    if request.pending is not None or request.confirmed is not None:
        json.dumps(answer).encode()
        return
    wrong = broken(answer, request)
    assert not wrong, wrong
    for reply in answer.get("accepted_answer_formats", ()):
        context = {
            key: given[key] for key in ("now", "policy", "terms", "language") if key in given
        }
        reply_of = decode_request({**context, "text": reply, "pending": answer["pending"]})
        wrong = broken(run(reply_of).as_record(), reply_of, (request.text,))
        assert not wrong, (reply, wrong)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def times(data: bytes) -> None:
    """A text to its times; the first byte says how they are read."""
    how, said = data[:1], data[1:].decode(errors="replace")
    flags = how[0] if how else 0
    now = datetime(2026, 11, 21, 9, 30) if flags & 1 else None
    policy = NEXT_OCCURRENCE if flags & 2 else ASK
    order = (None, "DMY", "MDY", "YMD")[flags >> 2 & 3]
    found = find(said, now=now, policy=policy, order=order)  # type: ignore[arg-type]
    assert found == find(said, now=now, policy=policy, order=order)  # type: ignore[arg-type]
    tokens, behind = tokenize(said), 0
    for span in found:
        assert said[span.start : span.end] == span.text == tokens.said(span.first, span.last)
        assert behind <= span.start < span.end
        behind = span.end
        assert len(span.readings) <= (1 if policy == NEXT_OCCURRENCE else 4)
        assert (span.duration is not None) == (span.kind == "duration")
        for reading in span.readings:
            datetime.fromisoformat(reading.start)
            assert reading.end is None or reading.end > reading.start[: len(reading.end)]


@dataclass(frozen=True)
class File:
    """A file of a pack that lies in memory."""

    name: str
    content: bytes

    def read_bytes(self) -> bytes:
        return self.content


class Folder:
    """A pack's directory that lies in memory."""

    def __init__(self, **files: bytes) -> None:
        self.files = [File(f"{name}.toml", content) for name, content in files.items()]

    def iterdir(self) -> Iterator[File]:
        return iter(self.files)


def pack(data: bytes) -> None:
    """A pack's language, and its head: loaded, or refused with the file and a line that it has."""
    for file, folder in [
        ("en.toml", Folder(pack=HEAD.encode(), en=data)),
        ("pack.toml", Folder(pack=data, en=ENGLISH.encode())),
    ]:
        directory: Any = folder
        try:
            loaded = load_pack(directory)
        except PackInvalid as refused:
            placed = re.search(r"([a-z]+\.toml), line (\d+): ", str(refused))
            assert placed, str(refused)
            content = data if placed[1] == file else (HEAD + ENGLISH).encode()
            assert 1 <= int(placed[2]) <= content.count(b"\n") + 1, str(refused)
        else:
            assert load_pack(directory) == loaded
            for said in SAID:
                assert run(said, loaded) == run(said, loaded)


def _requests() -> list[bytes]:
    said = [
        "remind me to call mom tomorrow at 5 pm", "send $20 to Ann and remind me to eat at five",
        "what time is it in Tokyo", "提醒我明天下午五点给妈妈打电话", "send 500, no, 50 dollars",
        "cancel the dentist reminder", "book a table 明天7点 at Marina Bay for two", "5 pm", "both",
        "remember that my code is 4417", "what's on my calendar on Friday?", "find me some news",
    ]  # fmt: skip
    whole: dict[str, Any] = {
        "text": "send 20 to John",
        "language": "zh",
        "now": NOW,
        "transcript_confidence": "LOW",
        "uncertain_spans": [{"start": 5, "end": 7, "kind": "AMOUNT_LIKE", "field": "amount"}],
        "terms": [
            {"term": "John Smith", "kind": "EMPLOYEE_NAME_PREFERRED"},
            {"term": "John Doe", "kind": "EMPLOYEE_NAME_PREFERRED"},
        ],
        "focus": [{"start": 0, "end": 4}],
        "policy": {"time": "next_occurrence", "currency": "EUR", "date_order": "DMY"},
    }
    confirmed = {"fields": [{"key": "recipient", "text": "Ann", "value": "Ann"}]}
    given: list[Any] = [{"text": text, "now": NOW} for text in said]
    given += [whole, {"text": "send her $20", "confirmed": confirmed}]
    for text in ("remind me to eat at five", "send $20 to Ann and $30 to Bob"):
        asked = run(decode_request({"text": text, "now": NOW})).as_record()
        given.append({"text": "both", "now": NOW, "pending": asked["pending"]})
    return [json.dumps(one, ensure_ascii=False).encode() for one in given]


def _texts() -> list[bytes]:
    said = """tomorrow at 5 pm|next Friday or at five|10/11/2026 from 3 to 5 pm|明天下午五点半|
        from March 3rd until the end of next week|2026-12-24T18:00|half past eight|every other day|
        the last Monday of March 2027|in two and a half hours|between 5 and 6|二〇二七年三月一日|
        5h30|may 3|Christmas Eve 2030|the 90s|十五号到二十号|a quarter to noon|q1 2026""".split("|")
    return [bytes([place % 16]) + text.strip().encode() for place, text in enumerate(said)]


@dataclass(frozen=True)
class Target:
    """One thing to fuzz.

    Attributes:
        feed: takes the bytes.
        seeds: inputs that it takes well.
        words: what is put between, so that inputs stay near the grammar.
        bytes_max: the longest input.
    """

    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...]
    bytes_max: int = 2_048


TOML = ['"', "'''", "[", "]", "{", "}", "=", ",", "#", "\n", "[[", "|", "(", ")", "{amount}",
        "{", "{*}", "...", "~", "@", "<give>", "{note: ", "tip_*", ":", "<", ">",
        "\\u00e9", "1979-05-27", "0x1F", "true", "nan", "\\", '"""', "."]  # fmt: skip
TARGETS = {
    "decide": Target(decide, tuple(_requests()), tuple(WORDS)),
    "times": Target(times, tuple(_texts()), tuple(WORDS), 512),
    "pack": Target(pack, (ENGLISH.encode(), HEAD.encode(), b"", b"[words]\n"), tuple(TOML)),
}
