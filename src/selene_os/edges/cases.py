"""A pack's cases: what somebody says, and what must become of it. Source: docs/packs.md, "Cases".

    now = "2026-11-21T09:30:00+00:00"

    [[case]]
    text = "order me a flat white"
    intent = "ORDER_COFFEE"
    fields = { drink = "flat white" }

A case that expects nothing, or something that no answer can be, is refused with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selene_os.edges.packs import CASES, case_files
from selene_os.engines import nlp
from selene_os.errors import BadField, PackInvalid
from selene_os.language.pack import Pack
from selene_os.language.pack_file import Entry, read_file
from selene_os.language.speech import REQUEST_QUESTIONS

DECISIONS: Final = ("INTENT_DRAFT", "CLARIFY", "CHAT")
UNKNOWN: Final = "UNKNOWN"
_SETTINGS: Final = ("now", "language", "policy")
_EXPECTED: Final = ("decision", "intent", "confidence", "fields", "asks", "flags")
_CASE_KEYS: Final = ("text", "before", *_SETTINGS, *_EXPECTED)
_HEAD: Final = re.compile(r"^[ \t]*\[\[[ \t]*case[ \t]*\]\]", re.MULTILINE)
_FIELD_KEYS: Final = ("text", "value", "grain", "readings")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is said, and what is expected of the answer.

    Attributes:
        place: the file and line, for people.
        text: what is said.
        before: what was said in the turns before it, whose open question it may answer.
        setting: the other keys of the request (now, language, policy).
        expected: what was given of decision, intent, confidence, fields, asks and flags.
    """

    place: str
    text: str
    before: tuple[str, ...]
    setting: dict[str, Any]
    expected: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is other than the case says."""

    what: str
    wanted: str
    got: str


def read_cases(directory: str | Path, pack: Pack) -> list[Case]:
    """Every case of a pack, by file and line.

    Args:
        directory: the pack's.
        pack: the pack, loaded; what a case names must be there.

    Raises:
        PackInvalid: naming the file, the line and the reason. BadField: the pack has no cases.
    """
    found = [case for file in case_files(directory) for case in _read(file, pack)]
    if not found:
        raise BadField(
            "directory",
            f"{str(directory)!r:.80} holds no {CASES}/*.toml with a [[case]] in it",
            "Write some: see docs/packs.md, or `selene pack new`.",
        )
    return found


def _read(file: Path, pack: Pack) -> Iterator[Case]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PackInvalid(f"{file}: {error.strerror}", "Make it readable.") from error
    root = read_file(f"{CASES}/{file.name}", content)
    given = root.table((*_SETTINGS, "case"))
    setting = {key: entry.value for key, entry in given.items() if key != "case"}
    for body in _bodies(root):
        yield _case(body, setting, pack)


def _bodies(root: Entry) -> Iterator[Entry]:
    """Every case, as a table that knows its lines: a file's entries know those of one [[case]]."""
    source, entries = root.source, root["case"].entries()
    heads = [found.start() for found in _HEAD.finditer(source)]
    if len(heads) != len(entries):
        yield from entries
        return
    for entry, begin, end in zip(entries, heads, [*heads, len(source)][1:], strict=True):
        table = source[begin:end].replace("[[", "[", 1).replace("]]", "]", 1)
        above = "\n" * source.count("\n", 0, begin)
        yield Entry(root.file, above + table, ("case",), entry.value)


def _case(body: Entry, setting: Mapping[str, Any], pack: Pack) -> Case:
    body.table(_CASE_KEYS)
    text, own = body["text"], {key: body[key].value for key in _SETTINGS if body[key].given}
    before = body["before"].texts()
    request = {**setting, **own}
    for said in (*before, text.text()):
        try:
            nlp.decode_request({**request, "text": said})
        except BadField as error:
            raise body.refuse(f"{error.field} {error.problem}") from error
    if body["decision"].given:
        body["decision"].one_of(DECISIONS)
    if body["intent"].given:
        body["intent"].one_of((*pack.intents, UNKNOWN))
    if body["asks"].given:
        body["asks"].one_of((*pack.kinds, *REQUEST_QUESTIONS))
    if body["confidence"].given:
        body["confidence"].one_of(("HIGH", "MED", "LOW"))
    body["flags"].texts()
    for heard in body["fields"].table(tuple(pack.kinds)).values():
        _check_field(heard)
    expected = {key: body[key].value for key in _EXPECTED if body[key].given}
    if not expected:
        raise body.refuse(f"this case expects nothing; give one of {', '.join(_EXPECTED)}")
    return Case(f"{body.file}, line {text.line}", text.text(), before, request, expected)


def _check_field(heard: Entry) -> None:
    if isinstance(heard.value, dict):
        heard.table(_FIELD_KEYS)
    elif not isinstance(heard.value, str | int) or isinstance(heard.value, bool):
        raise heard.refuse(f"{heard.name} must be a text, a whole number, or a table of both")


def run_case(case: Case, pack: Pack) -> tuple[nlp.Result, list[Difference]]:
    """The answer to a case, and where it differs from what is expected."""
    pending = None
    for said in case.before:
        request = nlp.decode_request({**case.setting, "text": said, "pending": pending})
        pending = nlp.run(request, pack).pending
    request = nlp.decode_request({**case.setting, "text": case.text, "pending": pending})
    result = nlp.run(request, pack)
    return result, list(_differences(case.expected, result))


def _differences(expected: Mapping[str, Any], result: nlp.Result) -> Iterator[Difference]:
    got = {
        "decision": result.decision,
        "intent": result.intent_type,
        "confidence": result.overall_confidence,
        "asks": result.what_is_missing,
    }
    for what, found in got.items():
        if what in expected and expected[what] != found:
            yield Difference(what, str(expected[what]), str(found or "none"))
    drafted = "intent" in expected and "decision" not in expected and "asks" not in expected
    if drafted and result.decision != "INTENT_DRAFT":
        # "This is an order" means that nothing about it is open.
        yield Difference("decision", "INTENT_DRAFT", f"{result.decision} ({_open(result)})")
    if "flags" in expected and set(expected["flags"]) != set(result.ambiguity_flags):
        yield Difference(
            "flags", ", ".join(expected["flags"]) or "none",
            ", ".join(result.ambiguity_flags) or "none",
        )  # fmt: skip
    if "fields" in expected:
        yield from _field_differences(expected["fields"], result)


def _open(result: nlp.Result) -> str:
    return f"asks {result.what_is_missing}" if result.what_is_missing else "asks for nothing"


def _field_differences(expected: Mapping[str, Any], result: nlp.Result) -> Iterator[Difference]:
    """Every field that was heard must be expected, and the other way round."""
    heard = {field.key: field for field in result.fields}
    for key in dict.fromkeys((*expected, *heard)):
        wanted, field = expected.get(key), heard.get(key)
        if field is None:
            yield Difference(key, _shown(wanted), "not heard")
        elif wanted is None:
            yield Difference(key, "not heard", _heard(field))
        elif not _fits(wanted, field):
            yield Difference(key, _shown(wanted), _heard(field))


def _fits(wanted: Any, field: nlp.Field) -> bool:
    if not isinstance(wanted, dict):
        return bool(wanted in (field.text, field.value))
    got = {
        "text": field.text,
        "value": field.value,
        "grain": field.grain,
        "readings": len(field.readings),
    }
    return all(got[key] == value for key, value in wanted.items())


def _shown(wanted: Any) -> str:
    if isinstance(wanted, dict):
        return ", ".join(f"{key} {_shown(value)}" for key, value in wanted.items())
    return f'"{wanted}"' if isinstance(wanted, str) else str(wanted)


def _heard(field: nlp.Field) -> str:
    if len(field.readings) > 1:
        return f'text "{field.text}", {len(field.readings)} readings'
    return f'text "{field.text}", value {_shown(field.value)}'
