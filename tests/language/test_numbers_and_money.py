"""Numbers and money: what was said, exactly, or nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.language.money import find_money, read_money
from selene_os.language.numbers import read_number
from selene_os.language.tokens import tokenize

ONES = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number: int) -> str:
    """An English number from 0 to 999,999, as it is written."""
    if number < 20:
        return (ONES + TEENS)[number]
    if number < 100:
        ten, one = TENS[number // 10 - 2], number % 10
        return f"{ten}-{ONES[one]}" if one else ten
    if number < 1_000:
        rest = f" and {spell(number % 100)}" if number % 100 else ""
        return f"{ONES[number // 100]} hundred{rest}"
    below = number % 1_000
    joint = " and " if 0 < below < 100 else " "
    return f"{spell(number // 1_000)} thousand" + (joint + spell(below) if below else "")


def number(text: str) -> tuple[object, str] | None:
    """The number at the head of a text, and the words it was said in."""
    said = tokenize(text)
    found = read_number(said, 0)
    return (found.value, said.said(found.first, found.last)) if found else None


def money(text: str) -> list[tuple[str, str | None, str]]:
    """Every amount in a text: its value, its currency and its words."""
    said = tokenize(text)
    found = find_money(said)
    return [(f"{Decimal(m.amount):f}", m.currency, said.said(m.first, m.last)) for m in found]


@given(st.integers(0, 999_999))
def test_a_spelt_number_is_read_whole(value: int) -> None:
    for text in {spell(value), spell(value).replace("-", " "), spell(value).title()}:
        assert number(text) == (value, text)


@given(st.integers(0, 10**12))
def test_figures_are_read_whole_with_and_without_commas(value: int) -> None:
    for text in (f"{value}", f"{value:,}"):
        assert number(text) == (value, text)


@given(st.decimals(0, 10**9, places=2, allow_nan=False))
def test_figures_behind_a_point_are_kept_exactly(value: Decimal) -> None:
    for text in (f"{value:.2f}", f"{value:,.2f}"):
        assert number(text) == (value, text)


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("a hundred", 100, "a hundred"),
        ("a thousand people", 1_000, "a thousand"),
        ("two hundred and fifty thousand", 250_000, "two hundred and fifty thousand"),
        ("one million two hundred", 1_000_200, "one million two hundred"),
        ("2.5k", 2_500, "2.5k"),
        ("3 million", 3_000_000, "3 million"),
        ("twenty-five dollars", 25, "twenty-five"),
        ("five and six", 5, "five"),
        ("twenty and thirty", 20, "twenty"),
        ("one hundred and Bob", 100, "one hundred"),
        ("１２", 12, "１２"),
        ("1,00", 1, "1"),
        ("five.", 5, "five"),
    ],
)
def test_a_number_ends_where_its_words_end(text: str, value: int, words: str) -> None:
    assert number(text) == (value, words)


@pytest.mark.parametrize(
    "text",
    ["a", "an apple", "a little", "some", "a few", "hundreds", "and five", "-5", "Ann", "ones", ""],
)
def test_what_is_plainly_no_number_is_none(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "amount", "currency", "words"),
    [
        ("send $20 to Ann", "20", "USD", "$20"),
        ("send 20 dollars to Ann", "20", "USD", "20 dollars"),
        ("twenty dollars", "20", "USD", "twenty dollars"),
        ("£12.50", "12.50", "GBP", "£12.50"),
        ("€80", "80", "EUR", "€80"),
        ("80 euros", "80", "EUR", "80 euros"),
        ("300 元", "300", "CNY", "300 元"),
        ("300块", "300", "CNY", "300块"),
        ("100 EUR", "100", "EUR", "100 EUR"),
        ("EUR 100", "100", "EUR", "EUR 100"),
        ("$1,250.75", "1250.75", "USD", "$1,250.75"),
        ("＄２０", "20", "USD", "＄２０"),
        ("50 CHF", "50", "CHF", "50 CHF"),
        ("50 Canadian dollars", "50", "CAD", "50 Canadian dollars"),
        ("$2.5k", "2500", "USD", "$2.5k"),
        ("$3 million", "3000000", "USD", "$3 million"),
        ("20 dollars and 50 cents", "20.5", "USD", "20 dollars and 50 cents"),
    ],
)
def test_an_amount_has_the_currency_that_was_said(
    text: str, amount: str, currency: str | None, words: str
) -> None:
    assert len(money(text)) == 1
    value, code, said = money(text)[0]
    assert Decimal(value) == Decimal(amount)
    assert said == words
    assert currency is None or code == currency


@pytest.mark.parametrize(
    "text", ["20", "at 5", "5 pm", "two tickets", "dollars", "$", "euros 4 ever?"]
)
def test_a_bare_number_is_no_amount_and_a_bare_unit_is_none_either(text: str) -> None:
    assert [found for found in money(text) if found[1] is not None] == []


def test_two_amounts_are_found_left_to_right() -> None:
    found = money("send $20 to Ann and 30 euros to Bob")
    assert found == [("20", "USD", "$20"), ("30", "EUR", "30 euros")]


@given(st.decimals(0, 10**9, places=2, allow_nan=False))
def test_no_cent_is_lost_between_the_words_and_the_amount(value: Decimal) -> None:
    said = tokenize(f"${value:.2f}")
    found = read_money(said, 0)
    assert found is not None
    assert (Decimal(found.amount), found.currency) == (value, "USD")
    assert "E" not in found.amount


@given(st.text(max_size=40), st.text("$€£5 0,.k元dolars-", max_size=20))
def test_any_text_is_searched_and_amounts_never_overlap(before: str, after: str) -> None:
    said = tokenize(before + after)
    behind = 0
    for found in find_money(said):
        assert behind <= found.first < found.last <= len(said)
        assert Decimal(found.amount).is_finite()
        behind = found.last
    for at in range(len(said)):
        value = read_number(said, at)
        assert value is None or (value.first == at < value.last <= len(said) and value.value >= 0)
