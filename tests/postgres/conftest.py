"""A ledger under siege on every PostgreSQL server there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import servers
from postgres.sieges import Siege
from postgres_databases import PostgresDatabase


@pytest.fixture(params=servers.names())
def siege(request: pytest.FixtureRequest) -> Iterator[Siege]:
    """A ledger with rows of acme and globex in every table."""
    siege = Siege(PostgresDatabase.fresh(request.param))
    yield siege
    siege.end()
