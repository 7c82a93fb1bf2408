"""A turn's hand-overs: what each engine handed on, and evidence in what was really said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os import turn
from selene_os.engines import focus, know, nlp
from selene_os.turn import Turn, Understood, hints_of, understand

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SAID = Turn("acme", "1" * 32, 1, "hello", now=NOW)
ANN = know.Entry("ann", "acme", "EMPLOYEE_NAME_PREFERRED", "HR_ORG_AUTHORIZED", "Ann Lee")


def told(understood: Understood) -> dict[str, tuple[str, str]]:
    """Engine -> (what became of its part, its reason)."""
    return {one.engine: (one.became, one.reason_code) for one in understood.hand_overs}


def heard(understood: Understood) -> dict[str, tuple[str, object]]:
    return {field.key: (field.text, field.value) for field in understood.result.fields}


def test_every_engine_of_a_turn_says_what_became_of_it() -> None:
    assert told(understand(SAID)) == {
        "PH1.KNOW": ("passed through", "KNOW_HINTS_OK"),
        "PH1.SRL": ("passed through", "SRL_REPAIR_OK"),
        "PH1.FOCUS": ("passed through", "FOCUS_RANK_OK"),
        "PH1.NLP": ("used", "NLP_CHAT_DEFAULT"),
        "PH1.PRUNE": ("not needed", "PRUNE_SELECT_OK"),
    }


# ---- PH1.SRL

REPAIRED = [
    ("remind me to um call mom pls tmr at 5 pm", {"when": ("tmr at 5 pm", "2026-11-22T17:00")}),
    ("table for two @ Noma tmr @ 7pm", {"place": ("Noma", "Noma"), "party_size": ("two", 2)}),
    ("remind me at at 5 pm to call mom", {"task": ("call mom", "call mom")}),
]


@pytest.mark.parametrize(("said", "fields"), REPAIRED)
def test_evidence_is_a_slice_of_what_was_said(
    said: str, fields: dict[str, tuple[str, object]]
) -> None:
    understood = understand(replace(SAID, text=said))
    assert told(understood)["PH1.SRL"] == ("used", "SRL_REPAIR_OK")
    found = heard(understood)
    assert {key: found[key] for key in fields} == fields
    for field in understood.result.fields:
        assert said[field.start : field.end] == field.text


def test_a_repair_inside_free_text_leaves_the_value_as_it_was_said() -> None:
    said = "remind me tomorrow at 5 pm to tell Bob abt the mtg w/ Ann"
    (task,) = (f for f in understand(replace(SAID, text=said)).result.fields if f.key == "task")
    assert task.value == task.text == said[task.start : task.end]


def test_what_stays_open_keeps_its_evidence_for_the_next_turn() -> None:
    asked = understand(replace(SAID, text="pls remind me tmr to um call mom at five"))
    pending = asked.result.pending
    assert asked.result.decision == "CLARIFY"
    assert pending is not None
    said = "pls remind me tmr to um call mom at five"
    assert [said[f["start"] : f["end"]] for f in pending["fields"]] == [
        f["text"] for f in pending["fields"]
    ]
    answered = understand(replace(SAID, turn_id=2, text="at 5 pm", pending=pending))
    assert heard(answered)["when"] == ("at 5 pm", "2026-11-22T17:00")


def test_a_word_that_names_something_of_the_tenants_is_not_repaired() -> None:
    said = replace(SAID, text="remind me to update the tmr page at 5 pm")
    project = replace(ANN, kind="PROJECT_CODE", canonical="TMR")
    hints = hints_of("acme", [project], "0" * 64)
    assert told(understand(replace(said, hints=hints)))["PH1.SRL"][0] == "passed through"


def test_the_transcribers_doubt_is_moved_with_the_text() -> None:
    said = "um remind me tmr at 5 pm to call mom"
    at = said.index("tmr")
    doubt = (nlp.UncertainSpan(at, at + 3, "DATE_TIME_LIKE"),)
    asked = understand(replace(SAID, text=said, uncertain_spans=doubt))
    assert (asked.result.decision, asked.result.what_is_missing) == ("CLARIFY", "when")


def test_what_cannot_be_looked_at_for_repair_is_not_drafted_high() -> None:
    said = "remind me to call mom tomorrow at 5 pm" + ", tmr" * 600
    understood = understand(replace(SAID, text=said))
    assert told(understood)["PH1.SRL"] == ("refused", "SRL_BUDGET_EXCEEDED")
    assert understood.request.transcript_confidence == "LOW"
    assert understood.result.overall_confidence != "HIGH"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_whatever_is_said_every_piece_of_evidence_is_a_slice_of_it(said: str) -> None:
    for field in understand(replace(SAID, text=said)).result.fields:
        assert said[field.start : field.end] == field.text


# ---- PH1.KNOW


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((ANN, replace(ANN, tenant_id="globex")), "KNOW_FOREIGN_TERM"),
        ((ANN, replace(ANN, source="UNVERIFIED")), "KNOW_UNVERIFIED_TERM"),
        ((ANN, replace(ANN, source="USER_CONSENTED")), "KNOW_UNVERIFIED_TERM"),
        ((ANN,) * 4_097, "KNOW_INPUT_SCHEMA_INVALID"),
    ],
)
def test_a_closed_bundle_leaves_the_turn_without_hints_and_says_so(
    entries: tuple[know.Entry, ...], reason: str
) -> None:
    said = replace(SAID, text="send $20 to Ann")
    closed = understand(replace(said, hints=hints_of("acme", entries, "0" * 64)))
    assert told(closed)["PH1.KNOW"] == ("refused", reason)
    assert closed.result == understand(said).result
    assert closed.request.terms == nlp.NO_TERMS


def test_hints_are_handed_on_and_named_by_their_bundle() -> None:
    hints = hints_of("acme", [ANN, replace(ANN, entry_id="kay", canonical="Ann Kay")], "a" * 64)
    asked = understand(replace(SAID, text="send $20 to Ann", hints=hints))
    assert asked.result.what_is_missing == "recipient"
    assert (asked.hand_overs[0].became, asked.hand_overs[0].digest) == ("used", "a" * 64)
    assert asked.hints_digest == "a" * 64


# ---- focus


def item(name: str, score: int, ref: str) -> focus.Item:
    return focus.Item(name, "SPAN", score, ref, "turn:1")


def test_the_most_salient_span_is_named_and_orders_what_is_offered() -> None:
    people = [ANN, replace(ANN, entry_id="kay", canonical="Ann Kay")]
    said = "send $20 to Ann, the Lee one"
    at = said.index("Lee")
    items = (item("b", 1, "span:0-4"), item("a", 9, f"span:{at}-{at + 3}"))
    asked = understand(
        replace(
            SAID, text="send $20 to Ann", hints=hints_of("acme", people, "a" * 64),
            items=(item("a", 9, "span:12-15"),),
        )
    )  # fmt: skip
    assert asked.focus_span_ref == "span:12-15"
    ranked = understand(replace(SAID, text=said, items=items))
    assert ranked.focus_span_ref == f"span:{at}-{at + 3}"
    assert ranked.hand_overs[2].handed == {"ranked": ["a", "b"]}


def test_a_span_of_another_text_closes_the_ranking_and_not_the_turn() -> None:
    said = replace(SAID, text="what time is it", items=(item("a", 1, "span:0-99"),))
    understood = understand(said)
    assert told(understood)["PH1.FOCUS"] == ("refused", "FOCUS_VALIDATION_FAILED")
    assert understood.focus_span_ref is None
    assert understood.result == understand(replace(said, items=())).result


def test_items_of_context_are_ranked_and_name_no_span() -> None:
    understood = understand(replace(SAID, items=(item("a", 1, "memory:7"),)))
    assert told(understood)["PH1.FOCUS"][0] == "used"
    assert understood.focus_span_ref is None


# ---- PH1.PRUNE


def test_of_several_missing_fields_the_one_just_asked_is_not_asked_again() -> None:
    first = understand(replace(SAID, text="book a table"))
    assert told(first)["PH1.PRUNE"][0] == "used"
    asked = first.result.what_is_missing
    missing = first.result.required_fields_missing
    assert asked in missing
    again = understand(replace(SAID, turn_id=2, text="hm", pending=first.result.pending))
    if again.result.decision == "CLARIFY":
        assert again.result.what_is_missing in set(missing) - {asked}


def test_no_hand_over_holds_a_default_that_two_turns_share() -> None:
    one, two = understand(SAID), understand(replace(SAID, text="hi"))
    assert one.hand_overs[1] == two.hand_overs[1]
    assert one.hand_overs[1].handed is None
    assert turn.NO_HINTS.terms == nlp.NO_TERMS
