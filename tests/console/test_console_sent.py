"""What a form must bring along, how large it may be, and how long it is waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from consoles import Desk
from selene_os.edges.console import sessions
from selene_os.edges.console.forms import FORM_BYTES_MAX, IMPORT_BYTES_MAX, Denied, form_of


def test_a_form_without_its_token_does_nothing(desk: Desk) -> None:
    desk.log_in()
    mine = desk.token("t/acme/terms")
    terms = "kind,source,canonical\nPROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"
    for given in ({}, {"token": ""}, {"token": mine[:-1]}, {"token": "é"}, {"token": mine + "A"}):
        told = desk.ask("POST", "t/acme/terms", data={"terms": terms} | given)
        assert told.status_code == 403 and "Nothing was done" in told.text
    for headers in (
        {"origin": "https://evil.test"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
    ):
        data = {"token": mine, "terms": terms}
        assert desk.ask("POST", "t/acme/terms", data=data, headers=headers).status_code == 403
    assert desk.get("t/acme/terms.json").json()["terms"] == []
    assert desk.ask("POST", "t/acme/terms", data={"token": mine, "terms": terms}).status_code == 200


def test_a_token_of_another_session_is_of_no_use(desk: Desk) -> None:
    desk.log_in("bea")
    theirs = desk.token("me")
    desk.post("logout", "me")
    desk.log_in("ada")
    assert desk.ask("POST", "logout", data={"token": theirs}).status_code == 403
    assert desk.get("me").status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"token=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 1_048_577, "application/x-www-form-urlencoded", 413),
        (b"a=b", "", 415),
    ],
)
def test_what_is_no_form_is_refused(read: Desk, content: bytes, kind: str, status: int) -> None:
    told = read.ask("POST", "t/acme/terms", content=content, headers={"content-type": kind})
    assert told.status_code == status and "script-src 'self'" in told.headers[
        "content-security-policy"
    ]  # fmt: skip


async def stalled(content: bytes) -> AsyncIterator[bytes]:
    """A body that begins, and does not come to its end."""
    yield content
    await asyncio.sleep(3_600)


def test_who_may_not_send_a_form_is_told_before_it_is_read(desk: Desk) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    # No page with a form was shown; nobody is logged in; another site's.
    assert desk.ask("POST", "login", content=stalled(b"a="), headers=kind).status_code == 403
    told = desk.ask("POST", "t/acme/terms", content=stalled(b"terms="), headers=kind)
    assert told.status_code == 401
    desk.log_in()
    foreign = kind | {"origin": "https://evil.test"}
    told = desk.ask("POST", "t/acme/terms", content=stalled(b"terms="), headers=foreign)
    assert told.status_code == 403


def test_a_form_has_its_size_and_an_import_a_larger_one(desk: Desk) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    desk.log_in()
    for path, most in (("login", FORM_BYTES_MAX), ("t/acme/terms", IMPORT_BYTES_MAX)):
        # By what it says of itself, and by what comes.
        said = kind | {"content-length": str(most + 1)}
        assert desk.ask("POST", path, content=stalled(b"a"), headers=said).status_code == 413
        much = stalled(b"a" * (most + 1))
        assert desk.ask("POST", path, content=much, headers=kind).status_code == 413
        within = kind | {"content-length": str(most)}
        content = b"a=" + b"b" * (most - 2)
        # Read, and then found to have no token.
        assert desk.ask("POST", path, content=content, headers=within).status_code == 403


def test_a_form_is_waited_for_so_long() -> None:
    async def receive() -> dict[str, object]:
        return await asyncio.sleep(3_600, {})

    scope = {
        "type": "http", "method": "POST", "path": "/", "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }  # fmt: skip
    with pytest.raises(Denied, match=r"0\.05 s are waited") as denied:
        asyncio.run(form_of(Request(scope, receive), wait_s=0.05))
    assert denied.value.status == 408


@pytest.mark.parametrize("length", ["", "-1", "1_0", "\u00b2", "1" * 5_000])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    scope = {
        "type": "http", "method": "POST", "path": "/", "query_string": b"",
        "headers": [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", length.encode("latin-1")),
        ],
    }  # fmt: skip
    with pytest.raises(Denied, match="must be a number") as denied:
        asyncio.run(form_of(Request(scope)))
    assert denied.value.status == 400


def test_a_form_that_is_refused_is_told_of_in_a_thread_of_its_own(desk: Desk) -> None:
    desk.log_in()
    real, asked = desk.selene.tenants, []

    def tenants() -> Any:
        asked.append(threading.current_thread())
        return real()

    desk.selene.tenants = tenants  # type: ignore[method-assign]
    kind = {"content-type": "application/x-www-form-urlencoded"}
    told = desk.ask("POST", "t/acme/terms", content=b"a=%ff", headers=kind)
    assert told.status_code == 400 and desk.loop_thread not in asked and asked


def test_an_operator_who_is_disabled_while_a_form_is_read_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "ROW_KEPT_S", -1.0)
    desk.log_in()
    token = desk.token("t/acme/terms")

    async def content() -> AsyncIterator[bytes]:
        yield f"token={token}&terms=kind,source,canonical%0A".encode()
        desk.operators.disable("ada")
        yield b"PROJECT_CODE,HR_ORG_AUTHORIZED,Blue+Heron%0A"

    kind = {"content-type": "application/x-www-form-urlencoded"}
    told = desk.ask("POST", "t/acme/terms", content=content(), headers=kind)
    assert told.status_code == 401 and "Log out" not in told.text
    assert desk.selene.tenant("acme").terms() == ()
