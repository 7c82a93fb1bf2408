"""A whole turn without the ledger, a profile, and a bundle of terms: what the engines cost.

Each against its limit in microseconds, and a turn also against PH1.NLP alone on the same words:
what the engines around it add. The utterances are the development data's where SELENE_DATA names
it, else those that lie beside this module.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final, TypeVar

from bench.nlp_clock import lines_of, percentile
from bench.rounds import Effort, measure, note
from bench.table import Bound, Figure, compare
from selene_os import turn
from selene_os.engines import focus, know, nlp, persona

T = TypeVar("T")

TURN_US: Final = 400.0
PROFILE_US: Final = 50.0
TERMS: Final = 1_000
_NOW: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_SAID_MAX: Final = 4_000
_FIRST: Final = ("Ann", "Bob", "Carla", "Dmitri", "Eve", "Farid", "Grace", "Hana", "Ivo", "王芳")
_WISHES: Final = (
    ("brevity_preference", ("keep it short", "not too short", "more detail please", "简短一点")),
    ("privacy_preference", ("no voice please", "don't mute me", "text only", "请不要出声")),
    ("response_tone_target", ("be direct", "less blunt", "gentle please", "温柔一点")),
)


def figures(effort: Effort) -> list[Figure]:
    """Turn, profile and bundle."""
    said = _utterances()
    some, many = bundle(TERMS), bundle(know.TERMS_MAX)
    turns = [_turn(text, some) for text in said]
    with_many = [replace(one, hints=many) for one in turns]
    bare = [replace(one, hints=turn.NO_HINTS) for one in turns]
    requests = [turn.understand(one).request for one in turns]
    requested = [_profile(number) for number in range(len(said))]
    work = {
        "turn": _p50(turns, turn.understand),
        "nlp": _p50(requests, nlp.run),
        "many terms": _p50(with_many, turn.understand),
        "no terms": _p50(bare, turn.understand),
        "profile": _p50(requested, persona.run),
        "limit of a turn": lambda: TURN_US,
        "limit of a profile": lambda: PROFILE_US,
    }
    taken = measure(work, effort.rounds, "turns")
    began = perf_counter()
    bundle(know.TERMS_MAX)
    made_ms = 1e3 * (perf_counter() - began)
    note(f"a bundle of {know.TERMS_MAX} terms is made once, in {made_ms:.0f} ms")
    return [
        compare(
            f"whole turn, {TERMS} terms, p50: the limit",
            "us",
            taken["turn"],
            taken["limit of a turn"],
            Bound(most=1),
        ),
        compare("whole turn, p50: PH1.NLP alone", "us", taken["turn"], taken["nlp"]),
        compare(
            f"turn with {know.TERMS_MAX} terms, p50: with none",
            "us",
            taken["many terms"],
            taken["no terms"],
            Bound(most=1.25),
        ),
        compare(
            "profile of three wishes, p50: the limit",
            "us",
            taken["profile"],
            taken["limit of a profile"],
            Bound(most=1),
        ),
    ]


def bundle(terms: int) -> turn.Hints:
    """So many terms of one tenant, names and products, made ready as a turn takes them."""
    entries = [
        know.Entry(
            f"term-{number}",
            "acme",
            know.KINDS[number % 4],
            "HR_ORG_AUTHORIZED",
            f"{_FIRST[number % len(_FIRST)]} {_name(number)}",
        )
        for number in range(terms)
    ]
    return turn.hints_of("acme", entries, f"{terms:064}")


def _name(number: int) -> str:
    """A surname that no other number has."""
    letters = ""
    while number:
        number, place = divmod(number, 26)
        letters += chr(97 + place)
    return f"M{letters}er"


def _turn(text: str, hints: turn.Hints) -> turn.Turn:
    return turn.Turn(
        "acme",
        "1" * 32,
        1,
        text,
        now=_NOW,
        hints=hints,
        items=(focus.Item("first", "SPAN", 5, f"span:0-{min(len(text), 6)}", "turn:1"),),
    )


def _profile(number: int) -> persona.Request:
    """Three wishes, in words that change from request to request."""
    signals = tuple(
        persona.Signal(key, said[number // (1 + place) % len(said)], f"memory:{place}")
        for place, (key, said) in enumerate(_WISHES)
    )
    return persona.Request(f"user-{number % 97}", "voice", True, signals, place="SHARED")


def _p50(given: Sequence[T], run: Callable[[T], object]) -> Callable[[], float]:
    def once() -> float:
        spent = []
        for one in given:
            began = perf_counter()
            run(one)
            spent.append(perf_counter() - began)
        return 1e6 * percentile(spent, 0.5)

    return once


def _utterances() -> list[str]:
    folder = os.environ.get("SELENE_DATA")
    probe = Path(folder or ".") / "nlp_probe.jsonl"
    if folder and probe.exists():
        with probe.open(encoding="utf-8") as lines:
            said = [json.loads(line)["text"] for line in lines]
        step = max(1, len(said) // _SAID_MAX)
        return said[::step]
    note("turns: the utterances beside the benchmark; SELENE_DATA names no development data")
    return lines_of("nlp_utterances.txt")
