"""Figures, the bounds that judge them, and the one table that is printed."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

_HEAD: Final = ("measure", "ours", "peer", "ratio", "bound", "holds")


class Unmeasured(Exception):
    """A figure could not be taken; the message says why and what is missing."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a ratio must keep to: at least, or at most."""

    least: float | None = None
    most: float | None = None

    def holds(self, ratio: float) -> bool:
        """Whether the ratio keeps to it."""
        return (self.least is None or ratio >= self.least) and (
            self.most is None or ratio <= self.most
        )

    def __str__(self) -> str:
        if self.least is not None:
            return f">= {self.least:g}"
        return "-" if self.most is None else f"<= {self.most:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        measure: what was measured, against which peer.
        ours, peer: the medians, with their unit in `unit`; for the reader, never judged.
        ratios: ours to the peer's, one for each round; their median is judged.
        bound: what the median must keep to; one without limits is printed and not judged.
    """

    measure: str
    unit: str
    ours: float
    peer: float
    ratios: tuple[float, ...]
    bound: Bound = Bound()

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        """Whether the median keeps to the bound."""
        return self.bound.holds(self.ratio)

    def cells(self) -> tuple[str, ...]:
        """The line's cells, as text."""
        verdict = "yes" if self.holds else "NO"
        return (
            self.measure,
            f"{_number(self.ours)} {self.unit}",
            f"{_number(self.peer)} {self.unit}",
            f"{self.ratio:.3g} ({min(self.ratios):.3g}..{max(self.ratios):.3g})",
            str(self.bound),
            "-" if self.bound == Bound() else verdict,
        )


def compare(
    measure: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float],
    bound: Bound = Bound(),
) -> Figure:
    """A figure of two series, round by round."""
    ratios = tuple(a / b for a, b in zip(ours, peer, strict=True))
    return Figure(measure, unit, statistics.median(ours), statistics.median(peer), ratios, bound)


def render(figures: Sequence[Figure]) -> str:
    """The table of figures."""
    return columns([_HEAD, *(figure.cells() for figure in figures)])


def columns(lines: Sequence[tuple[str, ...]]) -> str:
    """Lines under their head, which comes first, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in ruled
    )


def machine(folder: Path) -> str:
    """What it ran on: processor, cores, versions, and the temporary folder's file system.

    An fsync's time stands with it: the dearer it is, the more a commit in a group gains.
    """
    return (
        f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()};"
        f" SQLite {apsw.sqlite_lib_version()} (apsw), {sqlite3.sqlite_version} (sqlite3);"
        f" {_filesystem(folder)}, fsync {_fsync_ms():.2f} ms"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _filesystem(folder: Path) -> str:
    """The type of the mount that holds the folder: the longest mount point above it."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "file system unknown"
    place = folder.resolve()
    above = [(len(point), kind) for point, kind in mounts if place.is_relative_to(point)]
    return max(above, default=(0, "file system unknown"))[1]


def _fsync_ms() -> float:
    """The median of 50 appends of 4 KiB, each made durable."""
    spent = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4_096))
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - began)
    return 1_000 * statistics.median(spent)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
