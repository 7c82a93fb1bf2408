"""The tables of PH1.SRL's repairs: how they are read, and what is refused in one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import selene_os
from selene_os.errors import PackInvalid
from selene_os.language import shorthand

TABLES = Path(selene_os.__file__).parent / "language" / "repair_tables"
CASES = Path(__file__).parents[1] / "cases" / "srl_repairs.toml"
ENGLISH, CHINESE = ((TABLES / name).read_text("utf-8") for name in ("en.toml", "zh.toml"))


@pytest.mark.parametrize(
    ("was", "spoiled", "reason"),
    [
        ("[marks]", "[mark]", "mark means nothing"),
        ('kind = "UNKNOWN"', 'kind = "ODD"', "must be one of"),
        ('say = "b4"', 'say = "B4"', "no form"),
        ('say = "b4"', 'say = "tmr"', "stands twice"),
        ('tonight = "tonite', 'tonight = "tmr', "stands twice"),
        ('tonight = "tonite', 'Tonight = "tonite', "lower case"),
        ('tonight = "tonite', 'tonight = "tonite|tonite', "stands twice"),
        ('tonight = "tonite', 'tonight = "', "empty"),
        ('tonight = "tonite', '"pls tonight" = "tonite', "a form too"),
        ('"didn\'t" = "didnt"', '"didn\'t" = "didn"', "with an apostrophe"),
        ('before = "<deeds>"', 'before = "<deed>"', "no list is named"),
        ('before = "<deeds>"', 'before = "日"', "can never be met"),
        ('before = "<deeds>"', 'not_before = "<deeds>"', "asks needlessly"),
        ('say = "an"', 'say = "the"', "stands twice"),
        ('say = "an"', 'say = "an"\nsays = "x"', "means nothing"),
        ('often = true', 'often = "yes"', "often"),
        ('means = "with"', 'means = "With!"', "lower case"),
        ('say = "2day"', 'say = "tmw"', "two things"),
        ('means = "want to"', "", "means is missing"),
        ("[marks]", "[marks", "en.toml, line"),
    ],
)  # fmt: skip
def test_a_table_with_a_slip_is_refused_by_file_and_line(
    was: str, spoiled: str, reason: str
) -> None:
    assert was in ENGLISH
    english = ENGLISH.replace(was, spoiled, 1)
    with pytest.raises(PackInvalid, match=reason) as refused:
        shorthand.read_table(english.encode(), CHINESE.encode())
    assert "en.toml, line " in str(refused.value)


def test_a_chinese_table_holds_no_letters() -> None:
    with pytest.raises(PackInvalid, match=r"zh\.toml, line .* characters of Mandarin"):
        shorthand.read_table(ENGLISH.encode(), CHINESE.replace("呃", "呃a").encode())


def test_what_ships_is_read_as_it_stands_and_only_when_it_is_needed() -> None:
    shipped = shorthand.read_table(ENGLISH.encode(), CHINESE.encode())
    assert shipped == shorthand.load_table()
    code = (
        "from selene_os.language import shorthand; from selene_os.engines import srl;"
        "before = shorthand.load_table.cache_info().currsize; srl.run(srl.Request('a'));"
        "print(before, shorthand.load_table.cache_info().currsize)"
    )
    env = {**os.environ, "PYTHONPATH": str(TABLES.parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "1"]


def test_every_meaning_of_the_tables_comes_up_in_some_case() -> None:
    cases = tomllib.loads(CASES.read_text("utf-8"))
    says = " ".join(row["say"].lower() for group in cases.values() for row in group)
    said = set(re.findall("[a-z0-9/@]+", says))
    rules = shorthand.load_table().shorthand
    meanings = {rule.means for given in rules.values() for rule in given}
    met = {rule.means for form, given in rules.items() if form in said for rule in given}
    # Of the apostrophes, which are all alike, some stand for the others.
    assert {means for means in meanings - met if "'" not in means} == set()
