"""Who gets in, and who looked at what: kept alike by every store, and never bent by SQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api_keys import HOUR_NS, KEY_ID, NEXT_ID, access_event, key_row, let_in, operator_row
from ledgers import ACME, GLOBEX, START_NS, Ledger, SqliteDatabase
from selene_os.errors import BadField, NotFound, RegistrationRefused
from selene_os.ledger.access import AccessEvent, ApiKeyRow
from selene_os.names import TenantId

NOBODY = TenantId("nobody")
LATE = START_NS + 24 * HOUR_NS


# ---- keys


def test_a_key_is_kept_once_and_for_its_own_tenant(ledger: Ledger) -> None:
    access, row = ledger.store.access, key_row(expires_at=LATE)
    assert access.add_api_key(row) is True
    assert access.add_api_key(row._replace(digest=b"\x02" * 32, scopes="admin")) is False
    assert access.api_key(ACME, KEY_ID) == row
    assert access.api_key(GLOBEX, KEY_ID) is None
    assert access.api_key(ACME, NEXT_ID) is None
    assert access.add_api_key(key_row(tenant_id=GLOBEX)) is True
    assert access.api_keys(GLOBEX) == [key_row(tenant_id=GLOBEX)]
    with pytest.raises(NotFound):
        access.add_api_key(key_row(tenant_id=NOBODY))
    assert sorted(access.api_key_names()) == [(ACME, KEY_ID), (GLOBEX, KEY_ID)]
    assert access.api_keys(NOBODY) == []


def test_a_key_begins_without_an_end(ledger: Ledger) -> None:
    row = key_row()._replace(revoked_at=START_NS, replaced_by=NEXT_ID)
    assert ledger.store.access.add_api_key(row) is True
    assert ledger.store.access.api_key(ACME, KEY_ID) == key_row()


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": b"short"},
        {"scopes": ""},
        {"scopes": "write read"},
        {"scopes": "read read"},
        {"scopes": " read"},
        {"scopes": "read "},
        {"scopes": "READ"},
        {"scopes": "read root"},
        {"key_id": "SHOUTSHOUTSH"},
        {"key_id": "short"},
        {"label": "x" * 65},
        {"created_at": -1},
        {"expires_at": START_NS},
    ],
)
def test_the_schema_repeats_every_bound_of_a_key(ledger: Ledger, changes: dict[str, Any]) -> None:
    before = ledger.tables()
    with pytest.raises(BadField):
        ledger.store.access.add_api_key(ApiKeyRow(**{**key_row()._asdict(), **changes}))
    assert ledger.tables() == before


def test_a_revoked_key_stays_as_it_was_revoked(ledger: Ledger) -> None:
    access = ledger.store.access
    access.add_api_key(key_row())
    for at in (START_NS + 5, START_NS + 9, START_NS + 2):
        access.end_api_key(ACME, KEY_ID, at)
        assert access.api_key(ACME, KEY_ID) == key_row()._replace(revoked_at=START_NS + 5)
    with pytest.raises(NotFound):
        access.end_api_key(GLOBEX, KEY_ID, LATE)
    access.add_api_key(key_row(NEXT_ID))
    access.end_api_key(ACME, NEXT_ID, 1)
    found = access.api_key(ACME, NEXT_ID)
    assert found is not None and found.revoked_at == START_NS, "a clock that goes wrong"


@pytest.mark.parametrize(
    ("expires_at", "ends_at", "expected"),
    [
        (None, LATE, LATE),
        (LATE, LATE - 1, LATE - 1),
        (LATE, LATE + 1, LATE),
        (LATE, 0, START_NS + 1),
    ],
)
def test_a_key_is_replaced_by_another_and_its_time_only_ever_shortened(
    ledger: Ledger, expires_at: int | None, ends_at: int, expected: int
) -> None:
    access = ledger.store.access
    access.add_api_key(key_row(expires_at=expires_at))
    later = key_row(NEXT_ID, at=START_NS + HOUR_NS)
    access.replace_api_key(KEY_ID, later, ends_at)
    old = key_row()._replace(expires_at=expected, replaced_by=NEXT_ID)
    assert access.api_keys(ACME) == [old, later]


def test_a_key_that_has_ended_is_not_replaced_and_nothing_is_added(ledger: Ledger) -> None:
    access = ledger.store.access
    access.add_api_key(key_row(expires_at=LATE))
    over = key_row(NEXT_ID, at=LATE)
    stronger = key_row(NEXT_ID, scopes="admin read write")
    there = key_row(at=START_NS + 1)._replace(digest=b"\x09" * 32)
    access.add_api_key(key_row("r2r3r4r5r6r7"))
    access.end_api_key(ACME, "r2r3r4r5r6r7", START_NS + 1)
    before = ledger.tables()
    with pytest.raises(NotFound):
        access.replace_api_key(NEXT_ID, key_row("n2n3n4n5n6n7"), LATE)
    with pytest.raises(NotFound):
        access.replace_api_key(KEY_ID, key_row(NEXT_ID, GLOBEX), LATE)
    for old, row in ((KEY_ID, over), (KEY_ID, stronger), ("r2r3r4r5r6r7", key_row(NEXT_ID))):
        with pytest.raises(RegistrationRefused):
            access.replace_api_key(old, row, LATE)
    with pytest.raises(BadField):
        access.replace_api_key(KEY_ID, there, LATE)
    assert ledger.tables() == before
    access.replace_api_key(KEY_ID, key_row(NEXT_ID), LATE)
    with pytest.raises(RegistrationRefused):
        access.replace_api_key(KEY_ID, key_row("n2n3n4n5n6n7"), LATE)


def test_of_many_that_replace_one_key_at_once_one_does(ledger: Ledger) -> None:
    access = ledger.store.access
    access.add_api_key(key_row())

    def replace(number: int) -> bool:
        try:
            access.replace_api_key(KEY_ID, key_row(f"n{number:011}"), LATE + number)
        except RegistrationRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(replace, range(8)))
    winner = done.index(True)
    assert done.count(True) == 1
    old, new = sorted(access.api_keys(ACME), key=lambda row: row.replaced_by is None)
    assert (old.replaced_by, old.expires_at) == (new.key_id, LATE + winner)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE api_keys SET scopes = 'admin read write'",
        "UPDATE api_keys SET digest = (SELECT digest FROM api_keys WHERE tenant_id = 'globex')",
        "UPDATE api_keys SET key_id = 'n2n3n4n5n6n7' WHERE tenant_id = 'acme'",
        "UPDATE api_keys SET tenant_id = 'acme' WHERE tenant_id = 'globex'",
        "UPDATE api_keys SET label = 'other'",
        "UPDATE api_keys SET created_at = created_at - 1",
        "UPDATE api_keys SET expires_at = NULL",
        f"UPDATE api_keys SET expires_at = {LATE + 1}",
        f"UPDATE api_keys SET expires_at = {START_NS + 9}",
        f"UPDATE api_keys SET expires_at = {LATE + 1}, replaced_by = 'm2m3m4m5m6m7'"
        " WHERE key_id = 'k2k3k4k5k6k7'",
        "UPDATE api_keys SET replaced_by = 'z2z3z4z5z6z7' WHERE key_id = 'k2k3k4k5k6k7'",
        "UPDATE api_keys SET replaced_by = 'a2a3a4a5a6a7' WHERE key_id = 'k2k3k4k5k6k7'",
        "UPDATE api_keys SET replaced_by = key_id",
        "UPDATE api_keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
        "UPDATE api_keys SET revoked_at = revoked_at - 1 WHERE revoked_at IS NOT NULL",
        "DELETE FROM api_keys",
        "DELETE FROM access_events",
        "UPDATE access_events SET outcome = 'REFUSED'",
        "UPDATE access_events SET actor = 'key:x'",
        "UPDATE operators SET login = 'eve'",
        "UPDATE operators SET created_at = 1",
        "UPDATE operators SET valid_after = valid_after - 1",
        "DELETE FROM operators",
    ],
)
def test_no_sql_gives_a_key_more_than_it_had(ledger: Ledger, attack: str) -> None:
    """Not even of whoever owns the database."""
    access = ledger.store.access
    let_in(ledger, GLOBEX)
    for key_id in (KEY_ID, NEXT_ID, "r2r3r4r5r6r7"):
        access.add_api_key(key_row(key_id, expires_at=LATE))
    access.add_api_key(key_row("a2a3a4a5a6a7", scopes="admin", expires_at=LATE))
    access.end_api_key(ACME, "r2r3r4r5r6r7", START_NS + 5)
    before = ledger.tables()
    (found,) = ledger.raw(attack)
    assert found.error is not None
    assert ledger.tables() == before


def test_a_row_that_is_there_is_not_replaced_by_another(ledger: Ledger) -> None:
    let_in(ledger, ACME)
    before = ledger.tables()
    columns = ", ".join(ApiKeyRow._fields)
    stronger = f"SELECT {columns.replace('scopes', repr('admin'))} FROM api_keys"
    verb = (
        "INSERT OR REPLACE INTO" if isinstance(ledger.database, SqliteDatabase) else "INSERT INTO"
    )
    ledger.raw(
        f"{verb} api_keys ({columns}) {stronger}",
        f"{verb} api_keys ({columns}) {stronger} WHERE 1 = 1"
        " ON CONFLICT (tenant_id, key_id) DO UPDATE SET scopes = 'admin'",
        f"{verb} operators SELECT login, 'mine', '*', created_at, NULL, valid_after FROM operators",
        f"{verb} access_events SELECT tenant_id, access_id, at, 'key:other', action, target,"
        " outcome, reason FROM access_events",
    )
    assert ledger.tables() == before


# ---- access events


def test_access_events_are_read_newest_first_page_by_page(ledger: Ledger) -> None:
    access = ledger.store.access
    events = [access_event(number) for number in range(1, 8)]
    # Two of one moment, by their ids.
    events.append(access_event(9, at=START_NS + 7))
    for event in (*events, *events):
        access.append_access(event)
    access.append_access(access_event(1, GLOBEX))
    newest = sorted(events, key=lambda event: (event.at, event.access_id), reverse=True)
    assert access.access_events(ACME, None, 100) == newest
    found: list[AccessEvent] = []
    while page := access.access_events(
        ACME, (found[-1].at, found[-1].access_id) if found else None, 3
    ):
        found += page
    assert found == newest
    assert access.access_events(GLOBEX, None, 100) == [access_event(1, GLOBEX)]
    assert access.access_events(NOBODY, None, 100) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": "eve"},
        {"actor": "key:"},
        {"actor": "key:" + "x" * 77},
        {"action": ""},
        {"action": "x" * 65},
        {"target": "x" * 257},
        {"target": ""},
        {"outcome": "MAYBE"},
        {"reason": "x" * 65},
        {"at": -1},
    ],
)
def test_the_schema_repeats_every_bound_of_an_access_event(
    ledger: Ledger, changes: dict[str, Any]
) -> None:
    before = ledger.tables()
    with pytest.raises(BadField):
        ledger.store.access.append_access(AccessEvent(**{**access_event(1)._asdict(), **changes}))
    with pytest.raises(NotFound):
        ledger.store.access.append_access(access_event(1, NOBODY))
    assert ledger.tables() == before


# ---- operators


def test_an_operator_is_added_once_and_changed_in_part(ledger: Ledger) -> None:
    access, ada, bob = ledger.store.access, operator_row(), operator_row("bob", "acme globex")
    assert [access.add_operator(row) for row in (bob, ada, ada._replace(tenants="acme"))] == [
        True,
        True,
        False,
    ]
    assert access.operators() == [ada, bob]
    access.set_operator("ada", password="new", valid_after=LATE)
    ada = ada._replace(password="new", valid_after=LATE)
    assert access.operator("ada") == ada
    access.set_operator("ada", disabled_at=LATE, valid_after=1)
    assert access.operator("ada") == ada._replace(disabled_at=LATE), "what was void stays void"
    access.set_operator("ada", tenants="globex")
    assert access.operator("ada") == ada._replace(disabled_at=LATE, tenants="globex")
    access.set_operator("ada", disabled_at=None)
    assert access.operator("ada") == ada._replace(tenants="globex")
    assert access.operator("bob") == bob
    assert access.operator("eve") is None
    with pytest.raises(NotFound):
        access.set_operator("eve", tenants="*")


@pytest.mark.parametrize(
    "changes",
    [{"login": ""}, {"login": "Ada"}, {"login": "x" * 65}, {"login": "a b"}, {"tenants": ""}],
)
def test_the_schema_repeats_every_bound_of_an_operator(
    ledger: Ledger, changes: dict[str, Any]
) -> None:
    before = ledger.tables()
    with pytest.raises(BadField):
        ledger.store.access.add_operator(operator_row()._replace(**changes))
    assert ledger.tables() == before
