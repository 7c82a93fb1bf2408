"""The figures of a process, as they are told whatever becomes of its ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgers import Ledger, SqliteDatabase
from selene_os.edges import metrics
from selene_os.edges.metrics import Metrics


def test_figures_are_told_without_the_rows_that_wait_where_the_ledger_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_UNSEALED_KEPT_S", -1.0)
    monkeypatch.delenv(metrics.FOLDER, raising=False)
    ledger = Ledger(SqliteDatabase(tmp_path))
    figures = Metrics()
    before = figures.text(ledger.store).decode()
    ledger.store.close()
    after = figures.text(ledger.store).decode()
    assert "selene_unsealed_rows 0.0" in before and "selene_unsealed_rows" not in after
    for told in (before, after):
        assert "selene_malformed_requests_total 0.0" in told
