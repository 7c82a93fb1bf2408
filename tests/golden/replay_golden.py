"""Replay the golden ledger by the command, and end as it does: 3 where a decision is another."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from goldens import load
from selene_os.edges.cli.main import main

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="selene-golden-") as folder:
        path = Path(folder) / "golden.db"
        load(path)
        main(["--db", str(path), "replay", "--all", *sys.argv[1:]])
