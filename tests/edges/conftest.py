"""What tests of the command line on a file share."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import Command


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command line in a folder of its own, where there is no ledger yet."""
    return Command(tmp_path, capsys, monkeypatch)
