"""What tests of PostgreSQL share: a command line, and databases on every server there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from command import Command
from ledgers import Ledger
from postgres.desks import Desk, install_of, programs, rich
from postgres.sieges import Siege
from postgres_databases import PostgresDatabase
from servers import PostgresServer


@pytest.fixture(params=servers.usual())
def siege(request: pytest.FixtureRequest) -> Iterator[Siege]:
    """A ledger with rows of acme and globex in every table."""
    siege = Siege(PostgresDatabase.fresh(request.param))
    yield siege
    siege.end()


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command line in a folder of its own."""
    return Command(tmp_path, capsys, monkeypatch)


@pytest.fixture(params=servers.usual())
def fresh(request: pytest.FixtureRequest, command: Command) -> Iterator[Desk]:
    """A server that has seen nothing of us."""
    server = PostgresServer(install_of(request.param))
    yield Desk(command, server, server.new_database())
    server.end()


@pytest.fixture(params=servers.usual())
def filled(
    request: pytest.FixtureRequest, command: Command, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Desk, Ledger]]:
    """A ledger with rows in every table, and the server's own programs on the PATH."""
    database = PostgresDatabase.fresh(request.param)
    ledger = rich(Ledger(database))
    programs(database.server, monkeypatch)
    yield Desk(command, database.server, database.name), ledger
    ledger.store.close()
    database.drop()


@pytest.fixture
def empty(filled: tuple[Desk, Ledger]) -> Iterator[Desk]:
    """An empty database beside it."""
    desk, _ = filled
    other = Desk(desk.command, desk.server, desk.server.new_database())
    yield other
    desk.server.drop_database(other.name)
