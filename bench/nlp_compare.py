"""Understanding and times against what somebody would pick instead: `python -m bench.nlp_compare`.

Latency is taken in one process, by turns. How many times are right is judged by the scorer that
lies beside the development data, the same for all; our grammar was written with that data at hand
and the peers were not. Without SELENE_DATA it says "skipped: no data", and the latency is of a
list of our own. Exit status: 0 everything was measured, 2 something could not be. With `--judge`
also 1, where a bound does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from bench import nlp_answers, nlp_clock, nlp_peers, nlp_scorers
from bench.nlp_scorers import DATES, Skipped
from bench.report import Measure, report
from bench.rounds import QUICK, Effort, note, turns
from bench.table import Bound, Figure, Unmeasured, compare

Work = Callable[[str], object]
_TIMES_CASES: Final = "times_recognizers_en.jsonl"
_TEXTS_MAX: Final = 200
_FASTER: Final = Bound(most=1)
_BETTER: Final = Bound(least=1)
_OURS: Final = nlp_peers.Ours.name
# Set, file, language, options, and the peers that know what it asks for: dateparser knows neither
# ranges nor durations.
_SETS: Final = (
    ("Recognizers English, dates", _TIMES_CASES, "en", DATES, ("dateparser", "recognizers-text")),
    ("Recognizers English, all", _TIMES_CASES, "en", (), ("recognizers-text",)),
    ("Duckling English", "times_duckling_en.jsonl", "en", (), ("dateparser", "recognizers-text")),
    ("Recognizers Chinese, all", "times_recognizers_zh.jsonl", "zh", (), ("recognizers-text",)),
    ("durations", "durations_recognizers_en.jsonl", "en", (), ("recognizers-text",)),
)  # fmt: skip


def utterances(effort: Effort) -> list[Figure]:
    """One utterance, from the text to what it asks for."""
    work: dict[str, Work] = {_OURS: nlp_peers.selene(), "hassil": nlp_peers.hassil()}
    texts = nlp_clock.lines_of("nlp_utterances.txt")
    return _latencies(f"utterance, {len(texts)} texts", texts, work, effort)


def finding(effort: Effort) -> list[Figure]:
    """All the times of one text."""
    now = nlp_answers.moment(None)
    work: dict[str, Work] = {_OURS: partial(nlp_peers.Ours().find, now=now)}
    for name, make in nlp_peers.TIME_FINDERS.items():
        work[name] = partial(make("en").find, now=now)
    try:
        with nlp_scorers.data_file(_TIMES_CASES).open(encoding="utf-8") as cases:
            texts = [json.loads(case)["text"] for case in cases]
    except Skipped:
        texts = nlp_clock.lines_of("nlp_times.txt")
    texts = texts[:: -(-len(texts) // _TEXTS_MAX)]
    return _latencies(f"times, {len(texts)} texts", texts, work, effort)


def right(effort: Effort) -> list[Figure]:
    """How many of the cases are right, of ours and of each peer."""
    figures = []
    for title, cases, language, options, peers in _SETS:
        try:
            ours = nlp_scorers.score_times(nlp_scorers.selene("times"), cases, *options)
            for peer in peers:
                command = nlp_answers.command(peer, language)
                theirs = nlp_scorers.score_times(command, cases, *options)
                if not theirs.right:
                    raise Unmeasured(f"{peer} got nothing right of {title}: is it broken?")
                figures.append(
                    compare(f"times right, {title} / {peer}", "%", [ours.percent],
                            [theirs.percent], _BETTER)
                )  # fmt: skip
        except Skipped:
            note(f"times right, {title}: {nlp_scorers.SKIPPED}")
    return figures


def _latencies(
    title: str, texts: Sequence[str], work: Mapping[str, Work], effort: Effort
) -> list[Figure]:
    """p50 and p99 of one text, ours to each peer's, round by round."""
    middle: dict[str, list[float]] = {name: [] for name in work}
    worst: dict[str, list[float]] = {name: [] for name in work}
    for number, name in turns(tuple(work), effort.rounds):
        spent = nlp_clock.timed(work[name], texts)
        if number >= 0:
            middle[name].append(nlp_clock.percentile(spent, 0.5))
            worst[name].append(nlp_clock.percentile(spent, 0.99))
    return [
        compare(f"{title}, {share} / {name}", "us", taken[_OURS], taken[name], _FASTER)
        for name in work
        if name != _OURS
        for share, taken in (("p50", middle), ("p99", worst))
    ]


MEASURES: Final[dict[str, Measure]] = {
    "utterances": utterances,
    "finding": finding,
    "right": right,
}


def main() -> int:
    """Run what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.nlp_compare", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, more noise")
    parser.add_argument("--judge", action="store_true", help="exit 1 where a bound does not hold")
    asked = parser.parse_args()
    # One peer warns of its own escapes, another of a year that it leaves out.
    warnings.simplefilter("ignore")
    effort = QUICK if asked.quick else Effort()
    return report(asked.only or MEASURES, MEASURES, effort, judge=asked.judge)


if __name__ == "__main__":
    sys.exit(main())
