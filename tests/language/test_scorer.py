"""The scorer's table: what is written is read again, and what is damaged is refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from own_packs import write_alone
from selene_os.errors import PackInvalid
from selene_os.language.pack import core_directory, core_pack, load_pack
from selene_os.language.scorer import (
    AGREES,
    ALLOWS,
    BUCKETS,
    MAGIC,
    REFUSES,
    Scorer,
    ScorerError,
    features,
    load_scorer,
    save_scorer,
)

SOURCE = Path(__file__).parent.parent.parent / "src"
WORDS = st.lists(st.text(max_size=8) | st.sampled_from("send $ 20 20 to ann 王 \ud800".split()))


def row(intent: str, bias: int = 0, allow: int = 0, agree: int = 0) -> dict[str, Any]:
    return {"intent": intent, "bias": bias, "allow": allow, "agree": agree}


# ---- features


def test_features_are_each_word_and_each_pair_with_the_ends_once() -> None:
    assert len(features([])) == 1
    assert len(features(["pay", "ann"])) == 5
    assert len(features(["a", "a", "a"])) == 4
    assert features(["pay", "ann"]) != features(["ann", "pay"])


@given(WORDS)
def test_features_are_buckets_in_order_and_none_twice(words: list[str]) -> None:
    found = features(words)
    assert found == sorted(set(found))
    assert all(0 <= bucket < BUCKETS for bucket in found)
    assert found == features(iter(words))


def test_no_amount_or_date_is_told_from_another() -> None:
    assert features(["send", "20", "on", "7"]) == features(["send", "1999", "on", "0"])
    assert features(["send", "20"]) != features(["send", "me"])
    # A digit of another script is a word that nobody knows.
    assert features(["send", "٥"]) != features(["send", "5"])


def test_features_are_the_same_under_every_hash_seed_and_of_every_machine() -> None:
    said = ["remind", "me", "to", "call", "王", "at", "5", "\ud800"]
    code = f"from selene_os.language.scorer import features; print(features({said!a}))"
    for seed in ("0", "1", "4294967295"):
        ran = subprocess.run(
            [sys.executable, "-s", "-c", code],
            env={"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": seed, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(ran.stdout) == features(said), seed
    # The table that ships was trained on these buckets, and knows no others.
    assert features(["pay", "ann"]) == [3977, 8764, 21159, 21835, 29299]


# ---- the table


def noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(BUCKETS)


def test_a_table_that_was_written_is_read_again() -> None:
    rows = [(row("PAY", -7, -20, 300), noise(1)), (row("ASK", 9, 0, 0), noise(2))]
    content = save_scorer("en", rows)
    read = load_scorer(content)
    assert read.language == "en"
    assert list(read.weights) == ["PAY", "ASK"]
    for wrote, weights in rows:
        table = read.weights[wrote["intent"]]
        assert (table.bias, table.allow, table.agree) == (
            wrote["bias"], wrote["allow"], wrote["agree"],
        )  # fmt: skip
        assert table.weights.tobytes() == weights
        assert min(table.weights) < 0 < max(table.weights)
    assert save_scorer("en", iter(rows)) == content
    assert load_scorer(content) == read


def test_a_score_is_the_bias_and_the_weights_of_what_is_said() -> None:
    weights = noise(3)
    scorer = load_scorer(save_scorer("en", [(row("PAY", 40, 1, 2), weights)]))
    signed = memoryview(weights).cast("b")
    for words in ([], ["pay", "ann"], ["pay", "pay", "ann"], ["給", "王"]):
        opinion = scorer.opinion("PAY", words)
        assert opinion is not None
        assert opinion.score == 40 + sum(signed[bucket] for bucket in features(words))
    assert scorer.opinion("ASK", ["pay"]) is None


@pytest.mark.parametrize(
    ("score", "verdict"),
    [(-9, REFUSES), (9, REFUSES), (10, ALLOWS), (11, ALLOWS), (19, ALLOWS), (20, AGREES),
     (99, AGREES)],
)  # fmt: skip
def test_a_verdict_begins_at_its_threshold(score: int, verdict: str) -> None:
    scorer = load_scorer(save_scorer("en", [(row("PAY", score, 10, 20), bytes(BUCKETS))]))
    opinion = scorer.opinion("PAY", ["pay", "ann"])
    assert opinion is not None
    assert (opinion.verdict, opinion.score) == (verdict, score)


WHOLE = save_scorer("en", [(row("PAY", 1, 2, 3), noise(4))])
HEADER = WHOLE[len(MAGIC) : WHOLE.index(b"\n", len(MAGIC))]


def headed(header: bytes) -> bytes:
    return MAGIC + header + b"\n" + noise(4)


def changed(**keys: Any) -> bytes:
    """A table whose row says otherwise; None leaves a key out."""
    given = {key: value for key, value in (row("PAY") | keys).items() if value is not None}
    return headed(json.dumps({"language": "en", "rows": [given]}).encode())


DAMAGED = {
    "nothing": b"",
    "another magic": b"selene-scorer 2\n" + WHOLE[len(MAGIC) :],
    "only its magic": MAGIC,
    "no header": headed(b""),
    "a header that is no JSON": headed(HEADER[:-1]),
    "a header that is no text": headed(b"\xff" + HEADER),
    "a header that is a list": headed(b"[]"),
    "a header that is a number": headed(b"5"),
    "a header without rows": headed(b'{"language":"en"}'),
    "a header without a language": headed(HEADER.replace(b"language", b"longuage")),
    "rows that are no list": headed(b'{"language":"en","rows":5}'),
    "a row that is no table": headed(b'{"language":"en","rows":[5]}'),
    "a row without an intent": changed(intent=None),
    "a row without a bias": changed(bias=None),
    "a row without thresholds": changed(allow=None, agree=None),
    "a bias that is no number": changed(bias="much"),
    "a bias that is nothing at all": changed(bias=[]),
    "a bias that is no number of this world": changed(bias=float("nan")),
    "one weight too few": WHOLE[:-1],
    "one weight too many": WHOLE + b"\0",
    "one row too many": WHOLE + noise(5),
    "no weights": MAGIC + HEADER + b"\n",
    "no line behind the header": MAGIC + HEADER,
    "a header over its bytes": headed(HEADER + b" " * 65_536),
}
LET_PASS = {
    "a bias without an end": changed(bias=float("inf")),
    "a header nested without end": headed(b"[" * 60_000),
    "a bias that is a fraction": changed(bias=1.5),
    "a bias that is yes": changed(bias=True),
    "one intent twice": MAGIC
    + json.dumps({"language": "en", "rows": [row("PAY"), row("PAY", 9)]}).encode()
    + b"\n" + noise(4) * 2,
    "agreement below permission": changed(allow=5, agree=4),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_table_is_refused(what: str) -> None:
    with pytest.raises(ScorerError) as refused:
        load_scorer(DAMAGED[what])
    assert str(refused.value)


@pytest.mark.parametrize("what", LET_PASS)
def test_a_table_that_means_nothing_is_refused(what: str) -> None:
    with pytest.raises(ScorerError):
        load_scorer(LET_PASS[what])


def test_a_table_that_is_cut_off_anywhere_is_refused() -> None:
    for size in [*range(len(MAGIC) + len(HEADER) + 3), *range(400, len(WHOLE), 4_001)]:
        with pytest.raises(ScorerError):
            load_scorer(WHOLE[:size])


# ---- in a pack


def digest_line(pack: Path) -> int:
    lines = (pack / "pack.toml").read_text(encoding="utf-8").splitlines()
    return next(at for at, line in enumerate(lines, 1) if line.startswith("digest"))


def test_a_pack_has_the_table_that_it_names(tmp_path: Path) -> None:
    scorer = load_pack(write_alone(tmp_path, AGREES)).scorer
    assert isinstance(scorer, Scorer)
    assert list(scorer.weights) == ["PARK"]
    tmp_path.joinpath("scorer.bin").rename(tmp_path / "notes.bin")
    write_alone(tmp_path, None)
    assert load_pack(tmp_path).scorer is None


def flip(pack: Path) -> None:
    content = (pack / "scorer.bin").read_bytes()
    (pack / "scorer.bin").write_bytes(content[:-1] + b"\x01")


def remove(pack: Path) -> None:
    (pack / "scorer.bin").unlink()


def empty(pack: Path) -> None:
    (pack / "scorer.bin").write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, remove, empty], ids=lambda f: f.__name__)
def test_another_table_than_the_one_that_is_named_is_refused_with_file_and_line(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    pack = write_alone(tmp_path, AGREES)
    damage(pack)
    with pytest.raises(PackInvalid) as refused:
        load_pack(pack)
    named = re.search(r"pack\.toml, line (\d+)", str(refused.value))
    assert named, str(refused.value)
    # The table may be named by its own line, or by that of its digest.
    assert int(named[1]) in (digest_line(pack), digest_line(pack) - 1)
    assert "scorer.bin" in str(refused.value)


def test_a_table_that_nothing_names_is_refused(tmp_path: Path) -> None:
    pack = write_alone(tmp_path, AGREES)
    head = pack / "pack.toml"
    head.write_text(head.read_text(encoding="utf-8").split("[scorer]")[0], encoding="utf-8")
    with pytest.raises(PackInvalid, match=r"pack\.toml"):
        load_pack(pack)


def test_a_damaged_table_with_its_own_digest_is_refused_by_its_name(tmp_path: Path) -> None:
    pack = write_alone(tmp_path, AGREES)
    content = (pack / "scorer.bin").read_bytes()[:-1]
    (pack / "scorer.bin").write_bytes(content)
    head = pack / "pack.toml"
    text = re.sub(
        'digest = ".*"', f'digest = "{hashlib.sha256(content).hexdigest()}"', head.read_text()
    )
    head.write_text(text, encoding="utf-8")
    with pytest.raises(PackInvalid, match=r"scorer\.bin, line 1: .*32767 weights"):
        load_pack(pack)


# ---- the one that ships


def test_the_table_that_ships_belongs_to_the_core_pack_and_knows_its_intents_only() -> None:
    content = (core_directory() / "scorer.bin").read_bytes()
    head = (core_directory() / "pack.toml").read_text(encoding="utf-8")
    assert f'digest = "{hashlib.sha256(content).hexdigest()}"' in head
    pack = core_pack()
    assert pack.scorer == load_scorer(content)
    assert pack.scorer is not None
    assert pack.scorer.language == "en"
    assert set(pack.scorer.weights) <= set(pack.intents)
    assert len(pack.scorer.weights) >= 8
    for intent, table in pack.scorer.weights.items():
        assert table.allow <= table.agree, intent
        assert min(table.weights) < 0 < max(table.weights), intent


@pytest.mark.parametrize(
    ("intent", "own", "other"),
    [
        ("SET_REMINDER", "set a reminder to call mom", "how do reminders work in general"),
        ("SEND_MONEY", "send 20 dollars to ann", "she said that money is no reason"),
        ("TIME_QUERY", "what time is it in tokyo", "what a time to be alive"),
    ],
)
def test_the_table_that_ships_tells_a_request_from_talk(intent: str, own: str, other: str) -> None:
    scorer = core_pack().scorer
    assert scorer is not None
    one, two = (scorer.opinion(intent, said.split()) for said in (own, other))
    assert one is not None
    assert two is not None
    assert (one.verdict, two.verdict) == (AGREES, REFUSES)
