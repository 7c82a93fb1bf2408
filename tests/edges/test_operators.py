"""Operators: what a password may be, what it costs to guess, and what ends a session."""

from __future__ import annotations

from typing import Any

import pytest

from ledgers import ACME, GLOBEX, START_NS, Ledger
from selene_os.edges import operators
from selene_os.edges.operators import (
    EVERY_TENANT,
    Operators,
    hash_password,
    may_see,
    parse_login,
    parse_tenants,
)
from selene_os.errors import BadField, NotFound, RegistrationRefused

GOOD = "correct horse battery"


class Clock:
    """A clock that moves when it is told to."""

    now = START_NS

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(ledger: Ledger, clock: Clock) -> Operators:
    return Operators(ledger.store.access, clock)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that costs nothing, so that the tests do not wait for it."""
    monkeypatch.setattr(operators, "_MEMORY_KIB", 64)
    operators._hasher.cache_clear()
    operators._nobodys.cache_clear()


def test_a_password_is_hashed_by_argon2id_with_its_own_salt() -> None:
    first, second = hash_password(GOOD), hash_password(GOOD)
    assert first.startswith("$argon2id$v=19$") and first != second
    assert len(first) <= 256


def test_the_hash_costs_what_rfc_9106_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    operators._hasher.cache_clear()
    assert hash_password(GOOD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    "password", ["x" * 12, "x" * 256, "é" * 128, " " * 12, "一二三四五六七八九十百千"]
)
def test_a_password_of_twelve_characters_will_do(password: str) -> None:
    assert hash_password(password)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 257, "é" * 129, "\ud800" * 12])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(BadField) as refused:
        hash_password(password)
    assert password == "" or password not in str(refused.value)


def test_whoever_has_login_and_password_is_let_in(people: Operators) -> None:
    ada = people.add("ada", GOOD, "acme")
    assert people.verify("ada", GOOD) == ada
    wrong: list[tuple[Any, Any]] = [
        ("ada", GOOD + "!"), ("ada", "short"), ("ada", "x" * 300), ("ada", None), ("eve", GOOD),
        ("Ada", GOOD), (None, GOOD), ("ada\x00", GOOD), ("", ""), ("ada", "\ud800" * 12),
    ]  # fmt: skip
    for login, password in wrong:
        assert people.verify(login, password) is None
    with pytest.raises(RegistrationRefused):
        people.add("ada", GOOD, EVERY_TENANT)


def test_an_accent_is_the_same_from_every_keyboard(people: Operators) -> None:
    people.add("ada", "caf\u00e9 au lait, svp", "acme")
    assert people.verify("ada", "cafe\u0301 au lait, svp") is not None


def test_an_unknown_login_costs_what_a_known_one_does(
    people: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add("ada", GOOD, "acme")
    people.verify("ada", GOOD)
    checked: list[str] = []
    hasher = operators._hasher()
    real = hasher.verify

    class Counting:
        def verify(self, hashed: str, password: bytes) -> bool:
            checked.append(hashed.rsplit("$", 2)[0])
            return real(hashed, password)

    monkeypatch.setattr(operators, "_hasher", Counting)
    for login in ("ada", "eve", "EVE", ""):
        people.verify(login, GOOD + "!")
    assert len(checked) == 4 and len(set(checked)) == 1, "the same parameters, each time"


def test_what_ends_a_session_is_noted(people: Operators, ledger: Ledger, clock: Clock) -> None:
    people.add("ada", GOOD, "acme")
    clock.now += 5
    people.set_password("ada", GOOD + " staple")
    row = people.verify("ada", GOOD + " staple")
    assert row is not None and row.valid_after == clock.now
    assert people.verify("ada", GOOD) is None
    clock.now += 5
    people.disable("ada")
    assert people.verify("ada", GOOD + " staple") is None
    found = ledger.store.access.operator("ada")
    assert found is not None and found.disabled_at == found.valid_after == clock.now
    people.enable("ada")
    row = people.verify("ada", GOOD + " staple")
    assert row is not None and row.valid_after == clock.now
    people.set_tenants("ada", EVERY_TENANT)
    for call in (people.disable, people.enable):
        for nobody in ("eve", "E v e"):
            with pytest.raises(NotFound):
                call(nobody)


def test_an_operator_sees_the_tenants_given_and_no_others(people: Operators) -> None:
    ada = people.add("ada", GOOD, parse_tenants(["acme", "acme"]))
    assert (may_see(ada, ACME), may_see(ada, GLOBEX)) == (True, False)
    every = ada._replace(tenants=EVERY_TENANT)
    assert may_see(every, ACME) and may_see(every, GLOBEX)
    assert parse_tenants(["globex", "acme"]) == "acme globex"
    for wrong in ([], ["*"], ["a b"], [f"{number:064}" for number in range(300)]):
        with pytest.raises(BadField):
            parse_tenants(wrong)


def test_a_login_is_plain() -> None:
    assert parse_login("ada.l+x@example.org") == "ada.l+x@example.org"
    for wrong in ("", "Ada", "ada ", "адa", "x" * 65, None, "a\nb"):
        with pytest.raises(BadField):
            parse_login(wrong)
