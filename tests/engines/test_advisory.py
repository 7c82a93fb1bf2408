"""The advisory engines from outside: PH1.KNOW, focus and PH1.PRUNE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.engines import focus, know, prune
from selene_os.errors import BadField
from selene_os.reasons import ReasonCode

ENTRY = know.Entry("e1", "acme", "EMPLOYEE_NAME_PREFERRED", "HR_ORG_AUTHORIZED", "Ann Lee")
KINDS = st.sampled_from(know.KINDS)
ENTRIES = st.lists(
    st.builds(
        know.Entry,
        entry_id=st.sampled_from("abcdef"),
        tenant_id=st.just("acme"),
        kind=KINDS,
        source=st.sampled_from(know.VERIFIED_SOURCES),
        canonical=st.sampled_from(["Ann", "Bob", "王芳", "Zoë", "HR"]),
        locale=st.sampled_from(["en", "zh-CN"]),
        evidence_ref=st.sampled_from(["row:1", "row:2"]),
    ),
    max_size=8,
)


def hints_of(*entries: know.Entry) -> know.Result:
    return know.run(know.Request("acme", entries))


def test_know_hands_on_verified_terms_of_the_tenant() -> None:
    assert hints_of(ENTRY) == know.Result(ReasonCode.KNOW_HINTS_OK, (ENTRY,))
    assert hints_of() == know.Result(ReasonCode.KNOW_HINTS_OK)


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (replace(ENTRY, tenant_id="globex"), ReasonCode.KNOW_FOREIGN_TERM),
        (replace(ENTRY, tenant_id="ACME"), ReasonCode.KNOW_FOREIGN_TERM),
        (replace(ENTRY, source="UNVERIFIED"), ReasonCode.KNOW_UNVERIFIED_TERM),
        (
            replace(ENTRY, source="UNVERIFIED", evidence_ref="row:1"),
            ReasonCode.KNOW_UNVERIFIED_TERM,
        ),
        (replace(ENTRY, source="USER_CONSENTED"), ReasonCode.KNOW_UNVERIFIED_TERM),
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_foreign_or_unverified_term_closes_the_whole_bundle(
    spoiled: know.Entry, reason: ReasonCode, at: int
) -> None:
    good = [replace(ENTRY, canonical="Bob"), replace(ENTRY, canonical="Carla")]
    assert hints_of(*good[:at], spoiled, *good[at:]) == know.Result(reason, ())


def test_a_foreign_term_without_verification_is_refused_too() -> None:
    spoiled = replace(ENTRY, tenant_id="globex", source="UNVERIFIED")
    assert hints_of(ENTRY, spoiled).hints == ()


def test_a_users_term_with_consent_is_handed_on() -> None:
    consented = replace(ENTRY, source="USER_CONSENTED", evidence_ref="consent:7")
    assert hints_of(consented).hints == (consented,)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_know_gives_one_order_and_no_doubles_whatever_order_it_is_given(
    entries: list[know.Entry], chance: Any
) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)
    hints, again = hints_of(*entries).hints, hints_of(*shuffled).hints
    assert hints == again
    assert hints_of(*hints).hints == hints
    terms = [(hint.kind, hint.canonical, hint.locale) for hint in hints]
    assert len(set(terms)) == len(terms)
    assert set(terms) == {(entry.kind, entry.canonical, entry.locale) for entry in entries}
    assert set(hints) <= set(entries)


def test_know_takes_4096_terms_and_no_more() -> None:
    many = tuple(replace(ENTRY, entry_id=f"e{n}", canonical=f"Name {n}") for n in range(4_096))
    assert len(hints_of(*many).hints) == 4_096
    with pytest.raises(BadField) as refused:
        know.Request("acme", (*many, ENTRY))
    assert refused.value.field == "entries"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("canonical", ""), ("canonical", "x" * 121), ("canonical", "é" * 61), ("canonical", "a\nb"),
        ("canonical", "\ud800"), ("kind", "NICKNAME"), ("source", "HEARSAY"), ("tenant_id", ""),
        ("tenant_id", "a b"), ("entry_id", ""), ("entry_id", "x" * 129), ("locale", ""),
        ("evidence_ref", ""), ("evidence_ref", "x" * 129),
    ],
)  # fmt: skip
def test_a_term_out_of_bounds_is_refused_by_the_name_of_the_field(field: str, value: str) -> None:
    with pytest.raises(BadField) as refused:
        replace(ENTRY, **{field: value})
    assert refused.value.field == field


ITEM = focus.Item("a", "SPAN", 0, "0:3", "turn:1")
ITEMS = st.lists(
    st.builds(
        replace,
        st.just(ITEM),
        item_id=st.text("abcÄ王", min_size=1, max_size=3),
        score=st.integers(-20_000, 20_000) | st.sampled_from([0, 1]),
    ),
    max_size=12,
    unique_by=lambda item: item.item_id,
).map(tuple)


@given(ITEMS, st.randoms(use_true_random=False))
def test_focus_ranks_by_score_down_then_by_id(items: tuple[focus.Item, ...], chance: Any) -> None:
    result = focus.run(focus.Request(items))
    assert result.reason_code is ReasonCode.FOCUS_RANK_OK
    assert sorted(result.ranked, key=lambda i: i.item_id) == sorted(items, key=lambda i: i.item_id)
    for above, below in zip(result.ranked, result.ranked[1:], strict=False):
        assert (-above.score, above.item_id) < (-below.score, below.item_id)
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert focus.run(focus.Request(tuple(shuffled))) == result


def test_focus_takes_twelve_items_each_named_once() -> None:
    twelve = tuple(replace(ITEM, item_id=str(n)) for n in range(12))
    assert len(focus.run(focus.Request(twelve)).ranked) == 12
    for items in [(*twelve, ITEM), (ITEM, ITEM)]:
        with pytest.raises(BadField) as refused:
            focus.Request(items)
        assert refused.value.field == "items"


@pytest.mark.parametrize("score", [20_001, -20_001, 1.5, "1", None, True])
def test_a_score_is_an_integer_within_its_bounds(score: Any) -> None:
    assert replace(ITEM, score=20_000).score == -replace(ITEM, score=-20_000).score
    with pytest.raises(BadField) as refused:
        replace(ITEM, score=score)
    assert refused.value.field == "score"


@pytest.mark.parametrize("field", ["item_id", "kind", "content_ref", "evidence_ref"])
@pytest.mark.parametrize("value", ["", "x" * 200, "a\nb", 5])
def test_an_item_out_of_bounds_is_refused_by_the_name_of_the_field(field: str, value: Any) -> None:
    with pytest.raises(BadField) as refused:
        replace(ITEM, **{field: value})
    assert refused.value.field == field


KEYS = [f"k{n}" for n in range(16)]
SOME = st.lists(st.sampled_from([*KEYS, "foreign_key"]), max_size=6).map(tuple)
OPEN = st.builds(
    prune.Request,
    st.lists(st.sampled_from(KEYS), min_size=2, max_size=16, unique=True).map(tuple),
    SOME,
    SOME,
    SOME,
    st.none() | st.sampled_from([*KEYS, "foreign_key"]),
)


@given(OPEN)
def test_prune_orders_what_is_still_missing_and_adds_nothing(request: prune.Request) -> None:
    result = prune.run(request)
    left = [key for key in request.required_fields_missing if key not in request.filled_fields]
    assert result.reason_code is ReasonCode.PRUNE_SELECT_OK
    assert sorted(result.ordered) == sorted(left)
    assert result.selected == (result.ordered[0] if result.ordered else None)


@given(OPEN)
def test_prune_never_asks_the_previous_field_while_there_is_another(request: prune.Request) -> None:
    result = prune.run(request)
    if len(result.ordered) > 1:
        assert result.selected != request.previous_clarify_field


@given(OPEN)
def test_prune_asks_doubtful_fields_first_then_in_the_packs_order(request: prune.Request) -> None:
    result = prune.run(request)
    doubtful = {*request.ambiguous_fields, *request.uncertain_fields}
    rest = [key for key in result.ordered if key != request.previous_clarify_field]
    asked = request.required_fields_missing
    assert rest == sorted(rest, key=lambda key: (key not in doubtful, asked.index(key)))


@pytest.mark.parametrize(
    "missing",
    [
        (), ("task",), ("task", "task"), tuple(f"k{n}" for n in range(17)), ("task", ""),
        ("task", "a b"), ("task", "Ｔask"), ("task", "x" * 65), ("task", "a\n"),
    ],
)  # fmt: skip
def test_prune_refuses_missing_fields_out_of_bounds(missing: tuple[str, ...]) -> None:
    with pytest.raises(BadField) as refused:
        prune.Request(missing)
    assert refused.value.field == "required_fields_missing"
