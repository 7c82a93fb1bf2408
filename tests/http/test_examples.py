"""The description's examples are true, and there is one of each operation."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

import http_examples
from ledgers import Ledger
from selene_os.edges.http.answers import Problem
from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.description import describe, examples
from serving import Served

KEPT = examples()
BY_NAME = {one.name: one for one in OPERATIONS}


@pytest.fixture(scope="module")
def asked() -> list[dict[str, Any]]:
    return http_examples.fresh()


@pytest.mark.parametrize("place", range(len(KEPT)), ids=[one["name"] for one in KEPT])
def test_an_example_is_what_a_fresh_ledger_answers(place: int, asked: list[Any]) -> None:
    # Where it is not any more: python tests/http_examples.py writes what it is now.
    assert asked[place] == KEPT[place]
    assert len(asked) == len(KEPT)


def test_the_examples_are_the_same_on_every_store(ledger: Ledger) -> None:
    served = Served(ledger, memory=True)
    try:
        assert http_examples.ask_all(served) == KEPT
    finally:
        served.close()


def test_every_operation_has_an_example_that_succeeds() -> None:
    statuses = {one["name"]: one["answer"]["status"] for one in KEPT}
    for operation in OPERATIONS:
        assert statuses[operation.name] in operation.answers, operation.name


@pytest.mark.parametrize("example", KEPT, ids=[one["name"] for one in KEPT])
def test_an_answer_is_of_the_form_that_is_described(example: dict[str, Any]) -> None:
    status, body = example["answer"]["status"], example["answer"]["body"]
    names = {
        "takeTurnAgain": "takeTurn",
        "story": "trace",
        "remember": "takeTurn",
        "yes": "confirm",
    }
    model: Any = Problem
    if status < 400:
        model = BY_NAME[names.get(example["name"], example["name"])].answers[status]
    if not isinstance(model, str):
        assert issubclass(model, BaseModel)
        read = TypeAdapter(model).validate_python(body, strict=True)
        known = set(read.model_dump()) | {"record", "what_is_missing", "pending", "drafts"}
        assert set(body) <= known | {"question", "accepted_answer_formats"}, example["name"]


def test_every_reference_of_the_description_leads_somewhere() -> None:
    described = describe(OPERATIONS)

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                place: Any = described
                for step in value["$ref"].removeprefix("#/").split("/"):
                    place = place[step]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(described)
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(set(ids)) == len(ids) == len(OPERATIONS) + 2
    for path in described["paths"].values():
        for one in path.values():
            assert one["summary"].endswith("."), one["operationId"]


def test_the_header_fields_that_are_described_are_those_that_are_sent(served: Served) -> None:
    described = describe(OPERATIONS)
    known = described["components"]["headers"]
    done: dict[str, Any] = {}
    seen: set[str] = set()
    for number in range(len(KEPT)):
        name, method, path, body, more = http_examples.requests(done)[number]
        told = served.ask(method, path, body, **more)
        done[name] = told.json if "json" in told.headers["content-type"] else None
        if name not in BY_NAME and told.status < 400:
            continue
        if told.status >= 400:
            answer = described["components"]["responses"][str(told.status)]
        else:
            url = "/".join(("/v1/tenants/{tenant_id}", *BY_NAME[name].segments))
            answer = described["paths"][url][method.lower()]["responses"][str(told.status)]
        fields = {field.lower() for field in answer["headers"]}
        sent = {field.lower() for field in known} & set(told.headers)
        needed = {field.lower() for field, about in known.items() if about.get("required")}
        assert sent <= fields and fields & needed <= sent, name
        seen |= sent
    assert seen == {field.lower() for field in known} - {"idempotent-replayed", "retry-after"}


def test_what_needs_no_key_and_what_is_no_json_have_examples_or_a_word() -> None:
    paths = describe(OPERATIONS)["paths"]
    for path, status in (("/healthz", "200"), ("/readyz", "200"), ("/readyz", "503")):
        (content,) = paths[path]["get"]["responses"][status]["content"].values()
        assert "example" in content
    room = "/v1/tenants/{tenant_id}"
    note = paths[f"{room}/checkpoints/{{size}}"]["get"]["responses"]["200"]["content"]
    assert note["text/plain"]["example"].startswith("selene")
    bundle = paths[f"{room}/conversations/{{correlation_id}}/bundle"]["get"]["responses"]["200"]
    assert "verifier" in bundle["description"]
