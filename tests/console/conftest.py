"""Consoles to visit: one of a module's own that is only read, and a fresh one for what changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consoles import Desk
from ledgers import START_NS, Ledger, SqliteDatabase
from selene_os.edges import operators
from selene_os.edges.latency import Latency


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """A hash of passwords that costs nothing, so that the tests do not wait for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(operators, "_MEMORY_KIB", 64)
        for made in (operators._hasher, operators._nobodys):
            made.cache_clear()
        yield
    for made in (operators._hasher, operators._nobodys):
        made.cache_clear()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """With operators and conversations; nobody is logged in."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    desk = Desk(ledger)
    desk.add_operators()
    desk.fill()
    yield desk
    desk.close()
    ledger.store.close()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same for a module's tests, and ada is logged in."""
    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("console")))
    desk = Desk(ledger, metrics=lambda: Latency(START_NS, 12, 3.5, 40.25))
    desk.add_operators()
    desk.fill()
    assert desk.log_in().status_code == 303
    yield desk
    desk.close()
    ledger.store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Desk]:
    """Without operators and rows."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    desk = Desk(ledger)
    yield desk
    desk.close()
    ledger.store.close()
