"""The acceptance tests of PH1.PERSONA's wiring, by their letter. Source: docs/spec/000 §7."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import ACME, ALICE, BOB, CAROL, CHAT, GLOBEX, PROFILE, TALK, Ledger
from selene_os.errors import IdentityRequired, Refusal, ScopeRefused
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import MemoryEvent, Receipt

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

    def commit(hint: str | None) -> tuple[str, bool, object]:
        profile = acme.commit_profile(
            "alice", "kitchen", speaker="alice", style_hint=hint, correlation=TALK, turn=1, key="k"
        )
        return profile.receipt.event_id, profile.receipt.deduplicated, profile.snapshot

    first = commit(None)
    for retry in (commit(None), commit("GENTLE"), commit("DOMINANT")):
        assert retry == (first[0], True, first[2])
    (event,) = acme.trace(TALK)
    assert event.event_id == first[0]
    different = replace(PROFILE, style_profile_ref="DOMINANT")
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


def test_the_last_profile_is_the_users_newest(ledger: Ledger) -> None:
    assert ledger.store.last_profile(ACME, ALICE.user_id) is None
    for number, scope in enumerate((ALICE, BOB, ALICE, CAROL), 1):
        last = ledger.write(PROFILE, scope, key=f"k{number}")
        ledger.write(CHAT, scope, key=f"c{number}")
        row = ledger.store.last_profile(scope.tenant_id, scope.user_id)
        assert row is not None
        assert (row.event_id, row.engine) == (last.event_id, "PH1.PERSONA")
    assert ledger.store.last_profile(GLOBEX, ALICE.user_id) is None


# What PH1.PERSONA reads. Source: docs/spec/000 §3.


def test_a_memory_event_is_appended_once_and_counts_its_versions(ledger: Ledger) -> None:
    store, make = ledger.store, ledger.scribe.memory
    first = make(key="a")
    assert store.append_memory(first) == Receipt(first.memory_event_id, False, True)
    for retry, same in ((make(key="a"), True), (make(key="a", value=b"black"), False)):
        assert store.append_memory(retry) == Receipt(first.memory_event_id, True, same)
    events = [first]
    for number, (event, name) in enumerate(
        (("UPDATED", "tea"), ("STORED", "car"), ("FORGOTTEN", "tea"), ("STORED", "tea"))
    ):
        events.append(make(event, memory_key=name, key=f"k{number}"))
        assert not store.append_memory(events[-1]).deduplicated
    versions = [(1, 0), (2, 1), (1, 2), (3, 3), (4, 4)]
    expected = [events[index]._replace(version=version) for version, index in versions]
    expected.sort(key=lambda event: (event.memory_key, event.version))
    assert store.memory_events(ACME, ALICE.user_id) == expected
    store.append_memory(make("FORGOTTEN", key="last"))
    ledger.reopen()
    car, tea = ledger.store.memory_current(ACME, ALICE.user_id)
    assert (car.active, car.value, car.version) == (1, b"green", 1)
    assert (tea.active, tea.value, tea.version) == (0, None, 5)


def test_eight_threads_give_one_memory_eight_versions(ledger: Ledger) -> None:
    events = [ledger.scribe.memory("UPDATED", key=f"k{number}") for number in range(8)]
    append = ledger.store.append_memory
    with ThreadPoolExecutor(8) as pool:
        assert not any(receipt.deduplicated for receipt in pool.map(append, events))
    there = ledger.store.memory_events(ACME, ALICE.user_id)
    assert [event.version for event in there] == list(range(1, 9))


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": None},
        {"event": "UPDATED", "value": None},
        {"event": "FORGOTTEN"},
        {"consent": "DENIED"},
        {"use_policy": "ANYTHING"},
    ],
)
def test_a_memory_without_sense_is_refused_whole(ledger: Ledger, wrong: dict[str, object]) -> None:
    """A mistake of the caller's is a Refusal. Source: design, "refused"."""
    before = ledger.tables()
    with pytest.raises(Refusal):
        memory = ledger.scribe.memory()._replace(**wrong)  # type: ignore[arg-type]
        ledger.store.append_memory(memory)
    assert ledger.tables() == before


POLICIES = ("ALWAYS_USABLE", "REPEAT_CONFIRMED", "CONTEXT_RELEVANT_ONLY", "USER_REQUESTED_ONLY")
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from([ALICE, BOB, CAROL]), st.sampled_from(["STORED", "UPDATED", "FORGOTTEN"]),
        st.sampled_from(["tea", "car", "猫"]), st.binary(min_size=1, max_size=9),
        st.sampled_from(POLICIES), st.integers(0, 12),
    ), max_size=25,
)  # fmt: skip


@given(history=HISTORIES)
@settings(max_examples=40)
def test_memory_rebuilt_from_the_ledger_equals_the_live_table(
    ledger: Ledger, history: list[tuple[Scope, str, str, bytes, str, int]]
) -> None:
    """Row for row; so no use_policy is widened, and what was forgotten stays so."""
    store, round_ = ledger.store, ledger.scribe.now()
    last: dict[tuple[Scope, str], MemoryEvent] = {}
    keys: set[tuple[Scope, int]] = set()
    for scope, kind, name, value, policy, key in history:
        event = ledger.scribe.memory(
            kind, scope, memory_key=f"{round_}{name}", value=value, key=f"{round_}.{key}",
            use_policy=policy,
        )  # fmt: skip
        assert store.append_memory(event).deduplicated is ((scope, key) in keys)
        if (scope, key) not in keys:
            last[scope, event.memory_key] = event
        keys.add((scope, key))
    for scope in (ALICE, BOB, CAROL):
        live = store.memory_current(scope.tenant_id, scope.user_id)
        for row in live:
            if event_ := last.get((scope, row.memory_key)):
                assert (row.memory_event_id, row.value) == (event_.memory_event_id, event_.value)
                assert row.use_policy == event_.use_policy
                assert row.active == (event_.event != "FORGOTTEN")
        others = ledger.store.memory_current(ACME, BOB.user_id)
        assert store.rebuild_memory(scope.tenant_id, scope.user_id) == len(live)
        assert store.memory_current(scope.tenant_id, scope.user_id) == live
        assert ledger.store.memory_current(ACME, BOB.user_id) == others
