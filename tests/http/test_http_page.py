"""docs/http.md is true: every operation and code is there, and what it shows is what comes back."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.problems import HTTP
from serving import Served, token_of

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
SELENE = "http://localhost:8100/v1/tenants/acme"


def test_every_operation_is_documented_with_its_scopes() -> None:
    rows = re.findall(r"^\| `([A-Z]+(?: [^`]+)?)` \| ([a-z, ]+) \|", PAGE, re.M)
    table = [(f"{one.method} {one.path}".strip(), ", ".join(one.scopes)) for one in OPERATIONS]
    assert sorted(rows) == sorted(table)


def test_every_code_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| `([A-Za-z]+)` \| (\d{3}) \|", PAGE, re.M)
    assert rows == [(code, str(status)) for code, (status, _) in HTTP.items()]


def test_what_the_page_shows_is_what_comes_back(served: Served) -> None:
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.S | re.M)
    shown = re.findall(r"^\$ (curl [^\n]+)\n([^\n]+)\n", block, re.M)
    assert len(shown) == block.count("$ curl") > 3
    for command, expected in shown:
        answer = asked(served, command)
        pattern = re.escape(expected).replace("…", ".*")
        assert re.fullmatch(pattern, answer), f"{command}\n{answer}"


def asked(served: Served, command: str) -> str:
    filled = command.replace("$SELENE", SELENE).replace("$KEY", token_of("all"))
    words = shlex.split(filled)
    given: dict[str, Any] = {"headers": []}
    body, url = None, ""
    following = iter(words[1:])
    for word in following:
        if word == "-d":
            body = next(following).encode()
        elif word == "-H":
            name, _, value = next(following).partition(": ")
            if name != "content-type":
                given["headers"].append((name, value))
        elif word != "-s":
            url = word
    path = url.removeprefix("http://localhost:8100")
    method = "GET" if body is None else "POST"
    return served.ask(method, path, body, key=None, **given).content.decode()
