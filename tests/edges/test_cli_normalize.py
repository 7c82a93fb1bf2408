"""`selene normalize`: requests in, answers out, in order, whatever the lines hold."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from command import NOON, Command, Record, environment, run, selene_command

ANSWER = [
    "decision", "reason_code", "intent_type", "overall_confidence", "fields", "required_fields",
    "required_fields_missing", "ambiguity_flags", "requires_confirmation", "sensitivity",
]  # fmt: skip
QUESTION = [
    "what_is_missing", "question", "accepted_answer_formats", "clarification_unit_id", "pending",
]  # fmt: skip
TWO = "send $20 to Bob and send $30 to Ann"
REMIND = {"text": "remind me to call mom", "now": NOON}


@pytest.fixture
def ask(selene: Command, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Send lines, bytes as they are and anything else as JSON; returns the answers."""

    def send(*lines: Any) -> list[Record]:
        sent = b"".join(
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
            for line in lines
        )
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8"))
        out = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
        ran = selene("normalize", "--jsonl")
        assert (ran.code, ran.err) == (0, "")
        return [json.loads(line) for line in out.getvalue().decode().splitlines()]

    return send


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def pending(**changes: Any) -> Record:
    """A pending question about the time of a reminder, with changes."""
    task = {"key": "task", "text": "call mom", "start": 13, "end": 21, "value": "call mom"}
    kept = {"intent_type": "SET_REMINDER", "asked": "when", "fields": [task]}
    rest: Record = {"unsettled": {}, "uncertain": [], "firm": True}
    return {"text": "5 pm", "now": NOON, "pending": kept | rest | changes}


# ---- the pipe


def answer_to(request: Record, stdin: IO[bytes], stdout: IO[bytes]) -> Record:
    """Write one line and read one, while the pipe stays open."""
    stdin.write(json.dumps(request).encode() + b"\n")
    stdin.flush()
    answer = json.loads(stdout.readline())
    assert isinstance(answer, dict)
    return answer


def test_each_line_is_answered_before_the_next_is_read(tmp_path: Path) -> None:
    line = [*selene_command(), "normalize", "--jsonl"]
    with subprocess.Popen(
        line, cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as piped:
        # A line that is held back would hang here for ever; the watch ends that.
        watch = threading.Timer(30, piped.kill)
        watch.start()
        assert piped.stdin is not None
        assert piped.stdout is not None
        asked = answer_to(REMIND, piped.stdin, piped.stdout)
        spoilt = answer_to({"text": 5}, piped.stdin, piped.stdout)
        answer = {"text": "5 pm", "now": NOON, "pending": asked["pending"]}
        drafted = answer_to(answer, piped.stdin, piped.stdout)
        piped.stdin.close()
        assert piped.stdout.read() == b""
        watch.cancel()
    assert piped.returncode == 0
    assert spoilt["error"]["field"] == "text"
    assert (asked["decision"], drafted["decision"]) == ("CLARIFY", "INTENT_DRAFT")
    assert list(tmp_path.iterdir()) == []


def test_answers_come_in_the_order_of_the_requests(ask: Any) -> None:
    requests = [{"text": f"remind me to call number{n} tomorrow"} for n in range(50)]
    answers = ask(*requests)
    heard = [answer["fields"][0]["value"] for answer in answers]
    assert heard == [f"call number{n}" for n in range(50)]


def test_the_same_lines_give_the_same_bytes_under_every_hash_seed(tmp_path: Path) -> None:
    texts = [TWO, "remind me to call mom", "book a table"]
    sent = "".join(json.dumps({"text": text, "now": NOON}) + "\n" for text in texts).encode()
    outs = set()
    for seed in ("0", "1", "2"):
        env = environment(PYTHONHASHSEED=seed)
        outs.add(run("normalize", "--jsonl", stdin=sent, folder=tmp_path, env=env).out)
    assert len(outs) == 1


def test_no_input_gives_no_output(ask: Any) -> None:
    assert ask() == []


def test_a_last_line_without_its_end_is_answered(tmp_path: Path) -> None:
    ran = run("normalize", "--jsonl", stdin=b'{"text":"hello"}', folder=tmp_path)
    assert (ran.code, ran.record["decision"]) == (0, "CHAT")


def test_a_closed_stdin_is_no_traceback(tmp_path: Path) -> None:
    command = " ".join([*selene_command()[:1], "normalize", "--jsonl", "<&-"])
    ran = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)
    assert b"Traceback" not in ran.stderr
    assert ran.returncode == 2


def test_a_reader_that_leaves_early_is_no_traceback(tmp_path: Path) -> None:
    command = " ".join([*selene_command()[:1], "normalize", "--jsonl", "|", "head", "-n1"])
    ran = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=environment(),
        input=b'{"text":"hello"}\n' * 5_000,
        capture_output=True,
        check=False,
    )
    assert ran.stderr == b""
    assert ran.stdout.count(b"\n") == 1


# ---- the answers


def test_an_answer_has_its_keys_in_the_contracts_order(ask: Any) -> None:
    drafted, asked, talk = ask(
        REMIND | {"text": "remind me to call mom tomorrow at 5 pm"}, REMIND, {"text": "thank you"}
    )
    assert list(drafted) == list(talk) == ANSWER
    assert list(asked) == ANSWER + QUESTION
    assert asked["what_is_missing"] == ["when"]
    assert 2 <= len(asked["accepted_answer_formats"]) <= 3


def test_every_field_is_a_slice_of_what_was_said(ask: Any) -> None:
    texts = [
        "remind me to call 妈妈 tomorrow at 5 pm",
        "send $20 to 👩‍👧 Zoë",
        "remind me to call mom 明天",
    ]
    for text, answer in zip(texts, ask(*({"text": t, "now": NOON} for t in texts)), strict=True):
        assert answer["fields"]
        for field in answer["fields"]:
            assert text[field["start"] : field["end"]] == field["text"]


def test_both_gives_every_draft_in_spoken_order(ask: Any) -> None:
    (asked,) = ask({"text": TWO})
    (both,) = ask({"text": "both", "pending": asked["pending"]})
    assert list(both) == [*ANSWER, "drafts"]
    amounts = [draft["fields"][0]["value"]["amount"] for draft in both["drafts"]]
    assert amounts == ["20", "30"]
    assert {draft["reason_code"] for draft in both["drafts"]} == {"NLP_MULTI_INTENT"}


def test_every_answer_format_is_understood_when_it_comes_back(ask: Any) -> None:
    for text in ("remind me to call mom", "send $20 to him", "send $20", TWO):
        (asked,) = ask({"text": text, "now": NOON})
        for example in asked["accepted_answer_formats"]:
            (answer,) = ask({"text": example, "now": NOON, "pending": asked["pending"]})
            missing = answer["required_fields_missing"]
            assert asked["what_is_missing"][0] not in missing, example
            assert answer["decision"] != "CHAT"


def test_one_text_may_be_given_on_the_command_line(selene: Command) -> None:
    shown = selene.done("normalize", "remind me to call mom tomorrow", "--now", NOON).record
    assert shown["fields"][1]["value"] == "2026-03-04"
    assert selene("normalize", "hello", "--now", "x").code == 2
    assert selene("normalize", "hello", "--language", "fr").code == 2
    assert selene("normalize", "").code == 2


# ---- bad lines

BAD: list[tuple[Any, str]] = [
    (b"hello", "line"),
    (b"{", "line"),
    (b"\xff\xfe", "line"),
    (nested(100_000), "line"),
    (b'{"text":"x","turn_id":' + b"1" * 5_000 + b"}", "line"),
    (b"null", "request"),
    ([{"text": "x"}], "request"),
    ({}, "text"),
    ({"text": None}, "text"),
    ({"text": ["x"]}, "text"),
    ({"text": ""}, "text"),
    ({"text": "x" * 32_769}, "text"),
    ({"text": "é" * 16_385}, "text"),
    ({"text": "\ud800"}, "text"),
    (b'{"text":"\xff"}', "text"),
    ({"text": "x", "txet": "y"}, "txet"),
    ({"text": "x", "language": "fr"}, "language"),
    ({"text": "x", "language": 5}, "language"),
    ({"text": "x", "language": "\ud800"}, "language"),
    ({"text": "x", "now": "2026-03-03T12:00"}, "now"),
    ({"text": "x", "now": 5}, "now"),
    ({"text": "x", "now": ""}, "now"),
    ({"text": "x", "transcript_confidence": "SURE"}, "transcript_confidence"),
    ({"text": "x", "policy": 5}, "policy"),
    ({"text": "x", "policy": {"time": "guess"}}, "policy.time"),
    ({"text": "x", "policy": {"date_order": "QQQ"}}, "policy.date_order"),
    ({"text": "x", "policy": {"currency": 5}}, "policy.currency"),
    ({"text": "send 5 to Bob", "policy": {"currency": ["USD"]}}, "policy.currency"),
    ({"text": "x", "policy": {"zone": [1]}}, "policy.zone"),
    ({"text": "x", "policy": {"time_policy": "ask"}}, "policy.time_policy"),
    ({"text": "x", "uncertain_spans": {}}, "uncertain_spans"),
    ({"text": "x", "uncertain_spans": [5]}, "uncertain_spans"),
    ({"text": "x", "uncertain_spans": [{"start": 0}]}, "uncertain_spans.end"),
    ({"text": "x", "uncertain_spans": [{"start": 0, "end": 2}]}, "uncertain_spans.end"),
    ({"text": "x", "uncertain_spans": [{"start": True, "end": 1}]}, "uncertain_spans.start"),
    ({"text": "x", "uncertain_spans": [{"start": 0, "end": 1, "kind": "?"}]},
     "uncertain_spans.kind"),
    ({"text": "remind me", "uncertain_spans": [{"start": 0, "end": 5, "field": {"a": []}}]},
     "uncertain_spans.field"),
    ({"text": "x", "terms": [{"term": 5, "kind": "PROJECT_CODE"}]}, "terms.term"),
    ({"text": "x", "terms": [{"term": "x", "kind": "?"}]}, "terms.kind"),
    ({"text": "x", "terms": [{"term": "x" * 121, "kind": "PROJECT_CODE"}]}, "terms.term"),
    ({"text": "x", "focus": [{"start": 0, "end": 9}]}, "focus.end"),
    ({"text": "x", "focus": [{"start": 0, "end": 1}] * 13}, "focus"),
    ({"text": "x", "confirmed": 5}, "confirmed"),
    ({"text": "x", "confirmed": {"fields": [5]}}, "confirmed.fields"),
    ({"text": "x", "confirmed": {"intent_type": ["x"], "fields": []}}, "confirmed.intent_type"),
    ({"text": "x", "pending": 5}, "pending"),
    ({"text": "x", "pending": {}}, "pending.asked"),
    (pending(fields=5), "pending.fields"),
    (pending(fields=[{"key": "task"}]), "pending.fields.text"),
    (pending(fields=[{"key": "task", "text": "call\ud800"}]), "pending.fields.text"),
    (pending(fields=[{"key": "task", "text": "x", "value": float("nan")}]), "line"),
    (pending(fields=[{"key": "task", "text": "x", "value": "\ud800"}]), "pending.fields.value"),
    (pending(intent_type=["SET_REMINDER"]), "pending.intent_type"),
    (pending(unsettled=[]), "pending.unsettled"),
    (pending(uncertain=5), "pending.uncertain"),
]  # fmt: skip
UNNAMEABLE = [b'{"\\ud800":1,"text":"x"}', b'{"\xff":1,"text":"x"}']


@pytest.mark.parametrize(("line", "field"), BAD)
def test_a_bad_line_is_answered_by_its_field_and_the_run_goes_on(
    ask: Any, line: Any, field: str
) -> None:
    spoilt, sound = ask(line, {"text": "thank you"})
    assert list(spoilt) == ["error"]
    assert list(spoilt["error"]) == ["field", "message"]
    assert spoilt["error"]["field"] in (field, field.partition(".")[0])
    assert spoilt["error"]["field"] in spoilt["error"]["message"]
    assert len(spoilt["error"]["message"]) < 400
    assert sound["decision"] == "CHAT"


@pytest.mark.parametrize("line", UNNAMEABLE)
def test_a_key_that_no_utf8_holds_is_answered_and_the_run_goes_on(ask: Any, line: bytes) -> None:
    spoilt, sound = ask(line, {"text": "thank you"})
    assert "error" in spoilt
    assert sound["decision"] == "CHAT"


def test_a_pending_of_another_pack_does_not_end_the_run(ask: Any) -> None:
    strange = [
        pending(intent_type="NOPE"), pending(asked="nope"), pending(intent_type=None),
        pending(asked="intent_choice", drafts=[{}]), pending(asked="intent_choice", drafts=[]),
        pending(fields=[{"key": "nope", "text": "x"}]), pending(firm="x"),
        pending(fields=[{"key": "when", "text": "x", "readings": [5, None, "x"]}]),
        pending(fields=[{"key": "amount", "text": "x", "value": 5}], intent_type="SEND_MONEY"),
        pending(unsettled={"when": 5}), pending(uncertain=["when", 5]),
    ]  # fmt: skip
    for request in strange:
        answers = ask(request, request | {"text": "both"}, {"text": "thank you"})
        assert len(answers) == 3
