"""Decide a golden ledger again, on a copy, and end with 3 where any decision is another one now.

python replay.py golden.db [DIFFERENCES.json]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

# The command by this Python, so that what is tested is what is installed here.
SELENE: Final = "from selene_os.edges.cli.main import main; main()"


def main(golden: Path, report: Path | None) -> int:
    """Replay, and tell which rows differ; the exit code is the command's."""
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that what is kept under version control stays byte for byte what it is.
        copy = Path(folder) / "golden.db"
        shutil.copy2(golden, copy)
        keys = golden.with_name(f"{golden.name}.keys")
        if keys.is_dir():
            shutil.copytree(keys, copy.with_name("golden.db.keys"))
        done = subprocess.run(
            [sys.executable, "-c", SELENE, "--db", str(copy), "replay", "--all", "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    sys.stderr.write(done.stderr)
    if report is not None:
        report.write_text(done.stdout, encoding="utf-8")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    for one in records[:-1]:
        told = one["differences"] or one["reason"]
        sys.stdout.write(f"{one['outcome']} {one['event_id']} {told}\n")
    if not records:
        return done.returncode or 1
    totals = records[-1]["totals"]
    sys.stdout.write(f"{totals['identical']} of {totals['events']} decisions are as they were.\n")
    # A check of nothing must not look like one that found nothing wrong.
    return done.returncode or (0 if totals["events"] else 1)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None))
