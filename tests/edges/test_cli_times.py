"""`selene times`: requests in, time expressions out, in order, whatever the lines hold."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from command import environment, selene_command

NOW = "2026-11-21T09:30:00"  # A Saturday.


def asked(*lines: Any) -> list[dict[str, Any]]:
    """The answers to lines: bytes as they are, anything else as JSON."""
    sent = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    ran = subprocess.run(
        [*selene_command(), "times", "--jsonl"],
        input=sent, capture_output=True, check=True, env=environment(), timeout=60,
    )  # fmt: skip
    assert ran.stderr == b""
    return [json.loads(line) for line in ran.stdout.decode().splitlines()]


def test_each_expression_has_its_evidence_grain_and_readings_or_its_duration() -> None:
    text = "for two hours, tomorrow at 5 pm, every Friday, at five"
    ((answer),) = asked({"text": text, "reference_time": NOW})
    found = answer["times"]
    assert [one["kind"] for one in found] == ["duration", "instant", "recurring", "instant"]
    for one in found:
        assert text[one["start"] : one["end"]] == one["text"]
        assert ("duration" in one) != ("readings" in one)
    assert found[0]["duration"] == "PT2H"
    assert found[1]["readings"] == [{"start": "2026-11-22T17:00", "end": None}]
    assert found[2]["readings"] == []
    assert [one["start"] for one in found[3]["readings"]] == [
        "2026-11-21T17:00", "2026-11-22T05:00",
    ]  # fmt: skip


def test_a_policy_an_order_and_no_reference_time_are_taken() -> None:
    one, figures, relative, absolute = asked(
        {"text": "at five", "reference_time": NOW, "policy": "next_occurrence"},
        {"text": "10/11", "reference_time": NOW, "order": "DMY"},
        {"text": "tomorrow"},
        {"text": "2026-12-01"},
    )
    assert [r["start"] for r in one["times"][0]["readings"]] == ["2026-11-21T17:00"]
    assert all(r["start"].endswith("-11-10") for r in figures["times"][0]["readings"])
    assert relative["times"][0]["readings"] == []
    assert absolute["times"][0]["readings"] == [{"start": "2026-12-01", "end": None}]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{", "line"),
        (b'{"text": "\xff"}', "text"),
        (["tomorrow"], "request"),
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x" * 32_769}, "text"),
        ({"text": "tomorrow", "reference_time": "soon"}, "reference_time"),
        ({"text": "tomorrow", "reference_time": "2026-11-21T09:30:00+01:00"}, "reference_time"),
        ({"text": "tomorrow", "reference_time": 5}, "reference_time"),
        ({"text": "tomorrow", "policy": "guess"}, "policy"),
        ({"text": "tomorrow", "policy": []}, "policy"),
        ({"text": "tomorrow", "order": "YDM"}, "order"),
        ({"text": "tomorrow", "now": NOW}, "now"),
    ],
)
def test_a_bad_line_is_answered_by_its_field_and_the_run_goes_on(line: Any, field: str) -> None:
    bad, good = asked(line, {"text": "tomorrow", "reference_time": NOW})
    assert bad["error"]["field"] == field
    assert good["times"][0]["text"] == "tomorrow"


def test_one_text_may_be_given_on_the_line() -> None:
    ran = subprocess.run(
        [*selene_command(), "times", "--now", NOW, "明天下午3点"],
        capture_output=True, check=True, env=environment(), timeout=60,
    )  # fmt: skip
    (found,) = json.loads(ran.stdout)["times"]
    assert found["readings"] == [{"start": "2026-11-22T15:00", "end": None}]
