"""A server for every test that asks for one: on a file, or on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledgers import Ledger, SqliteDatabase
from serving import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """On a file of its own."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    served = Served(ledger, memory=True)
    yield served
    served.close()
    ledger.store.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """On a file that a module's tests share: for those that are refused."""
    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("shared")))
    served = Served(ledger, memory=True)
    yield served
    served.close()
    ledger.store.close()


@pytest.fixture
def anywhere(ledger: Ledger) -> Iterator[Served]:
    """On each kind of store."""
    served = Served(ledger)
    yield served
    served.close()
