"""Measure, and print one table: `python -m bench`, from the project's root.

Exit status: 0 everything was measured, 2 something could not be. With `--judge` also 1, where a
bound does not hold: a shared machine or a fast disk can break one that the code does not.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import replace
from typing import Final

from bench import ledger_batch, ledger_commit, ledger_memory, ledger_trace, proof, turns
from bench.report import Measure, report
from bench.rounds import QUICK, Effort
from bench.table import Figure, Unmeasured


def _where_installed(module: str) -> Measure:
    """A measure whose module needs what not everybody has; imported when it is asked for."""

    def figures(effort: Effort) -> list[Figure]:
        try:
            found = importlib.import_module(f"bench.{module}")
        except ImportError as error:
            raise Unmeasured(f"{error}: pip install -r requirements/bench.txt") from error
        return list(found.figures(effort))

    return figures


MEASURES: Final[dict[str, Measure]] = {
    "commit": ledger_commit.figures,
    "batch": ledger_batch.figures,
    "trace": ledger_trace.figures,
    "memory": ledger_memory.figures,
    "turns": turns.figures,
    "proof": proof.figures,
    "http": _where_installed("http"),
    "console": _where_installed("console"),
    "postgres-commit": _where_installed("postgres_commit"),
    "postgres-batch": _where_installed("postgres_batch"),
    "postgres-trace": _where_installed("postgres_trace"),
    "postgres-proof": _where_installed("postgres_proof"),
    "postgres-tenants": _where_installed("postgres_tenants"),
}


def main() -> int:
    """Run what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="may be given again")
    parser.add_argument("--quick", action="store_true", help="less of everything, more noise")
    parser.add_argument("--judge", action="store_true", help="exit 1 where a bound does not hold")
    parser.add_argument("--rows", type=int, help="events of the memory measure")
    asked = parser.parse_args()
    effort = QUICK if asked.quick else Effort()
    if asked.rows:
        effort = replace(effort, memory_rows=asked.rows)
    return report(asked.only or MEASURES, MEASURES, effort, judge=asked.judge)


if __name__ == "__main__":
    sys.exit(main())
