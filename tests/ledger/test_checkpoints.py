"""The write-ahead log is copied beside the writer, and begins anew before it grows large."""

from __future__ import annotations

from pathlib import Path

import apsw

import selene_os
from selene_os import Brought, Chat
from selene_os.ledger.sqlite.checkpoints import LOG_PAGES_MAX

PAGE_BYTES = 4_096


def batch(text: str) -> list[Brought]:
    return [Brought(Chat(), "alice", "kitchen", text=text) for _ in range(250)]


def test_the_log_begins_anew_and_every_row_is_there(tmp_path: Path) -> None:
    path = tmp_path / "selene.db"
    log = tmp_path / "selene.db-wal"
    with selene_os.open(str(path), create=True, synchronous="OFF") as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register("alice", "kitchen")
        largest = 0
        # Long words, so that the log fills several times over with few commits.
        for _ in range(40):
            assert all(isinstance(one, selene_os.Committed) for one in acme.commit_decisions(
                batch("so it is " * 900)
            ))  # fmt: skip
            largest = max(largest, log.stat().st_size)
        written = path.stat().st_size
    # A commit may begin just below the bound and pass it; the next one starts the log again.
    assert written > LOG_PAGES_MAX * PAGE_BYTES
    assert largest < 2 * LOG_PAGES_MAX * PAGE_BYTES
    assert not log.exists()
    rows = apsw.Connection(str(path)).execute("SELECT count(*) FROM audit_events").fetchall()
    assert rows == [(10_000,)]
