"""The client is what the description says: it cannot say what the server does not."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import client_writing
from command import environment, python
from selene_os import errors as own
from selene_os.client import AsyncClient, Client, answers, asking, errors
from selene_os.client.forms import read
from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.description import describe, examples
from selene_os.edges.http.problems import HTTP

DESCRIBED = describe(OPERATIONS)
IDS = [one["operationId"] for path in DESCRIBED["paths"].values() for one in path.values()]
ANSWERS = client_writing.schemas("answer")
MORE = {"pages", "send", "save_bundle", "close", "tenant"}


def test_what_is_written_of_the_description_is_what_stands_there() -> None:
    # Where it is not any more: python tests/client_writing.py writes it again.
    for file, text in client_writing.modules().items():
        assert (client_writing.ROOM / file).read_text(encoding="utf-8") == text, file


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_operation_is_a_method_and_there_are_no_others(client: type) -> None:
    public = {name for name in vars(client) if not name.startswith("_")}
    every = {name for name in public if name.startswith("every_")}
    assert public - every - MORE == {client_writing.method_name(one) for one in IDS}
    rows = {"every_decision", "every_checkpoint", "every_access_event"}
    assert every == rows | {"every_identity", "every_device", "every_session"}


def test_both_clients_are_made_of_the_same_requests() -> None:
    for name in (client_writing.method_name(one) for one in IDS):
        assert getattr(Client, name) is getattr(AsyncClient, name)
    for name in ("__init__", "save_bundle"):
        waits, does_not = (inspect.signature(getattr(one, name)) for one in (Client, AsyncClient))
        assert list(waits.parameters) == list(does_not.parameters)


def test_every_parameter_of_the_description_is_a_method_s() -> None:
    for path in DESCRIBED["paths"].values():
        for one in path.values():
            build = getattr(Client, client_writing.method_name(one["operationId"]))
            taken = set(inspect.signature(build).parameters)
            named = {
                given["name"].lower().replace("-", "_")
                for given in one.get("parameters", ())
                if given["in"] != "header" or given["name"] == "Idempotency-Key"
            } - {"tenant_id"}
            body = one.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                name = body["schema"]["$ref"].rpartition("/")[2]
                named |= set(DESCRIBED["components"]["schemas"][name]["properties"])
            assert taken - {"traceparent"} == named, one["operationId"]


@pytest.mark.parametrize("example", examples(), ids=lambda one: str(one["name"]))
def test_an_answer_is_read_into_its_class_and_nothing_is_lost(example: dict[str, Any]) -> None:
    names = {
        "takeTurnAgain": "takeTurn",
        "story": "trace",
        "remember": "takeTurn",
        "yes": "confirm",
    }
    operation = names.get(example["name"], example["name"])
    told, body = example["answer"], example["answer"]["body"]
    if told["status"] >= 400:
        error = errors.error_of(told["status"], body)
        assert type(error).__name__ == error.code == body["code"]
        assert (error.status, error.field) == (body["status"], body["field"])
        assert (error.reason_code, error.next_step) == (body["reason_code"], body["next_step"])
        return
    build = getattr(Client, client_writing.method_name(operation))
    needed = [p for p in inspect.signature(build).parameters.values() if p.default is p.empty]
    kind = build(*["x"] * len(needed)).kind
    if kind in (str, bytes):
        return
    value = read(kind, body)
    for name, inner in body.items():
        held = getattr(value, name)
        if isinstance(inner, str | int | None):
            assert held == inner
        else:
            assert len(held) == len(inner) if isinstance(inner, list) else held is not None


def test_what_is_missing_is_told_and_what_is_new_is_passed_over() -> None:
    health = {"status": "alive", "colour": "blue"}
    assert read(asking.Health, health) == asking.Health(status="alive")
    receipt: dict[str, Any] = {"event_id": "x", "deduplicated": False}
    with pytest.raises(ValueError, match="Receipt has no same_decision"):
        read(answers.Receipt, receipt)
    for wrong in (None, 1, "true"):
        with pytest.raises(ValueError, match=r"Receipt\.same_decision is"):
            read(answers.Receipt, {**receipt, "same_decision": wrong})
    with pytest.raises(ValueError, match=r"Sealed\.rows is bool, not int"):
        read(answers.Sealed, {"rows": True, "checkpoint": None})
    with pytest.raises(ValueError, match=r"Identity\.user_id is int, not str"):
        read(answers.Identity, {"user_id": 1, "status": "ACTIVE"})


def test_every_code_that_is_answered_is_a_class_of_that_name() -> None:
    def leaves(kind: type[own.SeleneError]) -> list[type[own.SeleneError]]:
        return [kind, *(leaf for sub in kind.__subclasses__() for leaf in leaves(sub))]

    known = {kind.__name__: kind.http_status for kind in leaves(own.SeleneError)}
    for general in ("SeleneError", "Refusal", "Fault"):
        known.pop(general)
    known |= {code: status for code, (status, _) in HTTP.items()}
    assert set(errors.CODES) == set(known)
    for code, status in known.items():
        assert issubclass(errors.CODES[code], errors.Fault) == (status >= 500), code
    assert type(errors.error_of(418, {"code": "Teapot"})) is errors.Refusal
    assert type(errors.error_of(599, {"code": "Teapot"})) is errors.Fault


def test_importing_the_client_loads_neither_engines_nor_drivers_nor_the_server() -> None:
    loaded = python("import selene_os.client, sys; print(*sys.modules)").split()
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {
        "apsw", "cryptography", "fastapi", "pandas", "psycopg", "pydantic", "starlette",
        "tzdata", "uvicorn",
    }  # fmt: skip
    mine = {name for name in loaded if name.startswith("selene_os")}
    assert mine - {"selene_os"} == {name for name in mine if name.startswith("selene_os.client")}


def test_without_httpx_the_error_says_what_to_install() -> None:
    source = (
        "import sys; sys.modules['httpx'] = None\n"
        "try: import selene_os.client\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'selene-os[client]'" in python(source, env=environment())
