"""Problems name what was sent, the request, and a next step that whoever asked can take."""

from __future__ import annotations

from typing import Any

import pytest

from serving import TALK, Served, turn

NOBODYS = "018bcfe5-6800-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("confirmations", {"draft_event_id": NOBODYS}, "draft_event_id"),
        ("confirmations", {"draft_event_id": "x"}, "draft_event_id"),
        ("memories/apply", {"draft_event_id": NOBODYS}, "draft_event_id"),
        ("memories/apply", {"draft_event_id": "{draft}", "confirmation_event_id": NOBODYS},
         "confirmation_event_id"),
        ("memories/apply", {"draft_event_id": "{draft}", "confirmation_event_id": "{draft}"},
         "confirmation_event_id"),
        ("memories/apply", {"draft_event_id": "{draft}"}, "draft_event_id"),
        ("memories/apply", {"draft_event_id": "{reminder}"}, "draft_event_id"),
    ],
)  # fmt: skip
def test_a_problem_names_the_field_as_it_was_sent(
    served: Served, path: str, body: dict[str, str], field: str
) -> None:
    draft = served.post("turns", turn("remember that my locker is 42")).json["event_id"]
    reminder = served.post("turns", turn()).json["event_id"]
    sent = {name: one.format(draft=draft, reminder=reminder) for name, one in body.items()}
    told = served.post(path, sent)
    assert told.status in (403, 404, 422)
    assert told.json["field"] == field and field in told.json["detail"]


def test_a_search_for_an_unknown_reason_names_it_as_it_was_asked(served: Served) -> None:
    told = served.get("decisions?reason=NOPE")
    assert (told.status, told.json["field"]) == (422, "reason")


@pytest.mark.parametrize(
    ("method", "path", "body", "step"),
    [
        ("POST", "turns", turn(user_id="nobody"), "POST identities, or `selene register`"),
        ("POST", "turns", turn(device_id="nothing"), "POST devices, or `selene register`"),
        ("POST", "turns", turn(session_id="never"), "POST sessions, or `selene register"),
        ("PATCH", "identities/nobody", {"status": "DISABLED"}, "POST identities, or `selene"),
        ("GET", "checkpoints/latest", None, "POST seal, or `selene seal`"),
        ("GET", f"conversations/{TALK}/bundle", None, "GET decisions, or `selene search`"),
    ],
)
def test_a_next_step_names_the_operation_beside_the_command(
    shared: Served, method: str, path: str, body: Any, step: str
) -> None:
    told = shared.ask(method, path, body)
    assert 400 <= told.status < 500 and step in told.json["next_step"]


def test_a_disabled_user_and_an_unsealed_row_are_helped_by_operations(served: Served) -> None:
    talk = served.post("turns", turn()).json["correlation_id"]
    assert "POST seal" in served.get(f"conversations/{talk}/bundle").json["next_step"]
    served.ask("PATCH", "identities/alice", {"status": "DISABLED"})
    told = served.post("turns", turn())
    assert "PATCH identities/{user_id}, or `selene identity enable`" in told.json["next_step"]


def test_a_problem_within_a_batch_names_its_request(served: Served) -> None:
    told = served.post("decisions/batch", {"decisions": [7, 8]})
    named = {one["problem"]["instance"] for one in told.json["results"]}
    assert named == {f"urn:uuid:{told.headers['x-request-id']}"}


def test_a_problem_beside_the_api_names_its_request_too(served: Served) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("POST", "/healthz", 405)):
        first, again = (served.ask(method, path, key=None) for _ in range(2))
        assert first.status == status
        assert first.headers["content-type"] == "application/problem+json"
        assert first.json["instance"] == f"urn:uuid:{first.headers['x-request-id']}"
        assert first.json["instance"] != again.json["instance"]


def test_who_asks_a_server_that_ends_is_told_which_request_that_was(served: Served) -> None:
    served.app.state.api.leaving = True
    first, again = (served.ask("GET", "/readyz", key=None) for _ in range(2))
    assert (first.status, first.code) == (503, "Stopping")
    assert first.json["instance"] == f"urn:uuid:{first.headers['x-request-id']}"
    assert first.json["instance"] != again.json["instance"]
