"""The acceptance tests of PH1.NLP's wiring, by their letter. Source: docs/spec/002 §7."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import rfc8785
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
    OTHER_TALK,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
)
from selene_os import Chat, Clarify, IntentDraft, ReasonCode, names
from selene_os.decision import Confirmation, Decision
from selene_os.errors import BadField, ScopeRefused
from selene_os.ledger import codec
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit
from selene_os.names import (
    CorrelationId,
    DeviceId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)

DECISIONS: tuple[Decision, ...] = (DRAFT, CLARIFY, CHAT)


def at_nlp_db_01_tenant_isolation_enforced(ledger: Ledger) -> None:
    """Each tenant has its own row under one correlation and key, and no device of another's."""
    selene = ledger.selene()
    acme, globex = selene.tenant("acme"), selene.tenant("globex")
    mine = acme.commit_decision(DRAFT, "alice", "kitchen", correlation=TALK, turn=1, key="k")
    theirs = globex.commit_decision(CHAT, "carol", "porch", correlation=TALK, turn=1, key="k")
    assert not theirs.receipt.deduplicated
    assert [event.event_id for event in acme.trace(TALK)] == [mine.receipt.event_id]
    assert [event.event_id for event in globex.trace(TALK)] == [theirs.receipt.event_id]
    assert acme.record(theirs.receipt.event_id) is None
    before = ledger.tables()
    for user, device in (("carol", "porch"), ("alice", "porch"), ("alice", "desk")):
        with pytest.raises(ScopeRefused):
            acme.commit_decision(CHAT, user, device, correlation=TALK, turn=2, text="hello")
    assert ledger.tables() == before


def at_nlp_db_02_append_only_enforced(ledger: Ledger) -> None:
    """Real SQL on a real second connection changes no committed row."""
    for number, decision in enumerate(DECISIONS, 1):
        ledger.write(decision, turn=number, key=f"k{number}")
    before = ledger.tables()
    attacks = (
        "UPDATE audit_events SET payload_min = '{}'",
        "UPDATE audit_events SET event_id = event_id || '0'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE engine = 'PH1.NLP'",
        "DELETE FROM replay_inputs",
        "UPDATE conversation_ledger SET source = 'TOMBSTONE'",
    )
    assert all(result.error for result in ledger.raw(*attacks))
    assert ledger.tables() == before
    for overwrite in ledger.database.overwrites:
        ledger.raw(overwrite)
        assert ledger.tables() == before, overwrite
    again = ledger.write(DRAFT, turn=4, key="k4")
    assert not again.deduplicated


def at_nlp_db_03_idempotency_dedupe_works(ledger: Ledger) -> None:
    """A retry, also with another payload, gets the first id, and there is one row."""
    acme = ledger.selene().tenant("acme")
    for number, decision in enumerate(DECISIONS, 1):
        other: Decision = DRAFT if decision is CHAT else CHAT
        ids = set()
        for said, same in ((decision, True), (decision, True), (other, False)):
            receipt = acme.commit_decision(
                said, "alice", "kitchen", correlation=TALK, turn=number, key=f"k{number}"
            ).receipt
            assert receipt.same_decision is same
            ids.add(receipt.event_id)
        assert len(ids) == 1
    assert len(acme.trace(TALK)) == len(DECISIONS)
    answers = [
        acme.take_turn("alice", "kitchen", "remind me to call mom", correlation="5" * 32, turn=1)
        for _ in range(3)
    ]
    assert [answer.deduplicated for answer in answers] == [False, True, True]
    assert answers[0].result == answers[1].result == answers[2].result


def at_nlp_db_04_no_current_table_rebuild_required(ledger: Ledger) -> None:
    """PH1.NLP owns no table, and what it wrote needs nothing that is rebuilt."""
    names = [str(row[0]) for row in ledger.raw(ledger.database.table_names)[0].rows]
    assert "audit_events" in names
    assert not [name for name in names if "nlp" in name.lower()]
    assert [name for name in names if "current" in name.lower()] == ["memory_current"]
    for number, decision in enumerate(DECISIONS, 1):
        ledger.write(decision, turn=number, key=f"k{number}")
    for number, scope in enumerate((ALICE, BOB, CAROL)):
        ledger.store.append_memory(ledger.scribe.memory(scope=scope, key=f"m{number}"))
    before, trace = ledger.tables(), ledger.store.trace(ACME, TALK)
    assert ledger.raw("DELETE FROM memory_current")[0].error is None
    ledger.reopen()
    assert ledger.store.trace(ACME, TALK) == trace
    for scope in (ALICE, BOB, CAROL):
        assert ledger.store.rebuild_memory(scope.tenant_id, scope.user_id) == 1
    assert ledger.store.trace(ACME, TALK) == trace
    assert ledger.tables() == before


@pytest.mark.parametrize(
    ("decision", "event_type", "reason", "keys"),
    [
        (
            DRAFT, "NlpIntentDraft", ReasonCode.NLP_INTENT_OK,
            {"decision", "intent_type", "overall_confidence", "required_fields", "ambiguity_flags"},
        ),
        (
            CLARIFY, "NlpClarify", ReasonCode.NLP_CLARIFY_MISSING_FIELD,
            {"decision", "what_is_missing", "clarification_unit_id", "accepted_answer_formats"},
        ),
        (CHAT, "NlpIntentDraft", ReasonCode.NLP_CHAT_DEFAULT, {"decision"}),
    ],
)  # fmt: skip
def test_each_decision_is_one_row_of_the_specified_columns(
    ledger: Ledger,
    decision: IntentDraft | Clarify | Chat,
    event_type: str,
    reason: ReasonCode,
    keys: set[str],
) -> None:
    """Source: docs/spec/002 §4 and §6."""
    ledger.write(decision)
    (row,) = ledger.raw(
        "SELECT tenant_id, engine, event_type, reason_code, correlation_id, turn_id, payload_min"
        " FROM audit_events"
    )[0].rows
    assert row[:6] == (ACME, "PH1.NLP", event_type, int(reason), TALK, 1)
    assert set(_payload(row[6])) == keys
    assert _payload(row[6])["decision"] == decision.DECISION


def test_a_device_is_bound_to_one_tenant_only(ledger: Ledger) -> None:
    """Source: docs/spec/002 §3, "one tenant binding per device_id"."""
    ledger.write(CHAT, CAROL)
    stranger = Scope(ACME, ALICE.user_id, CAROL.device_id)
    with pytest.raises(ScopeRefused) as refused:
        ledger.write(CHAT, stranger)
    assert refused.value.field == "device_id"
    assert ledger.store.trace(ACME, TALK) == []
    assert len(ledger.store.trace(GLOBEX, TALK)) == 1


def test_the_librarys_retry_is_told_where_the_row_stands(ledger: Ledger) -> None:
    """`Committed` says where a decision stands now, also when the retry named another turn."""
    acme = ledger.selene().tenant("acme")
    first = acme.commit_decision(CHAT, "alice", "kitchen", correlation=TALK, turn=1, key="k")
    retry = acme.commit_decision(CHAT, "alice", "kitchen", correlation=TALK, turn=2, key="k")
    assert retry.receipt.event_id == first.receipt.event_id
    (event,) = acme.trace(TALK)
    assert retry.turn_id == event.turn_id


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)


@given(formats=st.lists(WORDS, min_size=2, max_size=3), name=WORDS.filter(lambda w: len(w) < 30))
def test_a_payload_is_rfc_8785_and_kept_byte_for_byte(
    ledger: Ledger, formats: list[str], name: str
) -> None:
    """Also ids and keys of any script, to their last byte."""
    user, device, session = UserId(f"u{name}"), DeviceId(f"d{name}"), SessionId(f"s{name}")
    ledger.store.register(ACME, user, device, session, START_NS)
    decision = replace(CLARIFY, accepted_answer_formats=tuple(formats))
    unit = ledger.scribe.unit(decision, Scope(ACME, user, device, session), key=repr(formats)[:30])
    unit = replace(unit, events=(unit.events[0]._replace(correlation_id=fresh(unit)),), said=None)
    ledger.commit(unit)
    ledger.reopen()
    assert ledger.store.trace(ACME, fresh(unit)) == list(unit.events)
    text = unit.events[0].payload_min
    assert rfc8785.dumps(json.loads(text)) == text.encode()
    assert json.loads(text)["accepted_answer_formats"] == formats


def fresh(unit: Unit) -> CorrelationId:
    """A conversation of a unit's own."""
    return CorrelationId(unit.events[0].event_id.replace("-", ""))


# Bounds. Source: docs/spec/002 §2, "payload values are bounded", and §6.

CONTROLS = (
    "\x00",
    "\t",
    "\n",
    "\r",
    "\x1f",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\ud800",
    "\udfff",
)
LONG = ("a" * 65, "a" * 129)
FIELDS = tuple(f"f{number:063}" for number in range(17))
BOUNDED: dict[str, tuple[Callable[[object], str], int]] = {
    "tenant_id": (names.parse_tenant_id, 64),
    "user_id": (names.parse_user_id, 128),
    "device_id": (names.parse_device_id, 128),
    "session_id": (names.parse_session_id, 128),
    "idempotency_key": (names.parse_idempotency_key, 128),
}


@pytest.mark.parametrize("field", BOUNDED)
def test_a_name_is_bounded_in_bytes_and_free_of_controls(field: str) -> None:
    parse, most = BOUNDED[field]
    assert parse("a" * most) == "a" * most
    wide = "\u732b" * (most // 3 + 1)
    bad = ["", "a" * (most + 1), wide, None, 7, b"a", *(f"a{control}b" for control in CONTROLS)]
    for value in bad + (["a b", "\u732b", "a/b"] if field == "tenant_id" else []):
        with pytest.raises(BadField) as refused:
            parse(value)
        assert refused.value.field == field


@pytest.mark.parametrize("bad", ["", "1" * 31, "1" * 33, "A" * 32, "0" * 32, "g" * 32, None, 1])
def test_a_correlation_is_128_bits_in_lower_case_hex(bad: object) -> None:
    with pytest.raises(BadField):
        names.parse_correlation_id(bad)


@pytest.mark.parametrize("bad", [0, -1, 2**31, True, 1.0, "1", None])
def test_a_turn_is_a_number_from_one(bad: object) -> None:
    with pytest.raises(BadField):
        names.parse_turn_id(bad)


@pytest.mark.parametrize(
    ("decision", "field", "values"),
    [
        (DRAFT, "intent_type", ["", "A" * 65, "set_reminder", "A B", "1A", 7]),
        (DRAFT, "overall_confidence", ["", "high", "VERY_HIGH", 0.9, None]),
        (DRAFT, "required_fields", [FIELDS, ("Time",), ("a" * 65,), ("a", "a"), ["time"], (7,)]),
        (
            DRAFT,
            "ambiguity_flags",
            [("lower",), ("A" * 65,), ("A", "A"), tuple("ABCDEFGHIJKLMNOPQ")],
        ),
        (CLARIFY, "what_is_missing", ["", "a" * 65, "Time", "a b", None]),
        (CLARIFY, "clarification_unit_id", ["", *LONG, *CONTROLS]),
        (
            CLARIFY,
            "accepted_answer_formats",
            [(), ("a",), tuple("abcd"), ("a", ""), ("a", "b" * 129)],
        ),
        (CLARIFY, "accepted_answer_formats", [("a", f"b{control}") for control in CONTROLS]),
        (CHAT, "focus_span_ref", ["", "a" * 97, "a b", "\u732b", *CONTROLS]),
        (CHAT, "reason_code", [ReasonCode.NLP_INTENT_OK, 0, None]),
    ],
)
def test_a_decision_outside_its_bounds_cannot_be_built(
    decision: Decision, field: str, values: list[object]
) -> None:
    for value in values:
        with pytest.raises(BadField) as refused:
            replace(decision, **{field: value})  # type: ignore[arg-type]
        assert refused.value.field == field


@pytest.mark.parametrize(
    "change",
    [
        {"extra": "a"}, {"Decision": "a"}, {"": "a"}, {"decision": "a" * 257}, {"decision": 1.5},
        {"decision": "\u00e9" * 129}, {"decision": ["a"] * 17}, {"decision": ["a", 1]},
        {"decision": {"a": "b"}}, {"decision": None}, {"decision": True},
        {f"k{number}": "a" for number in range(24)},
    ],
)  # fmt: skip
def test_a_payload_that_its_kind_does_not_allow_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadField):
        codec.encode_payload(codec.CHAT, {"decision": "CHAT", **change})  # type: ignore[dict-item]
    with pytest.raises(BadField):
        codec.encode_payload(codec.CHAT, {})


def test_a_payload_of_2048_bytes_is_kept_and_one_of_2049_refused(ledger: Ledger) -> None:
    def of(last: int) -> IntentDraft:
        flags = (*(f"A{number:063}" for number in range(12)), "A" * last)
        return replace(DRAFT, required_fields=FIELDS[:16], ambiguity_flags=flags)

    size = len(ledger.scribe.event(of(1)).payload_min)
    ledger.write(of(1 + 2_048 - size))
    (event,) = ledger.store.trace(ACME, TALK)
    assert len(event.payload_min) == 2_048
    with pytest.raises(BadField):
        ledger.write(of(2 + 2_048 - size))


@pytest.mark.parametrize("advice", [None, "CHAT", {"decision": "CHAT"}, names, object()])
def test_what_is_no_decision_cannot_be_recorded(ledger: Ledger, advice: object) -> None:
    before = ledger.tables()
    with pytest.raises(BadField):
        ledger.write(advice)  # type: ignore[arg-type]
    assert ledger.tables() == before


# Replay reads. Source: docs/spec/002 §3.


def test_a_trace_goes_by_turn_then_by_the_order_made(ledger: Ledger) -> None:
    # Made in this order; committed in another, and answered meanwhile by another tenant.
    made = [(turn, ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}.{n}")) for n, turn in
            enumerate((3, 1, 2, 10, 1, 3, 2))]  # fmt: skip
    for _, unit in made[::-2] + made[-2::-2]:
        ledger.commit(unit)
        ledger.write(CHAT, CAROL, key=unit.events[0].idempotency_key)
    ledger.write(CHAT, correlation=OTHER_TALK)
    expected = [unit.events[0] for _, unit in sorted(made, key=lambda one: one[0])]
    assert ledger.store.trace(ACME, TALK) == expected
    assert {event.tenant_id for event in ledger.store.trace(GLOBEX, TALK)} == {GLOBEX}
    assert ledger.store.trace(TenantId("initech"), TALK) == []


def test_one_event_is_found_by_id_and_key_in_its_tenant_only(ledger: Ledger) -> None:
    unit = ledger.scribe.unit(DRAFT)
    (receipt,) = ledger.commit(unit)
    (event,), (record,) = unit.events, unit.records
    store, key = ledger.store, IdempotencyKey("key")
    assert store.event(ACME, receipt.event_id) == store.event_by_key(ACME, TALK, key) == event
    assert store.record(ACME, receipt.event_id) == record
    for found in (
        store.event(GLOBEX, receipt.event_id), store.record(GLOBEX, receipt.event_id),
        store.event_by_key(GLOBEX, TALK, key), store.event_by_key(ACME, OTHER_TALK, key),
    ):  # fmt: skip
        assert found is None


def test_the_turn_before_is_the_last_one_that_the_user_spoke(ledger: Ledger) -> None:
    store = ledger.store
    assert store.turns_taken(ACME, [(TALK, IdempotencyKey("a"))]) == [(None, 0)]
    ledger.commit(ledger.scribe.unit(DRAFT, turn=2, key="a", more=[CLARIFY]))
    ledger.write(PROFILE, turn=4, key="b")
    ledger.write(CHAT, BOB, turn=7, key="c")
    ledger.write(CHAT, CAROL, turn=9, key="d")
    named = [(TALK, None), (TALK, IdempotencyKey("b")), (OTHER_TALK, IdempotencyKey("b"))]
    assert store.turns_taken(ACME, named) == [(None, 7), (4, 7), (None, 0)]
    assert store.turns_taken(GLOBEX, named) == [(None, 9), (None, 9), (None, 0)]
    assert store.turns_taken(ACME, []) == []
    alice, bob = ALICE.user_id, BOB.user_id
    for turn, before in ((1, []), (2, []), (3, [2, 2]), (8, [2, 2]), (99, [2, 2])):
        rows = store.turn_before(ACME, TALK, alice, TurnId(turn))
        assert [row.turn_id for row in rows] == before
        assert all(row.event_id.encode() in row.record for row in rows)
    rows = store.turn_before(ACME, TALK, bob, TurnId(8))
    assert [(row.turn_id, row.user_id) for row in rows] == [(7, bob)]
    assert store.turn_before(GLOBEX, TALK, alice, TurnId(99)) == []
    draft = ledger.store.trace(ACME, TALK)[0].event_id
    ledger.write(Confirmation(ReasonCode.X_CONFIRMED, draft), turn=5, key="yes")
    rows = store.turn_before(ACME, TALK, alice, TurnId(8))
    assert [(row.turn_id, row.engine) for row in rows] == [(5, "PH1.X")]
    created = {event.event_id: event.created_at for event in store.trace(ACME, TALK)}
    assert [row.created_at for row in rows] == [created[rows[0].event_id]]


def _payload(text: object) -> dict[str, object]:
    payload = json.loads(str(text))
    assert isinstance(payload, dict)
    return payload
