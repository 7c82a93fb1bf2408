"""A server that runs: what a caller, a key's keeper and whoever watches it see."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from command import environment, rows, run
from running import Running, key_of, ledger, running
from selene_os.edges.http.app import OPERATIONS

# In no word of ours, nor of any library's.
CANARY = "xyzzyplughcanary"
IDLE = 2_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that these tests share."""
    folder = tmp_path_factory.mktemp("served")
    key = ledger(folder)
    with running(folder, "--log-format", "json", "--seal-every", "100ms", key=key) as server:
        yield server


def figures(server: Running) -> dict[str, float]:
    """What /metrics tells."""
    told = server.ask("GET", "/metrics").content.decode()
    lines = [line.rpartition(" ") for line in told.splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


def test_a_ledger_is_made_served_and_used_by_the_command_line_alone(tmp_path: Path) -> None:
    with running(tmp_path, "--create", "--seal-every", "off") as server:
        here = {"folder": tmp_path, "env": environment()}
        assert run("tenant", "add", "acme", **here).code == 0  # type: ignore[arg-type]
        alice = ("--tenant", "acme", "--user", "alice", "--device", "kitchen")
        assert run("register", *alice, **here).code == 0  # type: ignore[arg-type]
        words = ("apikey", "add", "--tenant", "acme", "--scope", "write", "--json")
        made = run(*words, **here)  # type: ignore[arg-type]
        server.key = str(made.record["key"])
        first, second = server.turn("order-17"), server.turn("order-17")
        assert (first.status, second.status) == (201, 200)
        assert first.json["event_id"] == second.json["event_id"]
        assert second.headers["idempotent-replayed"] == "true"
        assert server.ask("GET", "/readyz").json == {"status": "ready"}
        assert server.end() == 0
        link = re.search(r"http://127\.0\.0\.1:\d+/console/setup\?token=[\w-]{43}\n", server.rest())
        assert link and link[0].rpartition("=")[2].strip() not in server.log()
    assert rows(tmp_path / "selene.db", "SELECT count(*) FROM unsealed_events") == [[1]]


@pytest.mark.parametrize(("allowed", "status"), [("", 403), ("off", 403), ("memory", 201)])
def test_memory_is_acted_on_where_the_server_was_told_so(
    tmp_path: Path, allowed: str, status: int
) -> None:
    key = ledger(tmp_path)
    with running(tmp_path, key=key, SELENE_ALLOW=allowed) as server:
        alice = {"user_id": "alice", "device_id": "kitchen"}
        words = {**alice, "text": "remember that my locker is 42"}
        draft = server.ask("POST", "turns", words).json["event_id"]
        yes = server.ask("POST", "confirmations", {"draft_event_id": draft}).json["event_id"]
        named = {"draft_event_id": draft, "confirmation_event_id": yes}
        told = server.ask("POST", "memories/apply", named)
        assert told.status == status, told
        if status == 403:
            assert (told.json["reason_code"], told.json["field"]) == (
                "GATE_ACCESS_DENIED", "draft_event_id",
            )  # fmt: skip
        held = server.ask("GET", "memories/alice").json["memories"]
        assert len(held) == (status == 201)
    run_env = {"folder": tmp_path, "env": environment(SELENE_ALLOW=allowed)}
    shown = run("settings", **run_env).out  # type: ignore[arg-type]
    origin = "environment" if allowed else "default"
    assert f"SELENE_ALLOW = {allowed or 'off'}  ({origin})" in shown


def test_there_is_no_link_where_there_is_an_operator(tmp_path: Path) -> None:
    ledger(tmp_path)
    password = b"correct horse battery\n"
    added = run(
        "operator", "add", "root", "--all-tenants", "--password-stdin", folder=tmp_path,
        stdin=password,
    )  # fmt: skip
    assert added.code == 0, added.err
    with running(tmp_path) as server:
        assert server.end() == 0
        assert "setup" not in server.rest()


def test_keys_that_are_not_good_are_refused_and_counted(server: Running) -> None:
    before = figures(server).get("selene_unknown_keys_total", 0)
    read = key_of(str(server.folder / "selene.db"), ("read",))
    assert server.ask("POST", "turns", {}, read).status == 403
    assert server.ask("GET", "settings", key=f"{read[:-1]}-").status == 401
    assert server.ask("GET", "settings", key="nonsense").status == 401
    assert figures(server)["selene_unknown_keys_total"] == before + 2
    assert server.ask("GET", "settings").status == 200
    # More than are looked up in a second, each made up.
    told = {
        server.ask("GET", "settings", key=f"sel_acme_{number:0>12}_{'s' * 43}").status
        for number in range(150)
    }
    assert told <= {401, 503} and 401 in told
    assert server.ask("GET", "settings").status == 200


def test_whoever_has_no_key_writes_no_line_for_each_request(server: Running) -> None:
    server.ask("GET", "settings", key="nonsense")
    # Asking for something else waits for the lines of what was asked before.
    refused = figures(server)['selene_refusals_total{code="NotAuthenticated"}']
    before = server.log()
    for number in range(100):
        # What is looked up, and what is refused because too much is.
        server.ask("GET", "settings", key=f"sel_acme_{number:z>12}_{'s' * 43}")
        server.ask("GET", "/v1/anything", key="nonsense")
    assert server.ask("GET", "settings").status == 200
    assert figures(server)['selene_refusals_total{code="NotAuthenticated"}'] >= refused + 100
    lines = map(json.loads, server.log().removeprefix(before).splitlines())
    told = [line["operation"] for line in lines if line["logger"] == "selene.requests"]
    assert told == ["getSettings"]


def test_what_is_no_http_is_counted_and_writes_no_line(server: Running) -> None:
    counted = figures(server)["selene_malformed_requests_total"]
    before = server.log()
    asking = "GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    sent = ["FOO / HTTP/1.1\r\n\r\n", "GET /healthz HTTP/1.1\r\nhost\r\n\r\n", f"{asking}\r\n"]
    for one in sent:
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(one.encode())
            assert plain.recv(1_000).startswith(b"HTTP/1.1 ")
    assert figures(server)["selene_malformed_requests_total"] == counted + 2
    assert server.log() == before


def test_what_was_refused_and_read_is_noted(server: Running) -> None:
    server.ask("GET", "settings")
    (newest, *_) = server.ask("GET", "access-events").json["events"]
    assert (newest["action"], newest["outcome"]) == ("getSettings", "OK")
    assert server.ask("GET", "/v1/tenants/globex/settings").status == 403
    noted = server.ask("GET", "access-events").json["events"]
    assert ("tenant", "TenantForbidden") in [(one["action"], one["reason"]) for one in noted]


def test_what_is_committed_is_sealed_behind_it(server: Running) -> None:
    event_id = server.turn("sealed").json["event_id"]
    until = time.monotonic() + 10
    while server.ask("GET", f"decisions/{event_id}/proof").status != 200:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert server.ask("POST", "seal").status == 200
    counted = figures(server)
    assert counted["selene_seal_seconds_count"] >= 1 and counted["selene_sealed_rows_total"] >= 1


def test_what_happens_is_counted(server: Running) -> None:
    before = figures(server)
    server.turn("counted")
    server.turn("counted")
    server.ask("POST", "turns", {"colour": 1})
    after = figures(server)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown('selene_requests_total{operation="takeTurn",status="201"}') == 1
    assert grown('selene_requests_total{operation="takeTurn",status="422"}') == 1
    assert grown('selene_request_seconds_count{operation="takeTurn"}') == 3
    assert grown('selene_decisions_total{kind="INTENT_DRAFT"}') == 1
    assert grown("selene_deduplicated_total") == 1
    assert grown('selene_refusals_total{code="BadField"}') == 1
    assert grown("selene_commit_seconds_count") >= 2
    assert after["selene_unsealed_rows"] >= 0


def test_what_is_waited_for_is_set(tmp_path: Path) -> None:
    key = ledger(tmp_path)
    waits = {"SELENE_BODY_WAIT": "200ms", "SELENE_KEY_KEPT": "0s"}
    with running(tmp_path, key=key, **waits) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=8) as plain:
            plain.sendall(
                "POST /v1/tenants/acme/turns HTTP/1.1\r\nhost: a\r\n"
                f"authorization: Bearer {key}\r\n"
                "content-type: application/json\r\ncontent-length: 9\r\n\r\n{".encode()
            )
            told = b"".join(iter(lambda: plain.recv(65_536), b""))
        assert told.startswith(b"HTTP/1.1 408 ") and b"0.2 s are waited" in told
    with running(tmp_path, key=key, SELENE_ANSWER_WAIT="50ms") as server:
        held = sqlite3.connect(tmp_path / "selene.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        assert server.turn("late").json["code"] == "TooSlow"
        held.close()


def canaries(server: Running) -> None:
    """Ask for everything, with a word in every place that takes one."""
    for one in OPERATIONS:
        path = re.sub(r"\{\w+\}", CANARY, one.path)
        body = None if one.body is None else {"text": CANARY, "user_id": CANARY, CANARY: CANARY}
        server.ask(one.method, path, body)
        server.ask(one.method, f"{path}?{CANARY}={CANARY}", body)
        server.ask(one.method, f"{CANARY}/{path}", body, headers={"traceparent": CANARY})
    server.turn("canary", f"remind me to call {CANARY} tomorrow at 5 pm")
    server.turn("canary", f"something else, {CANARY}")
    server.ask("POST", "turns", f'{{"text": "{CANARY}'.encode())
    server.ask("GET", f"/{CANARY}", key=CANARY)
    server.ask("GET", "settings", key=CANARY)
    server.ask("GET", "settings", headers={"x-request-id": CANARY, "user-agent": CANARY})
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.sendall(f"{CANARY} / HTTP/1.1\r\n{CANARY}\r\n\r\n".encode())
        plain.recv(1_000)


def test_no_word_stands_in_a_log_line_or_a_figure(server: Running) -> None:
    canaries(server)
    log = server.log()
    assert CANARY not in log and CANARY not in server.ask("GET", "/metrics").content.decode()
    lines = [json.loads(line) for line in log.splitlines()]
    turned = server.turn("logged")
    # Its line may be written behind its answer, and not behind the next one.
    server.ask("GET", "/healthz")
    line = json.loads(server.log().splitlines()[-1])
    assert line["request_id"] == turned.headers["x-request-id"]
    assert line["correlation_id"] == turned.json["correlation_id"]
    assert (line["operation"], line["status"], line["decision"]) == (
        "takeTurn", 201, "INTENT_DRAFT",
    )  # fmt: skip
    problem = server.ask("POST", "turns", {"text": CANARY})
    assert problem.json["instance"] == f"urn:uuid:{problem.headers['x-request-id']}"
    assert {one["logger"] for one in lines} <= {
        "selene.requests", "selene.http", "selene.server",
    }  # fmt: skip


def test_thousands_of_idle_connections_stop_no_request(server: Running) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    idle = min(IDLE, hard - 200) if hard > 0 else IDLE
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, idle + 200)), hard))
    with ExitStack() as connections:
        for _ in range(idle):
            connections.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        began = time.monotonic()
        assert server.turn("beside them").status == 201
        assert time.monotonic() - began < 5


def test_several_processes_serve_one_ledger_and_count_together(tmp_path: Path) -> None:
    options = ("--workers", "2", "--seal-every", "100ms")
    with running(tmp_path, *options, key=ledger(tmp_path)) as server:
        told = [server.turn(f"turn-{number % 20}").status for number in range(40)]
        assert sorted(told) == [200] * 20 + [201] * 20
        counted = figures(server)
        assert counted['selene_requests_total{operation="takeTurn",status="201"}'] == 20
        assert counted["selene_deduplicated_total"] == 20
        canaries(server)
        assert CANARY not in server.log() and " request " in server.log().replace(":", " ")
        assert server.end() == 0
    db = tmp_path / "selene.db"
    assert rows(db, "SELECT count(*) FROM unsealed_events") == [[0]]
    assert int(rows(db, "SELECT count(*) FROM audit_events")[0][0]) >= 20
    assert os.listdir(tmp_path)
