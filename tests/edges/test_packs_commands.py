"""`selene pack new`, `check` and `test`: what a person who writes a pack sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import NOON, Command
from own_packs import write_cases, write_pack
from selene_os.edges.packs import load

CASE = """
now = "2026-11-21T09:30:00+00:00"
[[case]]
text = "park me at bay 12"
{expected}
"""


@pytest.fixture
def coffee(selene: Command) -> Path:
    """The example pack."""
    selene.done("pack", "new", "coffee")
    return selene.folder / "coffee"


def failure(selene: Command, directory: Path, expected: str) -> list[tuple[str, str, str]]:
    """What `pack test` says of one case: (what, wanted, got) for each difference."""
    write_cases(directory, CASE.format(expected=expected))
    ran = selene("pack", "test", str(directory), "--json")
    record = ran.record
    assert ran.code == (1 if record["failures"] else 0)
    assert (record["cases"], record["passed"]) == (1, 1 - len(record["failures"]))
    return [
        (one["what"], one["wanted"], one["got"])
        for failed in record["failures"]
        for one in failed["differences"]
    ]


# ---- new


def test_a_new_pack_loads_passes_its_cases_and_answers(selene: Command, coffee: Path) -> None:
    selene.done("pack", "check", "coffee")
    assert selene.done("pack", "test", "coffee").out.endswith("cases passed.\n")
    answer = selene.done("normalize", "--pack", "coffee", "order me a flat white").record
    assert (answer["decision"], answer["intent_type"]) == ("INTENT_DRAFT", "ORDER_COFFEE")
    assert answer["fields"][0]["value"] == "flat white"
    assert selene("normalize", "order me a flat white").record["intent_type"] == "UNKNOWN"


def test_a_new_pack_uses_every_construct_and_says_so(coffee: Path) -> None:
    text = (coffee / "en.toml").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for construct in (
        "|",
        "[me]",
        "<order>",
        "coffee*",
        "{drink}",
        "{drink: ",
        "~",
        "@",
        "{*}",
        "...",
    ):
        assert construct in code, construct
    for table in ("parts", "patterns", "likely", "pieces", "more", "answers", "phrases", "words"):
        assert f"[{table}]" in code, table
    assert text.count("# ") > 20


def test_a_new_pack_goes_into_an_empty_directory_that_is_there(selene: Command) -> None:
    (selene.folder / "mine").mkdir()
    record = selene.done("pack", "new", "mine", "--json").record
    assert all(Path(file).is_file() for file in record["files"])
    assert len(record["files"]) == 4


@pytest.mark.parametrize("what", ["a file in it", "a file of that name", "another file's folder"])
def test_nothing_that_is_there_is_written_over(selene: Command, what: str) -> None:
    target = selene.folder / "mine"
    if what == "a file in it":
        target.mkdir()
        (target / "notes").write_text("mine", encoding="utf-8")
    else:
        target.write_text("mine", encoding="utf-8")
    named = "mine/pack" if what == "another file's folder" else "mine"
    error = selene.refused("pack", "new", named)
    assert error["field"] == "directory"
    assert error["next_step"]
    left = [file.read_text(encoding="utf-8") for file in target.parent.rglob("*") if file.is_file()]
    assert left == ["mine"]


# ---- check


def test_a_check_shows_what_the_pack_holds(selene: Command, coffee: Path) -> None:
    record = selene.done("pack", "check", "coffee", "--json").record
    assert (record["name"], record["version"]) == ("coffee", "1.0.0")
    assert record["digest"] == load([coffee]).digest
    assert [one["intent_type"] for one in record["intents"]] == ["ORDER_COFFEE", "COFFEE_QUERY"]
    assert record["intents"][0]["required"] == ["drink"]
    assert list(record["languages"]) == ["en"]
    assert record["case_files"] == 1
    shown = selene.done("pack", "check", "coffee").out
    for part in ("ORDER_COFFEE: needs drink; may have", "en: 8 patterns", record["digest"]):
        assert part in shown


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("pack.toml", "confirm = true", "confrim = true", "confrim means nothing"),
        ("pack.toml", 'drink = "words"', 'drink = "word"', "'word' must be one of"),
        ("en.toml", '"for {recipient}"', '"for {recipint}"', "no field 'recipint'"),
        ("en.toml", '"<order> [me] [a|some]', '"<odrer> [me] [a|some]', "no part <odrer>"),
    ],
)
def test_a_check_names_file_line_and_reason(
    selene: Command, coffee: Path, file: str, old: str, new: str, named: str
) -> None:
    text = (coffee / file).read_text(encoding="utf-8")
    assert old in text
    (coffee / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    ran = selene("pack", "check", "coffee")
    assert (ran.code, ran.out) == (1, "")
    assert f"coffee/{file}, line {line}: " in ran.err
    assert named in ran.err


def test_a_check_names_what_is_no_pack(selene: Command) -> None:
    for name in ("nowhere", "."):
        ran = selene("pack", "check", name, "--json")
        assert (ran.code, ran.error["code"]) == (1, "PackInvalid")


def test_a_check_refuses_an_answer_that_is_offered_and_not_understood(
    selene: Command, coffee: Path
) -> None:
    text = (coffee / "en.toml").read_text(encoding="utf-8")
    spoilt = text.replace('"a flat white", "espresso"', '"what?", "espresso"')
    (coffee / "en.toml").write_text(spoilt, encoding="utf-8")
    line = spoilt[: spoilt.index('"what?"')].count("\n") + 1
    ran = selene("pack", "check", "coffee")
    assert ran.code == 1
    assert f"coffee/en.toml, line {line}: 'what?' is offered and not understood" in ran.err


# ---- test


@pytest.mark.parametrize(
    "expected",
    [
        'intent = "RESERVE_PARKING"',
        'decision = "INTENT_DRAFT"',
        'fields = { bay = "bay 12" }',
        'fields = { bay = { text = "bay 12", value = "bay 12" } }',
        'intent = "RESERVE_PARKING"\nconfidence = "HIGH"\nflags = []',
        '[case.fields]\nbay = "bay 12"',
    ],
)
def test_a_case_that_holds_passes(selene: Command, tmp_path: Path, expected: str) -> None:
    assert failure(selene, write_pack(tmp_path), expected) == []


@pytest.mark.parametrize(
    ("expected", "what"),
    [
        ('intent = "SEND_MONEY"', ("intent", "SEND_MONEY", "RESERVE_PARKING")),
        ('decision = "CHAT"', ("decision", "CHAT", "INTENT_DRAFT")),
        ('asks = "bay"', ("asks", "bay", "none")),
        ('confidence = "LOW"', ("confidence", "LOW", "HIGH")),
        ('flags = ["VAGUE_TIME"]', ("flags", "VAGUE_TIME", "none")),
        ('fields = { bay = "12" }', ("bay", '"12"', 'text "bay 12", value "bay 12"')),
        ("fields = { bay = 12 }", ("bay", "12", 'text "bay 12", value "bay 12"')),
        ("fields = {}", ("bay", "not heard", 'text "bay 12", value "bay 12"')),
        (
            'fields = { bay = "bay 12", when = "2026-11-22" }',
            ("when", '"2026-11-22"', "not heard"),
        ),
    ],
)
def test_a_case_that_does_not_hold_says_what_was_wanted_and_what_came(
    selene: Command, tmp_path: Path, expected: str, what: tuple[str, str, str]
) -> None:
    assert failure(selene, write_pack(tmp_path), expected) == [what]


def test_an_intent_alone_means_that_it_is_drafted(selene: Command, tmp_path: Path) -> None:
    pack = write_pack(tmp_path, pattern="park me [at {bay}]")
    text = '[[case]]\ntext = "park me"\nintent = "RESERVE_PARKING"\n'
    ran = selene("pack", "test", str(write_cases(pack, text)), "--json")
    (failed,) = ran.record["failures"]
    assert failed["differences"] == [
        {"what": "decision", "wanted": "INTENT_DRAFT", "got": "CLARIFY (asks bay)"}
    ]
    selene.done("pack", "test", str(write_cases(pack, text + 'asks = "bay"\n')))


def test_a_case_may_answer_what_was_asked_before(selene: Command, tmp_path: Path) -> None:
    pack = write_pack(tmp_path, pattern="park me [at {bay}]")
    text = '[[case]]\nbefore = ["park me"]\ntext = "bay 12"\nintent = "RESERVE_PARKING"\n'
    selene.done("pack", "test", str(write_cases(pack, text)))


def test_the_settings_of_a_file_hold_for_its_cases_and_those_of_a_case_win(
    selene: Command, tmp_path: Path
) -> None:
    pack = write_pack(tmp_path)
    text = f"""
now = "{NOON}"
policy = {{ time = "next_occurrence" }}
[[case]]
text = "park me at bay 12 at five"
fields = {{ bay = "bay 12", when = {{ grain = "hour", value = "2026-03-03T17:00" }} }}
[[case]]
text = "park me at bay 12 at five"
policy = {{ time = "ask" }}
asks = "when"
fields = {{ bay = "bay 12", when = {{ readings = 2 }} }}
"""
    selene.done("pack", "test", str(write_cases(pack, text)))


def test_a_failure_is_shown_with_its_file_and_line(selene: Command, coffee: Path) -> None:
    file = coffee / "cases" / "orders.toml"
    text = file.read_text(encoding="utf-8")
    spoilt = text.replace('drink = "latte"', 'drink = "tea"')
    file.write_text(spoilt, encoding="utf-8")
    line = spoilt[: spoilt.index('text = "Could you')].count("\n") + 1
    ran = selene("pack", "test", "coffee")
    assert ran.code == 1
    first, wanted, got, summary = ran.out.splitlines()
    assert first.startswith(f"FAILED cases/orders.toml, line {line}: Could you order a latte")
    assert (wanted.split(), got.split()[:3]) == (
        ["drink", "wanted", '"tea"'],
        ["got", "text", '"latte",'],
    )
    assert summary == "12 of 13 cases passed."


def test_a_pack_without_cases_is_refused(selene: Command, tmp_path: Path) -> None:
    pack = write_pack(tmp_path)
    for _ in range(2):
        error = selene.refused("pack", "test", str(pack))
        assert error["field"] == "directory"
        write_cases(pack, 'now = "2026-11-21T09:30:00+00:00"\n')


@pytest.mark.parametrize(
    ("expected", "line", "named"),
    [
        ("", 3, "expects nothing"),
        ('itnent = "RESERVE_PARKING"', 5, "itnent"),
        ('intent = "RESERVE_PARKNIG"', 5, "RESERVE_PARKNIG"),
        ('decision = "DRAFT"', 5, "DRAFT"),
        ('asks = "by"', 5, "by"),
        ('confidence = "SURE"', 5, "SURE"),
        ('fields = { by = "12" }', 5, "by"),
        ("fields = { bay = 1.5 }", 5, "bay"),
        ("fields = { bay = true }", 5, "bay"),
        ('fields = { bay = { vlaue = "12" } }', 5, "vlaue"),
        ("flags = 5", 5, "flags"),
        ('intent = "UNKNOWN"\nnow = "noon"', 3, "now"),
        ('intent = "UNKNOWN"\nlanguage = "xx"', 3, "language"),
        ('intent = "UNKNOWN"\npolicy = { tmie = "ask" }', 3, "tmie"),
        ('intent = "UNKNOWN"\nbefore = "hello"', 6, "before"),
    ],
)
def test_a_case_that_means_nothing_is_refused_with_its_file_and_line(
    selene: Command, tmp_path: Path, expected: str, line: int, named: str
) -> None:
    pack = write_cases(write_pack(tmp_path), CASE.format(expected=expected))
    ran = selene("pack", "test", str(pack))
    assert (ran.code, ran.out) == (1, "")
    assert f"cases/english.toml, line {line}: " in ran.err
    assert named in ran.err


def test_the_line_of_a_later_case_is_its_own(selene: Command, tmp_path: Path) -> None:
    good = '[[case]]\ntext = "hello"\ndecision = "CHAT"\n'
    pack = write_cases(write_pack(tmp_path), good * 3 + good.replace("CHAT", "CAHT"))
    ran = selene("pack", "test", str(pack))
    assert "cases/english.toml, line 12: " in ran.err


def test_a_file_of_cases_that_is_no_toml_is_refused(selene: Command, tmp_path: Path) -> None:
    pack = write_cases(write_pack(tmp_path), '[[case]]\ntext = "hello\n')
    ran = selene("pack", "test", str(pack))
    assert ran.code == 1
    assert "cases/english.toml, line 2: " in ran.err


def test_cases_in_several_files_are_all_run(selene: Command, coffee: Path) -> None:
    write_cases(coffee, '[[case]]\ntext = "hello"\ndecision = "CHAT"\n', "talk.toml")
    assert selene.done("pack", "test", "coffee").out == "14 of 14 cases passed.\n"
