"""Packs of one's own where turns are taken: the library, the command line, what is recorded."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

import selene_os
from command import ALICE, NOON, TALK, Command, environment, rows, run
from own_packs import write_pack
from selene_os.edges import settings
from selene_os.edges.packs import begin, load
from selene_os.errors import PackInvalid

PARK = "park me at bay 12"
DIGESTS = "SELECT pack_digest FROM replay_inputs ORDER BY rowid"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path, pattern="park (me|us) [at {bay}]")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write_pack(tmp_path, "bad", pattern="park {by}")


# ---- the library


def test_a_turn_with_a_pack_of_ones_own_is_recorded_with_the_digest_of_both(
    tmp_path: Path, pack: Path
) -> None:
    path = tmp_path / "selene.db"
    with selene_os.open(str(path), create=True, packs=[pack]) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register("alice", "kitchen")
        asked = acme.take_turn("alice", "kitchen", "park us", correlation=TALK)
        answered = acme.take_turn("alice", "kitchen", "bay 12", correlation=TALK)
        again = acme.take_turn("alice", "kitchen", "bay 12", correlation=TALK, turn=2)
        (first, second) = acme.trace(TALK)
    assert asked.result.question == "Which bay?"
    assert (answered.decision, answered.result.intent_type) == ("INTENT_DRAFT", "RESERVE_PARKING")
    assert again.deduplicated and again.same_decision
    assert json.loads(first.payload_min)["accepted_answer_formats"] == ["bay 12", "on the roof"]
    assert json.loads(second.payload_min)["intent_type"] == "RESERVE_PARKING"
    assert rows(path, DIGESTS) == [[load([pack]).digest]] * 2


def test_a_ledger_without_packs_is_recorded_with_the_core_packs_digest(tmp_path: Path) -> None:
    path = tmp_path / "selene.db"
    with selene_os.open(str(path), create=True) as selene:
        selene.add_tenant("acme")
        selene.tenant("acme").register("alice", "kitchen")
        selene.tenant("acme").take_turn("alice", "kitchen", PARK)
    assert rows(path, DIGESTS) == [[load([]).digest]]


def test_a_retry_with_another_pack_is_told_what_was_recorded(tmp_path: Path, pack: Path) -> None:
    path = str(tmp_path / "selene.db")
    with selene_os.open(path, create=True, packs=[pack]) as selene:
        selene.add_tenant("acme")
        selene.tenant("acme").register("alice", "kitchen")
        first = selene.tenant("acme").take_turn("alice", "kitchen", PARK, correlation=TALK)
    with selene_os.open(path) as selene:
        again = selene.tenant("acme").take_turn("alice", "kitchen", PARK, correlation=TALK, turn=1)
    assert (again.event_id, again.deduplicated) == (first.event_id, True)
    assert again.result.intent_type == "RESERVE_PARKING"
    assert not again.same_decision


def test_a_bad_pack_is_refused_before_the_ledger_is_touched(tmp_path: Path, bad: Path) -> None:
    path = tmp_path / "selene.db"
    with pytest.raises(PackInvalid, match=r"en\.toml, line 3"):
        selene_os.open(str(path), create=True, packs=[bad])
    assert not path.exists()


# ---- the environment


def test_the_environment_names_packs_as_a_path_does_and_what_is_given_wins() -> None:
    named = {"SELENE_PACKS": os.pathsep.join(["one", "", "two"])}
    assert settings.pack_directories([], named) == ("one", "two")
    assert settings.pack_directories(["three"], named) == ("three",)
    assert settings.pack_directories([], {}) == ()
    assert settings.pack_directories([], {"SELENE_PACKS": ""}) == ()


def test_packs_of_the_environment_are_used_in_a_process_of_their_own(
    tmp_path: Path, pack: Path
) -> None:
    other = begin(tmp_path / "coffee")[0].parent
    env = environment(SELENE_PACKS=os.pathsep.join([str(pack), str(other)]))
    for text, intent in ((PARK, "RESERVE_PARKING"), ("order me a mocha", "ORDER_COFFEE")):
        ran = run("normalize", text, folder=tmp_path, env=env)
        assert (ran.code, ran.record["intent_type"]) == (0, intent)


# ---- the command line


def test_a_turn_is_taken_with_the_packs_that_are_named(selene: Command, pack: Path) -> None:
    selene.prepare()
    answer = selene.say(PARK, "--pack", str(pack), "--now", NOON)
    assert answer["intent_type"] == "RESERVE_PARKING"
    without = selene.say(PARK, "--now", NOON)
    assert without["intent_type"] != "RESERVE_PARKING"
    assert rows(selene.path, DIGESTS) == [[load([pack]).digest], [load([]).digest]]


def test_a_turn_is_taken_with_the_packs_of_the_environment(
    selene: Command, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    selene.prepare()
    monkeypatch.setenv("SELENE_PACKS", str(pack))
    assert selene.say(PARK)["intent_type"] == "RESERVE_PARKING"


@pytest.mark.parametrize(
    "line",
    [
        ["say", *ALICE, PARK],
        ["normalize", PARK],
        ["normalize", "--jsonl"],
        ["explain", PARK],
    ],
    ids=lambda line: " ".join(line[:2]),
)
def test_every_command_that_understands_refuses_a_bad_pack_at_its_start(
    selene: Command, bad: Path, line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    selene.prepare()
    for given in ([*line, "--pack", str(bad)], line):
        ran = selene(*given)
        assert (ran.code, ran.out) == (1, "")
        assert f"{bad / 'en.toml'}, line 3: " in ran.err
        monkeypatch.setenv("SELENE_PACKS", str(bad))
    assert rows(selene.path, "SELECT count(*) FROM audit_events") == [[0]]


def test_commands_that_understand_nothing_do_not_ask_for_packs(
    selene: Command, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    selene.prepare()
    monkeypatch.setenv("SELENE_PACKS", str(bad))
    selene.done("trace", "--tenant", "acme", "--correlation", TALK)
    selene.done("times", "tomorrow")


def test_lines_of_requests_are_answered_with_the_pack(
    selene: Command, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = json.dumps({"text": PARK}).encode() + b"\n{}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8"))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
    assert selene("normalize", "--jsonl", "--pack", str(pack)).code == 0
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first["intent_type"] == "RESERVE_PARKING"
    assert second["error"]["field"] == "text"


def test_several_packs_are_named_one_after_another(
    selene: Command, pack: Path, tmp_path: Path
) -> None:
    begin(tmp_path / "coffee")
    both = ["--pack", str(pack), "--pack", str(tmp_path / "coffee")]
    assert selene.done("normalize", *both, PARK).record["intent_type"] == "RESERVE_PARKING"
    answer = selene.done("normalize", *both, "order me a mocha").record
    assert answer["intent_type"] == "ORDER_COFFEE"


def test_packs_that_disagree_are_refused_and_both_named(selene: Command, pack: Path) -> None:
    ran = selene("normalize", "--pack", str(pack), "--pack", str(pack), PARK, "--language", "en")
    assert ran.code == 1
    assert "packs parking and parking each have their own intent RESERVE_PARKING" in ran.err
