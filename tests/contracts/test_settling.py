"""What may settle a draft at all, on every store; and what a moved time or a broken record is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledgers import ACME, ALICE, BOB, CHAT, DRAFT, OTHER_TALK, TALK, Ledger
from selene_os import Confirmation, ReasonCode
from selene_os.app import Tenant
from selene_os.errors import BadField, ConfirmationRefused, Fault, Refusal
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import AuditEvent, Unit
from selene_os.names import CorrelationId, EventId

NOW = "2026-11-21T09:30:00+00:00"
TODAY = "remind me to call mom today at 5 pm"
TOMORROW = "remind me to call mom tomorrow at 5 pm"


def settling(
    ledger: Ledger, draft: EventId, scope: Scope, talk: CorrelationId, key: str = "x"
) -> Unit:
    decision = Confirmation(ReasonCode.X_CONFIRMED, draft)
    return ledger.scribe.unit(decision, scope, correlation=talk, turn=9, key=key)


def say(tenant: Tenant, text: str, turn: int) -> tuple[str, str | None]:
    answer = tenant.take_turn("alice", "kitchen", text, correlation=TALK, turn=turn, now=NOW)
    when = [field.value for field in answer.result.fields if field.key == "when"]
    return answer.decision, when[0] if when else None


def test_only_a_users_own_draft_of_that_conversation_is_settled(ledger: Ledger) -> None:
    draft = ledger.write(DRAFT, turn=1, key="draft").event_id
    chat = ledger.write(CHAT, turn=2, key="chat").event_id
    for number, (event_id, scope, talk) in enumerate(
        ((draft, BOB, TALK), (draft, ALICE, OTHER_TALK), (chat, ALICE, TALK))
    ):
        before = ledger.tables()
        (refused,) = ledger.store.commit([settling(ledger, event_id, scope, talk)])
        assert isinstance(refused, ConfirmationRefused), number
        assert refused.reason == "X_DRAFT_UNFIT", number
        assert ledger.tables() == before, number
    (settled,) = ledger.store.commit([settling(ledger, draft, ALICE, TALK)])
    assert not isinstance(settled, Refusal)


def test_the_database_settles_a_draft_once_and_for_its_own_user_alone(ledger: Ledger) -> None:
    settled, still_open, theirs = (
        ledger.write(DRAFT, scope, turn=turn, key=f"d{turn}").event_id
        for turn, scope in ((1, ALICE), (2, ALICE), (3, BOB))
    )
    chat = ledger.write(CHAT, turn=4, key="chat").event_id
    ledger.commit(settling(ledger, settled, ALICE, TALK))

    def forged(number: int, draft: EventId, **other: str) -> str:
        """A copy of the yes, to another draft."""
        payload = f'{{"decision":"CONFIRMED","draft_event_id":"{draft}"}}'
        named = {
            "event_id": f"'00000000-0000-7000-8000-00000000000{number}'",
            "idempotency_key": f"'forged-{number}'",
            "payload_min": f"'{payload}'",
        } | other
        columns = ", ".join(named.get(column, column) for column in AuditEvent._fields)
        return (
            f"INSERT INTO audit_events ({', '.join(AuditEvent._fields)}) SELECT {columns}"
            " FROM audit_events WHERE engine = 'PH1.X' AND idempotency_key = 'x'"
        )

    attacks = (
        forged(1, settled), forged(2, theirs), forged(3, EventId("no draft at all")),
        forged(4, still_open, correlation_id=f"'{OTHER_TALK}'"), forged(5, chat),
        forged(6, still_open, user_id="NULL"), forged(7, still_open, device_id="NULL"),
        forged(8, still_open, user_id="NULL", device_id="NULL"),
    )  # fmt: skip
    before = ledger.tables()
    for attack, result in zip(attacks, ledger.raw(*attacks), strict=True):
        assert result.error, attack
    assert ledger.tables() == before
    # It is for what they lack that they are refused; and the same key again changes nothing.
    assert ledger.raw(forged(9, still_open))[0].error is None
    assert len(ledger.tables()["audit_events"]) == len(before["audit_events"]) + 1


def test_eight_who_say_nothing_of_what_they_settle_settle_once(ledger: Ledger) -> None:
    draft = ledger.write(DRAFT, turn=1, key="draft").event_id
    units = [settling(ledger, draft, ALICE, TALK, key=f"k{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda unit: ledger.store.commit([unit])[0], units))
    assert sum(not isinstance(verdict, Refusal) for verdict in verdicts) == 1
    rows = [event for event in ledger.store.trace(ACME, TALK) if event.engine == "PH1.X"]
    assert len(rows) == 1


def test_a_confirmation_cannot_be_brought_as_a_teams_own_decision(ledger: Ledger) -> None:
    acme = ledger.selene().tenant(ACME)
    draft = acme.take_turn("alice", "kitchen", TOMORROW, correlation=TALK, now=NOW)
    brought = Confirmation(ReasonCode.X_DECLINED, draft.event_id)
    with pytest.raises(BadField) as refused:
        acme.commit_decision(brought, "bob", "desk", correlation=TALK)  # type: ignore[arg-type]
    assert refused.value.field == "decision"
    assert acme.confirm(draft.event_id).confirmation == "CONFIRMED"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (TODAY, "make it 8 am"), (TODAY, "make it from 7 to 8 am"), (TODAY, "no, at 8 am"),
        ("remind me to call mom tonight", "make it 6 am"),
        ("remind me to call mom today", "at 8 am"),
    ],
)  # fmt: skip
def test_a_change_into_the_past_is_asked_about(ledger: Ledger, first: str, then: str) -> None:
    acme = ledger.selene().tenant(ACME)
    assert say(acme, first, 1)[0] == "INTENT_DRAFT"
    assert say(acme, then, 2) == ("CLARIFY", None)


def test_midnight_has_two_readings_and_the_24th_hour_is_of_the_next_day(ledger: Ledger) -> None:
    acme = ledger.selene().tenant(ACME)
    say(acme, TOMORROW, 1)
    assert say(acme, "make it midnight", 2) == ("CLARIFY", None)
    say(acme, TOMORROW, 3)
    assert say(acme, "make it 24", 4) == ("INTENT_DRAFT", "2026-11-23T00:00")


@pytest.mark.parametrize(
    "record",
    ["{}", '{"answer":null}', '{"answer":{}}', '{"answer":[]}',
     '{"answer":{"decision":"INTENT_DRAFT"}}', '{"answer":{"decision":"CLARIFY","pending":5}}'],
)  # fmt: skip
def test_a_damaged_record_is_the_operators_to_mend_and_never_a_yes(
    ledger: Ledger, record: str
) -> None:
    broken = ledger.scribe.unit(DRAFT, ALICE, turn=1, key="draft")
    (kept,) = broken.records
    unit = replace(broken, records=(kept._replace(record=record.encode()),))
    assert not isinstance(ledger.store.commit([unit])[0], Refusal)
    acme = ledger.selene().tenant(ACME)
    try:
        answer = acme.take_turn("alice", "kitchen", "yes", correlation=TALK, session="morning")
    except Fault as fault:
        assert "damaged" in str(fault)
    else:
        assert answer.confirmation is None
    with pytest.raises((Fault, Refusal)):
        acme.confirm(broken.events[0].event_id)


def test_lines_that_can_be_read_once_are_all_imported(ledger: Ledger) -> None:
    term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED"}
    lines = ({**term, "canonical": name} for name in ("Alpha", "Beta"))
    acme = ledger.selene().tenant(ACME)
    assert acme.import_terms(lines, replace_all=True).terms == 2  # type: ignore[arg-type]
