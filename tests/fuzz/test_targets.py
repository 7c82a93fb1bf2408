"""The fuzz targets take their own seeds well, and do see a defect; `make fuzz` does the rest."""

from __future__ import annotations

import random

import pytest

from fuzz import targets
from fuzz.__main__ import mutated
from fuzz.targets import ENGLISH, HEAD, TARGETS, Folder
from selene_os.language.pack import load_pack


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds_and_their_neighbours(name: str) -> None:
    target = TARGETS[name]
    for place, seed in enumerate(target.seeds):
        assert len(seed) <= target.bytes_max
        target.feed(seed)
        near = seed
        for step in range(20):
            near = mutated(near, place * 100 + step, target, name == "decide", blind)
            target.feed(near[: target.bytes_max])


def blind(data: bytes, _: int) -> bytes:
    """One byte changed, as libFuzzer might."""
    chance = random.Random(data)
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def test_the_small_pack_that_is_fuzzed_is_a_sound_one() -> None:
    directory: object = Folder(pack=HEAD.encode(), en=ENGLISH.encode())
    assert load_pack(directory).name == "small"  # type: ignore[arg-type]


def test_an_answer_that_breaks_a_rule_fails_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "broken", lambda *_: ["the evidence is not exact"])
    with pytest.raises(AssertionError, match="evidence"):
        targets.decide(TARGETS["decide"].seeds[0])
