"""A server that ends: in order, or at once; what was acknowledged is there, and once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from command import rows
from running import Load, Running, ledger, running

LOAD_S = 20.0 if "SELENE_DRILLS" in os.environ else 1.0


def kept(folder: Path) -> dict[str, list[str]]:
    """The events of each conversation that a key names; a caller's key is in no other."""
    found: dict[str, list[str]] = {}
    statement = "SELECT idempotency_key, event_id FROM audit_events WHERE engine = 'PH1.NLP'"
    for key, event_id in rows(folder / "selene.db", statement):
        found.setdefault(str(key), []).append(str(event_id))
    return found


def check(load: Load, folder: Path, server: Running) -> None:
    """Every 201 is there, none is there twice, and a retry of it is told so."""
    found = kept(folder)
    assert len(load.acknowledged) > 20
    for key, event_id in load.acknowledged.items():
        assert found[key] == [event_id]
    assert found.keys() <= load.sent
    assert all(len(ids) == 1 for ids in found.values())
    unanswered = sorted(load.sent - load.acknowledged.keys())[:20]
    for key in [*sorted(load.acknowledged)[:20], *unanswered]:
        told = server.turn(key)
        assert told.status == (200 if key in found else 201)
        assert told.json["event_id"] == found.get(key, [told.json["event_id"]])[0]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("workers", ["1", "2"] if "SELENE_DRILLS" in os.environ else ["1"])
def test_no_acknowledged_write_is_lost_by_an_end_under_load(
    tmp_path: Path, how: signal.Signals, workers: str
) -> None:
    key = ledger(tmp_path)
    options = ("--workers", workers, "--seal-every", "50ms")
    with running(tmp_path, *options, key=key) as server:
        load = Load(server)
        time.sleep(LOAD_S)
        code = server.end(how)
        load.join()
    assert code == (0 if how == signal.SIGTERM else -9)
    if how == signal.SIGTERM:
        # Nobody who was accepted was sent away, and all that they wrote is sealed.
        assert load.others.empty()
        assert rows(tmp_path / "selene.db", "SELECT count(*) FROM unsealed_events") == [[0]]
    with running(tmp_path, "--seal-every", "50ms", key=key) as server:
        check(load, tmp_path, server)


def test_whoever_asks_is_told_that_it_ends_before_it_does(tmp_path: Path) -> None:
    with running(tmp_path, "--drain", "1s", key=ledger(tmp_path)) as server:
        ended: list[int] = []
        thread = threading.Thread(target=lambda: ended.append(server.end()))
        thread.start()
        until = time.monotonic() + 5
        while (told := server.ask("GET", "/readyz")).status != 503:
            assert time.monotonic() < until
        assert told.json["code"] == "Stopping"
        # Until the door is shut, whoever comes is served.
        assert server.turn("late").status == 201
        thread.join()
        assert ended == [0]
        with pytest.raises(OSError, match="refused"):
            server.ask("GET", "/healthz")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_wait(tmp_path: Path, how: signal.Signals) -> None:
    with running(tmp_path, "--drain", "20s", key=ledger(tmp_path)) as server:
        began = time.monotonic()
        server.process.send_signal(how)
        time.sleep(0.3)
        assert server.process.poll() is None
        assert server.end(how) == 0
        assert time.monotonic() - began < 10


def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2", key=ledger(tmp_path)) as server:
        assert server.turn("before").status == 201
        server.end(signal.SIGKILL)
        until = time.monotonic() + 10
        while True:
            try:
                server.ask("GET", "/healthz")
            except OSError:
                break
            assert time.monotonic() < until
            time.sleep(0.05)
