"""What every engine must be, and that each decides the same in every process."""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import selene_os
from selene_os.engines import focus, know, nlp, persona, prune, srl
from selene_os.errors import Refusal

SRC = Path(selene_os.__file__).parents[1]
ROOM = SRC / "selene_os" / "engines"
# What only says where a place of one text stands in another.
MAPS = {srl: ("original", "repaired")}
ENGINES: list[ModuleType] = [know, srl, focus, nlp, prune, persona]
NAMES = ["PH1.KNOW", "PH1.SRL", "PH1.FOCUS", "PH1.NLP", "PH1.PRUNE", "PH1.PERSONA"]
IDS = [name.removeprefix("PH1.").lower() for name in NAMES]
EACH = pytest.mark.parametrize("engine", ENGINES, ids=IDS)
# Whatever an engine imports from here could make two runs of one request differ, or write.
FORBIDDEN = """
    os sys time random secrets uuid socket subprocess threading multiprocessing asyncio pathlib io
    tempfile shutil sqlite3 apsw logging locale platform numpy selene_os.ledger selene_os.edges
    selene_os.proof selene_os.app selene_os.turn selene_os.units selene_os.gates
""".split()
FORBIDDEN_CALLS = {"now", "today", "utcnow", "open", "input", "print", "getenv", "hash", "id"}
LINE_NOW = "2026-11-21T09:30:00+00:00"
UTTERANCES = """
    remind me to water the ferns tomorrow at 7 am | remind me to buy stamps | remind me at 6 pm
    set a reminder | remind me to feed the cat at five | remind me to call the vet next Friday
    remind me to renew the pass on 3/12 | remind me every Tuesday to put the bins out | remind me
    send $20 to Ann | pay Marcus 45 euros | send money | send 500 to Ann | send $0 to Ann | send $20
    send $20 to him | send $20 to John | send $20 to Ann and $30 to Bob | pay Ann | wire £1 to Zoë
    what time is it | what time is it in Nairobi | tell me the time | what time is it there
    time in Berlin | do not send $20 to Ann | what does 'send $20 to Ann' mean | order me a pizza
    if I sent $20 to Ann | can you send money? | email Ann about the reminder | hello | thank you
    remind me to buy milk at 5 pm and send $20 to Ann | 明天 remind me | ｓｅｎｄ ＄２０ ｔｏ Ａｎｎ
    yes
    remind me to stretch at 5 pm, no, 6 pm | send $20 to Ann, scratch that | both | tomorrow at 5 pm
""".replace("\n", "|").split("|")
SAID = [line.strip() for line in UTTERANCES if line.strip()]


def nlp_requests() -> list[nlp.Request]:
    """About a hundred: each utterance bare, with context, and after a question."""
    people = [{"term": name, "kind": "EMPLOYEE_NAME_PREFERRED"} for name in ("John A", "John B")]
    context: dict[str, Any] = {
        "terms": [*people, {"term": "Ann", "kind": "PROJECT_CODE"}],
        "transcript_confidence": "LOW",
        "policy": {"time": "next_occurrence", "currency": "EUR", "date_order": "DMY"},
        "confirmed": {"intent_type": "SEND_MONEY", "fields": [{"key": "recipient", "text": "Ann"}]},
    }
    made = []
    for number, text in enumerate(SAID):
        given: dict[str, Any] = {"text": text, "now": LINE_NOW, "turn_id": number}
        bare = nlp.decode_request(given)
        made += [bare, nlp.decode_request({**given, **context})]
        pending = nlp.run(bare).pending
        if pending is not None:
            for reply in ("tomorrow at 5 pm", "both", "$5 to Ann", "no thanks"):
                made.append(
                    nlp.decode_request(
                        {"text": reply, "now": LINE_NOW, "pending": copy.deepcopy(pending)}
                    )
                )
    return made


def know_requests() -> list[know.Request]:
    sources = ("HR_ORG_AUTHORIZED", "LEARNED_APPROVED", "UNVERIFIED")
    entries = [
        know.Entry(f"e{n}", tenant, kind, source, f"Name {n % 3}", "en", f"row:{n}")
        for tenant in ("acme", "globex")
        for source in sources
        for n, kind in enumerate(know.KINDS)
    ]
    cuts = [entries[:5], entries[5:10], entries[:10], entries[::-1], entries[9::-1], []]
    return [know.Request("acme", tuple(cut)) for cut in cuts]


def persona_requests() -> list[persona.Request]:
    wishes = [
        ("preferred_language", "English please"), ("brevity_preference", "not too short"),
        ("response_tone_target", "be direct"), ("privacy_preference", "don't mute me"),
        ("privacy_preference", "qwerty"), ("confirmation_preference", "always ask"),
    ]  # fmt: skip
    signals = [persona.Signal(key, value, f"row:{n}") for n, (key, value) in enumerate(wishes)]
    return [
        persona.Request("ada", speaker, True, tuple(signals[:count]), place=place)
        for count in range(7)
        for place, speaker in (("SHARED", "voice:ada"), ("PRIVATE", "voice:ada"), ("PRIVATE", None))
    ]


def all_requests() -> list[tuple[ModuleType, Any]]:
    """A fixed list over all engines."""
    items = [
        focus.Item(i, "SPAN", score, "0:1", "t") for i, score in (("b", 1), ("a", 1), ("c", 9))
    ]
    keys = ("task", "when", "amount", "place")
    made: list[tuple[ModuleType, Any]] = [(nlp, request) for request in nlp_requests()]
    made += [(know, request) for request in know_requests()]
    made += [(persona, request) for request in persona_requests()]
    made += [(srl, srl.Request(text)) for text in SAID[:8]]
    made += [(focus, focus.Request(tuple(items[n:]))) for n in range(3)]
    made += [(prune, prune.Request(keys, keys[n:], keys[:n], (), keys[n])) for n in range(4)]
    return made


def written(value: Any) -> str:
    """A result as text that depends on its content alone."""
    record = value.as_record() if hasattr(value, "as_record") else dataclasses.asdict(value)
    return json.dumps(record, ensure_ascii=False, default=str)


def imports(file: Path) -> set[str]:
    """The full names of all that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(file: Path) -> str:
    """Which engine a file belongs to: persona_check.py is PH1.PERSONA's."""
    return file.relative_to(ROOM).parts[0].removesuffix(".py").partition("_")[0]


FILES = sorted(file for file in ROOM.rglob("*.py") if file != ROOM / "__init__.py")
LANGUAGE = sorted((SRC / "selene_os" / "language").rglob("*.py"))


def test_every_engine_of_the_room_is_held_to_this_contract() -> None:
    assert {room_of(file) for file in FILES} == set(IDS)


@EACH
def test_an_engine_has_a_name_a_version_a_request_a_result_and_a_run(engine: ModuleType) -> None:
    assert NAMES[ENGINES.index(engine)] == engine.NAME
    assert [part.isdigit() for part in engine.VERSION.split(".")] == [True] * 3
    assert callable(engine.run)
    assert engine.__doc__


@EACH
@pytest.mark.parametrize("name", ["Request", "Result"])
def test_requests_and_results_are_frozen_and_slotted_and_do_nothing(
    engine: ModuleType, name: str
) -> None:
    shape: Any = getattr(engine, name)
    assert hasattr(shape, "__dataclass_fields__")
    assert shape.__dataclass_params__.frozen
    assert "__slots__" in vars(shape)
    assert not hasattr(object.__new__(shape), "__dict__")
    assert shape.__bases__ == (object,), "an engine has no base class"
    acts = {key for key, value in vars(shape).items() if callable(value) and key[0] != "_"}
    assert acts <= {"as_record", *MAPS.get(engine, ())}, (
        "no request and no result has a method that acts"
    )


@EACH
def test_a_run_leaves_its_request_unchanged_and_returns_its_result(engine: ModuleType) -> None:
    for owner, request in all_requests():
        if owner is engine:
            before, copied = repr(request), copy.deepcopy(request)
            result = engine.run(request)
            assert type(result) is engine.Result
            assert repr(request) == before
            assert request == copied
            first = dataclasses.fields(request)[0].name
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(request, first, getattr(request, first))


@EACH
def test_a_result_is_not_the_callers_to_change_for_the_next(engine: ModuleType) -> None:
    requests = [request for owner, request in all_requests() if owner is engine]
    texts = [written(engine.run(request)) for request in requests]
    for request in requests:
        spoil(dataclasses.asdict(engine.run(request)))
        spoil(getattr(engine.run(request), "as_record", dict[str, Any])())
    # Made anew, since a record may share its parts with the request that it answers.
    again = [request for owner, request in all_requests() if owner is engine]
    assert [written(engine.run(request)) for request in again] == texts


def spoil(value: Any) -> None:
    """Empty everything in a record that can be emptied, from the inside out."""
    inner = value.values() if isinstance(value, dict) else value
    for part in list(inner):
        if isinstance(part, dict | list | tuple):
            spoil(part)
    if isinstance(value, dict | list):
        value.clear()


@pytest.mark.parametrize("file", FILES, ids=[str(f.relative_to(ROOM)) for f in FILES])
def test_no_engine_sees_another_engine_or_the_ledger(file: Path) -> None:
    for name in imports(file):
        if name.startswith("selene_os.engines."):
            assert name.split(".")[2].partition("_")[0] == room_of(file), name
        else:
            assert not name.startswith("selene_os.engines"), name
        refused = [bad for bad in FORBIDDEN if name == bad or name.startswith(bad + ".")]
        assert not refused, f"{file.name} imports {name}"


@pytest.mark.parametrize("file", FILES + LANGUAGE, ids=lambda f: str(f.relative_to(SRC)))
def test_nothing_that_decides_reads_a_clock_a_file_or_the_hash_of_a_text(file: Path) -> None:
    is_pack_loader = file.name == "pack.py"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in FORBIDDEN_CALLS, f"{file.name}, line {node.lineno}: {name}()"
        if isinstance(node, ast.Global):
            pytest.fail(f"{file.name}, line {node.lineno}: global {node.names}")
    names = imports(file)
    if not is_pack_loader:
        assert not {n for n in names if n.split(".")[0] in {"os", "time", "random", "pathlib"}}


@EACH
def test_an_engine_can_be_imported_alone(engine: ModuleType) -> None:
    code = f"import {engine.__name__} as e, sys; print(*sorted(m for m in sys.modules))"
    loaded = set(subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True, text=True, check=True,
    ).stdout.split())  # fmt: skip
    others = {other.__name__ for other in ENGINES} - {engine.__name__}
    assert not loaded & others
    assert not {name for name in loaded if name.startswith(("selene_os.ledger", "selene_os.edges"))}


PROGRAM = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("contract", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["contract"] = module
spec.loader.exec_module(module)
print(module.digests())
"""


def digests() -> str:
    """One line of JSON: a digest of the result of every request of the fixed list."""
    texts = [f"{e.NAME} {written(e.run(request))}" for e, request in all_requests()]
    return json.dumps([hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts])


def test_every_engine_decides_the_same_in_every_process_and_under_every_hash_seed() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, __file__],
            env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONHASHSEED": seed, "TZ": zone},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, zone in [("0", "UTC"), ("1", "Asia/Tokyo"), ("4242", "America/Lima"), ("99", "")]
    ]
    given = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    answers = [json.loads(line) for line in given]
    assert len(answers[0]) >= 150
    requests = all_requests()
    for at, (engine, request) in enumerate(requests):
        assert len({answer[at] for answer in answers}) == 1, f"{engine.NAME}: {request}"
    assert given[0].strip() == digests()


def test_no_advisory_engine_can_be_mistaken_for_one_that_decides() -> None:
    for advisory in (know, srl, focus, prune):
        named = {field.name for field in dataclasses.fields(advisory.Result)}
        assert not named & {"decision", "intent_type", "snapshot", "fields"}


def test_the_room_imports_without_a_side_effect_on_reload() -> None:
    before = digests()
    for engine in (know, srl, focus, prune):
        again = importlib.import_module(engine.__name__)
        assert again is engine
    assert digests() == before
    assert issubclass(importlib.import_module("selene_os.errors").BadField, Refusal)
