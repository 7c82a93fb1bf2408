"""Encrypted ledgers in files, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from keys.ledgers_with_keys import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """An encrypted ledger in which alice said a good deal, and bob one thing."""
    made = Kept(tmp_path / "selene.db")
    made.fill()
    return made
