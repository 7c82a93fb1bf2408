"""Who gets in, what they may see, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from consoles import FIRST, PASSWORD, SECOND, Desk
from ledgers import SqliteDatabase
from selene_os.edges.console.answering import HEADERS
from selene_os.edges.console.sessions import Attempts, Sessions
from selene_os.errors import LedgerUnavailable

HOUR = 3_600 * SECOND
TENANT_PAGES = (
    "", "/overview", "/overview.json", "/overview.csv", "/search", "/search.json", "/search.csv",
    "/try", "/terms", "/terms.csv", "/packs", "/packs.json", "/checkpoints", "/checkpoints/3",
    "/access", "/access.json", "/access.csv", "/c/{talk}", "/c/{talk}.json", "/c/{talk}/replay",
    "/c/{talk}/replay.csv", "/c/{talk}/bundle.zip?unsealed=true", "/e/{event}", "/e/{event}.json",
    "/c/{talk}.csv", "/e/{event}.csv", "/try.json", "/try.csv",
)  # fmt: skip


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Rows of operators are asked for anew at each request."""
    from selene_os.edges.console import sessions

    monkeypatch.setattr(sessions, "ROW_KEPT_S", -1.0)
    return {}


def test_who_is_not_logged_in_learns_nothing_but_that(desk: Desk) -> None:
    event = desk.ledger.store.trace(*_place(desk))[0].event_id
    for tenant in ("acme", "globex", "nobody", "no such"):
        for path in TENANT_PAGES:
            told = desk.get(f"t/{tenant}{path.format(talk=desk.talk, event=event)}")
            if ".json" in path or ".csv" in path:
                assert told.status_code == 401
            else:
                assert told.status_code == 303
                assert told.headers["location"].startswith("/console/login?next=")
            assert not told.cookies.get("selene-session")
    assert desk.ask("POST", "t/acme/terms", data={"terms": "x"}).status_code == 401
    assert desk.ledger.store.access.access_events(_place(desk)[0], None, 5) == []


def _place(desk: Desk) -> Any:
    from ledgers import ACME
    from selene_os.names import CorrelationId

    return ACME, CorrelationId(desk.talk)


def test_a_foreign_tenant_and_one_that_is_none_are_answered_alike(desk: Desk) -> None:
    desk.log_in("ada")
    event = desk.selene.tenant("globex").trace(desk.foreign)[0].event_id
    for path in TENANT_PAGES:
        where = path.format(talk=desk.foreign, event=event)
        told = [desk.get(f"t/{tenant}{where}") for tenant in ("globex", "nobody", "n%20o")]
        assert [one.status_code for one in told] == [404] * 3, path
        # But for the address itself, to which the switch of colours leads back.
        bodies = {re.sub(r'name="next" value="[^"]*"', "", one.text) for one in told}
        assert len(bodies) == 1, path


def test_rows_of_another_tenant_are_not_found_in_ones_own(desk: Desk) -> None:
    desk.log_in("ada")
    event = desk.selene.tenant("globex").trace(desk.foreign)[0].event_id
    for path in ("c/{talk}", "c/{talk}/replay", "c/{talk}/bundle.zip", "e/{event}"):
        told = desk.get(f"t/acme/{path.format(talk=desk.foreign, event=event)}")
        assert told.status_code == 404 and "carol" not in told.text
    assert desk.access() == []
    assert "carol" not in desk.get("t/acme/search?user=carol").text.partition("<table")[2]


def test_an_operator_of_every_tenant_chooses_and_one_of_one_begins_there(desk: Desk) -> None:
    desk.log_in("ada")
    assert desk.get("/console").headers["location"] == "/console/t/acme"
    assert "globex" not in desk.get("me").text
    desk.post("logout", "me")
    desk.log_in("bea")
    page = desk.get("/console").text
    assert "/console/t/acme" in page and "/console/t/globex" in page
    assert desk.get(f"t/globex/c/{desk.foreign}").status_code == 200
    assert desk.get("/").headers["location"] == "/console"


# ---- sessions


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(desk: Desk) -> None:
    told = desk.log_in()
    (cookie,) = [one for one in told.headers.get_list("set-cookie") if "-session" in one]
    assert cookie.startswith("selene-session=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie


def test_by_https_the_cookie_is_secure_and_bound_to_the_host(desk: Desk) -> None:
    desk.visitor = desk.client("https://console.test")
    told = desk.log_in()
    (cookie,) = [one for one in told.headers.get_list("set-cookie") if "-session" in one]
    assert cookie.startswith("__Host-selene-session=") and "Secure" in cookie
    assert "Domain" not in cookie
    assert desk.get("me").status_code == 200


def test_a_session_ends_after_twelve_hours(desk: Desk) -> None:
    desk.log_in()
    desk.now_ns += 12 * HOUR - 1
    assert desk.get("me").status_code == 200
    desk.now_ns += 1
    assert desk.get("me").status_code == 303


def test_logging_out_ends_the_session_for_whoever_holds_its_cookie(desk: Desk) -> None:
    desk.log_in()
    kept = desk.visitor.cookies["selene-session"]
    assert desk.post("logout", "me").status_code == 303
    desk.visitor.cookies.set("selene-session", kept, domain="console.test")
    assert desk.get("me").status_code == 303


def test_a_disabled_operator_and_one_with_another_password_are_out(
    desk: Desk, quick: dict[str, float]
) -> None:
    changes: list[tuple[Callable[[], None], int]] = [
        (lambda: desk.operators.disable("ada"), 403),
        (lambda: desk.operators.enable("ada"), 303),
        (lambda: desk.operators.set_password("ada", PASSWORD), 303),
    ]
    for change, then in changes:
        desk.now_ns += SECOND
        change()
        assert desk.get("me").status_code == 303
        desk.now_ns += SECOND
        assert desk.log_in().status_code == then


def test_an_operator_who_lost_a_tenant_does_not_see_it(desk: Desk, quick: dict[str, float]) -> None:
    desk.log_in("bea")
    assert desk.get("t/globex").status_code == 200
    desk.operators.set_tenants("bea", "acme")
    assert desk.get("t/globex").status_code == 404 and desk.get("t/acme").status_code == 200


def test_a_row_of_an_operator_is_kept_for_five_seconds_at_most(desk: Desk) -> None:
    now = 0.0
    sessions = Sessions(desk.ledger.store.access, lambda: desk.now_ns, b"k" * 32, lambda: now)
    cookie = sessions.begin("ada")
    assert sessions.read(cookie) is not None
    desk.now_ns += 1
    desk.operators.disable("ada")
    now = 4.9
    assert sessions.read(cookie) is not None
    now = 5.0
    assert sessions.read(cookie) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: good[:-1],
        lambda good: good + "A",
        lambda good: "." + good.partition(".")[2],
        lambda good: good.partition(".")[0] + ".",
        lambda good: "",
        lambda good: "é.ü",
        lambda good: "A" * 5000,
        lambda good: good.swapcase(),
    ],
)
def test_a_cookie_that_was_not_signed_here_is_none(desk: Desk, spoil: Any) -> None:
    sessions = Sessions(desk.ledger.store.access, lambda: desk.now_ns, b"k" * 32)
    good = sessions.begin("ada")
    assert sessions.read(good) is not None
    assert sessions.read(spoil(good)) is None
    other = Sessions(desk.ledger.store.access, lambda: desk.now_ns, b"o" * 32)
    assert other.read(good) is None


def test_a_key_that_is_too_short_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sessions(desk.ledger.store.access, lambda: 0, b"short")


# ---- login


@pytest.mark.parametrize(
    ("login", "password"),
    [("ada", "wrong wrong wrong"), ("nobody", PASSWORD), ("ada", ""), ("A\x00", PASSWORD)],
)
def test_a_wrong_login_is_told_alike_whatever_is_wrong(
    desk: Desk, login: str, password: str
) -> None:
    told = desk.post("login", login=login, password=password)
    assert told.status_code == 403 and "do not belong together" in told.text
    assert "selene-session" not in desk.visitor.cookies


def test_who_tries_too_often_must_wait_whether_the_login_is_known_or_not(desk: Desk) -> None:
    for login in ("ada", "nobody"):
        told = [desk.post("login", login=login, password="short") for _ in range(6)]
        assert [one.status_code for one in told] == [403] * 5 + [429]
    assert desk.log_in("ada").status_code == 429
    assert desk.log_in("bea").status_code == 303


def test_attempts_come_back_with_time_and_addresses_stand_for_themselves() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    assert [attempts.take("ada", "a") for _ in range(6)] == [0] * 5 + [30]
    assert attempts.take("ada", "b") == 0
    now = 31.0
    assert attempts.take("ada", "a") == 0
    tries = [attempts.take(f"login{number}", "c") for number in range(30)]
    assert tries.count(0) == 20


@pytest.mark.parametrize(
    ("following", "to"),
    [
        ("/console/t/acme/search?user=bob", "/console/t/acme/search?user=bob"),
        ("https://evil.test/", "/console"),
        ("//evil.test/", "/console"),
        ("/console//evil.test", "/console"),
        ("/console/\\evil.test", "/console"),
        ("/consolevil", "/console"),
        ("/console/\r\nset-cookie: a=b", "/console"),
        ("javascript:alert(1)", "/console"),
    ],
)
def test_a_login_leads_to_a_page_of_the_console_and_nowhere_else(
    desk: Desk, following: str, to: str
) -> None:
    told = desk.post("login", login="ada", password=PASSWORD, next=following)
    assert told.headers["location"] == to


# ---- the first operator


def test_the_first_operator_is_made_with_a_token_once(empty: Desk) -> None:
    assert empty.get("setup").status_code == 404
    page = f"setup?token={FIRST}"
    given = {"first": FIRST, "login": "ada", "password": PASSWORD, "again": PASSWORD}
    assert empty.post("setup", page, **given | {"again": "other"}).status_code == 422
    assert empty.post("setup", page, **given | {"password": "x", "again": "x"}).status_code == 422
    assert empty.post("setup", page, **given | {"first": "guessed"}).status_code == 404
    assert empty.post("setup", page, **given).status_code == 303
    assert empty.get("me").status_code == 200
    assert empty.get(page).status_code == 404
    row = empty.ledger.store.access.operator("ada")
    assert row is not None and row.tenants == "*"


def test_where_operators_are_nobody_sets_up(desk: Desk) -> None:
    assert desk.get(f"setup?token={FIRST}").status_code == 404


# ---- every answer


def test_every_answer_says_what_a_browser_may_do_with_it(read: Desk) -> None:
    paths = [
        "login", "me", "me.json", "/console", "/", "nothing", "t/acme", "t/acme/search.csv",
        "t/acme/search?reason=no", "t/nobody", "static/console.css", "static/nothing",
        f"t/acme/c/{read.talk}/bundle.zip?unsealed=true", "t/acme?" + "x" * 5000,
    ]  # fmt: skip
    for path in paths:
        told = read.get(path)
        assert told.status_code < 500, path
        for name, value in HEADERS.items():
            if not (name == "cache-control" and path == "static/console.css"):
                assert told.headers[name] == value, (path, name)


def test_files_are_kept_by_browsers_as_long_as_they_are_the_same(read: Desk) -> None:
    told = read.get("static/console.js")
    again = read.get("static/console.js", **{"if-none-match": told.headers["etag"]})
    assert (told.status_code, again.status_code, again.content) == (200, 304, b"")


def test_how_it_looks_is_kept_in_a_cookie(desk: Desk) -> None:
    told = desk.post("theme", "login", theme="dark", next="/console/login")
    assert told.headers["location"] == "/console/login"
    assert 'data-theme="dark"' in desk.get("login").text
    desk.post("theme", "login", theme="pink")
    assert 'data-theme="dark"' in desk.get("login").text


def test_a_defect_is_told_without_what_was_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from selene_os.edges import story

    desk.log_in()

    def broken(*_given: object) -> None:
        raise RuntimeError("send $20 to Bob")

    monkeypatch.setattr(story, "of_conversation", broken)
    with caplog.at_level(logging.ERROR, "selene.console"):
        told = desk.get(f"t/acme/c/{desk.talk}")
    assert told.status_code == 500 and "Bob" not in told.text
    assert "RuntimeError" in caplog.text and "Bob" not in caplog.text


def test_a_ledger_that_goes_away_amid_a_page_is_told_as_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selene_os.edges import story

    def gone(*_given: object) -> None:
        desk.ledger.store.close()
        raise LedgerUnavailable("the server is away", "Look at it.")

    desk.log_in()
    monkeypatch.setattr(story, "of_conversation", gone)
    told = desk.get(f"t/acme/c/{desk.talk}")
    assert told.status_code == 503 and "The ledger cannot answer" in told.text


def test_a_query_that_is_no_utf8_is_answered(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """As it comes, without percent signs: no browser sends it, and any stranger may."""

    async def status(path: str) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "scheme": "http", "path": path,
            "query_string": b"next=\xff", "headers": [], "root_path": "", "client": None,
            "server": ("here", 80),
        }  # fmt: skip
        await desk.app(scope, lambda: asyncio.sleep(3_600, {}), send)
        return int(sent[0]["status"])

    for path, told in (("/console/login", 200), ("/console/me", 303), ("/console/setup", 404)):
        assert desk.run(status(path)) == told
    assert caplog.records == []


def test_a_ledger_that_cannot_answer_is_told_as_that(desk: Desk) -> None:
    desk.log_in()
    assert isinstance(desk.ledger.database, SqliteDatabase)
    desk.ledger.store.close()
    assert desk.get("t/acme/search").status_code == 503
