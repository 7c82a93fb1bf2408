"""Keys on a server: a schema of their own that no back-up holds, and that nobody reads by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import selene_os
from command import Command
from ledgers import START_NS
from postgres.desks import Desk, programs
from postgres_databases import PostgresDatabase
from selene_os import Selene
from selene_os.edges.databases import database
from selene_os.errors import Erased, Fault, KeysMissing, ScopeRefused, UnderHold
from selene_os.keys.store import EncryptedStore
from selene_os.ledger.postgres import schema
from selene_os.ledger.postgres.keyring import PostgresKeyring
from selene_os.names import TenantId
from servers import SUPERUSER, named

ACME = TenantId("acme")
TALK = "0123456789abcdef0123456789abcdef"
KITCHEN = ("alice", "kitchen")
WORD = "zebediahquux"


@pytest.fixture
def desk(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    server = named("postgres")
    programs(server, monkeypatch)
    made = Desk(command, server, PostgresDatabase.fresh("postgres").name)
    yield made
    server.drop_database(made.name)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    return str(tmp_path / "keys")


def spoken(desk: Desk, keys: str) -> Selene:
    """The ledger, open, with a turn of alice's in it."""
    database(desk.url(), keys).make_keys()
    selene = selene_os.open(desk.url("selene_app"), keys=keys)
    selene.add_tenant("acme")
    acme = selene.tenant("acme")
    acme.register(*KITCHEN)
    acme.take_turn(*KITCHEN, f"remind me to call {WORD} at 5 pm", correlation=TALK)
    term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Frobozz"}
    acme.import_terms([term])
    return selene


def test_words_are_encrypted_and_erased_on_a_server_too(desk: Desk, keys: str) -> None:
    with spoken(desk, keys) as selene:
        acme = selene.tenant("acme")
        event = acme.trace(TALK)[0].event_id
        record = acme.record(event)
        assert record is not None and WORD in record["request"]["text"]
        for table, column in (
            ("replay_inputs", "record"), ("conversation_ledger", "text"), ("term_bundles", "bundle")
        ):  # fmt: skip
            for stored, key_id in desk.sql(f"SELECT {column}, key_id FROM os_core.{table}"):
                assert isinstance(stored, bytes)
                assert WORD.encode() not in stored and b"Frobozz" not in stored
                assert key_id != "plain"
        held = acme.hold("alice", reason="case")
        with pytest.raises(UnderHold):
            acme.erase("alice", reason="asked")
        store = selene._store
        assert isinstance(store, EncryptedStore)
        live = store.keys.keyring.live_key(ACME, "alice")
        assert live is not None
        with pytest.raises(UnderHold):
            # The database itself holds it back as well.
            store.keys.keyring.destroy_key(ACME, live.key_id, START_NS)
        assert acme.release("alice", reason="over").hold_id == held.hold_id
        assert acme.erase("alice", reason="asked").key_ids == (live.key_id,)
        with pytest.raises(Erased):
            acme.record(event)
        assert acme.take_turn(*KITCHEN, "yes", correlation=TALK).decision == "CHAT"
        assert acme.terms()[0].canonical == "Frobozz"
    with selene_os.open(desk.url("selene_app"), keys=keys) as again, pytest.raises(Erased):
        again.tenant("acme").record(event)


def test_a_restored_backup_brings_nothing_back(desk: Desk, keys: str, tmp_path: Path) -> None:
    with spoken(desk, keys) as selene:
        event = selene.tenant("acme").trace(TALK)[0].event_id
    made = desk.command("--keys", keys, "--db", desk.url(), "backup", "b.dump", "--json")
    assert made.code == 0, made.err
    content = (desk.command.folder / "b.dump").read_bytes()
    assert b"user_keys" not in content and b"tenant_keys" not in content
    old = {
        table: desk.sql(f"SELECT * FROM os_keys.{table}") for table in ("tenant_keys", "user_keys")
    }
    with selene_os.open(desk.url("selene_app"), keys=keys) as selene:
        done = selene.tenant("acme").erase("alice", reason="asked")
    # The rows as they were, beside the keyring as it is now.
    after = desk.sql("SELECT * FROM os_core.audit_events WHERE engine = 'PH1.J'")
    desk.sql("DROP SCHEMA os_core CASCADE")
    assert desk.command("--keys", keys, "--db", desk.url(), "restore", "b.dump").code == 0
    with selene_os.open(desk.url("selene_app"), keys=keys) as selene, pytest.raises(Erased):
        selene.tenant("acme").record(event)
    # The same call again writes the row that the back-up did not know.
    with selene_os.open(desk.url("selene_app"), keys=keys) as selene:
        assert selene.tenant("acme").erase("alice", reason="asked").key_ids == done.key_ids
    assert len(after) == 1
    # An old keyring put back: the ledger knows better.
    desk.sql(
        "ALTER TABLE os_keys.user_keys DISABLE TRIGGER ALL",
        f"UPDATE os_keys.user_keys SET destroyed_at = NULL,"
        f" wrapped = '\\x{bytes(wrapped_of(old['user_keys'], done.key_ids[0])).hex()}'"
        f" WHERE key_id = '{done.key_ids[0]}'",
        "ALTER TABLE os_keys.user_keys ENABLE ALWAYS TRIGGER user_keys_only_destroyed",
        "ALTER TABLE os_keys.user_keys ENABLE ALWAYS TRIGGER user_keys_no_delete",
    )
    with selene_os.open(desk.url("selene_app"), keys=keys) as selene, pytest.raises(Erased):
        selene.tenant("acme").record(event)
    found = database(desk.url("selene_app"), keys).inspect()
    assert any("was destroyed and is back" in fault for fault in found.faults)


def wrapped_of(rows: list[tuple[object, ...]], key_id: str) -> bytes:
    """The bytes of a key in rows of user_keys."""
    (found,) = [row[3] for row in rows if row[1] == key_id]
    assert isinstance(found, bytes)
    return found


def test_a_restore_beside_no_keyring_is_unread_and_says_so(desk: Desk, keys: str) -> None:
    with spoken(desk, keys) as selene:
        event = selene.tenant("acme").trace(TALK)[0].event_id
    assert desk.command("--keys", keys, "--db", desk.url(), "backup", "b.dump").code == 0
    other = Desk(desk.command, desk.server, desk.server.new_database())
    try:
        restored = desk.command("--keys", keys, "--db", other.url(), "restore", "b.dump")
        assert restored.code == 0, restored.err
        assert "put them back" in restored.out and "os_keys" in restored.out
        with (
            selene_os.open(other.url("selene_app"), keys=keys) as selene,
            pytest.raises(Fault, match="is not here"),
        ):
            selene.tenant("acme").record(event)
        found = database(other.url("selene_app"), keys).inspect()
        assert any("does not know key" in fault for fault in found.faults)
        elsewhere = desk.command("--keys", f"{keys}2", "--db", other.url(), "init", "--json")
        assert elsewhere.error["code"] == "KeysMissing"
    finally:
        desk.server.drop_database(other.name)


def test_a_copy_brings_its_keyring_along(desk: Desk, tmp_path: Path, command: Command) -> None:
    file = str(tmp_path / "source.db")
    with selene_os.open(file, create=True) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register(*KITCHEN)
        acme.register("bob", "office")
        first = acme.take_turn(*KITCHEN, "what time is it")
        second = acme.take_turn("bob", "office", "what time is it")
        acme.erase("bob", reason="asked")
        acme.hold("alice", reason="case")
    ran = command("copy", "--from", file, "--to", desk.url(), "--json")
    assert ran.code == 0, ran.err
    assert ran.record["keys"] == str(command.folder / "selene.keys")
    with selene_os.open(desk.url("selene_app"), keys=ran.record["keys"]) as selene:
        acme = selene.tenant("acme")
        assert acme.record(first.event_id) is not None
        with pytest.raises(Erased):
            acme.record(second.event_id)
        with pytest.raises(UnderHold):
            acme.erase("alice", reason="asked")


def test_nobody_reads_or_writes_the_keyring_but_its_functions(desk: Desk, keys: str) -> None:
    spoken(desk, keys).close()
    attacks = (
        "SELECT * FROM os_keys.user_keys",
        "UPDATE os_keys.user_keys SET wrapped = NULL, destroyed_at = 1",
        "DELETE FROM os_keys.user_keys",
        "INSERT INTO os_keys.holds VALUES ('acme', repeat('0', 32), 'alice', 1, NULL)",
        "TRUNCATE os_keys.tenant_keys CASCADE",
        "CREATE TABLE os_keys.mine (x INT)",
    )
    for user in ("selene_app", "selene_auditor"):
        for attack in attacks:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                desk.sql(attack, user=user)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        desk.sql("SELECT os_keys.destroy_key('acme', 'x', 1)", user="selene_auditor")
    for attack in (
        "UPDATE os_keys.user_keys SET wrapped = decode(repeat('00', 60), 'hex')",
        "UPDATE os_keys.user_keys SET subject = 'eve'",
        "DELETE FROM os_keys.user_keys",
        "TRUNCATE os_keys.holds",
        "UPDATE os_keys.tenant_keys SET created_at = 0",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            desk.sql(attack, user=SUPERUSER)


def test_a_tenants_own_login_has_its_own_keys_alone(desk: Desk, keys: str) -> None:
    with spoken(desk, keys) as selene:
        selene.add_tenant("globex")
    desk.done("tenant", "grant-login", "globex")
    ring = PostgresKeyring(desk.url("selene_t_globex"))
    try:
        assert ring.keys(TenantId("globex"), None) == []
        with pytest.raises(ScopeRefused):
            ring.tenant_key(ACME)
        with pytest.raises(ScopeRefused):
            ring.keys(ACME, None)
    finally:
        ring.close()


def test_the_keyring_is_made_again_where_only_the_ledger_is(desk: Desk, keys: str) -> None:
    spoken(desk, keys).close()
    schema.create(desk.url(), START_NS)
    with pytest.raises(KeysMissing):
        database(desk.url(), f"{keys}-elsewhere").make_keys()
