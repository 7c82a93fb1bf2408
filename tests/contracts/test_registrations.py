"""What a store tells of who is registered is what was registered, in pages that miss nothing."""

from __future__ import annotations

from typing import Final

import pytest

from ledgers import ACME, ALICE, GLOBEX, START_NS, Ledger, widen
from selene_os.ledger.registrations import DeviceRow, IdentityRow, SessionRow
from selene_os.ledger.store import Store
from selene_os.names import DeviceId, SessionId, TenantId, UserId

# In the order of their bytes, which no language's own order is.
NAMES: Final = ("B", "a", "z", "é", "你", "\U0001f469")
LATER: Final = START_NS + 5


@pytest.fixture
def store(ledger: Ledger) -> Store:
    for number, name in enumerate(NAMES):
        user, device = UserId(f"user {name}"), DeviceId(f"device {name}")
        for tenant, mark in ((ACME, ""), (GLOBEX, " g")):
            ours = DeviceId(f"{device}{mark}")
            ledger.store.register(tenant, user, ours, SessionId(f"s {name}"), START_NS)
        if number % 2:
            ledger.store.set_identity_status(ACME, user, "DISABLED")
            ledger.store.close_session(ACME, SessionId(f"s {name}"), LATER)
    widen(ledger)
    return ledger.store


def test_pages_of_users_lead_through_all_once(store: Store) -> None:
    told = store.registrations
    every = told.identities(ACME, None, None, 100)
    assert [one.user_id for one in every] == sorted(
        (one.user_id for one in every), key=lambda name: name.encode()
    )
    assert {f"user {name}" for name in NAMES} < {one.user_id for one in every}
    paged: list[IdentityRow] = []
    after = None
    while page := told.identities(ACME, None, after, 3):
        paged, after = paged + page, page[-1].user_id
    assert paged == every
    for status in ("ACTIVE", "DISABLED"):
        mine = [one for one in every if one.status == status]
        assert told.identities(ACME, status, None, 100) == mine
        assert told.identities(ACME, status, mine[0].user_id, 100) == mine[1:]
    assert {one.tenant_id for one in told.identities(GLOBEX, None, None, 100)} == {GLOBEX}
    assert told.identities(TenantId("nobody"), None, None, 100) == []


def test_one_user_is_told_as_in_the_list(store: Store) -> None:
    told = store.registrations
    for one in told.identities(ACME, None, None, 100):
        assert told.identity(ACME, one.user_id) == one
    assert told.identity(ACME, UserId("mallory")) is None
    assert told.identity(TenantId("nobody"), ALICE.user_id) is None


def test_pages_of_devices_lead_through_a_tenants_or_a_users(store: Store) -> None:
    told = store.registrations
    every = told.devices(ACME, None, None, 100)
    assert [one.device_id for one in every] == sorted(
        (one.device_id for one in every), key=lambda name: name.encode()
    )
    paged: list[DeviceRow] = []
    after = None
    while page := told.devices(ACME, None, after, 2):
        paged, after = paged + page, page[-1].device_id
    assert paged == every and {one.tenant_id for one in every} == {ACME}
    hers = told.devices(ACME, ALICE.user_id, None, 100)
    assert hers == [one for one in every if one.user_id == ALICE.user_id] and len(hers) > 1
    assert told.devices(ACME, ALICE.user_id, hers[0].device_id, 100) == hers[1:]
    assert told.devices(ACME, ALICE.user_id, None, 1) == hers[:1]
    assert told.devices(GLOBEX, ALICE.user_id, None, 100) == []


def test_pages_of_sessions_are_narrowed_by_user_and_end(store: Store) -> None:
    told = store.registrations
    every = told.sessions(ACME, None, None, None, 100)
    paged: list[SessionRow] = []
    after = None
    while page := told.sessions(ACME, None, None, after, 2):
        paged, after = paged + page, page[-1].session_id
    assert paged == every
    for is_open in (True, False):
        mine = [one for one in every if (one.closed_at is None) == is_open]
        assert mine and told.sessions(ACME, None, is_open, None, 100) == mine
        hers = [one for one in mine if one.user_id == ALICE.user_id]
        assert hers and told.sessions(ACME, ALICE.user_id, is_open, None, 100) == hers
    assert told.sessions(TenantId("nobody"), None, None, None, 100) == []


def test_one_session_tells_when_it_ended(store: Store) -> None:
    told = store.registrations
    ended = SessionRow(
        ACME, SessionId("s a"), UserId("user a"), DeviceId("device a"), START_NS, LATER
    )
    assert told.session(ACME, SessionId("s a")) == ended
    assert (
        told.session(ACME, SessionId("s z"))
        == told.sessions(ACME, UserId("user z"), True, None, 1)[0]
    )
    assert told.session(ACME, SessionId("never")) is None
    theirs = told.session(GLOBEX, SessionId("s a"))
    assert theirs is not None and (theirs.tenant_id, theirs.closed_at) == (GLOBEX, None)
