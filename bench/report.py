"""Taking the measures that were asked for, and printing what they gave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.rounds import Effort, notes, say
from bench.table import Figure, Unmeasured, machine, render

Measure = Callable[[Effort], list[Figure]]


def report(
    names: Iterable[str], measures: Mapping[str, Measure], effort: Effort, *, judge: bool
) -> int:
    """Measure and print the table.

    Returns:
        The exit status: 0 everything was measured, 2 something could not be, and where a judge was
        asked for 1, if a bound does not hold.
    """
    figures: list[Figure] = []
    missing: list[str] = []
    for name in names:
        say(f"measuring {name}")
        try:
            figures += measures[name](effort)
        except Unmeasured as reason:
            missing.append(f"{name} was not measured: {reason}")
    print(machine(Path(tempfile.gettempdir())))
    print(render(figures))
    for line in (*notes(), *missing):
        print(line)
    if missing:
        return 2
    return 1 if judge and not all(figure.holds for figure in figures) else 0
