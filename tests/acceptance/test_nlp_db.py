"""The acceptance tests of PH1.NLP's wiring, by their letter. Source: docs/spec/002 §7."""

from __future__ import annotations

import json

import pytest

from ledgers import ACME, ALICE, BOB, CAROL, CHAT, CLARIFY, DRAFT, GLOBEX, TALK, Ledger
from selene_os import Chat, Clarify, IntentDraft, ReasonCode
from selene_os.errors import ScopeRefused
from selene_os.ledger.codec import Scope

DECISIONS = (DRAFT, CLARIFY, CHAT)


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
        "UPDATE conversation_ledger SET text = CAST('no' AS BLOB)",
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
        other = DRAFT if decision is CHAT else CHAT
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


def _payload(text: object) -> dict[str, object]:
    payload = json.loads(str(text))
    assert isinstance(payload, dict)
    return payload
