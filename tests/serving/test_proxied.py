"""A server behind a proxy: whose word of a visitor's scheme and address it takes."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from running import Running, Told, ledger, running


def seen(server: Running, **headers: str) -> Told:
    """The page of the login, as it is asked for through a proxy."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("GET", "/console/login", headers=given)


def tried(server: Running, visitor: str) -> int:
    """What comes of a wrong password that a visitor of that address gives."""
    page = seen(server, x_forwarded_proto="https", x_forwarded_for=visitor)
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())
    assert token is not None
    form = {"token": unescape(token[1]), "login": "ada", "password": "wrong"}
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "cookie": page.headers["set-cookie"].partition(";")[0],
        "x-forwarded-proto": "https",
        "x-forwarded-for": visitor,
    }
    return server.ask("POST", "/console/login", urlencode(form).encode(), headers=headers).status


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8 ,::1"])
def test_a_proxy_that_is_trusted_is_believed(tmp_path: Path, proxies: str) -> None:
    ledger(tmp_path)
    with running(tmp_path, SELENE_TRUSTED_PROXIES=proxies) as server:
        cookie = seen(server, x_forwarded_proto="https").headers["set-cookie"]
        assert cookie.startswith("__Host-selene-visitor=") and "Secure" in cookie
        assert "__Host-" not in seen(server).headers["set-cookie"]
        # Five times at once, each visitor for themselves; what a visitor adds in front is nothing.
        assert [tried(server, f"198.51.100.{n}, 203.0.113.7") for n in range(6)] == [403] * 5 + [
            429
        ]
        assert tried(server, "203.0.113.8") == 403


def test_nobody_is_believed_who_is_not_named(tmp_path: Path) -> None:
    ledger(tmp_path)
    with running(tmp_path, SELENE_TRUSTED_PROXIES="10.0.0.0/8") as server:
        cookie = seen(server, x_forwarded_proto="https").headers["set-cookie"]
        assert cookie.startswith("selene-visitor=") and "Secure" not in cookie
        assert [tried(server, f"203.0.113.{n}") for n in range(6)] == [403] * 5 + [429]
