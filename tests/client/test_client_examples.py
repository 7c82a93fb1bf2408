"""The worked examples run: the assistant against a real server, the replay as CI runs it."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from command import Command, environment
from goldens import load
from serving import token_of

EXAMPLES = Path(__file__).parents[2] / "examples"
# Each line that is said, and how the answer begins.
SAID = {
    "": None,
    "set a reminder to call mom": "When",
    "tomorrow at 5 pm": "I understood SET_REMINDER with task = call mom, when = tomorrow at 5 pm",
    "yes": "Your draft SET_REMINDER is recorded as your yes.",
    "how are you?": "I have nothing to do there.",
}


def assistant(stdin: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    program = EXAMPLES / "assistant" / "assistant.py"
    return subprocess.run(
        [sys.executable, program, *arguments], input=stdin, capture_output=True, text=True,
        env=environment(**settings), timeout=60, check=False,
    )  # fmt: skip


def test_the_assistant_asks_drafts_and_takes_a_yes(address: str) -> None:
    settings = {"SELENE_URL": address, "SELENE_KEY": token_of("write")}
    done = assistant("\n".join(SAID), "alice", "kitchen", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    answers, begun = done.stdout.splitlines(), [one for one in SAID.values() if one]
    assert len(answers) == len(begun), done.stdout
    for answer, beginning in zip(answers, begun, strict=True):
        assert answer.startswith(beginning), answer


def test_the_assistant_says_what_is_wrong(address: str) -> None:
    settings = {"SELENE_URL": address, "SELENE_KEY": token_of("write")}
    refused = assistant("hello\n", "mallory", "kitchen", **settings)
    assert refused.returncode == 1 and "(ScopeRefused, HTTP 403)" in refused.stderr
    assert assistant("").returncode == 2
    long = assistant("x" * 40_000 + "\nhello\n", "alice", "kitchen", **settings)
    assert long.returncode == 0
    assert [line.split()[1] for line in long.stdout.splitlines()] == ["cannot", "have"]
    for wrong, code in (
        ({"SELENE_KEY": token_of("write").replace("ss", "tt")}, 1),
        ({"SELENE_KEY": "sel_acme"}, 2),
        ({"SELENE_URL": f"{address}/elsewhere"}, 1),
    ):
        done = assistant("hello\n", "alice", "kitchen", **(settings | wrong))
        assert done.returncode == code, done.stderr
        assert done.stderr and not done.stdout


def test_the_golden_ledger_of_the_example_is_replayed_and_a_change_is_seen(
    tmp_path: Path, selene: Command
) -> None:
    def replayed() -> subprocess.CompletedProcess[str]:
        script = str(EXAMPLES / "ci-golden" / "replay.py")
        program = [sys.executable, script, "golden.db", "found.jsonl"]
        return subprocess.run(
            program, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
        )

    load(tmp_path / "golden.db")
    before = (tmp_path / "golden.db").read_bytes()
    done = replayed()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(\d+) of \1 decisions are as they were\.\n", done.stdout)
    assert (tmp_path / "golden.db").read_bytes() == before
    with sqlite3.connect(tmp_path / "golden.db") as file:
        file.execute("DROP TRIGGER audit_events_no_update")
        file.execute(
            "UPDATE audit_events SET payload_min = replace(payload_min, 'HIGH', 'MED')"
            " WHERE payload_min LIKE '%HIGH%'"
        )
    file.close()
    done = replayed()
    assert done.returncode == 3 and "DIFFERENT" in done.stdout
    assert "DIFFERENT" in (tmp_path / "found.jsonl").read_text()
    (tmp_path / "golden.db").unlink()
    assert replayed().returncode not in (0, 3)
    selene("--db", "golden.db", "init")
    assert replayed().returncode == 1


def test_what_ci_installs_and_runs_is_what_the_example_holds() -> None:
    workflow = (EXAMPLES / "ci-golden" / "replay-golden.yml").read_text()
    assert "python replay.py golden.db differences.jsonl" in workflow
    assert "permissions:\n  contents: read" in workflow and "--require-hashes" in workflow
    told = (EXAMPLES / "ci-golden" / "README.md").read_text()
    for file in re.findall(r"-r (\S+)|python (\S+\.py)", workflow):
        assert f"`{''.join(file)}" in told
