"""The scorers that lie beside the development data: run as programs, their lines read.

The data stays where it is; its folder is named by the environment alone.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rounds import say
from bench.table import Unmeasured

FOLDER: Final = "SELENE_DATA"
SKIPPED: Final = "skipped: no data"
DATES: Final = ("--only", "dates")
# 0: every bound of its own holds, 1: one does not. The figures are judged here.
_SCORED: Final = (0, 1)


class Skipped(Exception):
    """The development data, or one of its files, is not on this machine."""


@dataclass(frozen=True, slots=True)
class Right:
    """How many of the cases were right, and how often a time was seen where there is none."""

    right: int
    cases: int
    false_spans: int = 0
    empty_cases: int = 0

    @property
    def percent(self) -> float:
        """The share that is right."""
        return 100 * self.right / max(1, self.cases)

    @property
    def false_percent(self) -> float:
        """The share of the cases without a time in which one was seen."""
        return 100 * self.false_spans / max(1, self.empty_cases)


def data_file(name: str) -> Path:
    """A file of the development data; raises Skipped."""
    folder = os.environ.get(FOLDER)
    path = Path(folder or ".") / name
    if not folder or not path.is_file():
        raise Skipped(name)
    return path


def selene(command: str) -> str:
    """The command line of `selene COMMAND --jsonl`, by the Python that measures."""
    start = "from selene_os.edges.cli.main import main; main()"
    return shlex.join([sys.executable, "-c", start, command, "--jsonl"])


def score_probe(command: str) -> dict[str, float]:
    """The probe's figures by their names, in percent; `errors` is a count."""
    line = _last_line("score_probe.py", "probe: ", command, "nlp_probe.jsonl")
    figures = {name: float(value) for name, value in re.findall(r"([a-z-]+) ([\d.]+)%", line)}
    return figures | {"errors": _numbers(r"errors (\d+)", line)[0]}


def score_times(command: str, cases: str, *options: str) -> Right:
    """How many cases of a file of times are right."""
    line = _last_line("score_times.py", "times (", command, cases, *options)
    return Right(*_numbers(r"(\d+)/(\d+) right.*?(\d+)/(\d+)", line))


def score_traps(command: str) -> Right:
    """How many of the hand-written traps and dialogues pass."""
    files = ("nlp_traps.jsonl", "nlp_dialogues.jsonl")
    line = _last_line("score_traps.py", "traps: ", command, *files, "--quiet")
    return Right(*_numbers(r"(\d+)/(\d+) passed", line))


def _numbers(pattern: str, line: str) -> list[int]:
    found = re.search(pattern, line)
    if found is None:
        raise Unmeasured(f"a scorer's line is not as it was: {line}")
    return [int(number) for number in found.groups()]


def _last_line(scorer: str, opening: str, command: str, *given: str) -> str:
    """The line of figures, which is the last that a scorer prints."""
    named = [str(data_file(one)) if one.endswith(".jsonl") else one for one in given]
    program = str(data_file(scorer))
    say(f"{scorer} {' '.join(given)}")
    ran = subprocess.run(
        [sys.executable, program, *named, "--cmd", command],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    line = (ran.stdout.splitlines() or [""])[-1]
    if ran.returncode not in _SCORED or not line.startswith(opening):
        raise Unmeasured(f"{scorer} ended with {ran.returncode}: {line}")
    return line
