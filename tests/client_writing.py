"""The client's typed half, written from the API's description, so that neither can leave the other.

Run as a program it writes the modules; a test holds that they are what it would write.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import selene_os
from selene_os.edges.http import deciding, evidencing, reading, registered, registering
from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.description import describe

ROOM: Final = Path(selene_os.__file__).parent / "client"
# Where a request has no key and can still be sent again: what it did, it does no second time.
# These are refused the second time, so a retry could not tell what became of the first.
ONCE: Final = ("closeSession", "deleteSession", "removeTerm")
# A yes has a key by its draft; any other would make of a program's second run a second yes.
OWN_KEY: Final = ("confirm",)
PATH_TYPES: Final = {"size": "int | str"}
ROOMS: Final = {
    "deciding": ("make rows: turns, profiles, decisions that are brought, a yes", deciding),
    "reading": ("read: conversations, decisions, search, replay", reading),
    "evidencing": ("prove and audit: checkpoints, bundles, sealing", evidencing),
    "registering": ("say who may write and how values are read", registering),
    "registered": ("tell who is registered", registered),
}
WRITTEN_BY: Final = "Written by tests/client_writing.py from the API's description; not by hand."
Record = dict[str, Any]


def described() -> Record:
    """The description."""
    return describe(OPERATIONS)


def schemas(kind: str) -> Record:
    """The models of bodies or of answers, by name, as far as the client needs them."""
    known = described()["components"]["schemas"]
    found: dict[str, Record] = {}

    def walk(value: Any, *, whole: bool) -> None:
        if isinstance(value, dict):
            _, is_schema, name = str(value.get("$ref", "")).partition("#/components/schemas/")
            if is_schema and name not in found:
                if whole:
                    found[name] = known[name]
                walk(known[name], whole=True)
            for inner in value.values():
                walk(inner, whole=whole)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, whole=whole)

    for path in described()["paths"].values():
        for one in path.values():
            if kind == "body":
                # The body itself is a method's parameters; what it holds has a type of its own.
                walk(one.get("requestBody", {}).get("content", {}), whole=False)
            else:
                told = {s: a for s, a in one["responses"].items() if s.startswith("2")}
                walk(told, whole=True)
    return {name: known[name] for name in sorted(found)}


def annotation(schema: Record, *, answer: bool) -> str:
    """A schema as Python's types say it."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(annotation(one, answer=answer) for one in schema[union])
    if "const" in schema:
        return f"Literal[{_quoted(schema['const'])}]"
    if "enum" in schema:
        return f"Literal[{', '.join(_quoted(one) for one in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        inner = annotation(schema.get("items", {}), answer=answer)
        return f"tuple[{inner}, ...]" if answer else f"Sequence[{inner}]"
    if kind == "object":
        more = schema.get("additionalProperties")
        inner = annotation(more, answer=answer) if isinstance(more, dict) else "Any"
        return f"Mapping[str, {inner}]"
    plain = {"string": "str", "integer": "int", "boolean": "bool", "null": "None"}
    return plain[kind] if kind else "Any"


def _quoted(value: Any) -> str:
    return f'"{value}"'


def write_answers() -> str:
    """Module `answers`."""
    lines = [
        f'"""What the API answers, as values that do not change.\n\n{WRITTEN_BY}\n"""\n',
        "from __future__ import annotations\n",
        "from collections.abc import Mapping",
        "from dataclasses import dataclass",
        "from typing import Any\n",
    ]
    for name, schema in schemas("answer").items():
        lines += ["\n@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}:"]
        lines.append(_doc(schema["description"], "    ") + "\n")
        needed = schema.get("required", ())
        for key, about in schema["properties"].items():
            default = "" if key in needed else " = None"
            lines.append(f"    {key}: {annotation(about, answer=True)}{default}")
        lines.append("")
    return "\n".join(lines)


def write_bodies() -> str:
    """Module `bodies`."""
    lines = [
        f'"""What is sent inside of requests.\n\n{WRITTEN_BY}\n"""\n',
        "from __future__ import annotations\n",
        "from collections.abc import Sequence",
        "from typing import Literal, NotRequired, TypedDict\n",
    ]
    for name, schema in schemas("body").items():
        lines += [f"\nclass {name}(TypedDict):", _doc(schema["description"], "    ") + "\n"]
        needed = schema.get("required", ())
        for key, about in schema["properties"].items():
            kind = annotation(about, answer=False)
            lines.append(f"    {key}: {kind if key in needed else f'NotRequired[{kind}]'}")
        lines.append("")
    return "\n".join(lines)


def _doc(text: str, before: str, args: tuple[str, ...] = ()) -> str:
    first, _, rest = text.strip().replace("\n", " ").partition(". ")
    first = first.rstrip(".") + "."
    if not rest and not args and len(first) < 90:
        return f'{before}"""{first}"""'
    parts = [f'{before}"""{first}']
    wrapped = textwrap.wrap(rest, 96 - len(before))
    parts += ["", *(before + line for line in wrapped)] if wrapped else []
    parts += ["", f"{before}Args:", *args] if args else []
    return "\n".join([*parts, f'{before}"""'])


def method_name(operation_id: str) -> str:
    """The client's name of an operation."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation_id).lower()


class _Builder:
    """One operation's function."""

    def __init__(self, one: Any) -> None:
        self.one = one
        record = described()
        path = "/".join(("/v1/tenants/{tenant_id}", *one.segments))
        self.about = record["paths"][path][one.method.lower()]
        self.needed: list[str] = []
        self.optional: list[str] = []
        self.args: list[str] = []
        self.sent: dict[str, list[str]] = {"query": [], "body": []}
        self._path_and_query()
        if one.body is not None:
            self._body(record["components"]["schemas"][one.body.__name__])

    def _path_and_query(self) -> None:
        for given in self.about["parameters"]:
            name, schema = given["name"], given["schema"]
            if given["in"] == "path" and name != "tenant_id":
                self.needed.append(f"{name}: {PATH_TYPES.get(name, 'str')}")
            if given["in"] == "query":
                self._arg(name, schema)
                self.sent["query"].append(name)
                if schema.get("enum") == ["true", "false"]:
                    self.optional.append(f"{name}: bool = False")
                elif "default" in schema:
                    kind = annotation(schema, answer=False)
                    self.optional.append(f"{name}: {kind} = {schema['default']!r}")
                else:
                    kind = annotation(schema, answer=False)
                    self.optional.append(f"{name}: {kind} | None = None")

    def _body(self, schema: Record) -> None:
        for name, about in schema["properties"].items():
            kind = annotation(about, answer=False)
            self.sent["body"].append(name)
            self._arg(name, about)
            if name in schema.get("required", ()):
                self.needed.append(f"{name}: {kind}")
            elif self.one.method == "PATCH":
                # There null says something: it takes a setting back.
                self.optional.append(f"{name}: {kind} | Unset = UNSET")
            elif about.get("type") == "array":
                self.optional.append(f"{name}: {kind} = ()")
            else:
                default = about.get("default")
                shown = _quoted(default) if isinstance(default, str) else repr(default)
                self.optional.append(f"{name}: {kind} = {shown}")

    def _arg(self, name: str, schema: Record) -> None:
        told = [schema, *schema.get("anyOf", ())]
        text = next((one["description"] for one in told if "description" in one), "")
        if text:
            line = textwrap.wrap(f"{name}: {text}", 90)
            self.args.append(f"        {line[0]}")
            self.args += [f"            {rest}" for rest in line[1:]]

    def answer(self) -> str:
        """What it is answered."""
        (told, *_) = self.one.answers.values()
        if not isinstance(told, str):
            return str(told.__name__)
        return "str" if told.startswith("text/") else "bytes"

    def text(self) -> str:
        """The function."""
        one = self.one
        if one.keyed:
            self.optional.append("idempotency_key: str | None = None")
            self.args.append("        idempotency_key: the same for the same request, ever.")
            self.optional.append("traceparent: str | None = None")
            self.args.append("        traceparent: W3C trace context.")
        star = ["*"] if self.optional else []
        kind = self.answer()
        segments = ", ".join(
            part[1:-1] if part.startswith("{") else _quoted(part) for part in one.segments
        )
        if "size" in one.variables:
            segments = segments.replace("size", "str(size)")
        path = f"({segments},)" if segments else "()"
        more = [f'"{one.name}"', f'"{one.method}"', path, kind]
        for place, names in self.sent.items():
            if names or (place == "body" and one.body is not None):
                pairs = ", ".join(f'"{name}": {name}' for name in names)
                more.append(f"{place}={{{pairs}}}")
        more += ["idempotency_key=idempotency_key"] if one.keyed else []
        more += ["traceparent=traceparent"] if one.keyed else []
        more += ["makes_key=True"] if one.keyed and one.name not in OWN_KEY else []
        more += ["repeatable=False"] if one.name in ONCE else []
        doc = _doc(f"{one.summary} {one.text}", "    ", tuple(self.args))
        given = ", ".join([*self.needed, *star, *self.optional])
        head = f"def {method_name(one.name)}({given}) -> Ask[{kind}]:"
        return f"{head}\n{doc}\n    return ask({', '.join(more)})\n"


def write_room(name: str) -> str:
    """One module of operations."""
    about, module = ROOMS[name]
    text = "\n\n".join(_Builder(one).text() for one in module.OPERATIONS)
    head = f'"""Requests that {about}.\n\n{WRITTEN_BY}\n"""\n\nfrom __future__ import annotations\n'
    imports = [
        ("collections.abc", ("Mapping", "Sequence")),
        ("typing", ("Any", "Literal")),
        ("selene_os.client.answers", tuple(schemas("answer"))),
        ("selene_os.client.asking", ("UNSET", "Ask", "Unset", "ask")),
        ("selene_os.client.bodies", tuple(schemas("body"))),
    ]
    lines = [head]
    for home, names in imports:
        used = [one for one in names if re.search(rf"(?<![\w\".]){one}\b(?![\"\w])", text)]
        lines += [f"from {home} import {', '.join(used)}"] if used else []
    return "\n".join([*lines, "", "", text])


def modules() -> dict[str, str]:
    """Every module that is written, by its file's name, as it is to stand there."""
    made = {"answers": write_answers(), "bodies": write_bodies()}
    made |= {name: write_room(name) for name in ROOMS}
    return {f"{name}.py": _formatted(f"{name}.py", text) for name, text in made.items()}


def _formatted(name: str, text: str) -> str:
    for command in (["check", "--fix-only"], ["format"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *command, "-q", "--stdin-filename",
             ROOM / name, "-"],
            input=text, capture_output=True, text=True, check=True,
        )  # fmt: skip
        text = done.stdout
    return text


if __name__ == "__main__":
    for file, text in modules().items():
        (ROOM / file).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{ROOM}: {len(modules())} modules\n")
