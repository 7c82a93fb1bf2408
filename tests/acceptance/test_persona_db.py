"""The acceptance tests of PH1.PERSONA's wiring, by their letter. Source: docs/spec/000 §7."""

from __future__ import annotations

import json

import pytest

from ledgers import ACME, ALICE, BOB, CAROL, PROFILE, TALK, Ledger
from selene_os.errors import IdentityRequired, ScopeRefused

KEYS = {"style_profile_ref", "delivery_policy_ref", "preferences_snapshot_ref"}


def at_pers_db_01_tenant_isolation_enforced(ledger: Ledger) -> None:
    """Each tenant has its own profile row, and no profile under another's user or device."""
    selene = ledger.selene()
    acme, globex = selene.tenant("acme"), selene.tenant("globex")
    mine = acme.commit_profile("alice", "kitchen", speaker="alice", correlation=TALK, turn=1)
    theirs = globex.commit_profile("carol", "porch", speaker="carol", correlation=TALK, turn=1)
    assert not theirs.receipt.deduplicated
    assert [event.event_id for event in acme.trace(TALK)] == [mine.receipt.event_id]
    assert [event.event_id for event in globex.trace(TALK)] == [theirs.receipt.event_id]
    before = ledger.tables()
    for user, device in (("carol", "porch"), ("alice", "porch"), ("alice", "desk")):
        with pytest.raises(ScopeRefused):
            acme.commit_profile(user, device, speaker=user, correlation=TALK, turn=2)
    with pytest.raises(ScopeRefused):
        acme.commit_profile("alice", "kitchen", speaker="alice", session="office")
    with pytest.raises(IdentityRequired):
        acme.commit_profile("alice", "kitchen", speaker=None)
    assert ledger.tables() == before


def at_pers_db_02_append_only_enforced(ledger: Ledger) -> None:
    """Real SQL on a real second connection changes no profile."""
    for turn, scope in enumerate((ALICE, BOB, CAROL), 1):
        ledger.write(PROFILE, scope, turn=turn, key=f"k{turn}")
    before = ledger.tables()
    attacks = (
        "UPDATE audit_events SET payload_min = '{}' WHERE engine = 'PH1.PERSONA'",
        "UPDATE audit_events SET user_id = 'bob', device_id = 'desk', session_id = NULL",
        "DELETE FROM audit_events WHERE engine = 'PH1.PERSONA'",
        "DELETE FROM replay_inputs",
    )
    assert all(result.error for result in ledger.raw(*attacks))
    assert ledger.tables() == before
    for overwrite in ledger.database.overwrites:
        ledger.raw(overwrite)
        assert ledger.tables() == before, overwrite
    assert not ledger.write(PROFILE, turn=9, key="k9").deduplicated


def at_pers_db_03_idempotency_dedupe_works(ledger: Ledger) -> None:
    """A retry, also with another wish, gets the first id and the profile that was recorded."""
    acme = ledger.selene().tenant("acme")

    def commit(place: str) -> tuple[str, bool, object]:
        profile = acme.commit_profile(
            "alice", "kitchen", speaker="alice", place=place, correlation=TALK, turn=1, key="k"
        )
        return profile.receipt.event_id, profile.receipt.deduplicated, profile.snapshot

    first = commit("UNKNOWN")
    for retry in (commit("UNKNOWN"), commit("MEETING"), commit("DRIVING"), commit("PUBLIC")):
        assert retry == (first[0], True, first[2])
    (event,) = acme.trace(TALK)
    assert event.event_id == first[0]
    different = PROFILE.__class__(
        PROFILE.reason_code, "DOMINANT", "SILENT", PROFILE.preferences_snapshot_ref
    )
    stored = ledger.write(PROFILE, turn=2, key="brought")
    retry_receipt = ledger.write(different, turn=2, key="brought")
    assert (retry_receipt.event_id, retry_receipt.same_decision) == (stored.event_id, False)
    assert len(acme.trace(TALK)) == 2


def at_pers_db_04_no_current_table_rebuild_required(ledger: Ledger) -> None:
    """PH1.PERSONA owns no table, and a profile is read from the ledger alone."""
    names = [str(row[0]) for row in ledger.raw(ledger.database.table_names)[0].rows]
    assert "audit_events" in names
    assert not [name for name in names if "persona" in name.lower() or "profile" in name.lower()]
    assert [name for name in names if "current" in name.lower()] == ["memory_current"]
    ledger.store.append_memory(ledger.scribe.memory())
    receipt = ledger.write(PROFILE)
    before, trace = ledger.tables(), ledger.store.trace(ACME, TALK)
    assert ledger.raw("DELETE FROM memory_current")[0].error is None
    ledger.reopen()
    last = ledger.store.last_profile(ACME, ALICE.user_id)
    assert last is not None
    assert last.event_id == receipt.event_id
    assert ledger.store.rebuild_memory(ACME, ALICE.user_id) == 1
    assert ledger.store.trace(ACME, TALK) == trace
    assert ledger.tables() == before


def test_a_profile_is_one_row_of_the_specified_columns(ledger: Ledger) -> None:
    """Source: docs/spec/000 §2 and §4."""
    ledger.write(PROFILE)
    (row,) = ledger.raw(
        "SELECT tenant_id, engine, event_type, reason_code, correlation_id, turn_id, user_id,"
        " device_id, session_id, payload_min FROM audit_events"
    )[0].rows
    assert row[:-1] == (
        ACME, "PH1.PERSONA", "Other", int(PROFILE.reason_code), TALK, 1,
        ALICE.user_id, ALICE.device_id, ALICE.session_id,
    )  # fmt: skip
    assert set(json.loads(str(row[-1]))) == KEYS


def test_a_profile_commit_writes_to_no_memory_and_no_conversation(ledger: Ledger) -> None:
    """Source: docs/spec/000 §5, "does not mutate memory_* tables"."""
    ledger.store.append_memory(ledger.scribe.memory())
    before = ledger.tables()
    acme = ledger.selene().tenant("acme")
    acme.commit_profile("alice", "kitchen", speaker="alice", correlation=TALK)
    after = ledger.tables()
    changed = {name for name, rows in before.items() if rows != after[name]}
    assert changed == {"audit_events", "replay_inputs", "unsealed_events"}
