"""Feed one target until it fails or the time is over: python -m fuzz TARGET SECONDS FOLDER.

What was found lies in FOLDER/TARGET: inputs that reach new code in `corpus`, the input that failed
in `failures`. `python -m fuzz TARGET 0 FILE` feeds one such file again.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuzz.targets import Target

# Longer than this for one short input is a defect as much as an exception is.
INPUT_SECONDS_MAX = 5
MEMORY_MB_MAX = 2_048
WRONG: list[Any] = [
    None, True, 0, -1, 2**31, 1.5, "", "x", "\ud800", [], {}, [None], [{}], {"x": 1}, "zh", "LOW",
    "2024-02-29T23:59:59-05:00", [{"start": 0, "end": 1}], [{"start": 3, "end": 9}],
    {"time": "next_occurrence"}, {"currency": "EUR"}, {"date_order": "MDY"}, "0001-01-01T00:00Z",
    "9999-12-31T23:59:59+00:00",
]  # fmt: skip


def main(name: str, seconds: str, place: str) -> None:
    """Fuzz one target, or feed it one file where no time is given."""
    # Not imported at the top: only `make fuzz` installs it.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["selene_os", "tomllib"]):
        targets = importlib.import_module("fuzz.targets")
    target: Target = targets.TARGETS[name]
    if seconds == "0":
        target.feed(Path(place).read_bytes())
        return
    corpus, failures = Path(place, name, "corpus"), Path(place, name, "failures")
    for folder in (corpus, failures):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        Path(corpus, f"seed{number}").write_bytes(seed)

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        return mutated(data, seed, target, name == "decide", atheris.Mutate)[:size_max]

    options = {
        "max_total_time": seconds,
        "max_len": target.bytes_max,
        "timeout": INPUT_SECONDS_MAX,
        "report_slow_units": 1,
        "rss_limit_mb": MEMORY_MB_MAX,
        "artifact_prefix": f"{failures}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    print(f"{name}: {seconds} s of inputs; one that fails is kept in {failures}", flush=True)
    line = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    atheris.Setup(line, target.feed, custom_mutator=mutate)
    atheris.Fuzz()


def mutated(data: bytes, seed: int, target: Target, is_json: bool, blind: Any) -> bytes:
    """A neighbour of an input: another word in it, another value, or other bytes."""
    chance = random.Random(seed)
    if chance.random() < 0.2:
        return bytes(blind(data, target.bytes_max))
    if not is_json:
        return data[:1] + spoken(data[1:].decode(errors="replace"), chance, target).encode()
    try:
        given = json.loads(data)
        if chance.random() < 0.8:
            given["text"] = spoken(given["text"], chance, target)
        else:
            put(given, chance)
        return json.dumps(given, ensure_ascii=chance.random() < 0.1).encode(errors="replace")
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return chance.choice(target.seeds)


def spoken(text: str, chance: random.Random, target: Target) -> str:
    """A text with a piece put in, taken out, said twice or moved."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        first, last = sorted(chance.randint(0, len(text)) for _ in range(2))
        piece = text[first:last][:60]
        match chance.randrange(8):
            case 0:
                text = text[:first] + text[first + len(piece) :]
            case 1:
                text = text[:first] + piece * chance.choice((2, 3, 12)) + text[last:]
            case 2:
                text = text[:first] + text[last:] + " " + piece
            case 3:
                text = (
                    text[:first] + chr(chance.choice((chance.randrange(0xD800), 0x1D7D8))) + piece
                )
            case _:
                word = chance.choice(target.words)
                gap = chance.choice((" ", " ", " ", "", "\u200b"))
                text = text[:first].rstrip() + gap + word + gap + text[first:].lstrip()
    return text


def put(given: Any, chance: random.Random) -> None:
    """Another value somewhere in a request, at any depth."""
    while True:
        keys = list(given) if isinstance(given, dict) else list(range(len(given)))
        key = chance.choice(keys)
        inner = given[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            break
        given = inner
    others = (
        "language now transcript_confidence uncertain_spans terms focus policy confirmed".split()
    )
    if isinstance(given, dict) and "text" in given and chance.random() < 0.5:
        key = chance.choice(others)
    given[key] = chance.choice(WRONG)


if __name__ == "__main__":
    main(*sys.argv[1:4])
