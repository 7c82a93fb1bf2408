"""Lengths of time as numbers of units: how they compare, and how ISO 8601 writes them."""

from __future__ import annotations

from typing import Final

Amounts = tuple[tuple[float, str], ...]
# How a unit is written in ISO 8601: letter, whether after the T, how many of it one unit is.
_ISO: Final[dict[str, tuple[str, bool, int]]] = {
    "second": ("S", True, 1),
    "minute": ("M", True, 1),
    "hour": ("H", True, 1),
    "day": ("D", False, 1),
    "night": ("D", False, 1),
    "weekday": ("D", False, 1),
    "weekend": ("D", False, 2),
    "week": ("W", False, 1),
    "fortnight": ("W", False, 2),
    "month": ("M", False, 1),
    "quarter": ("M", False, 3),
    "year": ("Y", False, 1),
    "decade": ("Y", False, 10),
    "century": ("Y", False, 100),
}
_SMALLER: Final = {"H": (60, "TM"), "TM": (60, "S"), "D": (24, "H"), "W": (7, "D")}


def rank(unit: str) -> int:
    """The place of a unit among the others, the finest first."""
    return _ORDER.get(unit, 0)


_ORDER: Final = {
    unit: rank
    for rank, unit in enumerate(
        "second minute hour day week fortnight month quarter year decade century".split()
    )
} | {"night": 3, "weekday": 3, "weekend": 4}


def iso_duration(amounts: Amounts) -> str:
    """ISO 8601 of `amounts`; parts of an hour, day or week go down to smaller units."""
    totals: dict[str, float] = {}
    for count, unit in amounts:
        letter, clock, size = _ISO[unit]
        key = "TM" if clock and letter == "M" else letter
        totals[key] = totals.get(key, 0) + count * size
    for key in ("W", "D", "H", "TM"):
        value = totals.get(key, 0)
        if value != int(value):
            size, smaller = _SMALLER[key]
            totals[key] = int(value)
            totals[smaller] = totals.get(smaller, 0) + round((value - int(value)) * size, 6)
    days = "".join(_figure(totals.get(k, 0), k) for k in ("Y", "M", "W", "D"))
    clock_part = "".join(_figure(totals.get(k, 0), k[-1]) for k in ("H", "TM", "S"))
    return f"P{days}T{clock_part}" if clock_part else f"P{days}" if days else "PT0S"


def _figure(value: float, letter: str) -> str:
    if not value:
        return ""
    return f"{int(value)}{letter}" if value == int(value) else f"{value:.6g}{letter}"


def grain_of(amounts: Amounts) -> str:
    """The finest unit of `amounts`, as a grain."""
    finest = min((unit for _, unit in amounts), key=rank)
    return _GRAINS.get(finest, finest)


_GRAINS: Final = {
    "night": "day",
    "weekday": "day",
    "weekend": "day",
    "fortnight": "week",
    "decade": "year",
    "century": "year",
}
