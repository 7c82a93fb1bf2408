"""The OpenAPI 3.1 description, made of the table of operations; and a page of the same to read."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from selene_os import __version__
from selene_os.edges.http import answers, header_fields, problems
from selene_os.edges.http.models import BringOne
from selene_os.edges.http.operations import JSON, ROOM, ZIP, Operation

_REF: Final = "#/components/schemas/{model}"
Record = dict[str, Any]
# What any operation may be refused with: status -> when.
_ALWAYS: Final = {
    400: "A header or the body's JSON is not as it must be",
    401: "No key, or none that is known",
    403: "The key is of another tenant, or has not the scope; or the ledger refuses the scope",
    408: "The body did not arrive in time",
    413: "The body is too large",
    414: "The query is too long",
    415: "The body is no application/json",
    422: "A value is outside its bounds; nothing was written",
    429: "The key asks too often; see Retry-After",
    431: "The headers are too large",
    500: "Selene's own fault; the instance is logged",
    503: "The ledger cannot be reached, or too many requests wait; send it again",
}
_BODY_ONLY: Final = (408, 413, 415)
_FURTHER: Final = {
    404: "Nothing of that name in this tenant",
    409: "It is settled, taken or used for something else already",
    501: "This deployment does not offer it",
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the request: sent again with the same key, it is answered as before.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_TRACEPARENT: Final = {
    "name": "traceparent",
    "in": "header",
    "description": "W3C trace context; kept in the record. Names the conversation where a body may"
    " name one, and neither it nor a key does.",
    "schema": {"type": "string"},
}
_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what the caller has.",
    "schema": {"type": "string"},
}


def examples() -> list[Record]:
    """Requests with the answers that a fresh ledger really gives, in order; see tests/http."""
    file = resources.files("selene_os.edges.http").joinpath("examples.json")
    made: list[Record] = json.loads(file.read_text(encoding="utf-8"))
    return made


def describe(operations: Iterable[Operation]) -> Record:
    """The description."""
    table = tuple(operations)
    shown = {one["name"]: one for one in reversed(examples())}
    paths: dict[str, Record] = {}
    for one in table:
        path = "/".join(("", *ROOM, "{tenant_id}", *one.segments))
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, shown)
    paths |= _open_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Selene",
            "version": __version__,
            "description": "Utterances to decisions, decisions to append-only rows. See /docs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, sel_<tenant>_<id>_<secret>.",
                }
            },
            "schemas": _schemas(table),
            "responses": {
                str(status): _refusal(status, when, shown)
                for status, when in sorted({**_ALWAYS, **_FURTHER}.items())
            },
            "headers": header_fields.COMPONENTS,
        },
    }


def _operation(one: Operation, shown: dict[str, Record]) -> Record:
    example = shown.get(one.name)
    record: Record = {
        "operationId": one.name,
        "summary": one.summary,
        "description": " ".join(filter(None, (one.text, _scopes(one)))),
        "parameters": _parameters(one),
        "responses": {
            str(status): _answer(one, status, answer, example)
            for status, answer in one.answers.items()
        },
    }
    if one.tagged:
        record["responses"]["304"] = {
            "description": "The caller has it.",
            "headers": header_fields.of_answer(one, 304),
        }
    if one.body is not None:
        content: Record = {"schema": _ref(one.body)}
        if example is not None:
            content["example"] = example["request"]["body"]
        record["requestBody"] = {"required": True, "content": {JSON: content}}
    statuses = {*_ALWAYS, *one.refusals} - set(() if one.body else _BODY_ONLY)
    for status in sorted(statuses):
        record["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
    return record


def _scopes(one: Operation) -> str:
    return "Scope: " + " or ".join(one.scopes) + "."


def _parameters(one: Operation) -> list[Record]:
    text = {"type": "string", "minLength": 1}
    found: list[Record] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in ("tenant_id", *one.variables)
    ]
    if one.query is not None:
        schema = one.query.model_json_schema()
        for name, about in schema["properties"].items():
            found.append({"name": name, "in": "query", "schema": _not_null(about)})
    if one.keyed:
        found += [_KEY, _TRACEPARENT]
    if one.tagged:
        found.append(_MATCH)
    return found


def _not_null(schema: Record) -> Record:
    """What a query may hold: its parameters can be left out, and are never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kinds[0]}


def _answer(
    one: Operation, status: int, answer: type[BaseModel] | str, example: Record | None
) -> Record:
    told = "It was there already." if status == 200 and 201 in one.answers else "Done."
    content: Record = {}
    kind = JSON
    if not isinstance(answer, str):
        content["schema"] = _ref(answer)
    elif answer == ZIP:
        kind, told = ZIP, "A zip: rows, proofs, checkpoint, and a verifier that needs no Selene."
    else:
        kind, content["schema"] = answer.partition(";")[0], {"type": "string"}
    if kind != ZIP and example is not None and example["answer"]["status"] == status:
        content["example"] = example["answer"]["body"]
    fields = header_fields.of_answer(one, status)
    return {"description": told, "headers": fields, "content": {kind: content}}


def _refusal(status: int, when: str, shown: dict[str, Record]) -> Record:
    content: Record = {"schema": _ref(answers.Problem)}
    found = [one["answer"]["body"] for one in shown.values() if one["answer"]["status"] == status]
    codes = [code for code, (own, _) in problems.HTTP.items() if own == status]
    if not found and codes:
        # What no request can come to on a sound ledger.
        problem = problems.of_http(codes[0], f"{when}.", "See next_step of the answer.")
        found = [problem.as_record("0190a6c4-0000-7000-8000-000000000000")]
    if found:
        content["example"] = found[0]
    return {
        "description": f"{when}.",
        "headers": header_fields.of_refusal(status),
        "content": {problems.MEDIA_TYPE: content},
    }


def _ref(model: type[BaseModel]) -> Record:
    return {"$ref": _REF.format(model=model.__name__)}


def _schemas(table: tuple[Operation, ...]) -> Record:
    models: list[type[BaseModel]] = [answers.Problem, BringOne]
    for one in table:
        models += [one.body] if one.body is not None else []
        models += [answer for answer in one.answers.values() if not isinstance(answer, str)]
    unique = list(dict.fromkeys(models))
    _, schema = models_json_schema([(one, "validation") for one in unique], ref_template=_REF)
    made: Record = schema["$defs"]
    return made


def _open_paths() -> dict[str, Record]:
    """What needs no key."""

    def path(name: str, summary: str, status: str) -> Record:
        schema = {"type": "object", "properties": {"status": {"const": status}}}
        content = {JSON: {"schema": schema, "example": {"status": status}}}
        return {
            "get": {
                "operationId": name,
                "summary": summary,
                "security": [],
                "responses": {"200": {"description": summary, "content": content}},
            }
        }

    ready = path("isReady", "Whether the ledger can be worked with.", "ready")
    ending = problems.of_http("Stopping", "It finishes what it accepted.", "Ask another one.")
    problem = {
        "schema": _ref(answers.Problem),
        "example": ending.as_record("0190a6c4-0000-7000-8000-000000000000"),
    }
    ready["get"]["responses"]["503"] = {
        "description": "It cannot, and why.",
        "headers": header_fields.beside_the_api(),
        "content": {problems.MEDIA_TYPE: problem},
    }
    return {
        "/healthz": path("isAlive", "Whether the process lives.", "alive"),
        "/readyz": ready,
    }


def page_of(operations: Iterable[Operation]) -> str:
    """The operations as a page without scripts and without anything from elsewhere."""
    rows = "".join(
        f"<tr><td><code>{one.method}</code></td>"
        f"<td><code>{html.escape(one.path or '.')}</code></td>"
        f"<td>{html.escape(one.summary)}</td><td>{html.escape(' or '.join(one.scopes))}</td></tr>"
        for one in operations
    )
    codes = "".join(
        f"<tr><td><code>{code}</code></td><td>{status}</td><td>{html.escape(title)}</td></tr>"
        for code, (status, title) in problems.HTTP.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Selene: API</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;"
        "padding:0 1rem}td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}"
        "</style></head><body><main><h1>Selene: API</h1>"
        "<p>Below <code>/v1/tenants/{tenant_id}/</code>, with <code>Authorization: Bearer"
        ' sel_…</code>. Everything, for programs: <a href="/openapi.json">openapi.json</a>.</p>'
        "<table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Scope</th></tr>"
        f"</thead><tbody>{rows}</tbody></table><h2>Errors</h2>"
        "<p><code>application/problem+json</code>; those of the ledger have their own codes.</p>"
        f"<table><thead><tr><th>Code</th><th>Status</th><th>Title</th></tr></thead>"
        f"<tbody>{codes}</tbody></table></main></body></html>"
    )
