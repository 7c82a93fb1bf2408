"""A ledger of every kind for every test that asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ledgers import KINDS, MAIN_KINDS, Database, Ledger
from processes import end_all

# The same examples in every run: a red test stays red until it is mended.
settings.register_profile(
    "selene",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("selene")


# Where every kind of store is tested; elsewhere the main ones must do. With SELENE_DRILLS=1 the
# contracts are tested on every kind as well.
ON_EVERY_KIND = ("contracts", "acceptance") if "SELENE_DRILLS" in os.environ else ("acceptance",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a database on each kind that its folder is tested on."""
    if "database" in metafunc.fixturenames:
        folder = metafunc.definition.path.parent.name
        kinds: Sequence[str] = sorted(KINDS) if folder in ON_EVERY_KIND else MAIN_KINDS
        if metafunc.definition.path.name == "test_ledger.py" and "encrypted" not in kinds:
            # The others' contracts hold of it as well: the drills try them.
            kinds = (*kinds, "encrypted")
        metafunc.parametrize("database", kinds, indirect=True)


def pytest_sessionfinish() -> None:
    """Stop the servers that the tests started."""
    end_all()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh, empty database of each kind."""
    database = KINDS[request.param](tmp_path)
    yield database
    database.drop()


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    """A fresh ledger of each kind, with acme and globex, alice, bob and carol."""
    ledger = Ledger(database)
    yield ledger
    ledger.store.close()
