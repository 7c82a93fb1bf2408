"""`selene erase` and `hold`, and what other commands show of what was erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import ALICE, TALK, Command, run

WHOSE = ("--tenant", "acme", "--user", "alice")
WHERE = ("--tenant", "acme", "--correlation", TALK)


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    ready = Command(tmp_path, capsys, monkeypatch).prepare()
    ready.say("remind me to call mom tomorrow at 5 pm", "--correlation", TALK)
    return ready


def test_nothing_is_erased_without_a_yes(selene: Command) -> None:
    line = ("erase", *WHOSE, "--reason", "asked")
    assert "--yes" in selene.refused(*line)["message"]
    for answer, code in ((b"n\n", 2), (b"", 130)):
        assert run(*line, folder=selene.folder, stdin=answer).code == code
    assert selene.done("trace", *WHERE, "--json").record["events"][0]["erased"] is False


def test_what_was_erased_is_shown_as_erased(selene: Command) -> None:
    done = selene.done("erase", *WHOSE, "--reason", "asked", "--yes", "--json").record
    assert (done["erased"], len(done["key_ids"]), done["plain_rows"]) == (True, 1, 0)
    (event,) = selene.done("trace", *WHERE, "--json").record["events"]
    assert event["erased"] is True
    assert "erased" in selene.done("trace", *WHERE).out
    (turn,) = selene.done("trace", *WHERE, "--explain", "--json").record["turns"]
    assert (turn["said"][0]["text"], turn["said"][0]["erased"]) == (None, True)
    assert (turn["events"][0]["record"], turn["events"][0]["answer"]) == ("erased", None)
    told = selene.done("trace", *WHERE, "--explain").out
    assert "(erased)" in told and "mom" not in told
    story = selene.done(
        "trace", "--tenant", "acme", "--correlation", done["key_ids"][0], "--explain"
    ).out
    assert "asked" in story and "the tenant" in story
    retry = ("say", *ALICE, "--correlation", TALK, "--turn", "1", "remind me to call mom")
    error = selene.refused(*retry)
    assert (error["code"], error["reason_code"]) == ("Erased", "J_USER_ERASED")
    assert selene.done("memory", "list", *WHOSE, "--json").record["memories"] == []
    found = selene.done("search", "--tenant", "acme", "--decision", "ERASED", "--json").record
    assert [row["event_id"] for row in found["events"]] == done["event_ids"]
    assert selene.done("doctor", "--json").record["held"] is True


def test_a_hold_is_listed_with_its_reason(selene: Command) -> None:
    held = selene.done("hold", *WHOSE, "--reason", "case 7", "--json").record
    listed = selene.done("hold", "--tenant", "acme", "--list", "--json").record["holds"]
    assert [(one["hold_id"], one["reason"]) for one in listed] == [(held["hold_id"], "case 7")]
    error = selene.refused("erase", *WHOSE, "--reason", "asked", "--yes")
    assert (error["code"], error["reason_code"]) == ("UnderHold", "J_USER_UNDER_HOLD")
    selene.done("hold", *WHOSE, "--release", "--reason", "over")
    assert "No user" in selene.done("hold", "--tenant", "acme", "--list").out
    assert selene("hold", "--tenant", "acme").code == 2
    assert selene("hold", *WHOSE, "--list").code == 2


def test_keys_may_be_elsewhere(selene: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    selene.folder.joinpath("selene.db.keys").rename(selene.folder / "elsewhere")
    ran = selene("tenant", "list", "--json")
    assert (ran.code, ran.error["code"]) == (1, "KeysMissing")
    assert selene.done("--keys", "elsewhere", "trace", *WHERE).out
    monkeypatch.setenv("SELENE_KEYS", "elsewhere")
    assert selene.done("trace", *WHERE).out
    assert selene("init").code == 0
    monkeypatch.delenv("SELENE_KEYS")
    assert selene("init", "--json").error["code"] == "KeysMissing"
