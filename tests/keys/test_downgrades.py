"""Words that somebody put in plain where a tenant's are encrypted are shown as nobody's."""

from __future__ import annotations

import pytest

from command import change
from keys.ledgers_with_keys import KITCHEN, TALK, WISH, Kept
from selene_os.errors import Fault
from selene_os.ledger.events import UNENCRYPTED_KEY_ID
from selene_os.replaying import CUSTODY, NOT_REPLAYABLE

OFF = (
    "DROP TRIGGER conversation_ledger_no_update; DROP TRIGGER replay_inputs_no_update;"
    "DROP TRIGGER memory_ledger_no_update;"
)


def test_a_line_of_conversation_in_plain_is_not_told_as_said(kept: Kept) -> None:
    change(
        kept.path,
        f"{OFF} UPDATE conversation_ledger SET text = CAST('forged' AS BLOB), key_id = 'plain'",
    )
    with kept.acme() as acme:
        lines = acme.conversation(TALK)
    assert {(line.text, line.key_id) for line in lines} == {(b"", UNENCRYPTED_KEY_ID)}


def test_a_memory_in_plain_is_not_remembered(kept: Kept) -> None:
    forged = 'CAST(\'{"verbatim":"forged","normalised":null}\' AS BLOB)'
    for table in ("memory_ledger", "memory_current"):
        change(kept.path, f"{OFF} UPDATE {table} SET value = {forged}, key_id = 'plain'")
        change(
            kept.path,
            "CREATE TRIGGER conversation_ledger_no_update BEFORE UPDATE ON conversation_ledger"
            " BEGIN SELECT 1; END; CREATE TRIGGER replay_inputs_no_update BEFORE UPDATE ON"
            " replay_inputs BEGIN SELECT 1; END; CREATE TRIGGER memory_ledger_no_update BEFORE"
            " UPDATE ON memory_ledger BEGIN SELECT 1; END;",
        )
    with kept.acme() as acme:
        assert "forged" not in repr(acme.memories("alice"))
        assert "forged" not in repr(acme.commit_profile(*KITCHEN, speaker="alice"))


def test_a_record_in_plain_is_not_believed(kept: Kept) -> None:
    change(
        kept.path,
        f"{OFF} UPDATE replay_inputs SET record = CAST('{{}}' AS BLOB), key_id = 'plain'",
    )
    with kept.acme() as acme:
        event = acme.trace(TALK)[0]
        with pytest.raises(Fault, match=UNENCRYPTED_KEY_ID):
            acme.record(event.event_id)


def test_what_versions_before_keys_wrote_is_read_as_it_is(kept: Kept) -> None:
    change(
        kept.path,
        f"{OFF} UPDATE conversation_ledger SET text = CAST('old words' AS BLOB), key_id = 'plain',"
        " created_at = 1700000000000000000",
    )
    with kept.acme() as acme:
        assert {line.text for line in acme.conversation(TALK)} == {b"old words"}


def test_a_replay_counts_an_erasure_as_no_decision_and_no_difference(kept: Kept) -> None:
    with kept.acme() as acme:
        acme.hold("alice", reason=WISH)
        acme.release("alice", reason=WISH)
        acme.erase("alice", reason=WISH)
        found = [one for one in acme.replay_all() if one.event.engine == "PH1.J"]
    assert [(one.outcome, one.reason) for one in found] == [(NOT_REPLAYABLE, CUSTODY)] * 3
    assert not any(one.differs for one in found)
