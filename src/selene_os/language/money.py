"""Amounts of money: a number with a currency, or a bare number in the tenant's own.

Nothing is filled in: a number without a currency, where the tenant has none configured, is kept as
what was heard, without a value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from selene_os.language.numbers import NUMBER_WORDS, Number, read_number
from selene_os.language.tokens import NUMBER, Tokens, is_figures

_SIGNS: Final = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_NAMES: Final = {
    "dollar": "USD", "dollars": "USD", "buck": "USD", "bucks": "USD", "usd": "USD",
    "euro": "EUR", "euros": "EUR", "eur": "EUR",
    "pound": "GBP", "pounds": "GBP", "quid": "GBP", "gbp": "GBP",
    "yen": "JPY", "jpy": "JPY", "yuan": "CNY", "rmb": "CNY", "cny": "CNY", "元": "CNY", "块": "CNY",
    "franc": "CHF", "francs": "CHF", "chf": "CHF", "rupee": "INR", "rupees": "INR", "inr": "INR",
    "aud": "AUD", "cad": "CAD", "nzd": "NZD", "sek": "SEK", "nok": "NOK", "dkk": "DKK",
    "sgd": "SGD", "hkd": "HKD", "mxn": "MXN", "brl": "BRL", "krw": "KRW", "won": "KRW",
    "pln": "PLN", "zloty": "PLN", "zlotys": "PLN", "try": "TRY",
}  # fmt: skip
_NATIONS: Final = {
    ("us", "dollars"): "USD", ("american", "dollars"): "USD", ("australian", "dollars"): "AUD",
    ("canadian", "dollars"): "CAD", ("singapore", "dollars"): "SGD",
    ("new", "zealand", "dollars"): "NZD", ("hong", "kong", "dollars"): "HKD",
    ("swiss", "francs"): "CHF", ("swiss", "franc"): "CHF", ("british", "pounds"): "GBP",
    ("pounds", "sterling"): "GBP", ("japanese", "yen"): "JPY", ("chinese", "yuan"): "CNY",
    ("indian", "rupees"): "INR", ("块", "钱"): "CNY", ("人", "民", "币"): "CNY",
    ("美", "元"): "USD", ("美", "金"): "USD", ("欧", "元"): "EUR", ("英", "镑"): "GBP",
    ("日", "元"): "JPY", ("港", "币"): "HKD", ("港", "元"): "HKD", ("加", "元"): "CAD",
    ("澳", "元"): "AUD",
}  # fmt: skip
_SMALL: Final = {"cent": "", "cents": "", "penny": "GBP", "pence": "GBP", "p": "GBP"}
# Units that are written as words of their own and often mean something else: only behind figures.
_ONLY_CODES_BEFORE: Final = frozenset(code.lower() for code in _NAMES.values()) - {"try"}
_BEGINNINGS: Final = NUMBER_WORDS | _ONLY_CODES_BEFORE | frozenset(_SIGNS)


class Money(NamedTuple):
    """An amount that was said; `currency` is None where none was said. `last` is exclusive."""

    amount: str
    currency: str | None
    first: int
    last: int


def find_money(said: Tokens, start: int = 0, stop: int | None = None) -> list[Money]:
    """Every number with a currency between two tokens, left to right. Linear."""
    found = []
    index = start
    stop = len(said) if stop is None else stop
    while index < stop:
        may_begin = said.kinds[index] == NUMBER or said.words[index] in _BEGINNINGS
        money = read_money(said, index) if may_begin else None
        if money is not None and money.last <= stop:
            found.append(money)
            index = money.last
        else:
            index += 1
    return found


def read_money(said: Tokens, at: int) -> Money | None:
    """The amount with its currency that begins at token `at`, or None."""
    words = said.words
    if at and words[at - 1] == "-" and said.joined(at):
        # A negative amount, or the end of a span of amounts: not one amount of money.
        return None
    if words[at] in _SIGNS or words[at] in _ONLY_CODES_BEFORE:
        number = read_number(said, at + 1)
        currency = _SIGNS.get(words[at]) or _NAMES[words[at]]
        if number is None or not is_figures(words[at + 1][0]):
            return None
        last = number.last
        if last < len(said) and _NAMES.get(words[last]) == currency:
            last += 1
        return Money(_plain(number.value), currency, at, last)
    number = read_number(said, at)
    if number is None and words[at] in ("a", "an"):
        # "a dollar" is one; "a dollar bill" and other things are not our business.
        number = Number(Decimal(1), at, at + 1)
    return _with_unit(said, number) if number else None


def _with_unit(said: Tokens, number: Number) -> Money | None:
    words, last = said.words, number.last
    currency, size = _unit(words, last)
    if currency is None:
        return None
    if currency in ("", *_SMALL.values()) and words[last] in _SMALL:
        # Cents of what, nobody said, unless a currency went before: "ten dollars and fifty cents".
        whole = _SMALL[words[last]] or None
        return (
            Money(_plain(number.value / 100), whole, number.first, last + size) if whole else None
        )
    last += size
    after = last + (words[last : last + 1] == ("and",))
    cents = read_number(said, after)
    if (
        cents
        and cents.value < 100
        and words[cents.last : cents.last + 1]
        and (words[cents.last] in _SMALL)
    ):
        total = number.value + cents.value / 100
        return Money(_plain(total), currency, number.first, cents.last + 1)
    return Money(_plain(number.value), currency, number.first, last)


def _unit(words: tuple[str, ...], at: int) -> tuple[str | None, int]:
    """The currency named at `at`, and how many tokens name it."""
    for size in (3, 2):
        if at + size <= len(words) and (nation := _NATIONS.get(words[at : at + size])):
            return nation, size
    if at >= len(words):
        return None, 0
    if words[at] in _SMALL:
        return _SMALL[words[at]], 1
    return _NAMES.get(words[at]) or _SIGNS.get(words[at]), 1


def _plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros behind the point."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
