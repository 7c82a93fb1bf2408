"""What is said, and when that is: tables that can be read without knowing the grammar.

Everything is said on Saturday 21 November 2026 at 09:30, unless a test says otherwise.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from selene_os.language.times import DateOrder, TimePolicy, TimeSpan, combine, find

NOW = datetime(2026, 11, 21, 9, 30)


def spans(said: str, now: datetime | None = NOW) -> tuple[TimeSpan, ...]:
    return find(said, now=now)


def starts(said: str, now: datetime | None = NOW) -> list[str]:
    """The readings of the one expression in `said`, ranges as start/end."""
    (span,) = find(said, now=now)
    return [f"{r.start}/{r.end}" if r.end else r.start for r in span.readings]


ONE_READING = {
    "tomorrow at 5 pm": "2026-11-22T17:00",
    "at 5 pm": "2026-11-21T17:00",
    "at 5 p.m. tomorrow": "2026-11-22T17:00",
    "tomorrow at five p m": "2026-11-22T17:00",
    "tomorrow at 17:00": "2026-11-22T17:00",
    "tomorrow at 1700 hours": "2026-11-22T17:00",
    "at five this afternoon": "2026-11-21T17:00",
    "tonight at nine": "2026-11-21T21:00",
    "at 9 o'clock tonight": "2026-11-21T21:00",
    "at eleven in the morning tomorrow": "2026-11-22T11:00",
    "at half past six in the evening": "2026-11-21T18:30",
    "tomorrow at twenty past four pm": "2026-11-22T16:20",
    "8 this evening": "2026-11-21T20:00",
    "at noon": "2026-11-21T12:00",
    "at midnight": "2026-11-22T00:00",
    "today": "2026-11-21",
    "the day after tomorrow at 8 am": "2026-11-23T08:00",
    "Tuesday 10am": "2026-11-24T10:00",
    "on Wed at 4 pm": "2026-11-25T16:00",
    "on Friday at 6 pm": "2026-11-27T18:00",
    "Friday, November 27 at 8 pm": "2026-11-27T20:00",
    "on the 3rd": "2026-12-03",
    "the 21st": "2026-11-21",
    "on December 3rd at noon": "2026-12-03T12:00",
    "on the 3rd of December at 1 pm": "2026-12-03T13:00",
    "on 3 December 2026": "2026-12-03",
    "December 3, 2026": "2026-12-03",
    "on Jan 5th at 7 am": "2027-01-05T07:00",
    "february twenty second": "2027-02-22",
    "Feb 29": "2028-02-29",
    "2026-12-01": "2026-12-01",
    "at 2026-12-01T08:00": "2026-12-01T08:00",
    "2026-12-01T08:00:30": "2026-12-01T08:00:30",
    "on 2026/12/01 at 6 pm": "2026-12-01T18:00",
    "on 25.12.2026 at 9 am": "2026-12-25T09:00",
    "on 13/11/2027": "2027-11-13",
    "on 11/25/2026": "2026-11-25",
    "23/Sep/2027": "2027-09-23",
    "on New Year's Eve at 11 pm": "2026-12-31T23:00",
    "Easter": "2027-03-28",
    "thanksgiving": "2026-11-26",
    "Christmas 2027": "2027-12-25",
    "chinese new year": "2027-02-06",
    "Rosh Hashanah 2018": "2018-09-09",
    "two days before Christmas": "2026-12-23",
    "the last Friday of March": "2027-03-26",
    "the first Monday of next month": "2026-12-07",
    "Tuesday of next week": "2026-11-24",
    "in 30 minutes": "2026-11-21T10:00",
    "in two hours": "2026-11-21T11:30",
    "in half an hour": "2026-11-21T10:00",
    "in an hour and a half": "2026-11-21T11:00",
    "in 90 mins": "2026-11-21T11:00",
    "in 2 hours and 15 minutes": "2026-11-21T11:45",
    "two weeks from tomorrow": "2026-12-06",
    "a week from Monday": "2026-11-30",
    "in 3 months": "2027-02-21",
    "three days ago": "2026-11-18",
    "in 7 days at 5 pm": "2026-11-28T17:00",
    "since Monday": "2026-11-16",
    "明天下午5点": "2026-11-22T17:00",
    "今晚八点半": "2026-11-21T20:30",
    "周一上午十点": "2026-11-23T10:00",
    "下周三": "2026-11-25",
    "星期二": "2026-11-24",
    "上周五": "2026-11-13",
    "大后天": "2026-11-24",
    "後天": "2026-11-23",
    "3月5日": "2027-03-05",
    "2026年12月1日": "2026-12-01",
    "十二月三号": "2026-12-03",
    "29日": "2026-11-29",
    "两个小时后": "2026-11-21T11:30",
    "兩個小時後": "2026-11-21T11:30",
    "三天前": "2026-11-18",
    "半小时后": "2026-11-21T10:00",
    "春节": "2027-02-06",
    "中秋節": "2027-09-15",
    "下午三点一刻": "2026-11-21T15:15",
}


@pytest.mark.parametrize(("said", "start"), ONE_READING.items())
def test_what_is_clear_has_one_reading(said: str, start: str) -> None:
    assert starts(said) == [start]
    assert spans(said)[0].kind == "instant"


SEVERAL_READINGS = {
    "at five": ["2026-11-21T17:00", "2026-11-22T05:00"],
    "at 5": ["2026-11-21T17:00", "2026-11-22T05:00"],
    "around five": ["2026-11-21T17:00", "2026-11-22T05:00"],
    "tomorrow at 6": ["2026-11-22T06:00", "2026-11-22T18:00"],
    "at quarter to eight": ["2026-11-21T19:45", "2026-11-22T07:45"],
    "at 12": ["2026-11-21T12:00", "2026-11-22T00:00"],
    "at 8 am": ["2026-11-21T08:00", "2026-11-22T08:00"],
    "next Friday": ["2026-11-27", "2026-12-04"],
    "Saturday": ["2026-11-21", "2026-11-28"],
    "10/11": ["2027-10-11", "2027-11-10"],
    "on 12/11/2026": ["2026-12-11", "2026-11-12"],
    "on 03/04 at 2 pm": ["2027-03-04T14:00", "2027-04-03T14:00"],
    "tomorrow at midnight": ["2026-11-22T00:00", "2026-11-23T00:00"],
    "明天7点": ["2026-11-22T07:00", "2026-11-22T19:00"],
}


@pytest.mark.parametrize(("said", "readings"), SEVERAL_READINGS.items())
def test_what_is_ambiguous_keeps_every_reading(said: str, readings: list[str]) -> None:
    assert starts(said) == readings


RANGES = {
    "5-6pm": "2026-11-21T17:00/2026-11-21T18:00",
    "from 2 to 4 pm": "2026-11-21T14:00/2026-11-21T16:00",
    "between 2 and 4 pm tomorrow": "2026-11-22T14:00/2026-11-22T16:00",
    "from 11 to 1 pm tomorrow": "2026-11-22T11:00/2026-11-22T13:00",
    "next week": "2026-11-23/2026-11-30",
    "next month": "2026-12-01/2027-01-01",
    "this year": "2026-01-01/2027-01-01",
    "in March": "2027-03-01/2027-04-01",
    "in 2028": "2028-01-01/2029-01-01",
    "Q1 2027": "2027-01-01/2027-04-01",
    "week 48": "2026-11-23/2026-11-30",
    "this weekend": "2026-11-21/2026-11-23",
    "the week of December 10th": "2026-12-07/2026-12-14",
    "the 90s": "1990-01-01/2000-01-01",
    "within 5 minutes": "2026-11-21T09:30/2026-11-21T09:35",
    "下个月": "2026-12-01/2027-01-01",
    "去年": "2025-01-01/2026-01-01",
    "从三点到五点半": "2026-11-21T15:00/2026-11-21T17:30",
}


@pytest.mark.parametrize(("said", "stretch"), RANGES.items())
def test_a_stretch_of_time_has_an_exclusive_end(said: str, stretch: str) -> None:
    assert stretch in starts(said)
    assert spans(said)[0].kind == "range"


@pytest.mark.parametrize(
    ("said", "duration"),
    [
        ("for two and a half hours", "PT2H30M"),
        ("2 hours and 30 minutes", "PT2H30M"),
        ("half an hour", "PT30M"),
        ("one and a half hours", "PT1H30M"),
        ("all day", "P1D"),
        ("1 year 1 month 21 days", "P1Y1M21D"),
        ("3h", "PT3H"),
        ("90 mins", "PT90M"),
        ("3分钟", "PT3M"),
        ("8天20时", "P8DT20H"),
    ],
)
def test_a_length_of_time_is_a_duration(said: str, duration: str) -> None:
    (span,) = spans(said)
    assert (span.kind, span.duration, span.readings) == ("duration", duration, ())


@pytest.mark.parametrize(
    "said", ["every Monday", "each day at 5 pm", "daily", "on Mondays", "每天"]
)
def test_a_repetition_is_never_flattened_into_one_date(said: str) -> None:
    (span,) = spans(said)
    assert (span.kind, span.readings, span.text) == ("recurring", (), said)


@pytest.mark.parametrize("said", ["soon", "sometime", "later", "in a while"])
def test_a_vague_time_has_no_reading(said: str) -> None:
    (span,) = spans(said)
    assert (span.kind, span.readings) == ("vague", ())


@pytest.mark.parametrize(
    "said", ["25:00", "February 30", "tomorrow at 25:00", "2026-02-30", "2月30日"]
)
def test_a_date_that_no_calendar_holds_is_impossible(said: str) -> None:
    assert [(span.kind, span.readings) for span in spans(said)][:1] == [("impossible", ())]


@pytest.mark.parametrize(
    "said",
    [
        "may I ask you something",
        "remind me to march to the store",
        "I have 2 accounts",
        "a table for two",
        "a table for 4 at Luigi's",
        "wait a second",
        "give me a minute",
        "one of them is here",
        "she sat on the mat",
        "lie in the sun",
        "the second round",
        "call 555-1234",
        "2/3 of the people",
        "at 5 main street",
        "version 2.5",
        "good morning Selene",
        "有点累",
        "fall asleep",
    ],
)
def test_words_that_only_look_like_times_are_none(said: str) -> None:
    assert spans(said) == ()


def test_a_weekday_said_on_that_day_is_today_or_in_a_week() -> None:
    assert starts("on Friday", datetime(2026, 11, 27, 9)) == ["2026-11-27", "2026-12-04"]


def test_this_and_last_count_from_the_week_and_from_the_day() -> None:
    assert starts("last Friday") == ["2026-11-20", "2026-11-13"]
    assert starts("this Sunday") == ["2026-11-22"]


def test_a_length_of_time_crosses_the_end_of_the_year() -> None:
    assert starts("in 30 minutes", datetime(2026, 12, 31, 23, 45)) == ["2027-01-01T00:15"]


@pytest.mark.parametrize(
    ("order", "start"), [("DMY", "2027-11-10"), ("MDY", "2027-10-11"), ("YMD", "2027-10-11")]
)
def test_the_tenant_s_order_settles_figures(order: DateOrder, start: str) -> None:
    (span,) = find("on 10/11", now=NOW, order=order)
    assert [r.start for r in span.readings] == [start]


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("at five", "2026-11-21T17:00"),
        ("next Friday", "2026-11-27"),
        ("at 8 am", "2026-11-22T08:00"),
        ("tomorrow at 6", "2026-11-22T06:00"),
    ],
)
def test_the_policy_next_occurrence_takes_the_earliest_to_come(said: str, start: str) -> None:
    policy: TimePolicy = "next_occurrence"
    (span,) = find(said, now=NOW, policy=policy)
    assert [r.start for r in span.readings] == [start]


def test_without_a_moment_of_speaking_only_absolute_times_resolve() -> None:
    (relative,) = spans("tomorrow at 5 pm", None)
    assert (relative.kind, relative.grain, relative.readings) == ("instant", "hour", ())
    assert starts("on 2026-12-01 at 6 pm", None) == ["2026-12-01T18:00"]


def test_a_span_is_verbatim_and_takes_its_preposition_along() -> None:
    for said, text in {
        "remind me ｔｏｍｏｒｒｏｗ ａｔ ５ ｐｍ to stretch": "ｔｏｍｏｒｒｏｗ ａｔ ５ ｐｍ",
        "call mom on Friday please": "on Friday",
        "push it to Monday at 9 am": "Monday at 9 am",
        "book a table 明天7点 at Marina Bay for two": "明天7点",
        "a reminder in 2 hours, thanks": "in 2 hours",
        "finish by Monday or so": "by Monday",
    }.items():
        assert [s.text for s in spans(said)] == [text]


def test_open_ends_say_on_which_side_they_are_open() -> None:
    bounds = {"until Friday": "before", "before 5 pm": "before", "after Monday": "after"}
    assert {said: spans(said)[0].bound for said in bounds} == bounds


def test_an_approximate_time_is_marked() -> None:
    assert spans("around 5 pm")[0].about and not spans("at 5 pm")[0].about


def test_a_day_and_a_time_in_two_places_are_one_moment() -> None:
    for said in ("remind me tomorrow to stretch at 5 pm", "at 5 pm remind me to stretch tomorrow"):
        a, b = spans(said)
        combined = combine(a, b, now=NOW)
        assert combined is not None
        assert [r.start for r in combined] == ["2026-11-22T17:00"]


def test_a_part_of_the_day_said_elsewhere_settles_the_hour() -> None:
    a, b = spans("tonight remind me to stretch at nine")
    combined = combine(a, b, now=NOW)
    assert combined is not None
    assert [r.start for r in combined] == ["2026-11-21T21:00"]


def test_two_days_or_two_times_do_not_combine() -> None:
    for said in ("tomorrow call Ann and Friday Bob", "at 5 pm or rather make it at 6 pm"):
        a, b = spans(said)
        assert combine(a, b, now=NOW) is None
