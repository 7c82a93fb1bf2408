"""What holds of every text: spans are slices, in order and apart; nothing fails or runs away."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from selene_os.language.times import find
from selene_os.language.times.line import Line
from selene_os.language.times.scan import scan
from selene_os.language.tokens import tokenize

NOW = datetime(2026, 11, 21, 9, 30)
WORDS = (
    "at on in by from to until between and or the a an next last this of for before after every "
    "ago 1 2 5 12 21 31 2026 30 00 : / - . , pm am a.m. o'clock one two five twenty first third "
    "half quarter past day week month year hours minutes Monday fri may March sat Dec tomorrow "
    "today tonight morning noon midnight end Christmas easter weekend later soon now "
    "今天 明 下 周 一 五 点 半 月 日 号 年 2026年 个 小时 后 前 从 到 每 的 早 晚"
).split()
PHRASES = st.lists(st.sampled_from(WORDS), max_size=14).flatmap(
    lambda words: st.sampled_from((" ", "")).map(lambda gap: gap.join(words))
)


@settings(max_examples=600, deadline=None)
@given(PHRASES | st.text(max_size=60), st.sampled_from((None, NOW)))
def test_spans_are_slices_in_order_and_apart(said: str, now: datetime | None) -> None:
    end = first = 0
    tokens = tokenize(said)
    for span in find(said, now=now):
        assert said[span.start : span.end] == span.text != ""
        assert span.start >= end and span.first >= first
        assert tokens.said(span.first, span.last) == span.text
        assert len(span.readings) <= 4
        assert (span.duration is not None) == (span.kind == "duration")
        if span.kind not in ("instant", "range"):
            assert span.readings == ()
        for reading in span.readings:
            datetime.fromisoformat(reading.start)
            assert reading.end is None or reading.end > reading.start[: len(reading.end)]
        end, first = span.end, span.last


@settings(max_examples=200, deadline=None)
@given(PHRASES)
def test_one_policy_leaves_at_most_one_reading(said: str) -> None:
    for span in find(said, now=NOW, policy="next_occurrence"):
        assert len(span.readings) <= 1


@settings(max_examples=200, deadline=None)
@given(PHRASES, st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_no_moment_of_speaking_makes_it_fail(said: str, now: datetime) -> None:
    find(said, now=now)


def test_twice_the_text_costs_twice_the_look_ups() -> None:
    class Counted(tuple[str, ...]):
        looked_up = 0

        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            Counted.looked_up += 1
            return super().__getitem__(key)

    def cost(said: str) -> int:
        line = Line(tokenize(said))
        line.words = Counted(line.words)
        Counted.looked_up = 0
        scan(line)
        return Counted.looked_up

    triggers = ("at", "5", "1/", "from 1 to", "the end of", "last week of", "quarter to", "and a")
    for word in triggers:
        once, twice = cost(f"{word} " * 500), cost(f"{word} " * 1_000)
        assert twice <= 2 * once + 500, word
        assert once <= 500 * 400, word


def test_every_process_and_hash_seed_gives_the_same_bytes() -> None:
    code = (
        "from datetime import datetime; from selene_os.language.times import find;"
        "print(find('next Friday or at five, 10/11, 明天7点, easter 2027', "
        "now=datetime(2026, 11, 21, 9, 30)))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "31337")
    }
    assert len(said) == 1
