"""What is erased is gone, what proves it stays, and the ledger goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import selene_os
from command import environment
from keys.ledgers_with_keys import (
    ACME,
    ALICE,
    KITCHEN,
    OFFICE,
    REASON,
    TALK,
    TASK,
    WORDS,
    Kept,
    store_of,
)
from selene_os import Signal
from selene_os.errors import BadField, Erased, NotFound, UnderHold
from selene_os.ledger.events import ERASED_KEY_ID
from selene_os.ledger.sqlite.schema import create
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.names import event_id_of


def test_no_word_stands_in_the_files_of_a_ledger(kept: Kept) -> None:
    with kept.acme() as acme:
        # While it is open, so that the log is looked at as well.
        acme.take_turn(*KITCHEN, f"tell {TASK} that I am late")
        acme.hold("bob", reason=REASON)
        found = [word for word in WORDS if word.encode() in kept.content()]
    assert found == []
    assert [word for word in WORDS if word.encode() in kept.content()] == []


def test_erasure_takes_the_words_and_leaves_the_rows(kept: Kept) -> None:
    with kept.acme() as acme:
        before = acme.trace(TALK)
        done = acme.erase("alice", reason=REASON)
        assert len(done.key_ids) == len(done.event_ids) == 1
        assert done.plain_rows == 0
        assert acme.trace(TALK) == before
        for event in before:
            with pytest.raises(Erased):
                acme.record(event.event_id)
        lines = acme.conversation(TALK)
        assert {(line.text, line.key_id) for line in lines} == {(b"", ERASED_KEY_ID)}
        assert acme.memories("alice") == ()
        (row,) = acme.trace(done.key_ids[0])
        assert (row.engine, row.user_id, row.severity) == ("PH1.J", None, "INFO")
        assert REASON not in row.payload_min
        assert acme.record(row.event_id) == {"decided_by": "PH1.J", "reason": REASON}
        assert acme.search(user="bob").events
        assert acme.terms()


def test_the_wrapped_key_leaves_the_keyrings_file(kept: Kept) -> None:
    with kept.open() as selene:
        keys = store_of(selene).keys
        row = keys.keyring.live_key(ACME, "alice")
        assert row is not None and row.wrapped is not None
        assert row.wrapped in kept.keyring()
        selene.tenant("acme").erase("alice", reason=REASON)
        assert row.wrapped not in kept.keyring()
    assert row.wrapped not in kept.keyring()


def test_a_second_erasure_finds_nothing_left(kept: Kept) -> None:
    with kept.acme() as acme:
        first = acme.erase("alice", reason=REASON)
        assert acme.erase("alice", reason="again").key_ids == ()
        assert len(acme.trace(first.key_ids[0])) == 1
        with pytest.raises(NotFound):
            acme.erase("alicia", reason=REASON)
        with pytest.raises(BadField):
            acme.erase("bob", reason="")


def test_who_was_erased_goes_on_with_a_new_key(kept: Kept) -> None:
    with kept.acme() as acme:
        quiet = [Signal("privacy_preference", "no voice please", "test:2")]
        before = acme.commit_profile(*KITCHEN, speaker="alice", signals=quiet, place="PRIVATE")
        acme.erase("alice", reason=REASON)
        # The draft that waited for a yes is gone: nothing is left that a yes could settle.
        answer = acme.take_turn(*KITCHEN, "yes", correlation=TALK)
        assert answer.decision == "CHAT"
        profile = acme.commit_profile(*KITCHEN, speaker="alice", place="PRIVATE")
        nobodys = acme.commit_profile(*OFFICE, speaker="bob", place="PRIVATE")
        assert profile.snapshot.delivery_policy_ref == nobodys.snapshot.delivery_policy_ref
        assert profile.snapshot.delivery_policy_ref != before.snapshot.delivery_policy_ref
        acme.commit_profile(*KITCHEN, speaker="alice", place="PRIVATE")
        Kept.remember(acme)
        assert len(acme.memories("alice")) == 1
        assert acme.rebuild_memories("alice") == 2
        record = acme.record(answer.event_id)
        assert record is not None and record["request"]["text"] == "yes"
        again = acme.erase("alice", reason=REASON)
        assert len(again.key_ids) == 1
        with pytest.raises(Erased):
            acme.record(answer.event_id)


def test_a_retry_is_told_that_its_answer_was_erased(kept: Kept) -> None:
    with kept.acme() as acme:
        acme.erase("alice", reason=REASON)
        rows = len(acme.trace(TALK))
        with pytest.raises(Erased) as told:
            acme.take_turn(*KITCHEN, f"remind me to call {TASK} at 5 pm", correlation=TALK, turn=1)
        assert told.value.reason == "J_USER_ERASED"
        with pytest.raises(Erased):
            acme.confirm(acme.trace(TALK)[0].event_id)
        assert len(acme.trace(TALK)) == rows


def test_a_disabled_user_can_be_erased(kept: Kept) -> None:
    with kept.acme() as acme:
        acme.disable("alice")
        assert len(acme.erase("alice", reason=REASON).key_ids) == 1


def test_a_hold_keeps_a_user_and_its_end_lets_go(kept: Kept) -> None:
    with kept.acme() as acme:
        held = acme.hold("alice", reason=REASON)
        assert acme.hold("alice", reason="another").hold_id == held.hold_id
        assert [(one.user_id, one.reason) for one in acme.holds()] == [("alice", REASON)]
        with pytest.raises(UnderHold):
            acme.erase("alice", reason=REASON)
        assert acme.record(acme.trace(TALK)[0].event_id) is not None
        acme.release("alice", reason="over")
        with pytest.raises(NotFound):
            acme.release("alice", reason="over")
        assert acme.holds() == []
        assert len(acme.erase("alice", reason=REASON).key_ids) == 1
        decisions = [
            (row.payload_min.split('"')[3], row.turn_id) for row in acme.trace(held.hold_id)
        ]
        assert decisions == [("HELD", 1), ("RELEASED", 2)]


# ---- back-ups


def test_a_backup_brings_nothing_back(kept: Kept, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(kept.path, backup)
    old_keys = tmp_path / "old.keys"
    shutil.copytree(kept.keys, old_keys)
    with kept.acme() as acme:
        acme.erase("alice", reason=REASON)
    # The rows as they were, and the keyring as it is now.
    shutil.copy(backup, kept.path)
    with kept.acme() as acme, pytest.raises(Erased):
        acme.record(acme.trace(TALK)[0].event_id)


def test_an_old_keyring_brings_nothing_back_to_a_ledger_that_knows(
    kept: Kept, tmp_path: Path
) -> None:
    old_keys = tmp_path / "old.keys"
    shutil.copytree(kept.keys, old_keys)
    with kept.acme() as acme:
        done = acme.erase("alice", reason=REASON)
    restored = kept.copy("restored.db", old_keys)
    with restored.open() as selene:
        acme, store = selene.tenant("acme"), store_of(selene)
        assert store.keys.keyring.live_key(ACME, "alice") is not None
        with pytest.raises(Erased):
            acme.record(acme.trace(TALK)[0].event_id)
        # What is written now is written with another key, and the old one is destroyed again.
        answer = acme.take_turn(*KITCHEN, "hello")
        assert acme.record(answer.event_id) is not None
        fresh = store.keys.keyring.live_key(ACME, "alice")
        assert fresh is not None and fresh.key_id != done.key_ids[0]


# ---- cut off, and beside others


_CUT = """
import os, signal, sys
import selene_os
from selene_os.ledger.repositories import Custodies
Custodies.commit = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
with selene_os.open(sys.argv[1]) as selene:
    selene.tenant("acme").erase("alice", reason="cut off")
"""


def test_who_is_killed_between_key_and_row_finishes_with_the_same_call(kept: Kept) -> None:
    cut = subprocess.run(
        [sys.executable, "-c", _CUT, str(kept.path)], env=environment(), check=False, timeout=60
    )
    assert cut.returncode == -signal.SIGKILL
    with kept.acme() as acme:
        with pytest.raises(Erased):
            acme.record(acme.trace(TALK)[0].event_id)
        assert acme.search(decision="ERASED").events == ()
        done = acme.erase("alice", reason=REASON)
        assert len(done.key_ids) == 1
        assert len(acme.search(decision="ERASED").events) == 1
        assert acme.erase("alice", reason=REASON).key_ids == ()


_BESIDE = """
import sys
import selene_os
with selene_os.open(sys.argv[1]) as selene:
    selene.tenant("acme").erase("alice", reason="beside")
"""


def test_an_erasure_by_another_process_is_believed_within_a_second(kept: Kept) -> None:
    with kept.open() as selene:
        store = store_of(selene)
        now = [1_000_000_000_000]
        store.keys._clock = lambda: now[0]
        acme = selene.tenant("acme")
        event = acme.trace(TALK)[0].event_id
        assert acme.record(event) is not None
        line = [sys.executable, "-c", _BESIDE, str(kept.path)]
        subprocess.run(line, env=environment(), check=True, timeout=60)
        now[0] += 1_000_000_000
        with pytest.raises(Erased):
            acme.record(event)
        now[0] += 1
        assert acme.record(acme.take_turn(*KITCHEN, "hello").event_id) is not None


# ---- older versions


def test_plain_rows_of_an_older_version_are_read_and_cannot_be_erased(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "old.db")
    create(str(kept.path), 1)
    plain = SqliteStore(str(kept.path))
    ago = time.time_ns() - 3_600 * 10**9
    around = replace(
        selene_os.edges.surroundings.system(),
        clock=lambda: ago,
        event_id=lambda: event_id_of(ago, 1),
    )
    selene = selene_os.Selene(plain, around)
    selene.add_tenant("acme")
    acme = selene.tenant("acme")
    acme.register(*KITCHEN)
    first = acme.take_turn(*KITCHEN, "remind me to call mom at 5 pm", correlation=TALK)
    with pytest.raises(BadField):
        acme.erase("alice", reason=REASON)
    selene.close()
    with kept.open(create=True) as opened:
        acme = opened.tenant("acme")
        record = acme.record(first.event_id)
        assert record is not None and "mom" in record["request"]["text"]
        retried = acme.take_turn(
            *KITCHEN, "remind me to call mom at 5 pm", correlation=TALK, turn=1
        )
        assert retried.deduplicated
        acme.take_turn(*KITCHEN, "hello", correlation=TALK)
        assert acme.erase("alice", reason=REASON).plain_rows == 2
        assert acme.record(first.event_id) is not None
        assert store_of(opened).plain_rows(ACME, ALICE) == 2
