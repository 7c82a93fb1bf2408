"""Packs beside each other: what they add up to, and what two of them may not say differently."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from own_packs import add_scorer, write_pack
from selene_os.edges.packs import load
from selene_os.engines import nlp
from selene_os.errors import PackInvalid
from selene_os.language.pack import core_pack


def understood(text: str, pack: nlp.Pack | None = None) -> nlp.Result:
    return nlp.run(nlp.Request(text), pack)


def test_no_pack_is_the_core_pack() -> None:
    assert load([]) is core_pack()


def test_a_pack_stands_beside_the_core_pack(tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    assert set(pack.intents) == {*core_pack().intents, "RESERVE_PARKING"}
    mine = understood("park me at bay 12", pack)
    assert (mine.decision, mine.intent_type) == ("INTENT_DRAFT", "RESERVE_PARKING")
    theirs = understood("remind me to call mom tomorrow", pack)
    assert theirs == understood("remind me to call mom tomorrow")
    assert theirs.intent_type == "SET_REMINDER"
    assert understood("park me at bay 12").intent_type != "RESERVE_PARKING"


def test_two_packs_stand_beside_each_other(tmp_path: Path) -> None:
    one = write_pack(tmp_path)
    two = write_pack(
        tmp_path, "lockers", intent="OPEN_LOCKER", field="locker", pattern="unlock box {locker}"
    )
    pack = load([one, two])
    assert understood("park us at the roof", pack).intent_type == "RESERVE_PARKING"
    assert understood("unlock box seven", pack).intent_type == "OPEN_LOCKER"
    assert pack.name == "core+parking+lockers"


def test_the_digest_tells_packs_their_bytes_and_their_order_apart(tmp_path: Path) -> None:
    one = write_pack(tmp_path)
    two = write_pack(
        tmp_path, "lockers", intent="OPEN_LOCKER", field="locker", pattern="unlock box {locker}"
    )
    digests = [load(given).digest for given in ([], [one], [two], [one, two], [two, one])]
    with (one / "en.toml").open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    digests.append(load([one]).digest)
    assert len(set(digests)) == len(digests)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_the_digest_is_of_the_files_and_not_of_where_they_are(tmp_path: Path) -> None:
    one = write_pack(tmp_path)
    copy = shutil.copytree(one, tmp_path / "elsewhere")
    assert load([one]).digest == load([copy]).digest == load([str(one)]).digest


def test_what_is_no_part_of_a_pack_changes_nothing(tmp_path: Path) -> None:
    one = write_pack(tmp_path)
    before = load([one])
    (one / "README.md").write_text("Notes.", encoding="utf-8")
    (one / "cases").mkdir()
    (one / "cases" / "en.toml").write_text("[[case]]\nnonsense = 1\n", encoding="utf-8")
    assert load([one]) == before


OTHER = {"intent": "OPEN_LOCKER", "field": "locker", "pattern": "unlock box {locker}"}
CONFLICTS = {
    "the same intent": ({}, {}, "RESERVE_PARKING"),
    "an intent of the core pack": (OTHER | {"intent": "SET_REMINDER"}, {}, "SET_REMINDER"),
    "a field of another kind": (
        {},
        OTHER | {"field": "bay", "pattern": "unlock box {bay}", "kind": "count"},
        "bay",
    ),
    "a field of the core pack of another kind": (
        {"field": "place", "pattern": "park me at {place}", "kind": "words"},
        {},
        "place",
    ),
    "other terms of a field": (
        {"field": "bay", "more": '[terms]\nbay = ["PROJECT_CODE"]'},
        OTHER
        | {
            "field": "bay",
            "pattern": "unlock box {bay}",
            "more": '[terms]\nbay = ["INTERNAL_PRODUCT_NAME"]',
        },
        "bay",
    ),
    "another question": (
        {},
        OTHER | {"field": "bay", "pattern": "unlock box {bay}", "ask": "Where to?"},
        "bay",
    ),
    "the same pattern": (
        {},
        OTHER | {"field": "bay", "pattern": "park (me|us) at {bay}"},
        "park (me|us) at {bay}",
    ),
}


@pytest.mark.parametrize("what", CONFLICTS)
def test_what_two_packs_say_differently_is_refused_with_its_name(what: str, tmp_path: Path) -> None:
    first, second, named = CONFLICTS[what]
    packs = [write_pack(tmp_path, **first)]
    packs.append(write_pack(tmp_path, "other", **second) if second else packs[0])
    with pytest.raises(PackInvalid) as refused:
        load(packs)
    assert named in str(refused.value)
    assert refused.value.next_step
    if "core" not in what:
        assert all(load([pack]) for pack in set(packs)), "each is sound by itself"


def test_a_pattern_of_the_core_pack_is_refused_for_another_intent(tmp_path: Path) -> None:
    taken = next(
        pattern
        for pattern in core_pack().languages["en"].patterns()
        if "<" not in pattern.text and "{" not in pattern.text
    )
    with pytest.raises(PackInvalid, match=taken.intent_type):
        load([write_pack(tmp_path, pattern=taken.text)])


def test_two_scorers_are_refused_and_both_packs_named(tmp_path: Path) -> None:
    one = add_scorer(write_pack(tmp_path), "RESERVE_PARKING")
    two = add_scorer(write_pack(tmp_path, "lockers", **OTHER), "OPEN_LOCKER")
    with pytest.raises(PackInvalid, match=r"packs .* and .* both have a scorer"):
        load([one, two])


def test_one_question_about_a_shared_field_may_be_said_twice_word_for_word(tmp_path: Path) -> None:
    one = write_pack(tmp_path)
    two = write_pack(tmp_path, "lockers", **OTHER | {"field": "bay", "pattern": "unlock box {bay}"})
    assert load([one, two]).languages["en"].questions["bay"].ask == "Which bay?"


def test_a_field_of_the_core_pack_brings_its_question_along(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, field="place", kind="name", pattern="park me at {place}")
    text = (pack / "en.toml").read_text(encoding="utf-8")
    (pack / "en.toml").write_text(text[: text.index("[questions")], encoding="utf-8")
    asked = load([pack]).languages["en"].questions["place"]
    assert asked == core_pack().languages["en"].questions["place"]


def test_a_pack_that_is_wrong_by_itself_is_named_with_its_directory_and_line(
    tmp_path: Path,
) -> None:
    good = write_pack(tmp_path)
    bad = write_pack(tmp_path, "lockers", **OTHER | {"pattern": "unlock box {loker}"})
    with pytest.raises(PackInvalid) as refused:
        load([good, bad])
    assert f"{bad / 'en.toml'}, line 3: " in str(refused.value)
    assert "'loker'" in str(refused.value)


def test_a_directory_that_is_no_pack_is_named(tmp_path: Path) -> None:
    for directory in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(PackInvalid, match=re.escape(str(directory))):
            load([directory])


def test_a_field_without_a_question_is_refused(tmp_path: Path) -> None:
    pack = write_pack(tmp_path)
    text = (pack / "en.toml").read_text(encoding="utf-8")
    (pack / "en.toml").write_text(text[: text.index("[questions")], encoding="utf-8")
    with pytest.raises(PackInvalid, match=r"questions\.bay is missing"):
        load([pack])


def test_a_question_to_a_pack_of_ones_own_is_asked_answered_and_pruned(tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path, pattern="park (me|us) [at {bay}]")])
    asked = understood("park us", pack)
    assert (asked.decision, asked.what_is_missing, asked.question) == (
        "CLARIFY", "bay", "Which bay?",
    )  # fmt: skip
    request = nlp.Request("bay 12", pending=asked.pending)
    assert nlp.run(request, pack).fields[0].value == "bay 12"
    assert nlp.ask_about(asked, "bay", request, pack) == asked
    assert nlp.recorded_formats("bay", request, pack) == ("bay 12", "on the roof")
    assert nlp.pack_digest(pack) == pack.digest
    # A pack that is no longer loaded: what it asked is open no more, and nothing breaks.
    assert nlp.run(request).decision in ("CHAT", "INTENT_DRAFT")


def test_a_language_that_a_pack_does_not_speak_asks_in_one_that_it_does(tmp_path: Path) -> None:
    assert "zh" in core_pack().languages
    pack = load([write_pack(tmp_path, pattern="park (me|us) [at {bay}]")])
    asked = nlp.run(nlp.Request("park us", language="zh"), pack)
    assert (asked.what_is_missing, asked.question) == ("bay", "Which bay?")
    answer = nlp.Request("bay 12", language="zh", pending=asked.pending)
    assert nlp.run(answer, pack).fields[0].value == "bay 12"


def test_an_optional_field_may_have_to_be_asked_for_as_well(tmp_path: Path) -> None:
    # Who "him" is must be asked, and a question that is not there cannot be.
    pack = write_pack(tmp_path, pattern="park {guest} at {bay}")
    head = (pack / "pack.toml").read_text(encoding="utf-8")
    head = head.replace('optional = ["when"]', 'optional = ["when", "guest"]')
    (pack / "pack.toml").write_text(head.replace("[kinds]", '[kinds]\nguest = "name"'), "utf-8")
    with pytest.raises(PackInvalid, match=r"questions\.guest is missing"):
        load([pack])
    with (pack / "en.toml").open("a", encoding="utf-8") as english:
        english.write('[questions.guest]\nask = "Whose car?"\nformats = ["Ann", "Bob"]\n')
    asked = understood("park him at bay 12", load([pack]))
    assert (asked.what_is_missing, asked.question) == ("guest", "Whose car?")


def test_a_field_without_patterns_of_an_answer_takes_the_bare_value(tmp_path: Path) -> None:
    directory = write_pack(tmp_path, pattern="park (me|us) [at {bay}]")
    text = (directory / "en.toml").read_text(encoding="utf-8")
    spare = re.sub(r"^\[answers\]\n.*\n", "", text, flags=re.MULTILINE)
    assert spare != text
    (directory / "en.toml").write_text(spare, encoding="utf-8")
    pack = load([directory])
    asked = understood("park us", pack)
    request = nlp.Request("bay 12", pending=asked.pending)
    assert [field.value for field in nlp.run(request, pack).fields] == ["bay 12"]
