"""Keys of the API: what a text says, what a ledger answers, and how long that is believed."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_keys import HOUR_NS
from ledgers import ACME, GLOBEX, START_NS, Ledger
from selene_os.edges import apikeys
from selene_os.edges.apikeys import ApiKeys, Checked, allows, make_key, parse_key, parse_scopes
from selene_os.errors import BadField, LedgerUnavailable
from selene_os.ledger.access import Access, ApiKeyRow
from selene_os.names import TenantId

TENANTS = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)
SECOND_NS = 1_000_000_000


class Desk:
    """A ledger's keys, counted, with clocks that stand still.

    Attributes:
        asked: how often the ledger was asked for a key. named: for the names of all. now: both
            clocks.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.access: Any = ledger.store.access
        self.asked, self.named, self.now = 0, 0, START_NS
        counted: Access = self  # type: ignore[assignment]
        self.keys = ApiKeys(
            counted, lambda: self.now, lambda: self.now, entries_max=3, strangers_per_s=5
        )

    def api_key(self, tenant_id: TenantId, key_id: str) -> ApiKeyRow | None:
        self.asked += 1
        found: ApiKeyRow | None = self.access.api_key(tenant_id, key_id)
        return found

    def api_key_names(self) -> list[tuple[TenantId, str]]:
        self.named += 1
        found: list[tuple[TenantId, str]] = self.access.api_key_names()
        return found

    def added(self, tenant_id: TenantId = ACME, **options: Any) -> tuple[ApiKeyRow, str]:
        """A new key that the ledger has."""
        row, text = make_key(tenant_id, ["read"], self.now, **options)
        assert self.access.add_api_key(row)
        return row, text


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    yield Desk(ledger)


# ---- texts


@given(TENANTS, st.binary(min_size=44, max_size=44))
def test_a_key_is_read_as_it_was_made_whatever_the_tenants_name(tenant: str, bits: bytes) -> None:
    parts = iter((bits[:12], bits[12:]))
    row, text = make_key(TenantId(tenant), ["read"], START_NS, random=lambda _: next(parts))
    read = parse_key(text)
    assert read is not None
    assert tuple(read) == (row.tenant_id, row.key_id, row.digest)
    assert len(text) <= 125 and text.isascii()


@given(st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.from_regex(r"sel_.*_.*")))
def test_garbage_is_no_key_and_no_error(text: object) -> None:
    parse_key(text)
    assert parse_key(f"{text}\n") is None


@given(TENANTS, st.data())
def test_a_key_with_one_character_changed_is_no_key_or_another(tenant: str, data: Any) -> None:
    row, text = make_key(TenantId(tenant), ["read"], START_NS)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda one: one != text[place]))
    read = parse_key(text[:place] + other + text[place + 1 :])
    assert read is None or tuple(read) != (row.tenant_id, row.key_id, row.digest)


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text[:-1], lambda text: text + "A", lambda text: " " + text,
        lambda text: text.upper(), lambda text: text.replace("sel_", "sk_"),
        lambda text: text.replace("acme", ""), lambda text: text.replace("acme", "a" * 65),
        lambda text: text.replace("acme", "аcme"), lambda text: text + "\x00", str.encode,
    ],
)  # fmt: skip
def test_what_is_not_quite_a_key_is_none(changed: Any) -> None:
    _, text = make_key(ACME, ["read"], START_NS)
    assert parse_key(changed(text)) is None


def test_two_keys_have_nothing_in_common() -> None:
    made = [make_key(ACME, ["read"], START_NS) for _ in range(100)]
    assert len({row.key_id for row, _ in made}) == len({row.digest for row, _ in made}) == 100


# ---- scopes


def test_scopes_are_kept_once_and_sorted() -> None:
    assert parse_scopes(["write", "read", "write"]) == "read write"
    for wrong in ([], ["root"], ["read", "read write"], [""]):
        with pytest.raises(BadField):
            parse_scopes(wrong)


def test_an_audit_key_reads_and_an_admin_key_does_neither() -> None:
    may = {
        scope: {
            other
            for other in apikeys.IMPLIED
            if allows(make_key(ACME, [scope], START_NS)[0], other)
        }
        for scope in apikeys.IMPLIED
    }
    assert may == {
        "admin": {"admin"}, "audit": {"audit", "read"}, "export": {"export"}, "read": {"read"},
        "write": {"write"},
    }  # fmt: skip


def test_a_key_that_would_never_be_of_use_is_not_made() -> None:
    for options in ({"expires_at": START_NS}, {"label": "x" * 65}, {"label": "a\nb"}):
        with pytest.raises(BadField):
            make_key(ACME, ["read"], START_NS, **options)


# ---- what a ledger answers


def test_the_right_key_is_its_row_and_a_wrong_one_is_unknown(desk: Desk) -> None:
    row, text = desk.added()
    assert desk.keys.check(text) == Checked(row, None)
    unknown = Checked(None, apikeys.UNKNOWN)
    assert desk.keys.check(text[:-43] + "A" * 43) == unknown
    assert desk.keys.check(text.replace("sel_acme", "sel_globex")) == unknown
    assert desk.keys.check(None) == desk.keys.check("") == desk.keys.check("sel_") == unknown
    assert desk.keys.check(make_key(GLOBEX, ["read"], START_NS)[1]) == unknown


def test_a_key_expires_at_its_nanosecond(desk: Desk) -> None:
    row, text = desk.added(expires_at=START_NS + HOUR_NS)
    desk.now = START_NS + HOUR_NS - 1
    assert desk.keys.check(text) == Checked(row, None)
    desk.now += 1
    assert desk.keys.check(text) == Checked(None, apikeys.EXPIRED, row)
    assert desk.keys.check(text[:-43] + "A" * 43).why == apikeys.UNKNOWN, "only its holder is told"


def test_a_revoked_key_is_of_no_use_five_seconds_later(desk: Desk) -> None:
    row, text = desk.added()
    assert desk.keys.check(text).row == row
    # By a machine whose clock is ahead.
    desk.access.end_api_key(ACME, row.key_id, START_NS + HOUR_NS)
    desk.now += 5 * SECOND_NS - 1
    assert (desk.keys.check(text).row, desk.asked) == (row, 1)
    desk.now += 1
    ended = row._replace(revoked_at=START_NS + HOUR_NS)
    assert desk.keys.check(text) == Checked(None, apikeys.REVOKED, ended)
    assert desk.keys.check(text[:-43] + "A" * 43).why == apikeys.UNKNOWN


def test_a_key_that_is_added_later_is_found_five_seconds_later(desk: Desk) -> None:
    row, text = make_key(ACME, ["read"], START_NS)
    for _ in range(3):
        assert desk.keys.check(text).why == apikeys.UNKNOWN
    assert desk.asked == 1
    desk.access.add_api_key(row)
    desk.now += 5 * SECOND_NS
    assert desk.keys.check(text) == Checked(row, None)


def test_a_stranger_with_many_keys_costs_few_look_ups_and_stops_nobody(desk: Desk) -> None:
    row, text = desk.added()
    assert desk.keys.check(text).row == row
    made_up = [make_key(TenantId(f"t{number}"), ["read"], START_NS)[1] for number in range(50)]
    # Whoever comes when all look-ups are spent is told the same as who came before.
    assert {desk.keys.check(one).why for one in made_up} == {apikeys.UNKNOWN}
    assert (desk.asked, desk.named) == (5, 1)
    for seconds in range(1, 11):
        # Also when what is known of it has become old.
        desk.now = START_NS + seconds * SECOND_NS
        assert desk.keys.check(text).row == row
        assert {desk.keys.check(one).why for one in made_up} == {apikeys.UNKNOWN}
    assert desk.asked <= 5 + 10 * 5 + 2
    assert desk.named <= 11


def test_a_key_that_nobody_has_seen_is_found_amid_those_that_are_made_up(desk: Desk) -> None:
    (row, text), (ended, of_old) = desk.added(), desk.added(GLOBEX)
    desk.access.end_api_key(GLOBEX, ended.key_id, START_NS)
    for number in range(500):
        stranger = make_key(TenantId(f"t{number}"), ["read"], START_NS)[1]
        assert desk.keys.check(stranger).why == apikeys.UNKNOWN
    assert desk.keys.check(text) == Checked(row, None)
    assert desk.keys.check(of_old).why == apikeys.REVOKED
    guessed = make_key(ACME, ["read"], START_NS)[1][-43:]
    assert desk.keys.check(text[:-43] + guessed).why == apikeys.UNKNOWN
    # One that is added meanwhile waits for the second to end, and no longer.
    later, added = desk.added()
    assert desk.keys.check(added).why == apikeys.UNKNOWN
    desk.now += SECOND_NS
    for number in range(5):
        desk.keys.check(make_key(TenantId(f"u{number}"), ["read"], START_NS)[1])
    assert desk.keys.check(added) == Checked(later, None)


def test_names_that_cannot_be_asked_for_are_not_asked_for_again_within_a_second(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, text = desk.added()

    def away() -> list[tuple[TenantId, str]]:
        desk.named += 1
        raise LedgerUnavailable("the server is away", "Look at it.")

    with monkeypatch.context() as patched:
        patched.setattr(desk, "api_key_names", away)
        for number in range(50):
            with contextlib.suppress(LedgerUnavailable):
                desk.keys.check(make_key(TenantId(f"t{number}"), ["read"], START_NS)[1])
        with pytest.raises(LedgerUnavailable, match="the server is away"):
            desk.keys.check(text)
        assert (desk.asked, desk.named) == (5, 1)
        desk.now += SECOND_NS
        for number in range(50):
            with contextlib.suppress(LedgerUnavailable):
                desk.keys.check(make_key(TenantId(f"u{number}"), ["read"], START_NS)[1])
        assert (desk.asked, desk.named) == (10, 2)
    desk.now += SECOND_NS
    assert desk.keys.check(text) == Checked(row, None)


def test_what_is_remembered_is_bounded(desk: Desk) -> None:
    for _ in range(5):
        desk.now += 5 * SECOND_NS
        assert desk.keys.check(desk.added()[1]).row
        desk.keys.check(make_key(GLOBEX, ["read"], START_NS)[1])
    assert (len(desk.keys._known), len(desk.keys._absent)) == (3, 3)


def test_every_comparison_is_of_32_bytes_in_constant_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def compare(mine: bytes, theirs: bytes) -> bool:
        compared.append((len(mine), len(theirs)))
        return real(mine, theirs)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    _, text = desk.added()
    for one in (text, text[:-43] + "A" * 43, make_key(GLOBEX, ["read"], START_NS)[1]):
        desk.keys.check(one)
    assert compared == [(32, 32)] * 3
