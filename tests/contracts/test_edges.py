"""What every way in answers: a conversation goes the same by the library and by the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

import selene_os
from command import NOON, OTHER_TALK, TALK, Command, Record, counted, rows

DEVICES = {"alice": "kitchen", "bob": "office", "mallory": "lobby", "ghost": "attic"}
ONE_TURN = {"audit_events": 1, "replay_inputs": 1, "conversation_ledger": 1}
REMIND = "remind me to call mom"
TWO = "send $20 to Bob and send $30 to Ann"


class Refused(Exception):
    """The command answered with exit code 2."""


REFUSED = (selene_os.Refusal, Refused)


class Edge(Protocol):
    """A way in, with acme's alice and bob, and globex's alice and mallory."""

    path: Path

    def say(self, text: str, user: str = "alice", tenant: str = "acme", **where: Any) -> Record:
        """The answer to a turn of the conversation TALK, or of another one."""

    def persona(self, user: str = "alice", **options: Any) -> Record:
        """The profile of a user."""

    def trace(self, correlation: str = TALK, tenant: str = "acme") -> list[Record]:
        """The rows of a conversation, by column."""


def heard(edge: Edge) -> tuple[list[str], list[str]]:
    """The words of a conversation's lines, and those that its records hold."""
    with selene_os.open(str(edge.path)) as selene:
        acme = selene.tenant("acme")
        records = [acme.record(event.event_id) for event in acme.trace(TALK)]
        lines = [line.text.decode() for line in acme.conversation(TALK)]
    return lines, sorted(record["request"]["text"] for record in records if record)


class Library:
    """The library as a way in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.selene = selene_os.open(str(path), create=True)

    def say(self, text: str, user: str = "alice", tenant: str = "acme", **where: Any) -> Record:
        device = device_of(user, tenant)
        at = {"correlation": TALK, "now": NOON} | where
        answer = self.selene.tenant(tenant).take_turn(user, device, text, **at)
        record: Record = json.loads(json.dumps(answer.result.as_record()))
        return record | {
            "event_id": answer.event_id,
            "event_ids": [receipt.event_id for receipt in answer.receipts],
            "deduplicated": answer.deduplicated,
            "same_decision": answer.same_decision,
            "correlation_id": answer.correlation_id,
            "turn_id": answer.turn_id,
        }

    def persona(self, user: str = "alice", **options: Any) -> Record:
        signals = [
            selene_os.Signal(key, value, "test") for key, value in options.pop("signals", ())
        ]
        profile = self.selene.tenant("acme").commit_profile(
            user, DEVICES[user], speaker=user, signals=signals, **options
        )
        return {
            "brevity_ref": profile.snapshot.brevity_ref,
            "preferences_snapshot_ref": profile.snapshot.ref,
            "event_id": profile.receipt.event_id,
            "deduplicated": profile.receipt.deduplicated,
            "turn_id": profile.turn_id,
        }

    def trace(self, correlation: str = TALK, tenant: str = "acme") -> list[Record]:
        events = [event._asdict() for event in self.selene.tenant(tenant).trace(correlation)]
        return [event | {"payload_min": json.loads(event["payload_min"])} for event in events]


class CommandLine:
    """The command as a way in."""

    def __init__(self, command: Command) -> None:
        self.path = command.path
        self.command = command

    def say(self, text: str, user: str = "alice", tenant: str = "acme", **where: Any) -> Record:
        options = {"correlation": TALK, "now": NOON} | where
        record = self._run("say", *scope(user, tenant), *flags(options), "--json", "--", text)
        return {"event_ids": [record["event_id"]]} | record

    def persona(self, user: str = "alice", **options: Any) -> Record:
        signals = [f"--signal={key}={value}" for key, value in options.pop("signals", ())]
        given = ("--speaker", user, *signals, *flags(options))
        return self._run("persona", *scope(user, "acme"), *given, "--json")

    def trace(self, correlation: str = TALK, tenant: str = "acme") -> list[Record]:
        events = self._run("trace", "--tenant", tenant, "--correlation", correlation, "--json")
        assert isinstance(events["events"], list)
        return events["events"]

    def _run(self, *line: str) -> Record:
        ran = self.command(*line)
        if ran.code == 2:
            raise Refused(ran.error)
        assert (ran.code, ran.err) == (0, "")
        return ran.record


def device_of(user: str, tenant: str) -> str:
    """A device is bound to one tenant; elsewhere it goes by another name."""
    return DEVICES[user] if tenant == "acme" else f"{tenant}-{DEVICES[user]}"


def scope(user: str, tenant: str) -> tuple[str, ...]:
    return ("--tenant", tenant, "--user", user, "--device", device_of(user, tenant))


def flags(options: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items() if value is not None]


@pytest.fixture(params=["library", "command"])
def edge(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Edge]:
    command = Command(tmp_path, capsys, monkeypatch)
    with selene_os.open(str(command.path), create=True) as selene:
        for tenant, users in (("acme", ("alice", "bob")), ("globex", ("alice", "mallory"))):
            selene.add_tenant(tenant)
            for user in users:
                selene.tenant(tenant).register(user, device_of(user, tenant))
    if request.param == "command":
        yield CommandLine(command)
        return
    library = Library(command.path)
    yield library
    library.selene.close()


def value_of(answer: Record, key: str) -> Any:
    """The value of a field that was heard, or None."""
    return next((field["value"] for field in answer["fields"] if field["key"] == key), None)


def without_receipt(answer: Record) -> Record:
    return {key: answer[key] for key in answer.keys() - {"deduplicated", "same_decision"}}


# ---- a turn and its rows


@pytest.mark.parametrize(
    ("text", "decision", "event_type", "severity", "payload"),
    [
        (
            "remind me to call mom tomorrow at 5 pm",
            "INTENT_DRAFT",
            "NlpIntentDraft",
            "INFO",
            {"intent_type", "overall_confidence", "required_fields", "ambiguity_flags"},
        ),
        (
            REMIND,
            "CLARIFY",
            "NlpClarify",
            "WARN",
            {"what_is_missing", "clarification_unit_id", "accepted_answer_formats"},
        ),
        ("thank you", "CHAT", "NlpIntentDraft", "INFO", set()),
    ],
)
def test_a_turn_with_one_decision_makes_one_row_of_each_kind(
    edge: Edge, text: str, decision: str, event_type: str, severity: str, payload: set[str]
) -> None:
    with counted(edge.path, ONE_TURN):
        answer = edge.say(text)
    (event,) = edge.trace()
    assert answer["decision"] == decision
    assert (answer["deduplicated"], answer["same_decision"]) == (False, True)
    assert (answer["turn_id"], answer["correlation_id"]) == (1, TALK)
    expected = {
        "tenant_id": "acme", "event_id": answer["event_id"], "engine": "PH1.NLP",
        "event_type": event_type, "severity": severity, "correlation_id": TALK, "turn_id": 1,
        "user_id": "alice", "device_id": "kitchen", "session_id": None,
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected
    assert event["payload_min"].keys() == payload | {"decision"}
    assert event["payload_min"]["decision"] == decision
    assert rows(edge.path, "SELECT event_id FROM replay_inputs") == [[answer["event_id"]]]
    said = "SELECT turn_id, role, source, user_id, device_id FROM conversation_ledger"
    assert rows(edge.path, said) == [[1, "USER", "TYPED_TEXT", "alice", "kitchen"]]
    assert heard(edge) == ([text], [text])


def test_without_a_correlation_each_turn_begins_a_new_conversation(edge: Edge) -> None:
    answers = [edge.say("hello", correlation=None) for _ in range(2)]
    assert [answer["turn_id"] for answer in answers] == [1, 1]
    assert len({answer["correlation_id"] for answer in answers}) == 2
    assert len({answer["event_id"] for answer in answers}) == 2


def test_without_a_turn_the_next_one_is_taken(edge: Edge) -> None:
    taken = [edge.say("hello")["turn_id"], edge.say("hello", turn=7)["turn_id"]]
    taken += [edge.say("hello")["turn_id"], edge.say("hello")["turn_id"]]
    assert taken == [1, 7, 8, 9]
    assert [event["turn_id"] for event in edge.trace()] == taken


# ---- a question and its answer


def test_the_next_turn_answers_what_was_asked(edge: Edge) -> None:
    asked = edge.say(REMIND)
    answered = edge.say("5 pm")
    assert (asked["decision"], asked["what_is_missing"]) == ("CLARIFY", ["when"])
    assert (answered["decision"], answered["turn_id"]) == ("INTENT_DRAFT", 2)
    assert value_of(answered, "task") == "call mom"
    assert value_of(answered, "when") == "2026-03-03T17:00"
    assert [field["source"] for field in answered["fields"] if "source" in field] == ["pending"]


@pytest.mark.parametrize(
    "where",
    [{"user": "bob"}, {"correlation": OTHER_TALK}, {"tenant": "globex"}, {"correlation": None}],
)
def test_a_turn_of_elsewhere_answers_nothing(edge: Edge, where: dict[str, Any]) -> None:
    edge.say(REMIND)
    answered = edge.say("5 pm", **where)
    assert answered["intent_type"] is None
    assert answered["fields"] == []


def test_a_question_stays_open_while_another_user_speaks(edge: Edge) -> None:
    edge.say(REMIND)
    edge.say("thank you", "bob")
    assert value_of(edge.say("5 pm"), "task") == "call mom"


def test_a_question_stays_open_while_a_profile_is_committed(edge: Edge) -> None:
    edge.say(REMIND)
    assert edge.persona(correlation=TALK)["turn_id"] == 2
    answered = edge.say("5 pm")
    assert (answered["turn_id"], value_of(answered, "task")) == (3, "call mom")


def test_an_answered_question_is_not_answered_again(edge: Edge) -> None:
    edge.say(REMIND)
    edge.say("5 pm")
    edge.say("yes")
    assert edge.say("6 pm")["fields"] == []


def test_both_makes_a_row_of_each_request_in_one_turn(edge: Edge) -> None:
    asked = edge.say(TWO)
    assert (asked["decision"], asked["what_is_missing"]) == ("CLARIFY", ["intent_choice"])
    with counted(edge.path, {"audit_events": 2, "replay_inputs": 2, "conversation_ledger": 1}):
        both = edge.say("both", key="k")
    events = edge.trace()[1:]
    assert [value_of(draft, "recipient") for draft in both["drafts"]] == ["Bob", "Ann"]
    assert [event["idempotency_key"] for event in events] == ["k", "k#2"]
    assert [event["turn_id"] for event in events] == [2, 2]
    assert [event["event_id"] for event in events] == both["event_ids"]
    assert {event["payload_min"]["intent_type"] for event in events} == {"SEND_MONEY"}
    with counted(edge.path, {}):
        again = edge.say("both", turn=2, key="k")
    assert without_receipt(again) == without_receipt(both)
    assert (again["deduplicated"], again["same_decision"]) == (True, True)


def test_one_of_two_requests_makes_one_row(edge: Edge) -> None:
    edge.say(TWO)
    with counted(edge.path, ONE_TURN):
        chosen = edge.say("the second one")
    assert value_of(chosen, "recipient") == "Ann"


# ---- a retry


@pytest.mark.parametrize("where", [{"turn": 2}, {"key": "k"}, {"turn": 2, "key": "k"}])
def test_a_retry_is_told_what_was_recorded(edge: Edge, where: dict[str, Any]) -> None:
    edge.say(REMIND)
    first = edge.say("5 pm", **where)
    edge.say("thank you")
    with counted(edge.path, {}):
        again = edge.say("5 pm", **where)
        other = edge.say("send $20 to Bob", **where)
    assert without_receipt(again) == without_receipt(other) == without_receipt(first)
    assert (again["deduplicated"], again["same_decision"]) == (True, True)
    assert (other["deduplicated"], other["same_decision"]) == (True, False)


def test_a_key_that_is_sent_with_another_turn_is_a_retry_of_its_first(edge: Edge) -> None:
    first = edge.say("hello", turn=1, key="k")
    again = edge.say("hello", turn=5, key="k")
    assert (again["turn_id"], again["event_id"]) == (1, first["event_id"])
    assert again["deduplicated"] is True


def test_of_two_utterances_in_one_turn_the_conversation_has_one_and_the_records_both(
    edge: Edge,
) -> None:
    edge.say("hello", turn=1, key="a")
    edge.say("send $20 to Bob", turn=1, key="b")
    # A conversation has one line for each turn and role; what was said is in each record as well.
    assert heard(edge) == (["hello"], ["hello", "send $20 to Bob"])


# ---- profiles


def test_a_profile_persists_for_its_own_user_only(edge: Edge) -> None:
    wish = [("brevity_preference", "short answers please")]
    with counted(edge.path, {"audit_events": 1, "replay_inputs": 1}):
        first = edge.persona(signals=wish)
    assert first["brevity_ref"] == "BRIEF"
    assert edge.persona("bob")["brevity_ref"] == "BALANCED"
    later = edge.persona()
    assert later["brevity_ref"] == "BRIEF"
    assert later["preferences_snapshot_ref"] == first["preferences_snapshot_ref"]


def test_a_retried_profile_is_told_what_was_recorded(edge: Edge) -> None:
    where: dict[str, Any] = {"correlation": TALK, "turn": 1}
    first = edge.persona(signals=[("brevity_preference", "short answers please")], **where)
    with counted(edge.path, {}):
        again = edge.persona(signals=[("brevity_preference", "long answers please")], **where)
    assert again["deduplicated"] is True
    assert without_receipt(again) == without_receipt(first)


def test_a_profile_is_never_handed_to_another_user(edge: Edge) -> None:
    where: dict[str, Any] = {"correlation": TALK, "turn": 1}
    edge.persona(signals=[("brevity_preference", "short answers please")], **where)
    try:
        profile = edge.persona("bob", **where)
    except REFUSED:
        return
    assert profile["brevity_ref"] == "BALANCED"


# ---- tenants


def test_two_tenants_with_the_same_names_never_meet(edge: Edge) -> None:
    mine = edge.say(REMIND, turn=1, key="k")
    theirs = edge.say(TWO, tenant="globex", turn=1, key="k")
    assert (mine["deduplicated"], theirs["deduplicated"]) == (False, False)
    assert value_of(edge.say("5 pm", turn=2), "task") == "call mom"
    assert len(edge.say("both", tenant="globex", turn=2)["drafts"]) == 2
    assert {event["tenant_id"] for event in edge.trace()} == {"acme"}
    assert {event["tenant_id"] for event in edge.trace(tenant="globex")} == {"globex"}
    assert (len(edge.trace()), len(edge.trace(tenant="globex"))) == (2, 3)


def test_a_scope_that_does_not_hold_is_refused_and_leaves_nothing(edge: Edge) -> None:
    acts: list[Callable[[], object]] = [
        lambda: edge.say("hello", "mallory"),
        lambda: edge.say("hello", "ghost"),
        lambda: edge.say("hello", "bob", "globex"),
        lambda: edge.say("hello", session="none"),
        lambda: edge.persona("mallory"),
    ]
    for act in acts:
        with counted(edge.path, {}), pytest.raises(REFUSED):
            act()
