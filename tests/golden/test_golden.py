"""The golden ledger is decided again as it was, and a change of the engines is seen.

Where the first test fails after a change that was meant: docs/guides/replay.md says how to look at
what is different, and how to write the golden ledger anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import selene_os
from command import Command, Ran, environment, python
from goldens import FILE, lines_of, load
from selene_os.engines import nlp

LINES = FILE.read_text(encoding="utf-8").splitlines()
ROWS = [json.loads(line) for line in LINES]
EVENTS = sum(row["table"] == "audit_events" for row in ROWS)
REPLAY = """
import sys
from selene_os.edges.cli.main import main
main(["--db", sys.argv[1], "replay", "--all", "--json"])
"""


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    return Command(tmp_path, capsys, monkeypatch)


def replayed(selene: Command, golden: Path = FILE) -> Ran:
    load(selene.path, golden)
    return selene("replay", "--all")


def spoilt(folder: Path, change: Callable[[dict[str, Any]], bool]) -> Path:
    """The golden ledger with the first row changed that lets itself be."""
    rows = [json.loads(line) for line in LINES]
    assert any(map(change, rows))
    path = folder / "spoilt.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_decision_of_the_golden_ledger_is_decided_the_same_again(selene: Command) -> None:
    ran = replayed(selene)
    assert (ran.code, ran.out) == (0, f"{EVENTS} events: {EVENTS} identical, 0 different.\n")
    assert ran.err == ""


def test_the_golden_ledger_is_loaded_as_it_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "golden.db"
    load(path)
    assert [line for line in lines_of(path) if '"table":"tenants"' not in line] == [
        line for line in LINES if '"table":"tenants"' not in line
    ]


def test_the_golden_ledger_holds_some_of_everything_and_stays_small() -> None:
    assert 300 <= EVENTS <= 600
    assert FILE.stat().st_size < 1_500_000
    payloads = [json.loads(row["payload_min"]) for row in ROWS if row["table"] == "audit_events"]
    kinds = Counter(payload.get("decision", "PROFILE") for payload in payloads)
    assert min(kinds.values()) >= 4
    assert set(kinds) == {
        "INTENT_DRAFT", "CLARIFY", "CHAT", "PROFILE", "CONFIRMED", "DECLINED", "CHANGED",
    }  # fmt: skip
    records = [row["record"] for row in ROWS if row["table"] == "replay_inputs"]
    told = {
        (one["engine"], one["became"]) for record in records for one in record.get("hand_overs", [])
    }
    assert {(f"PH1.{engine}", "used") for engine in ("KNOW", "SRL", "FOCUS", "PRUNE", "X")} <= told
    assert {("PH1.X", "refused"), ("PH1.X", "passed through")} <= told
    languages = Counter(record["request"].get("language") for record in records)
    assert languages["en"] > 100 < languages["zh"] * 2
    assert {row["table"] for row in ROWS} >= {"packs", "term_bundles"}


def test_a_recorded_answer_that_is_not_decided_now_is_seen(selene: Command, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> bool:
        answer = row.get("record", {}).get("answer", {})
        if answer.get("overall_confidence") != "HIGH":
            return False
        answer["overall_confidence"] = "MED"
        return True

    ran = replayed(selene, spoilt(tmp_path, change))
    assert ran.code == 3
    assert '/answer/overall_confidence: recorded "MED", replayed "HIGH"' in ran.out
    # A changed draft differs, and whatever was said to it since.
    assert f"{EVENTS} events: " in ran.out


def test_an_engine_that_decides_otherwise_is_seen(
    selene: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = nlp.run

    def doubtful(request: nlp.Request, pack: nlp.Pack | None = None) -> nlp.Result:
        result = run(request, pack)
        if result.intent_type != "SET_REMINDER" or result.overall_confidence != "HIGH":
            return result
        return replace(result, overall_confidence="MED")

    load(selene.path)
    monkeypatch.setattr(nlp, "run", doubtful)
    ran = selene("replay", "--all")
    assert ran.code == 3
    assert '/payload_min/overall_confidence: recorded "HIGH", replayed "MED"' in ran.out
    assert ran.out.count("DIFFERENT") > 20


def test_a_core_pack_that_says_something_else_is_seen_and_named(
    selene: Command, tmp_path: Path
) -> None:
    source = tmp_path / "src" / "selene_os"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(selene_os.__file__).parent, source, ignore=ignored)
    head = source / "language" / "packs" / "core" / "pack.toml"
    before, money, after = head.read_text(encoding="utf-8").partition("[intents.SEND_MONEY]")
    changed = after.replace("confirm = true", "confirm = false", 1)
    head.write_text(before + money + changed, encoding="utf-8")
    load(selene.path)
    ran = subprocess.run(
        [sys.executable, "-c", REPLAY, str(selene.path)],
        env=environment(PYTHONPATH=str(source.parent)), capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    *lines, totals = map(json.loads, ran.stdout.splitlines())
    assert totals["totals"]["different"] == len(lines) > 5
    assert {line["recorded_pack"] == line["replayed_pack"] for line in lines} == {False}
    assert "/answer/requires_confirmation" in {
        one["path"] for line in lines for one in line["differences"]
    }


def test_no_hash_seed_zone_or_language_of_the_machine_changes_a_replay(selene: Command) -> None:
    load(selene.path)
    # The golden ledger was recorded under others: what is identical is so under these.
    env = environment(PYTHONHASHSEED="4242", TZ="Asia/Kolkata", LC_ALL="C")
    told = python(REPLAY, str(selene.path), env=env)
    assert json.loads(told)["totals"]["identical"] == EVENTS
