"""The gates: what keeps a draft from being acted on, and which types can never come near them.

Source: design, "PH1.X hand-off, and the gates" and "Shapes"; docs/spec/002 §2, §5 and §8.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NewType, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os import app, decision, engines, gates
from selene_os.decision import ProfileDecision
from selene_os.engines import focus, know, nlp, persona, prune, srl
from selene_os.errors import BadField
from selene_os.gates import ClarifyPacket, Confirmed, DenyAll, Draft, Listed, may_execute, packet_of
from selene_os.ledger import codec
from selene_os.ledger.codec import Scope
from selene_os.names import DeviceId, TenantId, UserId, event_id_of
from selene_os.reasons import ReasonCode

NOW = 1_700_000_000_000_000_000
TASK = nlp.Field("task", "call mom", 10, 18, "call mom")
WHEN = nlp.Field("when", "5 pm", 22, 26, "2026-11-22T17:00", "minute")
PLACE = nlp.Field("place", "at home", 27, 34, "home")
RESULT = nlp.Result(
    "INTENT_DRAFT", "NLP_INTENT_OK", "SET_REMINDER", "HIGH", (TASK, WHEN, PLACE), ("task", "when"),
    requires_confirmation=True, sensitivity="PRIVATE",
)  # fmt: skip
DRAFT = Draft(event_id_of(NOW, 1), TenantId("acme"), UserId("alice"), NOW, RESULT)
HERE = Scope(DRAFT.tenant_id, DRAFT.user_id, DeviceId("kitchen"))
YES = Confirmed(
    event_id_of(NOW, 2), DRAFT.tenant_id, DRAFT.user_id, "CONFIRMED", DRAFT.event_id, DRAFT.digest,
    NOW + 600, False,
)  # fmt: skip


class Says:
    """Both ports: the same answer each time, and what it was asked."""

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, list[tuple[object, ...]]()

    def decide(self, *asked: object) -> Any:
        self.asked.append(asked)
        return self.answer

    status = decide


ALLOWS, LIVE = Says("ALLOW"), Says("ACTIVE")


@dataclass(frozen=True)
class Case:
    """One question to the gates; as it stands, they open."""

    draft: Draft = DRAFT
    scope: Scope = HERE
    access: gates.AccessPort = ALLOWS
    simulation: gates.SimulationPort = LIVE
    yes: Confirmed | None = YES
    now: int = NOW + 600

    def result(self, **changed: Any) -> Case:
        draft = replace(self.draft, result=replace(self.draft.result, **changed))
        same = self.yes and self.yes.draft_digest == self.draft.digest
        yes = replace(self.yes, draft_digest=draft.digest) if self.yes and same else self.yes
        return replace(self, draft=draft, yes=yes)

    @property
    def verdict(self) -> gates.Verdict:
        ports = (self.access, self.simulation)
        return may_execute(self.draft, self.scope, *ports, self.yes, now=self.now)


Change = Callable[[Case], Case]


def put(**changed: Any) -> Change:
    return lambda case: replace(case, **changed)


def result(**changed: Any) -> Change:
    return lambda case: case.result(**changed)


def heard(*changed: nlp.Field) -> Change:
    by_key = {field.key: field for field in (*RESULT.fields, *changed)}
    return result(fields=tuple(by_key.values()))


def said(**changed: Any) -> Change:
    return lambda case: replace(case, yes=case.yes and replace(case.yes, **changed))


def both(*changes: Change) -> Change:
    return lambda case: functools.reduce(lambda one, change: change(one), changes, case)


HALL = replace(HERE, device_id=DeviceId("hall"))
OPEN: dict[str, Change] = {
    "as it stands": put(),
    "two requests in one utterance": result(ambiguity_flags=("MULTI_INTENT",)),
    "no yes needed": both(result(requires_confirmation=False), put(yes=None)),
    "the last nanosecond": put(now=NOW + 600),
    "another device of the user": put(scope=HALL),
}
TWIN = replace(DRAFT, event_id=event_id_of(NOW, 3))
SIX = heard(replace(WHEN, value="2026-11-22T18:00"))(Case()).draft
TWO_WAYS = ({"start": "2026-11-22T06:00"}, {"start": "2026-11-22T18:00"})
NO_PLACE = replace(PLACE, value=None, readings=("home", "work"))
# What closes the gates, by the reason that it gives.
CLOSED: dict[str, tuple[Change, ...]] = {
    "DRAFT_NOT_HIGH": tuple(
        result(overall_confidence=word) for word in ("MED", "LOW", None, "", "high", "HIGHER")
    ),
    "DRAFT_INCOMPLETE": (
        result(required_fields_missing=("when",)), result(fields=(TASK,)), result(fields=()),
        heard(replace(WHEN, value=None)), heard(replace(WHEN, value=None, readings=TWO_WAYS)),
    ),
    "DRAFT_AMBIGUOUS": (
        heard(NO_PLACE), result(ambiguity_flags=("TIME_RELATIVE",)),
        result(ambiguity_flags=("MULTI_INTENT", "AMBIGUOUS_NAME")),
    ),
    "SCOPE_DIFFERS": (
        put(scope=replace(HERE, tenant_id=TenantId("globex"))),
        put(scope=replace(HERE, user_id=UserId("bob"))),
    ),
    "ACCESS_DENIED": (put(access=DenyAll()), *(
        put(access=Says(answer)) for answer in
        ("allow", "ALLOWED", "ALLOW ", "", "DENY", "ACTIVE", True, 1, None, b"ALLOW", ["ALLOW"])
    )),
    "SIMULATION_INACTIVE": (put(simulation=DenyAll()), *(
        put(simulation=Says(answer))
        for answer in ("active", "ACTIVE\n", "", "DRAFT", "UNKNOWN", "ALLOW", True, 1, None)
    )),
    "CONFIRMATION_MISSING": (
        put(yes=None), both(result(requires_confirmation=None), put(yes=None)),
    ),
    "CONFIRMATION_DECLINED": tuple(
        said(said=word) for word in ("DECLINED", "CHANGED", "confirmed", "")
    ),
    # To another draft of equal words, to another row or other values, by others.
    "CONFIRMATION_DIFFERS": (
        said(draft_event_id=TWIN.event_id, draft_digest=TWIN.digest),
        said(draft_event_id=TWIN.event_id), said(draft_digest=SIX.digest), said(draft_digest=""),
        said(user_id=UserId("bob")), said(tenant_id=TenantId("globex")),
    ),
    "CONFIRMATION_USED": (said(used=True),),
    "CONFIRMATION_LATE": (put(now=NOW + 601), said(expires_at=NOW + 599), put(now=2**63)),
}  # fmt: skip
WRONGS = [(reason, change) for reason, changes in CLOSED.items() for change in changes]


def test_the_gates_open_where_everything_holds() -> None:
    for name, change in OPEN.items():
        verdict = change(Case()).verdict
        assert (bool(verdict), verdict.reason_code) == (True, ReasonCode.GATE_OPEN), name


@pytest.mark.parametrize("reason", CLOSED)
def test_one_thing_that_does_not_hold_closes_the_gates_by_its_name(reason: str) -> None:
    for number, change in enumerate(CLOSED[reason]):
        verdict = change(Case()).verdict
        assert not verdict
        assert verdict.reason_code.name == f"GATE_{reason}", number


@given(wrongs=st.lists(st.sampled_from(WRONGS), min_size=2, max_size=4))
def test_two_wrongs_open_nothing(wrongs: list[tuple[str, Change]]) -> None:
    assert not both(*(change for _, change in wrongs))(Case()).verdict


@pytest.mark.parametrize(
    "field",
    [replace(PLACE, value=None), replace(PLACE, readings=("home", "work")),
     replace(WHEN, readings=TWO_WAYS)],
)  # fmt: skip
def test_what_was_heard_and_has_no_one_meaning_closes_the_gates(field: nlp.Field) -> None:
    # Also of an optional field: nobody acts on a draft and leaves "tomorrow" out of it.
    assert not heard(field)(Case()).verdict


def test_the_ports_are_asked_for_whom_and_what() -> None:
    access, simulation = Says("ALLOW"), Says("ACTIVE")
    assert Case(access=access, simulation=simulation).verdict
    assert access.asked == [("acme", "alice", "kitchen", "SET_REMINDER")]
    assert simulation.asked == [("acme", "SET_REMINDER")]
    listed, other = Listed(["SET_REMINDER"]), Listed(["SEND_MONEY"])
    assert Case(access=listed, simulation=listed).verdict
    for no in (other, Listed([]), DenyAll()):
        assert not Case(access=no).verdict
        assert not Case(simulation=no).verdict
    assert not Case(access=app.NOBODY.access).verdict
    assert not Case(simulation=app.NOBODY.simulation).verdict


CHANGES: list[dict[str, Any]] = [
    {"intent_type": "SEND_MONEY"}, {"overall_confidence": "MED"}, {"sensitivity": "PUBLIC"},
    {"requires_confirmation": False}, {"required_fields": ("task",)}, {"ambiguity_flags": ("A",)},
    {"required_fields_missing": ("when",)}, {"fields": (TASK, WHEN)}, {"reason_code": "OTHER"},
    *({"fields": (TASK, other, PLACE)} for other in (
        replace(WHEN, value="2026-11-22T18:00"), replace(WHEN, text="6 pm"), replace(WHEN, end=27),
        replace(WHEN, start=21), replace(WHEN, grain="hour"), replace(WHEN, readings=TWO_WAYS),
        replace(WHEN, source="pending"), replace(WHEN, key="due"))),
]  # fmt: skip


def test_a_digest_names_the_row_the_user_and_every_value() -> None:
    others = [replace(DRAFT, result=replace(RESULT, **change)) for change in CHANGES]
    others += [TWIN, replace(DRAFT, tenant_id=TenantId("globex"))]
    others += [replace(DRAFT, user_id=UserId("bob"))]
    digests = {draft.digest for draft in (DRAFT, replace(DRAFT), *others)}
    assert len(digests) == len(others) + 1
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in digests)


@pytest.mark.parametrize(
    "result",
    [replace(RESULT, decision="CLARIFY"), nlp.Result("CHAT", "NLP_CHAT_DEFAULT"), {},
     persona.Result("REFUSED", "PERSONA_IDENTITY_REQUIRED", None)],
)  # fmt: skip
def test_what_is_no_draft_comes_to_no_gate(result: Any) -> None:
    with pytest.raises(BadField):
        replace(DRAFT, result=result)


def test_a_packet_asks_one_question_with_two_or_three_examples() -> None:
    sound = ClarifyPacket("When?", "when", ("5 pm", "noon"), "unit-1")
    assert replace(sound, accepted_answer_formats=("1 pm", "2 pm", "3 pm"))
    changes: list[dict[str, Any]] = [
        {"question": ""}, {"what_is_missing": ""}, {"clarification_unit_id": ""},
        *({"accepted_answer_formats": ("5 pm",) * count} for count in (0, 1, 4)),
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(BadField):
            replace(sound, **change)
    asked = nlp.run(nlp.Request("remind me to call mom"))
    packet = packet_of(asked)
    assert (packet.what_is_missing, packet.question) == (asked.what_is_missing, asked.question)
    assert packet.accepted_answer_formats == asked.accepted_answer_formats
    for other in (RESULT, nlp.Result("CHAT", "NLP_CHAT_DEFAULT"), replace(asked, question=None)):
        with pytest.raises(BadField):
            packet_of(other)


# ---- types


def named(hint: Any) -> Iterator[type]:
    """Every class that a type hint names: in unions, containers, callables and new types."""
    if isinstance(hint, NewType):
        yield from named(hint.__supertype__)
    elif isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    for part in hint if isinstance(hint, list) else typing.get_args(hint):
        yield from named(part)


def leads_to(kind: type) -> Iterator[Any]:
    """The hints that lead on from a class: of its fields, properties and methods, and its bases."""
    yield from typing.get_type_hints(kind).values()
    yield from kind.__bases__
    for member in vars(kind).values():
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if isinstance(function, types.FunctionType):
            yield from typing.get_type_hints(function).values()


def reached(*hints: Any, ours: tuple[str, ...] = ("selene_os",)) -> set[type]:
    """Every class of ours that can be come to from some hints, at any depth."""
    found: set[type] = set()
    waiting = [kind for hint in hints for kind in named(hint)]
    while waiting:
        kind = waiting.pop()
        if kind not in found and kind.__module__.startswith(ours):
            found.add(kind)
            waiting += [one for hint in leads_to(kind) for one in named(hint)]
    return found


def classes_of(*rooms: types.ModuleType) -> set[type]:
    """The classes that are made in some engines, and in the files that begin with their names."""
    names = {room.__name__ for room in rooms}
    walked = pkgutil.walk_packages(engines.__path__, "selene_os.engines.")
    names |= {m.name for m in walked if any(m.name.startswith((n + ".", n + "_")) for n in names)}
    modules = [importlib.import_module(name) for name in names]
    every = {kind for module in modules for kind in vars(module).values() if inspect.isclass(kind)}
    return {kind for kind in every if kind.__module__ in names}


def parameters_of(*functions: Callable[..., object]) -> list[Any]:
    """The hints of all parameters of some functions."""
    hints = [typing.get_type_hints(function) for function in functions]
    return [hint for each in hints for name, hint in each.items() if name != "return"]


def acts_of(kind: type) -> set[str]:
    """What a class can be told to do, and its fields that can be called."""
    told = {name for name, value in vars(kind).items() if callable(value) and name[0] != "_"}
    hints = typing.get_type_hints(kind).items()
    return told | {name for name, hint in hints if "Callable" in str(hint)}


def encodable(encoder: Any, kinds: set[type]) -> set[type]:
    """Those of some classes that an encoder takes, itself or as a decision's subclass."""
    return {kind for kind in kinds if encoder.dispatch(kind) is not encoder.dispatch(object)}


ADVISORY, PH1_NLP = classes_of(know, srl, focus, prune), classes_of(nlp)
PERSONA = classes_of(persona) | {ProfileDecision}
DECISIONS = {kind for kind in codec.encode_decision.registry if kind is not object}
GATES = {kind for kind in vars(gates).values() if inspect.isclass(kind)}


def test_no_advisory_result_is_a_decision_or_part_of_one() -> None:
    assert {room.Result for room in (know, srl, focus, prune)} <= ADVISORY
    assert {*typing.get_args(decision.Decision), ProfileDecision} < DECISIONS
    engines_own = ADVISORY | PH1_NLP | classes_of(persona)
    assert encodable(codec.encode_decision, engines_own) == set()
    assert reached(*DECISIONS) & engines_own == set()
    for result in (know.run(know.Request("acme")), prune.run(prune.Request(("a", "b")))):
        with pytest.raises(BadField):
            codec.encode_decision(result)


def test_no_persona_result_can_reach_a_gate() -> None:
    made = [kind for kind in GATES if kind.__module__ == gates.__name__]
    members = [member for home in (gates, *made) for member in vars(home).values()]
    functions = [one for one in members if isinstance(one, types.FunctionType)]
    come_to = reached(*parameters_of(*functions), *made)
    assert {Draft, Confirmed, nlp.Result, nlp.Field, gates.AccessPort} <= come_to
    assert {persona.Result, persona.Snapshot} <= PERSONA
    assert not (come_to | GATES) & (PERSONA | ADVISORY)
    # Where a hint says nothing the walk is blind: values are plain JSON there, and nowhere else.
    hints = {(kind, *one) for kind in come_to for one in typing.get_type_hints(kind).items()}
    blind = {f"{kind.__name__}.{name}" for kind, name, hint in hints if "Any" in str(hint)}
    assert blind == {"Field.value", "Field.readings", "Result.pending"}


def test_nothing_that_an_engine_says_can_act() -> None:
    results = reached(*(room.Result for room in (know, srl, focus, nlp, prune, persona)))
    for kind in (results | DECISIONS | {Draft, Confirmed, ClarifyPacket}) - {ReasonCode}:
        assert acts_of(kind) <= ({"original", "repaired"} if kind is srl.Result else {"as_record"})


@dataclass
class Inner:
    """Made up, as the next ones, to break each rule."""

    send: Callable[[], None]


class InTuple(NamedTuple):
    parts: tuple[Inner | None, ...]


class InProtocol(Protocol):
    def ask(self, way: dict[str, list[InTuple]]) -> None: ...


class InProperty:
    @property
    def way(self) -> type[InProtocol]:
        return InProtocol


class Inherits(InProperty):
    def go(self) -> None: ...


Renamed = NewType("Renamed", Inherits)


def gate(now: int, way: Sequence[Callable[[Renamed], int]]) -> None: ...


class Smuggled(decision.Chat): ...


def test_the_walk_finds_what_breaks_the_rules() -> None:
    ways: list[Any] = [Inner, InTuple, InProtocol, InProperty, Inherits, Renamed]
    for hint in (*ways, parameters_of(gate)):
        assert Inner in reached(hint, ours=(__name__,)), hint
    assert reached(int, gate, ours=(__name__,)) == set()
    assert (acts_of(Inner), acts_of(Inherits)) == ({"send"}, {"go"})
    assert encodable(codec.encode_decision, {Smuggled, Inner}) == {Smuggled}
