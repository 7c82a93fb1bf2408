"""Problems name what was sent, the request, and a next step that whoever asked can take."""

from __future__ import annotations

import pytest

from serving import Served, turn

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
