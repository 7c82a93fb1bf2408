"""The console of a server that runs: what only the server can tell it."""

from __future__ import annotations

import re
import time
from contextlib import closing
from html import unescape
from pathlib import Path

import httpx
import pytest

from command import run
from running import Running, ledger, running
from selene_os.edges.http.moments import nanoseconds

PASSWORD = "correct horse battery"


def logged_in(server: Running) -> httpx.Client:
    """A browser of an operator."""
    browser = httpx.Client(base_url=f"http://127.0.0.1:{server.port}/console")
    page = browser.get("/login").text
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    form = {"token": unescape(found[1]), "login": "root", "password": PASSWORD}
    assert browser.post("/login", data=form).status_code == 303
    return browser


@pytest.mark.parametrize("workers", [1, 2])
def test_the_overview_tells_how_long_commits_of_all_processes_take(
    tmp_path: Path, workers: int
) -> None:
    key = ledger(tmp_path)
    added = run(
        "operator", "add", "root", "--all-tenants", "--password-stdin", folder=tmp_path,
        stdin=f"{PASSWORD}\n".encode(),
    )  # fmt: skip
    assert added.code == 0, added.err
    began = time.time_ns()
    with (
        running(tmp_path, "--workers", str(workers), "--seal-every", "off", key=key) as server,
        closing(logged_in(server)) as browser,
    ):
        before = browser.get("/t/acme/overview.json").json()["metrics"]
        assert before["commits"] == 0 and before["commit_p50_ms"] is None
        for number in range(8):
            assert server.turn(f"turn-{number}").status == 201
        told = browser.get("/t/acme/overview.json").json()["metrics"]
        assert told["commits"] == 8 and told["since"] == before["since"]
        assert 0 < told["commit_p50_ms"] <= told["commit_p99_ms"] < 10_000
        page = browser.get("/t/acme").text
        assert "Commits of this server" in page and f"{told['commit_p50_ms']:.1f} ms" in page
        rows = browser.get("/t/acme/overview.csv").text.splitlines()
        assert rows[0].endswith(
            "server_since,server_commits,server_commit_p50_ms,server_commit_p99_ms"
        )
        assert ",8," in rows[1]
        assert began <= nanoseconds("since", told["since"]) <= time.time_ns()
