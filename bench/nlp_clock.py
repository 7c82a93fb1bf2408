"""How long the engine takes: an utterance, a very long one, and the start of a process."""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bench.table import Unmeasured
from selene_os.engines import nlp

NOW: Final = "2026-11-21T09:30:00+00:00"
LONG_BYTES: Final = 32_768
_PARTS: Final = 4
_STARTS: Final = 5
_LONG_TURNS: Final = 5
# Timed inside, from the first line of a program on: what an interpreter costs is nobody's choice.
_START: Final = """
import time
began = time.perf_counter()
from selene_os.engines import nlp
nlp.pack_digest()
loaded = time.perf_counter()
nlp.run(nlp.Request("remind me to call mom tomorrow at 5 pm"))
print(1e3 * (loaded - began), 1e3 * (time.perf_counter() - began))
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Microseconds of one utterance: of all, and of those that are answered otherwise than CHAT."""

    p50_us: float
    p99_us: float
    candidate_p50_us: float


@dataclass(frozen=True, slots=True)
class Long:
    """The slowest text of 32 KB in milliseconds, and the worst ratio to its first half."""

    worst_ms: float
    worst_name: str
    ratio: float
    ratio_name: str


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds in a fresh process until every pack is loaded, and until the first answer."""

    loaded_ms: float
    answered_ms: float


def lines_of(name: str) -> list[str]:
    """The lines of a list that lies beside this module, without its comments."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def understand(text: str, language: str = "en") -> nlp.Result:
    """One utterance as an edge hands it on: the request decoded, checked and decided."""
    return nlp.run(nlp.decode_request({"text": text, "language": language, "now": NOW}))


def probe_texts(cases: Path) -> list[str]:
    """The utterances of the probe that count."""
    with cases.open(encoding="utf-8") as rows:
        read: list[dict[str, Any]] = [json.loads(row) for row in rows]
    return [row["text"] for row in read if row["tier"] == "core"]


def timed(work: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """Microseconds of each text."""
    gc.collect()
    gc.freeze()
    spent = []
    for text in texts:
        began = perf_counter()
        work(text)
        spent.append(1e6 * (perf_counter() - began))
    return spent


def latency(texts: Sequence[str]) -> Latency:
    """The medians of some parts; the first warms up, and no text is asked before it is timed."""
    parts = [texts[part::_PARTS] for part in range(_PARTS)]
    spent = [timed(understand, part) for part in parts][1:]
    heard = [
        [us for us, text in zip(times, part, strict=True) if understand(text).decision != "CHAT"]
        for times, part in zip(spent, parts[1:], strict=True)
    ]
    if not all(heard):
        raise Unmeasured("every utterance was answered CHAT")
    return Latency(
        statistics.median(percentile(times, 0.5) for times in spent),
        statistics.median(percentile(times, 0.99) for times in spent),
        statistics.median(percentile(times, 0.5) for times in heard),
    )


def long_texts(size: int) -> dict[str, tuple[str, str]]:
    """Name -> (language, text of so many bytes): what could make an engine slow."""
    said = lines_of("nlp_utterances.txt")
    parts = {
        "sentences": ("en", ". ".join(said) + ". "),
        "one clause": ("en", " ".join(said) + " "),
        "requests": ("en", "remind me to call mom tomorrow at 5 pm and "),
        "half a trigger": ("en", "remind me to send "),
        "figures": ("en", "at 5 or 6 on 7/8 for 20 "),
        "one word": ("en", "a" * 64),
        "Chinese": ("zh", "明天下午三点提醒我给妈妈打电话，"),
    }
    return {
        name: (language, (part * (size // len(part.encode()) + 1)).encode()[:size].decode(
            errors="ignore"))
        for name, (language, part) in parts.items()
    }  # fmt: skip


def long_utterances() -> Long:
    """The worst of several very long texts; each one's best of some turns."""
    whole, half = long_texts(LONG_BYTES), long_texts(LONG_BYTES // 2)
    took: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for name in whole:
        turns = [(_once_ms(*half[name]), _once_ms(*whole[name])) for _ in range(_LONG_TURNS)]
        shorter, longer = (min(column) for column in zip(*turns, strict=True))
        took[name], ratios[name] = longer, longer / shorter
    slowest, steepest = max(took, key=took.__getitem__), max(ratios, key=ratios.__getitem__)
    return Long(took[slowest], slowest, ratios[steepest], steepest)


def _once_ms(language: str, text: str) -> float:
    gc.collect()
    began = perf_counter()
    understand(text, language)
    return 1e3 * (perf_counter() - began)


def start() -> Start:
    """The medians of some fresh processes; a first one, left out, compiles for all of them.

    Whether what is installed was compiled, and whether the compiled code may be kept, is the
    environment's; so the compiled code has a folder of its own here.
    """
    with tempfile.TemporaryDirectory() as compiled:
        surroundings = dict(os.environ, PYTHONPYCACHEPREFIX=compiled)
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
        taken = [_start_once(surroundings) for _ in range(_STARTS + 1)][1:]
    loaded, answered = (statistics.median(column) for column in zip(*taken, strict=True))
    return Start(loaded, answered)


def _start_once(surroundings: dict[str, str]) -> tuple[float, float]:
    ran = subprocess.run(
        [sys.executable, "-c", _START],
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
        check=False,
    )
    if ran.returncode:
        raise Unmeasured(f"the process that was started ended with {ran.returncode}")
    loaded, answered = map(float, ran.stdout.split())
    return loaded, answered
