"""A place in a repaired text leads back to what was said, and there and back is where it was.

A replay rests on it: a record holds the places in the repaired text, and the turn had the others.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from selene_os.engines import srl

CASES = Path(__file__).parent.parent / "cases" / "srl_repairs.toml"
SAID = [
    row["say"] for rows in tomllib.loads(CASES.read_text(encoding="utf-8")).values() for row in rows
]


@pytest.mark.parametrize("text", SAID)
def test_a_span_that_went_through_the_repair_comes_back_to_itself(text: str) -> None:
    repaired = srl.run(srl.Request(text))
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            there = repaired.repaired(start, end)
            if there[0] < there[1]:
                assert repaired.repaired(*repaired.original(*there)) == there
