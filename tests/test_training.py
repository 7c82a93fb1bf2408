"""The scorer's trainer, on a made-up handful of utterances: `make scorer` runs it on the real ones.

It writes below the folder that it runs in, so each test gives it a folder of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selene_os.language.pack import core_directory, load_pack
from selene_os.language.scorer import AGREES, REFUSES, load_scorer

ROOT = Path(__file__).parent.parent
PACK = Path("src/selene_os/language/packs/core")
NAMES = "ann bob carla dave erin frank gina hugo ines jack".split()
TALK = "people often say that $ is a word", "who is $ and why", "$ had a long day at work"
PAY = "send $ 20 dollars", "please pay $ 5 euros", "transfer 100 to $", "give $ 7 pounds"
TIME = (
    "what time is it",
    "tell me the time for $",
    "what time is it with $ now",
    "the time please, $",
)


def rows(texts: tuple[str, ...], expected: str, accept: tuple[str, ...] = ()) -> list[str]:
    said = dict.fromkeys(text.replace("$", name) for text in texts for name in NAMES)
    return [
        json.dumps({"text": text, "expected": expected, "accept": list(accept)}) for text in said
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of utterances: two intents with enough of their own, one without, and talk."""
    folder = tmp_path_factory.mktemp("data")
    lines = rows(PAY, "SEND_MONEY") + rows(TIME, "TIME_QUERY") + rows(TALK, "none")
    lines += rows(("news about $",), "NEWS_QUERY", ("WEB_SEARCH_QUERY",))
    (folder / "nlp_probe.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def trained(place: Path, data: Path | None, seed: str = "random") -> tuple[str, dict[str, bytes]]:
    """What the trainer prints, and the files of the pack that it leaves in a folder."""
    pack = place / PACK
    if not pack.exists():
        pack.mkdir(parents=True)
        for file in core_directory().iterdir():
            if file.name.endswith((".toml", ".bin")):
                (pack / file.name).write_bytes(file.read_bytes())
    told = {} if data is None else {"SELENE_DATA": str(data)}
    ran = subprocess.run(
        [sys.executable, "-m", "training.scorer"],
        cwd=place,
        env={
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": seed,
            "PATH": os.environ["PATH"],
            **told,
        },
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout, {file.name: file.read_bytes() for file in sorted(pack.iterdir())}


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder that the trainer was run in, and what it left there."""
    place = tmp_path_factory.mktemp("first")
    return place, trained(place, data, "0")[1]


def test_the_same_utterances_give_the_same_bytes_under_every_hash_seed(
    data: Path, first: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    place, files = first
    assert trained(tmp_path, data, "31337")[1] == files
    # Nor does it build upon the table that it finds.
    assert trained(place, data, "1")[1] == files


def test_the_table_is_named_by_its_digest_and_nothing_else_of_the_pack_changes(
    first: tuple[Path, dict[str, bytes]],
) -> None:
    place, files = first
    digest = hashlib.sha256(files["scorer.bin"]).hexdigest()
    for file in core_directory().iterdir():
        if file.name == "pack.toml":
            was, now = file.read_bytes().splitlines(), files["pack.toml"].splitlines()
            (changed,) = [new for old, new in zip(was, now, strict=True) if old != new]
            assert changed == f'digest = "{digest}"'.encode()
        elif file.name.endswith(".toml"):
            assert files[file.name] == file.read_bytes()
    assert load_pack(place / PACK).scorer == load_scorer(files["scorer.bin"])


def test_a_pack_that_names_no_table_yet_is_given_one(data: Path, tmp_path: Path) -> None:
    pack = tmp_path / PACK
    pack.mkdir(parents=True)
    for file in core_directory().iterdir():
        if file.name.endswith(".toml"):
            text = file.read_text(encoding="utf-8").split("[scorer]")[0]
            (pack / file.name).write_text(text, encoding="utf-8")
    trained(tmp_path, data)
    assert load_pack(pack).scorer is not None


def test_what_was_learned_tells_two_intents_apart_and_both_from_talk(
    first: tuple[Path, dict[str, bytes]],
) -> None:
    scorer = load_scorer(first[1]["scorer.bin"])
    assert scorer.language == "en"
    # Ten utterances are too few to learn from.
    assert list(scorer.weights) == ["SEND_MONEY", "TIME_QUERY"]
    said = {
        "SEND_MONEY": "send zoe 90 dollars",
        "TIME_QUERY": "what time is it with zoe",
        None: "people often say that zoe is a word",
    }
    for intent in scorer.weights:
        for meant, text in said.items():
            opinion = scorer.opinion(intent, text.split())
            assert opinion is not None
            assert opinion.verdict == (AGREES if meant == intent else REFUSES), (intent, text)


def test_no_utterance_can_be_read_out_of_the_table(
    first: tuple[Path, dict[str, bytes]],
) -> None:
    content = first[1]["scorer.bin"].lower()
    for word in [*NAMES, "dollars", "people", "transfer"]:
        assert word.encode() not in content


def test_without_utterances_nothing_is_written(tmp_path: Path) -> None:
    out, files = trained(tmp_path, None)
    assert out.startswith("skipped: no data")
    assert trained(tmp_path, tmp_path) == (out, files)
    for file in core_directory().iterdir():
        if file.name in files:
            assert files[file.name] == file.read_bytes()
