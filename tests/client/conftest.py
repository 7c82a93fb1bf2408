"""An app for every test of the client, and a server that they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api_server import running
from command import Command
from ledgers import Ledger, SqliteDatabase
from serving import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The app on a file of its own."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    served = Served(ledger, memory=True)
    yield served
    served.close()
    ledger.store.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a real server is."""
    with running(tmp_path_factory.mktemp("api")) as address:
        yield address


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command line in a folder of its own, where there is no ledger yet."""
    return Command(tmp_path, capsys, monkeypatch)
