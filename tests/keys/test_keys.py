"""Keys: where they are, what opens what, and what nobody can do to a keyring."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import selene_os
from command import rows
from keys.ledgers_with_keys import ACME, KITCHEN, TALK, Kept, store_of
from ledgers import stranger_at
from selene_os.edges import key_directory
from selene_os.edges.databases import database
from selene_os.errors import Fault, KeysMissing
from selene_os.keys import cipher
from selene_os.ledger.keyrings import WrappedKey

KEY = cipher.DataKey("0" * 32, bytes(range(32)))


def test_only_the_same_key_and_place_open_a_row() -> None:
    here = cipher.context_of("replay_inputs", "acme", ("1",))
    there = cipher.context_of("replay_inputs", "acme", ("2",))
    sealed = cipher.seal_row(KEY, here, b"words")
    assert cipher.open_row(cipher.row_key(KEY, here), sealed, here) == b"words"
    assert sealed == cipher.seal_row(KEY, here, b"words")
    assert sealed != cipher.seal_row(KEY, here, b"other")
    assert b"words" not in sealed
    other = cipher.DataKey("1" * 32, bytes(32))
    wrong = [
        (cipher.row_key(KEY, there), sealed, there),
        (cipher.row_key(KEY, here), sealed, there),
        (cipher.row_key(other, here), sealed, here),
        *(
            (cipher.row_key(KEY, here), flipped(sealed, place), here)
            for place in range(len(sealed))
        ),
        (cipher.row_key(KEY, here), sealed[:20], here),
        (cipher.row_key(KEY, here), b"", here),
    ]
    for given in wrong:
        with pytest.raises(Fault):
            cipher.open_row(*given)


def test_no_two_contexts_are_alike() -> None:
    contexts = {
        cipher.context_of(*named)
        for named in (
            ("t", "acme", ("ab", "c")), ("t", "acme", ("a", "bc")), ("t", "acmea", ("b", "c")),
            ("ta", "cme", ("ab", "c")), ("t", "acme", ("abc",)), ("t", "acme", ("ab", "c", "")),
        )
    }  # fmt: skip
    assert len(contexts) == 6


def test_a_key_shows_nothing_of_itself() -> None:
    assert repr(KEY) == f"DataKey(key_id='{'0' * 32}')"


def flipped(sealed: bytes, place: int) -> bytes:
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]


def test_swapped_and_changed_rows_are_found_out(kept: Kept) -> None:
    guards = [sql for (sql,) in stranger_at(str(kept.path), "SELECT sql FROM sqlite_schema"
        " WHERE name LIKE 'replay_inputs_no_update'")[0].rows]  # fmt: skip
    with kept.acme() as acme:
        first, second = [
            acme.take_turn(*KITCHEN, word, correlation=TALK).event_id for word in ("one", "two")
        ]
    done = stranger_at(
        str(kept.path),
        "DROP TRIGGER replay_inputs_no_update",
        "CREATE TEMP TABLE was AS SELECT event_id, record FROM replay_inputs",
        f"UPDATE replay_inputs SET record = (SELECT record FROM was WHERE event_id = '{second}')"
        f" WHERE event_id = '{first}'",
        str(guards[0]),
    )
    assert [one.error for one in done] == [None] * 4
    with kept.acme() as acme:
        with pytest.raises(Fault, match="not what was encrypted there"):
            acme.record(first)
        assert acme.record(second) is not None


def test_a_row_key_opens_one_row_alone(kept: Kept) -> None:
    with kept.open() as selene:
        store = store_of(selene)
        events = selene.tenant("acme").trace(TALK)
        row = store.below.record(ACME, events[0].event_id)
        assert row is not None and len(row.key_id) == 32
        key = store.row_key(ACME, row.key_id, "replay_inputs", (row.event_id,))
        context = cipher.context_of("replay_inputs", ACME, (row.event_id,))
        above = store.record(ACME, row.event_id)
        assert key is not None and above is not None
        assert cipher.open_row(key, row.record, context) == above.record
        selene.tenant("acme").erase("alice", reason="asked")
        assert store.row_key(ACME, row.key_id, "replay_inputs", (row.event_id,)) is None


# ---- the directory


def test_keys_are_made_for_their_owner_alone(kept: Kept) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in kept.keys.iterdir()}
    assert modes == {
        "root.key": 0o600, "users.db": 0o600, "signing.key": 0o600, "signing-keys": 0o700,
    }  # fmt: skip
    assert kept.keys.stat().st_mode & 0o777 == 0o700
    assert list(key_directory.warnings(str(kept.keys))) == []
    (kept.keys / "root.key").chmod(0o640)
    (warning,) = database(str(kept.path)).inspect().warnings
    assert "chmod 600" in warning


@pytest.mark.parametrize("lost", ["root.key", "users.db", "."])
def test_lost_keys_are_never_made_anew_beside_encrypted_rows(kept: Kept, lost: str) -> None:
    shutil.rmtree(kept.keys) if lost == "." else (kept.keys / lost).unlink()
    before = kept.path.read_bytes()
    for create in (False, True):
        with pytest.raises(KeysMissing):
            selene_os.open(str(kept.path), create=create)
    with pytest.raises(KeysMissing):
        database(str(kept.path)).make_keys()
    assert not (kept.keys / lost).is_file()
    assert kept.path.read_bytes() == before
    assert database(str(kept.path)).inspect().held is False


@pytest.mark.parametrize("text", ["", "x", "selene-root-1 00", "selene-root-1 " + "g" * 64])
def test_a_root_key_that_is_none_is_said_to_be_none(kept: Kept, text: str) -> None:
    (kept.keys / "root.key").write_text(text)
    with pytest.raises(KeysMissing, match="is no root key"):
        selene_os.open(str(kept.path))


def test_a_wrong_root_key_opens_nothing_and_is_named(kept: Kept) -> None:
    (kept.keys / "root.key").write_text("selene-root-1 " + "00" * 32 + "\n")
    with kept.acme() as acme:
        with pytest.raises(KeysMissing, match="root key is not the one"):
            acme.record(acme.trace(TALK)[0].event_id)
        with pytest.raises(KeysMissing, match="root key is not the one"):
            acme.take_turn(*KITCHEN, "hello")
    assert any("root key" in fault for fault in database(str(kept.path)).inspect().faults)


def test_an_old_keyring_is_told_of_by_doctor(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.keys, tmp_path / "old")
    with kept.acme() as acme:
        acme.erase("alice", reason="asked")
    restored = kept.copy("restored.db", tmp_path / "old")
    found = database(str(restored.path)).inspect()
    assert any("was destroyed and is back" in fault for fault in found.faults)
    assert database(str(kept.path)).inspect().held is True


def test_a_refused_write_leaves_no_key_behind(kept: Kept) -> None:
    with kept.open() as selene:
        keyring = store_of(selene).keys.keyring
        before = keyring.keys(ACME, None)
        for user in ("mallory", "nobody"):
            with pytest.raises(selene_os.Refusal):
                selene.tenant("acme").take_turn(user, "kitchen", "hello")
        assert keyring.keys(ACME, None) == before


# ---- a stranger's SQL


def test_a_keyring_only_ever_loses_keys(kept: Kept) -> None:
    with kept.acme() as acme:
        acme.erase("alice", reason="asked")
        acme.hold("bob", reason="case")
    path = kept.keys / "users.db"
    columns = ", ".join(WrappedKey._fields)
    before = [rows(path, f"SELECT hex(wrapped), * FROM {table}") for table in ("user_keys",)]
    refused = [
        "UPDATE user_keys SET wrapped = zeroblob(60), destroyed_at = NULL WHERE wrapped IS NULL",
        "UPDATE user_keys SET wrapped = zeroblob(60) WHERE wrapped IS NOT NULL",
        "UPDATE user_keys SET subject = 'eve'",
        "UPDATE user_keys SET wrapped = NULL, destroyed_at = 1 WHERE subject = 'bob'",
        "DELETE FROM user_keys",
        "UPDATE tenant_keys SET wrapped = zeroblob(60)",
        "DELETE FROM tenant_keys",
        "DELETE FROM holds",
        "UPDATE holds SET subject = 'eve'",
        "UPDATE holds SET created_at = 0",
    ]
    ignored = [
        f"INSERT OR REPLACE INTO user_keys ({columns}) SELECT tenant_id, key_id, subject,"
        " zeroblob(60), created_at, NULL FROM user_keys",
        f"INSERT OR REPLACE INTO user_keys (rowid, {columns}) SELECT rowid, tenant_id,"
        " lower(hex(randomblob(16))), subject, zeroblob(60), created_at, NULL FROM user_keys",
        "INSERT OR REPLACE INTO tenant_keys SELECT tenant_id, key_id, zeroblob(60), 0"
        " FROM tenant_keys",
        "INSERT OR REPLACE INTO holds SELECT tenant_id, hold_id, subject, created_at, 1 FROM holds",
    ]
    results = stranger_at(str(path), *refused)
    assert all("keys:" in (one.error or "") for one in results), results
    stranger_at(str(path), *ignored)
    after = [rows(path, f"SELECT hex(wrapped), * FROM {table}") for table in ("user_keys",)]
    assert after == before
    assert rows(path, "SELECT count(*) FROM tenant_keys WHERE wrapped = zeroblob(60)") == [[0]]
    assert rows(path, "SELECT count(*) FROM holds WHERE released_at IS NOT NULL") == [[0]]
