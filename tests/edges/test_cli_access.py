"""`selene apikey`, `operator` and `access`: a key is shown once, a password never."""

from __future__ import annotations

import re
import time

import pytest

from api_keys import access_event
from command import Command, Record, dump, run
from ledgers import ACME, START_NS
from selene_os.edges.apikeys import ApiKeys
from selene_os.ledger.sqlite.store import SqliteStore

HERE = ("--tenant", "acme")
PASSWORD = b"correct horse battery"


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger of two tenants."""
    selene.prepare().done("tenant", "add", "globex")
    return selene


def added(selene: Command, *options: str) -> Record:
    return selene.done("apikey", "add", *HERE, "--scope", "read", *options, "--json").record


def checked(selene: Command, text: str) -> tuple[bool, str | None]:
    """Whether a key would get in, and why not."""
    store = SqliteStore(str(selene.path))
    try:
        found = ApiKeys(store.access).check(text)
        return found.row is not None, found.why
    finally:
        store.close()


def test_a_key_is_printed_once_and_kept_nowhere(selene: Command) -> None:
    made = selene.done("apikey", "add", *HERE, "--scope", "write", "--scope", "read").out
    text, once, line = made.splitlines()
    assert "this once" in once and "read,write" in line and "does not expire" in line
    assert checked(selene, text) == (True, None)
    listed = selene.done("apikey", "list", *HERE).out
    assert listed == line + "\n"
    secret = text[-43:]
    assert secret not in listed + dump(selene.path)
    assert secret not in selene.done("apikey", "list", *HERE, "--json").out
    assert selene.done("apikey", "list", "--tenant", "globex").out.startswith("Tenant globex has")


@pytest.mark.parametrize(
    ("given", "days"),
    [("90d", 90), ("12h", 0.5), ("30m", 1 / 48), ("45s", 1 / 1920), ("2200-01-01", None)],
)
def test_a_key_ends_when_it_is_told_to(selene: Command, given: str, days: float | None) -> None:
    made = added(selene, "--expires", given, "--label", "hub")
    if days is None:
        assert made["expires_at"] == 7_258_118_400 * 10**9
    else:
        assert made["expires_at"] - made["created_at"] == round(days * 86_400) * 10**9
    assert (made["scopes"], made["label"]) == (["read"], "hub")


def test_what_is_no_end_is_told_with_what_is(selene: Command) -> None:
    words = ("apikey", "add", *HERE, "--scope", "read", "--expires", "3 weeks")
    told = selene.refused(*words)["message"]
    assert "'3 weeks' is no moment, and no time like 90d" in told
    assert "Give 90d, 12h, 30m, 45s, or 2027-01-31T09:00Z." in told


@pytest.mark.parametrize(
    "options",
    [
        ("--expires", "yesterday"), ("--expires", "2001-01-01"), ("--expires", "0d"),
        ("--expires", "2999-01-01"), ("--expires", "999999d"),
        ("--expires", "-1d"), ("--label", "x" * 65), ("--label", "a\x1bb"),
        ("--scope", "root"), ("--tenant", "nobody"), ("--tenant", "a b"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused_and_nothing_written(
    selene: Command, options: tuple[str, ...]
) -> None:
    before = dump(selene.path)
    selene.refused("apikey", "add", *HERE, "--scope", "read", *options)
    assert dump(selene.path) == before


def test_a_revoked_key_is_of_no_use(selene: Command) -> None:
    made = added(selene)
    told = selene.done("apikey", "revoke", *HERE, made["key_id"]).out
    assert told == f"Key {made['key_id']} of tenant acme is revoked.\n"
    before = dump(selene.path)
    selene.done("apikey", "revoke", *HERE, made["key_id"])
    assert dump(selene.path) == before
    assert checked(selene, made["key"]) == (False, "revoked")
    assert "revoked" in selene.done("apikey", "list", *HERE).out
    for tenant in ("globex", "nobody"):
        assert selene.refused("apikey", "revoke", "--tenant", tenant, made["key_id"])["code"] == (
            "NotFound"
        )


def test_a_rotated_key_is_of_use_beside_the_new_one_for_a_while(selene: Command) -> None:
    made = added(selene, "--label", "hub", "--expires", "90d")
    line = ("apikey", "rotate", *HERE, made["key_id"], "--overlap", "2h", "--json")
    new = selene.done(*line).record
    assert (new["scopes"], new["label"]) == (made["scopes"], "hub")
    assert new["expires_at"] - new["created_at"] == made["expires_at"] - made["created_at"]
    old = new["replaces"]
    assert (old["key_id"], old["replaced_by"]) == (made["key_id"], new["key_id"])
    assert old["expires_at"] - new["created_at"] == 2 * 3_600 * 10**9
    assert checked(selene, made["key"]) == checked(selene, new["key"]) == (True, None)
    assert selene.refused(*line[:-1])["code"] == "RegistrationRefused"
    shown = selene.done("apikey", "rotate", *HERE, new["key_id"], "--expires", "1d").out
    assert shown.startswith("sel_acme_") and "this once" in shown
    assert selene.refused(*line[:3], HERE[1], "nosuchkey234")["code"] == "NotFound"


def test_an_operators_password_is_read_and_never_shown(selene: Command) -> None:
    folder = selene.folder
    line = ("operator", "add", "ada", *HERE, "--tenant", "globex", "--password-stdin")
    made = run(*line, "--json", folder=folder, stdin=PASSWORD + b"\n")
    assert made.code == 0, made.err
    assert made.record["tenants"] == ["acme", "globex"]
    assert "password" not in made.record
    stored = dump(selene.path)
    assert PASSWORD.decode() not in stored and "$argon2id$" in stored
    taken = run(*line, "--json", folder=folder, stdin=PASSWORD)
    assert (taken.code, taken.error["code"]) == (2, "RegistrationRefused")
    every = run("operator", "add", "bob", "--all-tenants", "--password-stdin", folder=folder,
                stdin=PASSWORD)  # fmt: skip
    assert "bob  every tenant" in every.out
    listed = selene.done("operator", "list").out
    assert re.fullmatch(r"ada  acme,globex  of .*\nbob  every tenant  of .*\n", listed)
    again = run("operator", "password", "ada", "--password-stdin", folder=folder,
                stdin=b"another one entirely")  # fmt: skip
    assert again.code == 0 and dump(selene.path) != stored
    before, after = selene.done("operator", "list", "--json").record["operators"], time.time_ns()
    assert before[0]["created_at"] < before[0]["valid_after"] <= after
    assert "password" not in before[0]


@pytest.mark.parametrize(
    ("line", "stdin"),
    [
        (("add", "ada", *HERE, "--password-stdin"), b"short"),
        (("add", "ada", *HERE, "--password-stdin"), b""),
        (("add", "ada", *HERE, "--password-stdin"), b"x" * 300),
        (("add", "Ada", *HERE, "--password-stdin"), PASSWORD),
        (("add", "ada", "--tenant", "nobody", "--password-stdin"), PASSWORD),
        (("add", "ada", "--password-stdin"), PASSWORD),
        (("add", "ada", *HERE, "--all-tenants", "--password-stdin"), PASSWORD),
        (("add", "ada", *HERE, "--password", "correct horse battery"), b""),
        (("password", "eve", "--password-stdin"), PASSWORD),
        (("disable", "eve"), b""),
        (("enable", "eve"), b""),
    ],
)
def test_an_operator_that_cannot_be_is_refused_and_nothing_written(
    selene: Command, line: tuple[str, ...], stdin: bytes
) -> None:
    before = dump(selene.path)
    ran = run("operator", *line, folder=selene.folder, stdin=stdin)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    assert dump(selene.path) == before


def test_an_operator_is_disabled_and_enabled(selene: Command) -> None:
    run("operator", "add", "ada", *HERE, "--password-stdin", folder=selene.folder, stdin=PASSWORD)
    assert selene.done("operator", "disable", "ada", "--json").record["disabled_at"]
    assert "disabled" in selene.done("operator", "list").out
    assert selene.done("operator", "enable", "ada", "--json").record["disabled_at"] is None


def test_access_events_are_listed_page_by_page(selene: Command) -> None:
    assert selene.done("access", *HERE).out == "Nothing was found.\n"
    store = SqliteStore(str(selene.path))
    for number in range(1, 6):
        store.access.append_access(access_event(number, ACME, START_NS + number // 2))
    store.close()
    found: list[Record] = []
    cursor: tuple[str, ...] = ()
    while True:
        page = selene.done("access", *HERE, "--rows", "2", *cursor, "--json").record
        found += page["events"]
        if page["cursor"] is None:
            break
        cursor = ("--after", page["cursor"])
    assert [one["access_id"] for one in found] == [
        access_event(number).access_id for number in (5, 4, 3, 2, 1)
    ]
    shown = selene.done("access", *HERE, "--rows", "2").out
    assert "operator:acme  trace  acme-target  OK" in shown and "More: --after" in shown
    for wrong in (("--rows", "0"), ("--rows", "1001"), ("--after", "x"), ("--after", "1/x"),
                  ("--after", "²/x"), ("--tenant", "nobody")):  # fmt: skip
        selene.refused("access", *HERE, *wrong)
