"""Memory: what one process holds at most while it appends a million events.

The appending process is a fresh one: `python -m bench.ledger_memory FOLDER ROWS`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

from bench import rows
from bench.rounds import Effort, say
from bench.table import Bound, Figure, Unmeasured
from selene_os.ledger.sqlite.store import SqliteStore

RESIDENT_MB_MAX: Final = 200.0
_BATCH: Final = 1_000


def figures(effort: Effort) -> list[Figure]:
    """The peak resident size, against the bound itself."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "bench.ledger_memory", folder, str(effort.memory_rows)],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if ran.returncode:
        raise Unmeasured(f"the appending process ended with {ran.returncode}")
    peak_mb = float(ran.stdout)
    return [
        Figure(f"peak memory, {effort.memory_rows:,} events / limit", "MB", peak_mb,
               RESIDENT_MB_MAX, (peak_mb / RESIDENT_MB_MAX,), Bound(most=1))
    ]  # fmt: skip


def peak_mb() -> float:
    """The largest resident size of this process so far, in 10^6 bytes.

    Linux counts what a parent held before exec into ru_maxrss; VmHWM is this program's alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(folder: str, count: int) -> None:
    """Append `count` events in batches; print the peak in MB."""
    store = SqliteStore(rows.new_ledger(Path(folder) / "selene.db"))
    source = rows.Source()
    began = perf_counter()
    for done in range(0, count, _BATCH):
        rows.append(store, source.units(min(_BATCH, count - done)))
        if done % (50 * _BATCH) == 0:
            say(f"memory: {done:,} events, {perf_counter() - began:.0f} s, {peak_mb():.1f} MB")
    store.close()
    print(peak_mb())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
