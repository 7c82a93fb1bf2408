"""A ledger of every kind for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ledgers import KINDS, Database, Ledger

# The same examples in every run: a red test stays red until it is mended.
settings.register_profile(
    "selene",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("selene")


@pytest.fixture(params=sorted(KINDS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A fresh, empty database of each kind."""
    return KINDS[request.param](tmp_path)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    """A fresh ledger of each kind, with acme and globex, alice, bob and carol."""
    ledger = Ledger(database)
    yield ledger
    ledger.store.close()
