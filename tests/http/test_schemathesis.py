"""Requests made from the description, good and bad: what comes back is as it is described."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledgers import Ledger, SqliteDatabase
from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.operations import Operation
from serving import Served, token_of, turn

EXAMPLES = 400 if "SELENE_DRILLS" in os.environ else 12
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With a turn, a seal and a session of the kind that requests are about."""
    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("schemathesis")))
    served = Served(ledger, memory=True)
    served.post("turns", turn())
    served.post("seal", None)
    yield served
    served.close()
    ledger.store.close()


@pytest.fixture(scope="module")
def described(served: Served) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", served.app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_what_is_described_is_what_comes(
    described: Any, operation: Operation, mode: GenerationMode
) -> None:
    path = f"/v1/tenants/{{tenant_id}}/{operation.path}".rstrip("/")
    asked = described[path][operation.method.lower()]
    headers = {"authorization": f"Bearer {token_of('all')}"}

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(asked.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        case.path_parameters["tenant_id"] = "acme"
        case.call_and_validate(checks=CHECKS, headers=headers)

    check()
