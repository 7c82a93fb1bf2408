"""The services of deploy/compose.yaml, one after the other, on a server without a ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from command import run
from postgres.desks import Desk
from running import running, said

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
APP = "selene_app"


def test_an_owner_makes_it_and_a_login_that_owns_nothing_serves_it(fresh: Desk) -> None:
    folder = fresh.command.folder
    fresh.done(*SERVICES["init"]["command"])
    (statement,) = re.findall(r'echo "(.*)" \| psql', SERVICES["login"]["command"][0])
    fresh.sql(statement.replace(":'password'", "'it''s one'"))
    login = re.findall(r"//(\w+)@", SERVICES["selene"]["environment"]["SELENE_DATABASE_URL"])
    assert login == [APP]
    added = run(
        "--db", fresh.url(APP), "operator", "add", "ada", "--all-tenants", "--password-stdin",
        folder=folder, stdin=b"correct horse battery\n",
    )  # fmt: skip
    assert added.code == 0, added.err
    fresh.done("tenant", "add", "acme", user=APP)
    fresh.done("register", "--tenant", "acme", "--user", "alice", "--device", "kitchen", user=APP)
    words = ("apikey", "add", "--tenant", "acme", "--scope", "write", "--scope", "admin")
    key = str(fresh.record(*words, user=APP)["key"])
    options = SERVICES["selene"]["command"][1:]
    with running(folder, "--db", fresh.url(APP), *options, key=key) as server:
        assert server.ask("POST", "turns", said("what time is it")).status == 201
        assert server.end() == 0
        assert "setup" not in server.rest()
    verified = fresh.record("verify", "--tenant", "acme", user=APP)
    assert verified["tenants"][0]["unsealed"] == 0 and verified["tenants"][0]["size"] >= 1
    assert fresh.sql(f"SELECT FROM pg_class WHERE relowner = '{APP}'::regrole") == []
