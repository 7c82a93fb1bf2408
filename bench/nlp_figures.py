"""PH1.NLP's figures on the development data, in one table: `python -m bench.nlp_figures`.

The data's folder is named by SELENE_DATA; what needs it says "skipped: no data" without it. Exit
status: 0 everything was measured, 2 something could not be. With `--judge` also 1, where a bound
does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import nlp_clock, nlp_scorers
from bench.nlp_scorers import DATES, Skipped
from bench.rounds import say
from bench.table import Bound, Unmeasured, columns, machine

_HEAD: Final = ("measure", "value", "bound", "holds")
_PERCENT: Final = "%"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        measure: what is measured.
        unit: of the value and of the bound.
        bound: what the value must keep to.
        value: what was measured; None where the data is missing.
        told: more of it, for the reader.
    """

    measure: str
    unit: str
    bound: Bound
    value: float | None = None
    told: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value keeps to the bound; what was skipped breaks none."""
        return self.value is None or self.bound.holds(self.value)

    def cells(self) -> tuple[str, ...]:
        """The line's cells, as text."""
        bound = f"{self.bound} {self.unit}".rstrip()
        if self.value is None:
            return self.measure, nlp_scorers.SKIPPED, bound, "-"
        value = f"{self.value:.4g} {self.unit}".rstrip() + (f" ({self.told})" if self.told else "")
        return self.measure, value, bound, "yes" if self.holds else "NO"


@dataclass(frozen=True, slots=True)
class Measure:
    """Some lines that are measured together.

    Attributes:
        lines: what stands in the table, without values.
        take: returns a value, or a value and more to tell, for each of the lines.
    """

    lines: tuple[Line, ...]
    take: Callable[[], Sequence[tuple[float, str]]]


# Name in the scorer's own line -> what it is here.
_PROBE: Final = {
    "action-high": Line("off-topic: false actions at HIGH", _PERCENT, Bound(most=0.02)),
    "action": Line("off-topic: false actions at HIGH or MED", _PERCENT, Bound(most=0.06)),
    "draft-high": Line("off-topic: false drafts at HIGH", _PERCENT, Bound(most=0.10)),
    "draft": Line("off-topic: false drafts at HIGH or MED", _PERCENT, Bound(most=0.40)),
    "question": Line("off-topic: false questions", _PERCENT, Bound(most=1)),
    "right": Line("intents answered right, macro", _PERCENT, Bound(least=92)),
    "high": Line("right drafts that are HIGH", _PERCENT, Bound(least=70)),
    "errors": Line("rows answered with an error", "", Bound(most=0)),
}
# Set, file, options, the least share that is right, and whether it has texts without a time that
# no line above has told of.
_TIMES: Final = (
    ("Recognizers English, dates", "times_recognizers_en.jsonl", DATES, 85, False),
    ("Recognizers English, all", "times_recognizers_en.jsonl", (), 75, True),
    ("Duckling English", "times_duckling_en.jsonl", (), 80, True),
    ("Recognizers Chinese, all", "times_recognizers_zh.jsonl", (), 65, True),
    ("Recognizers English, durations", "durations_recognizers_en.jsonl", (), 90, False),
)


def _probe() -> list[tuple[float, str]]:
    figures = nlp_scorers.score_probe(nlp_scorers.selene("normalize"))
    if missing := _PROBE.keys() - figures.keys():
        raise Unmeasured(f"score_probe.py told no {', '.join(sorted(missing))}")
    return [(figures[name], "") for name in _PROBE]


def _times(title: str, cases: str, options: tuple[str, ...], least: float, empty: bool) -> Measure:
    lines = (
        Line(f"times: {title}", _PERCENT, Bound(least=least)),
        Line(f"times: {title}, where there is none", _PERCENT, Bound(most=10)),
    )[: 1 + empty]

    def take() -> list[tuple[float, str]]:
        got = nlp_scorers.score_times(nlp_scorers.selene("times"), cases, *options)
        return [
            (got.percent, f"{got.right}/{got.cases}"),
            (got.false_percent, f"{got.false_spans}/{got.empty_cases}"),
        ][: len(lines)]

    return Measure(lines, take)


def _traps() -> list[tuple[float, str]]:
    got = nlp_scorers.score_traps(nlp_scorers.selene("normalize"))
    return [(got.percent, f"{got.right}/{got.cases}")]


def _latency() -> list[tuple[float, str]]:
    texts = nlp_clock.probe_texts(nlp_scorers.data_file("nlp_probe.jsonl"))
    say(f"latency of {len(texts):,} utterances")
    got = nlp_clock.latency(texts)
    return [(got.p50_us, ""), (got.p99_us, ""), (got.candidate_p50_us, "")]


def _long() -> list[tuple[float, str]]:
    say("long utterances")
    got = nlp_clock.long_utterances()
    return [(got.worst_ms, got.worst_name), (got.ratio, got.ratio_name)]


def _start() -> list[tuple[float, str]]:
    say("start-up")
    got = nlp_clock.start()
    return [(got.loaded_ms, f"first answer after {got.answered_ms:.0f} ms")]


MEASURES: Final = (
    Measure(tuple(_PROBE.values()), _probe),
    *(_times(*given) for given in _TIMES),
    Measure((Line("traps and dialogues passed", _PERCENT, Bound(least=100)),), _traps),
    Measure(
        (
            Line("one utterance of the probe, p50", "us", Bound(most=120)),
            Line("one utterance of the probe, p99", "us", Bound(most=800)),
            Line("one that is not answered CHAT, p50", "us", Bound(most=350)),
        ),
        _latency,
    ),
    Measure(
        (
            Line("utterance of 32 KB, the slowest", "ms", Bound(most=60)),
            # Linear is 2; what is over it is the machine's noise.
            Line("32 KB / 16 KB, the steepest", "", Bound(most=2.5)),
        ),
        _long,
    ),
    Measure((Line("start-up: import and all packs", "ms", Bound(most=150)),), _start),
)


def measured(measure: Measure) -> list[Line]:
    """The lines with their values, or without where the data is missing; raises Unmeasured."""
    try:
        taken = measure.take()
    except Skipped:
        return list(measure.lines)
    return [
        Line(line.measure, line.unit, line.bound, value, told)
        for line, (value, told) in zip(measure.lines, taken, strict=True)
    ]


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.nlp_figures", description=__doc__)
    parser.add_argument("--judge", action="store_true", help="exit 1 where a bound does not hold")
    asked = parser.parse_args()
    lines: list[Line] = []
    missing: list[str] = []
    for measure in MEASURES:
        try:
            lines += measured(measure)
        except Unmeasured as reason:
            missing.append(f"{measure.lines[0].measure}: not measured: {reason}")
    print(machine(Path(tempfile.gettempdir())))
    print(columns([_HEAD, *(line.cells() for line in lines)]))
    if any(line.value is None for line in lines):
        print(f"{nlp_scorers.SKIPPED}: {nlp_scorers.FOLDER} names the folder that holds it")
    for told in missing:
        print(told)
    if missing:
        return 2
    return 1 if asked.judge and not all(line.holds for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
