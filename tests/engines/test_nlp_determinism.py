"""PH1.NLP gives the same bytes in every process, thread, hash seed, place and Python."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nlp_corpus
from pythons import HERE, interpreters
from selene_os.language.times import find

TESTS = Path(__file__).parent.parent
SOURCE = TESTS.parent / "src" / "selene_os"
PYTHONS = sorted(interpreters())
EVERY_PYTHON = pytest.mark.parametrize("python", PYTHONS)
SEEDS = (("0", "UTC", "C"), ("1", "Asia/Tokyo", "C.UTF-8"), ("31337", "America/Lima", "POSIX"),
         ("4294967295", "Pacific/Kiritimati", "C"))  # fmt: skip
SECONDS_MAX = 120


def start(code: str, python: str = HERE, **environment: str) -> subprocess.Popen[str]:
    """A process that has nothing but the standard library, Selene and the corpus."""
    places = os.pathsep.join([str(SOURCE.parent), str(TESTS)])
    clean = {"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    return subprocess.Popen(
        # -s: what the user has installed for one Python is none of the engine's.
        [interpreters()[python], "-s", "-c", f"import json, nlp_corpus; print(json.dumps({code}))"],
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(started: subprocess.Popen[str]) -> Any:
    out, wrong = started.communicate(timeout=SECONDS_MAX)
    assert started.returncode == 0, wrong
    return json.loads(out)


@pytest.fixture(scope="module")
def here() -> list[str]:
    """What this process finds."""
    return nlp_corpus.digests()


def check_same(given: list[str], here: list[str]) -> None:
    """Fail with the requests that were answered otherwise."""
    asked = list(nlp_corpus.requests())
    assert len(given) == len(here) == len(asked)
    assert [
        ask for ask, theirs, mine in zip(asked, given, here, strict=True) if theirs != mine
    ] == []


def test_the_corpus_reaches_every_outcome_and_no_request_of_it_is_refused() -> None:
    asked = list(nlp_corpus.requests())
    assert len(nlp_corpus.utterances()) >= 150
    answers = [nlp_corpus.answered(request) for request in asked]
    assert {answer.get("decision") for answer in answers} == {"INTENT_DRAFT", "CLARIFY", "CHAT"}
    for key in ("pending", "confirmed", "terms", "uncertain_spans", "focus", "policy"):
        assert sum(bool(request.get(key)) for request in asked) >= 40, key


def test_every_hash_seed_zone_and_locale_gives_the_same_bytes(here: list[str]) -> None:
    code = "nlp_corpus.digests()"
    running = [
        start(code, PYTHONHASHSEED=seed, TZ=zone, LC_ALL=locale) for seed, zone, locale in SEEDS
    ]
    for one in running:
        check_same(outcome(one), here)


def test_two_processes_that_go_opposite_ways_give_the_same_bytes(here: list[str]) -> None:
    forwards, backwards = (
        start(f"nlp_corpus.digests(backwards={way})", PYTHONHASHSEED="random")
        for way in (False, True)
    )
    check_same(outcome(forwards), here)
    check_same(outcome(backwards), here)


def test_eight_threads_that_begin_together_give_the_same_bytes(here: list[str]) -> None:
    # In a process of its own, so that the threads are also the first to load the pack.
    code = "(__import__('sys').setswitchinterval(1e-5), nlp_corpus.threaded(8))[1]"
    found = outcome(start(code))
    assert len(found) == 8
    for one in found:
        check_same(one, here)


@EVERY_PYTHON
def test_every_python_on_this_machine_gives_the_same_bytes(python: str, here: list[str]) -> None:
    check_same(outcome(start("nlp_corpus.digests()", python)), here)


@EVERY_PYTHON
def test_every_python_on_this_machine_reads_the_moment_of_speaking_alike(python: str) -> None:
    assert outcome(start("nlp_corpus.moments()", python)) == nlp_corpus.moments()


def test_the_engine_needs_nothing_but_the_standard_library() -> None:
    code = "sorted({name.partition('.')[0] for name in __import__('sys').modules})"
    loaded = set(outcome(start(code)))
    # What is there before anything is imported: a .pth file of the environment may add to it.
    bare = subprocess.run(
        [sys.executable, "-s", "-c", "import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    ours = {"selene_os", "nlp_corpus"} | {name.partition(".")[0] for name in bare}
    assert loaded - set(sys.stdlib_module_names) - ours == set()


# ---- tables that grow with each Unicode, and so with each Python


@EVERY_PYTHON
def test_a_character_that_came_after_unicode_14_is_read_as_one_that_nobody_knows(
    python: str,
) -> None:
    assert outcome(start("nlp_corpus.newer()", python)) == []


@EVERY_PYTHON
def test_every_character_is_folded_alike_by_every_python_on_this_machine(
    python: str, folded_here: str
) -> None:
    assert outcome(start("nlp_corpus.folds()", python)) == folded_here


@pytest.fixture(scope="module")
def folded_here() -> str:
    return nlp_corpus.folds()


@pytest.mark.parametrize("digit", ["\u0665", "\u0b66", "\u1369", "\u19da"])
def test_digits_of_other_scripts_are_no_figures_of_a_time(digit: str) -> None:
    for template in ("T{0}{0}:30", "at 5h{0}{0}", "5h{0}{0}", "at 5 pm on may{0}", "{0}月3日"):
        say = template.format(digit)
        known = [span.text for span in find(say.replace(digit, nlp_corpus.NEVER))]
        assert [span.text for span in find(say)] == known, ascii(say)


# Methods that read a table of Unicode, and where each may be called without isascii() beside it.
TABLES = frozenset(
    """isalnum isalpha isdecimal isdigit islower isnumeric isprintable isspace istitle isupper
    capitalize casefold lower swapcase title upper normalize category numeric""".split()
)
MAY_READ = {
    # The category is that of Unicode 3.2, in every Python; what is younger is not folded.
    "language/tokens.py": {"lower", "normalize", "category"},
    # Of our own words.
    "language/money.py": {"lower"},
    # Of a currency's code, checked to be ASCII.
    "engines/nlp/contract.py": {"isupper"},
}


def table_readers(file: Path) -> Iterator[tuple[str, int]]:
    """Each call in a file of a method that reads a table, with its line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    guarded = {
        call
        for both in ast.walk(tree)
        if isinstance(both, ast.BoolOp) and "isascii()" in ast.unparse(both)
        for call in ast.walk(both)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in TABLES and node not in guarded:
            yield node.func.attr, node.lineno


def test_nothing_but_the_folding_reads_a_table_of_unicode() -> None:
    found = []
    for room in ("language", "engines/nlp"):
        for file in sorted((SOURCE / room).rglob("*.py")):
            named = file.relative_to(SOURCE).as_posix()
            for method, line in table_readers(file):
                if method not in MAY_READ.get(named, set()):
                    found.append(f"{named}, line {line}: {method}()")
    assert found == []
