"""What every ledger store must do; a store is what passes this file, unchanged.

Source: docs/spec/000 and 002, §2 to §6. What only SQLite does is in tests/ledger.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    CLARIFY,
    DRAFT,
    GLOBEX,
    NOBODYS,
    OTHER_TALK,
    PROFILE,
    START_NS,
    TALK,
    WRONG_SCOPES,
    Ledger,
    widen,
    written,
)  # fmt: skip
from selene_os.errors import (
    BadField,
    IdempotencyConflict,
    NotFound,
    RegistrationRefused,
    ScopeRefused,
)  # fmt: skip
from selene_os.ledger.codec import Decided, Scope
from selene_os.ledger.events import TenantRow, Unit
from selene_os.names import (
    SessionId,
    TenantId,
    UserId,
)  # fmt: skip

# ---- scope


@pytest.mark.parametrize("decision", [DRAFT, CLARIFY, CHAT, PROFILE])
@pytest.mark.parametrize("wrong", WRONG_SCOPES)
def test_a_wrong_scope_is_refused_by_name_and_leaves_nothing(
    ledger: Ledger, wrong: str, decision: Decided
) -> None:
    widen(ledger)
    scope, field = WRONG_SCOPES[wrong]
    before = ledger.tables() if decision is DRAFT else None
    unit = ledger.scribe.unit(decision, scope)
    (verdict,) = ledger.store.commit([unit])
    assert isinstance(verdict, ScopeRefused)
    assert verdict.field == field
    assert field in str(verdict)
    assert ledger.store.trace(scope.tenant_id, TALK) == []
    assert ledger.store.conversation(scope.tenant_id, TALK) == []
    if before is not None:
        assert ledger.tables() == before
    assert not ledger.write(decision).deduplicated


@pytest.mark.parametrize("wrong", WRONG_SCOPES)
def test_no_line_and_no_memory_enters_in_a_wrong_scope(ledger: Ledger, wrong: str) -> None:
    widen(ledger)
    before = ledger.tables()
    scope, field = WRONG_SCOPES[wrong]
    if field != "session_id":  # Lines and memories stand in no session, memories on no device.
        with pytest.raises(ScopeRefused) as refused:
            ledger.store.append_utterance(ledger.scribe.utterance(scope=scope))
        assert refused.value.field == field
    if field in ("tenant_id", "user_id"):
        with pytest.raises(ScopeRefused) as refused:
            ledger.store.append_memory(ledger.scribe.memory(scope=scope))
        assert refused.value.field == field
    assert ledger.tables() == before


def with_part(field: str, name: str) -> Scope:
    """Alice's scope with one part named otherwise."""
    return Scope(**{**asdict(ALICE), field: name})


def test_what_another_tenant_holds_looks_like_what_nobody_holds(ledger: Ledger) -> None:
    def words(scope: Scope, name: str) -> str:
        (verdict,) = ledger.store.commit([ledger.scribe.unit(CHAT, scope)])
        assert isinstance(verdict, ScopeRefused)
        return str(verdict).replace(name, "?")

    for field, theirs in (
        ("user_id", CAROL.user_id), ("device_id", CAROL.device_id), ("session_id", CAROL.session_id)
    ):  # fmt: skip
        unknown = with_part(field, NOBODYS)
        assert words(with_part(field, str(theirs)), str(theirs)) == words(unknown, NOBODYS)


def test_a_registration_of_anothers_device_is_refused_alike_and_leaves_nothing(
    ledger: Ledger,
) -> None:
    before = ledger.tables()
    words = set()
    # Held by another user of the tenant, and by another tenant; new users, then known ones.
    for user, device in (
        ("eve", BOB.device_id), ("eve", CAROL.device_id), ("alice", BOB.device_id),
        ("alice", CAROL.device_id),
    ):  # fmt: skip
        for session in (None, SessionId("new")):
            with pytest.raises(RegistrationRefused) as refused:
                ledger.store.register(ACME, UserId(user), device, session, START_NS)
            assert refused.value.field == "device_id"
            words.add(str(refused.value).replace(device, "?"))
    assert len(words) == 1
    assert ledger.tables() == before


def test_a_refused_session_leaves_no_new_device_behind(ledger: Ledger) -> None:
    before = ledger.tables()
    with pytest.raises(RegistrationRefused) as refused:
        ledger.store.register(ACME, ALICE.user_id, NOBODYS, BOB.session_id, START_NS)
    assert refused.value.field == "session_id"
    with pytest.raises(NotFound):
        ledger.store.register(TenantId("initech"), ALICE.user_id, NOBODYS, None, START_NS)
    assert ledger.tables() == before
    # So the device is still anyone's.
    assert ledger.store.register(GLOBEX, CAROL.user_id, NOBODYS, None, START_NS)


def test_registering_again_adds_nothing_and_two_tenants_may_share_user_and_session_names(
    ledger: Ledger,
) -> None:
    before = ledger.tables()
    assert not ledger.store.register(
        ACME, ALICE.user_id, ALICE.device_id, ALICE.session_id, START_NS + 5
    )
    assert not ledger.store.add_tenant(TenantRow(ACME, "USD", "ask", None, None, START_NS + 5))
    assert ledger.tables() == before
    twin = Scope(GLOBEX, ALICE.user_id, NOBODYS, ALICE.session_id)
    assert ledger.store.register(GLOBEX, twin.user_id, NOBODYS, twin.session_id, START_NS)
    assert not ledger.write(CHAT, twin).deduplicated


def test_one_free_device_raced_for_by_two_tenants_has_one_owner(ledger: Ledger) -> None:
    def take(number: int) -> bool:
        scope = (ALICE, CAROL)[number % 2]
        try:
            return ledger.store.register(scope.tenant_id, scope.user_id, NOBODYS, None, START_NS)
        except RegistrationRefused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1
    tables = ledger.tables()
    bound = [row for row in tables["device_bindings"] if NOBODYS in row]
    assert len(bound) == len([row for row in tables["devices"] if NOBODYS in row]) == 1


def test_a_session_ends_once_and_a_disabled_identity_may_be_enabled(ledger: Ledger) -> None:
    store, session = ledger.store, SessionId("morning")
    with pytest.raises(NotFound):
        store.close_session(GLOBEX, session, START_NS)
    store.close_session(ACME, session, START_NS + 9)
    with pytest.raises(RegistrationRefused):
        store.close_session(ACME, session, START_NS + 10)
    assert not ledger.write(CHAT, replace(ALICE, session_id=None)).deduplicated
    with pytest.raises(NotFound):
        store.set_identity_status(GLOBEX, BOB.user_id, "DISABLED")
    store.set_identity_status(ACME, BOB.user_id, "DISABLED")
    with pytest.raises(ScopeRefused):
        ledger.write(CHAT, BOB, key="two")
    store.set_identity_status(ACME, BOB.user_id, "ACTIVE")
    assert not ledger.write(CHAT, BOB, key="two").deduplicated


# ---- retries


@pytest.mark.parametrize("first", [DRAFT, CLARIFY, CHAT, PROFILE])
def test_a_retry_gets_the_first_id_and_writes_nothing(ledger: Ledger, first: Decided) -> None:
    other = replace(PROFILE, style_profile_ref="NEUTRAL") if first is PROFILE else replace(
        DRAFT, overall_confidence="MED"
    )  # fmt: skip
    receipt = ledger.write(first)
    assert (receipt.deduplicated, receipt.same_decision) == (False, True)
    before = ledger.tables()
    for decision, same in ((first, True), (other, False), (first, True)):
        retry = ledger.write(decision)
        assert retry == replace(receipt, deduplicated=True, same_decision=same)
    assert ledger.tables() == before


def test_a_key_that_another_engine_holds_is_a_conflict(ledger: Ledger) -> None:
    ledger.write(CHAT, key="nlp")
    ledger.write(PROFILE, key="persona")
    before = ledger.tables()
    for decision, key in ((PROFILE, "nlp"), (CHAT, "persona"), (DRAFT, "persona")):
        with pytest.raises(IdempotencyConflict):
            ledger.write(decision, key=key, turn=2)
    assert ledger.tables() == before


def test_a_key_is_unique_within_one_conversation_of_one_tenant(ledger: Ledger) -> None:
    ids = {
        ledger.write(CHAT, scope, correlation=talk).event_id
        for scope in (ALICE, CAROL) for talk in (TALK, OTHER_TALK)
    }  # fmt: skip
    assert len(ids) == 4
    assert not ledger.write(PROFILE, CAROL, key="persona").deduplicated
    assert not ledger.write(CHAT, ALICE, key="persona").deduplicated


@pytest.mark.parametrize(
    ("one", "other"), [("key", "Key"), ("key", "key "), ("k\u00e9", "ke\u0301"), ("k", "k%")]
)
def test_keys_are_compared_byte_for_byte(ledger: Ledger, one: str, other: str) -> None:
    assert not ledger.write(CHAT, key=one).deduplicated
    assert not ledger.write(CHAT, key=other).deduplicated
    assert ledger.write(CHAT, key=one).deduplicated
    assert {event.idempotency_key for event in ledger.store.trace(ACME, TALK)} == {one, other}


def test_eight_threads_with_one_key_write_one_row(ledger: Ledger) -> None:
    for number in range(6):
        units = [ledger.scribe.unit(DRAFT, key=f"k{number}") for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            receipts = [pool.submit(ledger.commit, unit) for unit in units]
        answers = [receipt.result()[0] for receipt in receipts]
        assert len({answer.event_id for answer in answers}) == 1
        assert [answer.deduplicated for answer in answers].count(False) == 1
        assert all(answer.same_decision for answer in answers)
    tables = ledger.tables()
    for table in ("audit_events", "replay_inputs", "unsealed_events"):
        assert len(tables[table]) == 6, table


def test_two_engines_racing_for_one_key_lose_no_decision_in_silence(ledger: Ledger) -> None:
    decisions: list[Decided] = [DRAFT, PROFILE] * 4
    units = [ledger.scribe.unit(decision) for decision in decisions]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda unit: ledger.store.commit([unit])[0], units))
    (event,) = ledger.store.trace(ACME, TALK)
    for unit, verdict in zip(units, verdicts, strict=True):
        same_engine = unit.events[0].engine == event.engine
        assert isinstance(verdict, tuple if same_engine else IdempotencyConflict)


def test_a_retry_after_its_session_was_closed_gets_its_receipt(ledger: Ledger) -> None:
    first = ledger.write(DRAFT)
    ledger.store.close_session(ACME, SessionId("morning"), START_NS + 1)
    assert ledger.write(DRAFT) == replace(first, deduplicated=True)
    assert ledger.write(CHAT) == replace(first, deduplicated=True, same_decision=False)
    with pytest.raises(ScopeRefused):
        ledger.write(DRAFT, key="new")


@pytest.mark.parametrize("wrong", WRONG_SCOPES)
def test_a_retry_in_a_wrong_scope_learns_nothing(ledger: Ledger, wrong: str) -> None:
    widen(ledger)
    ledger.write(DRAFT)
    scope, field = WRONG_SCOPES[wrong]
    with pytest.raises(ScopeRefused) as refused:
        ledger.write(DRAFT, scope)
    assert refused.value.field == field
    # Nor does it learn, by what a new key with other words is told, which words were said.
    unit = ledger.scribe.unit(DRAFT, scope, key="new")
    said = ledger.scribe.utterance("other words", scope)
    (verdict,) = ledger.store.commit([replace(unit, said=said)])
    assert isinstance(verdict, ScopeRefused)
    assert len(ledger.store.trace(ACME, TALK)) == 1
    assert len(ledger.store.conversation(ACME, TALK)) == 1


# ---- batches


def test_each_unit_of_a_batch_has_its_own_verdict_in_order(ledger: Ledger) -> None:
    ledger.write(PROFILE, key="taken")
    make = ledger.scribe.unit
    stranger = replace(ALICE, device_id=BOB.device_id)
    first, again = make(DRAFT, key="a"), make(CHAT, key="a")
    verdicts = ledger.store.commit([
        first, make(CHAT, stranger, key="b"), make(CHAT, BOB, key="c"), again,
        make(CHAT, key="taken"), make(CLARIFY, CAROL, key="a"),
    ])  # fmt: skip
    assert [type(verdict).__name__ for verdict in verdicts] == [
        "tuple", "ScopeRefused", "tuple", "tuple", "IdempotencyConflict", "tuple",
    ]  # fmt: skip
    receipts = [written(verdicts[number])[0] for number in (0, 2, 3, 5)]
    assert [receipt.deduplicated for receipt in receipts] == [False, False, True, False]
    assert receipts[2].event_id == first.events[0].event_id
    assert not receipts[2].same_decision
    keys = {event.idempotency_key for event in ledger.store.trace(ACME, TALK)}
    assert keys == {"a", "c", "taken"}
    assert ledger.store.commit([]) == []


def test_a_unit_of_several_events_is_all_or_nothing(ledger: Ledger) -> None:
    ledger.write(PROFILE, key="k#2")
    before = ledger.tables()
    unit = ledger.scribe.unit(DRAFT, key="k", more=[CLARIFY])
    neighbour = ledger.scribe.unit(CHAT, BOB, correlation=OTHER_TALK)
    refused, kept = ledger.store.commit([unit, neighbour])
    assert isinstance(refused, IdempotencyConflict)
    assert len(written(kept)) == 1
    assert [event.idempotency_key for event in ledger.store.trace(ACME, TALK)] == ["k#2"]
    assert unit.said not in ledger.store.conversation(ACME, TALK)
    after = ledger.tables()
    for table in ("audit_events", "replay_inputs", "unsealed_events"):
        assert len(after[table]) == len(before[table]) + 1, table


def test_a_unit_of_several_events_is_retried_as_a_whole(ledger: Ledger) -> None:
    first = ledger.commit(ledger.scribe.unit(DRAFT, more=[CLARIFY, CHAT]))
    keys = [event.idempotency_key for event in ledger.store.trace(ACME, TALK)]
    assert keys == ["key", "key#2", "key#3"]
    assert [receipt.deduplicated for receipt in first] == [False] * 3
    before = ledger.tables()
    retry = ledger.commit(ledger.scribe.unit(DRAFT, more=[CLARIFY, CHAT]))
    assert retry == tuple(replace(receipt, deduplicated=True) for receipt in first)
    # Read another way the second time: other drafts, fewer, more: nothing is added to the first.
    others: list[list[Decided]] = [[CHAT, CHAT], [], [CLARIFY, CHAT, DRAFT]]
    for more in others:
        answer = ledger.commit(ledger.scribe.unit(DRAFT, more=more))
        assert answer[0].event_id == first[0].event_id
        assert all(receipt.deduplicated for receipt in answer)
    assert ledger.tables() == before


def test_a_retry_with_further_events_is_not_the_same_decision(ledger: Ledger) -> None:
    """What the retry decided beyond the first try is nowhere: a receipt must not say it is."""
    ledger.commit(ledger.scribe.unit(DRAFT))
    answer = ledger.commit(ledger.scribe.unit(DRAFT, more=[CLARIFY]))
    assert not all(receipt.same_decision for receipt in answer)


# ---- conversation


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_what_was_said_is_kept_verbatim(ledger: Ledger, text: str) -> None:
    turn = ledger.store.turns_taken(ACME, [(TALK, None)])[0].last + 1
    said = ledger.scribe.utterance(text, turn=turn)
    (event,) = ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}").events
    ledger.commit(Unit((event,), (ledger.scribe.record(event),), said))
    assert ledger.store.conversation(ACME, TALK)[-1] == said
    assert said.text.decode() == text


def test_what_was_said_is_bounded_where_it_enters(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    before = ledger.tables()
    for text in ("", "a" * 32_769, "\u732b" * 10_923, "half \ud83d"):
        with pytest.raises(BadField):
            acme.commit_decision(CHAT, "alice", "kitchen", correlation=TALK, text=text)
    assert ledger.tables() == before
    acme.commit_decision(CHAT, "alice", "kitchen", correlation=TALK, text="\u732b" * 10_922)
    assert len(acme.conversation(TALK)[0].text) == 32_766


def test_a_conversation_has_one_line_for_each_turn_and_role(ledger: Ledger) -> None:
    lines = [
        ledger.scribe.utterance(f"{turn} {role}", scope, turn=turn, role=role)
        for turn, scope in ((1, ALICE), (2, BOB), (3, ALICE)) for role in ("USER", "SELENE")
    ]  # fmt: skip
    for line in reversed(lines):
        assert ledger.store.append_utterance(line)
    for line in lines:
        assert not ledger.store.append_utterance(line._replace(text=b"again"))
    assert ledger.store.append_utterance(ledger.scribe.utterance("theirs", CAROL))
    ledger.reopen()
    assert ledger.store.conversation(ACME, TALK) == lines
    assert [line.text for line in ledger.store.conversation(GLOBEX, TALK)] == [b"theirs"]


def test_everything_survives_close_and_reopen(ledger: Ledger) -> None:
    for turn, scope in enumerate((ALICE, BOB, CAROL), 1):
        ledger.commit(ledger.scribe.unit(DRAFT, scope, turn=turn, more=[CLARIFY]))
        ledger.write(PROFILE, scope, turn=turn, key="p")
        ledger.store.append_memory(ledger.scribe.memory(scope=scope))
    tenant = TenantRow(ACME, "EUR", "next_occurrence", "DMY", "Europe/Berlin", START_NS)
    settings = dict(zip(TenantRow._fields[1:5], tenant[1:5], strict=True))
    ledger.store.set_tenant(ACME, settings)
    before, trace = ledger.tables(), ledger.store.trace(ACME, TALK)
    ledger.reopen()
    ledger.reopen()
    assert ledger.tables() == before
    assert ledger.store.trace(ACME, TALK) == trace
    assert ledger.store.tenants() == [tenant, TenantRow(GLOBEX, None, "ask", None, None, START_NS)]
    assert ledger.store.tenant(ACME) == tenant
    assert ledger.store.tenant(TenantId("initech")) is None
    with pytest.raises(NotFound):
        ledger.store.set_tenant(TenantId("initech"), settings)
