"""What a type checker tells those who use Selene: one run of mypy --strict, from outside."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

# Each line that ends in `# error: code` must be an error of that code, and no other line one.
PUBLIC = """
import selene_os
from selene_os import names


def turn(selene: selene_os.Selene) -> None:
    acme = selene.tenant("acme")
    acme.take_turn("alice", "kitchen", 5)  # error: arg-type
    acme.take_turn("alice", text="hello")  # error: call-arg
    acme.take_turn("alice", "kitchen", "hello", pending={})  # error: call-arg
    acme.take_turn("alice", "kitchen", "hello", confirmed={})  # error: call-arg
    acme.take_turn("alice", "kitchen", "hello", turn="2")  # error: arg-type
    acme.commit_profile("alice", "kitchen")  # error: call-arg
    acme.commit_profile("alice", "kitchen", speaker="alice", previous=None)  # error: call-arg
    acme.commit_profile("alice", "kitchen", speaker="alice", signals=["x"])  # error: list-item
    selene_os.open("x.db", True)  # error: call-arg
    selene_os.open(b"x.db")  # error: arg-type


def changes(answer: selene_os.Answer, event: selene_os.AuditEvent) -> None:
    answer.result = answer.result  # error: misc
    answer.event_id = answer.event_id  # error: misc
    event.user_id = None  # error: misc
    answer.nonsense  # error: attr-defined
"""
NAMES = """
from selene_os import names
from selene_os.app import Tenant
from selene_os.ledger.store import Store
from selene_os.receipts import Surroundings


def reads(store: Store, around: Surroundings) -> None:
    acme, talk = names.parse_tenant_id("acme"), names.parse_correlation_id("0" * 31 + "1")
    store.trace(acme, talk)
    store.trace("acme", talk)  # error: arg-type
    store.trace(acme, "0" * 31 + "1")  # error: arg-type
    store.trace(talk, acme)  # error: arg-type arg-type
    store.trace(acme, names.parse_user_id("alice"))  # error: arg-type
    store.tenant("acme")  # error: arg-type
    Tenant(store, around, acme)
    Tenant(store, around, "acme")  # error: arg-type
    names.parse_tenant_id("acme").upper()
"""
DECISIONS = """
import selene_os
from selene_os.app import Tenant
from selene_os.engines import focus, know, nlp, persona, prune, srl


def commits(
    acme: Tenant,
    hints: know.Result,
    repaired: srl.Result,
    ranked: focus.Result,
    pruned: prune.Result,
    understood: nlp.Result,
    profile: persona.Result,
    decided: selene_os.ProfileDecision,
) -> None:
    acme.commit_decision(selene_os.Chat(), "alice", "kitchen")
    acme.commit_decision(hints, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(repaired, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(ranked, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(pruned, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(understood, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(profile, "alice", "kitchen")  # error: arg-type
    acme.commit_decision(decided, "alice", "kitchen")  # error: arg-type
    acme.commit_decision({"decision": "CHAT"}, "alice", "kitchen")  # error: arg-type
    selene_os.Brought(hints, "alice", "kitchen")  # error: arg-type
    selene_os.Brought(decided, "alice", "kitchen")  # error: arg-type
"""
DECLARED = """
from typing import assert_type

import selene_os
from selene_os import names
from selene_os.app import Tenant
from selene_os.engines import nlp, persona


def answers(answer: selene_os.Answer) -> None:
    assert_type(answer.result, nlp.Result)
    assert_type(answer.correlation_id, names.CorrelationId)
    assert_type(answer.turn_id, names.TurnId)
    assert_type(answer.receipts, tuple[selene_os.Receipt, ...])
    assert_type(answer.decision, str)
    assert_type(answer.event_id, names.EventId)
    assert_type(answer.deduplicated, bool)
    assert_type(answer.same_decision, bool)
    assert_type(answer.event_id, str)  # error: assert-type


def handles() -> None:
    with selene_os.open("x.db", create=True) as selene:
        assert_type(selene, selene_os.Selene)
        acme = selene.tenant("acme")
    assert_type(acme, Tenant)
    assert_type(acme.take_turn("alice", "kitchen", "hello"), selene_os.Answer)
    assert_type(acme.commit_profile("a", "k", speaker="a"), selene_os.Profile)
    assert_type(acme.commit_profile("a", "k", speaker="a").snapshot, persona.Snapshot)
    committed = acme.commit_decision(selene_os.Chat(), "alice", "kitchen")
    assert_type(committed, selene_os.Committed)
    verdicts = acme.commit_decisions([])
    assert_type(verdicts, list[selene_os.Committed | selene_os.SeleneError])
    assert_type(acme.trace("x"), list[selene_os.AuditEvent])
    for verdict in verdicts:
        verdict.receipt  # error: union-attr
"""
CLIENT = """
from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from selene_os.client import AsyncClient, Client, answers, bodies


def waits(selene: Client) -> None:
    assert_type(selene.take_turn("alice", "kitchen", "hello"), answers.TurnAnswer)
    assert_type(selene.every_decision(user="alice"), Iterator[answers.Event])
    assert_type(selene.get_bundle("x"), bytes)
    assert_type(selene.get_checkpoint(7), str)
    selene.take_turn("alice", "kitchen")  # error: call-arg
    selene.take_turn("alice", "kitchen", 5)  # error: arg-type
    selene.take_turn("alice", "kitchen", "hello", colour="blue")  # error: call-arg
    selene.take_turn("alice", "kitchen", "hello", language="fr")  # error: arg-type
    selene.change_settings(currency=None)
    selene.change_settings(currency=5)  # error: arg-type
    selene.change_settings(time_policy="never")  # error: arg-type
    selene.confirm("x", confirmed="no")  # error: arg-type
    selene.bring_decision("alice", "kitchen", {"kind": "CHAT"})
    selene.bring_decision("alice", "kitchen", {"kind": "MAYBE"})  # error: typeddict-item
    selene.nonsense()  # error: attr-defined


async def does_not(selene: AsyncClient) -> None:
    assert_type(await selene.take_turn("alice", "kitchen", "hello"), answers.TurnAnswer)
    assert_type(selene.every_decision(), AsyncIterator[answers.Event])
    selene.take_turn("alice", "kitchen", "hello").event_id  # error: attr-defined
    await selene.take_turn("alice", "kitchen", 5)  # error: arg-type


def changes(answer: answers.TurnAnswer, span: bodies.UncertainSpan) -> None:
    answer.event_id = "x"  # error: misc
    span["nonsense"]  # error: typeddict-item
"""
SNIPPETS = {
    "public": PUBLIC,
    "names": NAMES,
    "decisions": DECISIONS,
    "declared": DECLARED,
    "client": CLIENT,
}

_MARK = re.compile(r"# error: (.+)$")
_ERROR = re.compile(r"snippet_(\w+)\.py:(\d+): error: .*\[([a-z-]+)\]$")

Errors = set[tuple[int, str]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Errors]:
    """Every error that mypy finds, by snippet, line and code."""
    folder = tmp_path_factory.mktemp("snippets")
    for name, source in SNIPPETS.items():
        (folder / f"snippet_{name}.py").write_text(source, encoding="utf-8")
    files = [f"snippet_{name}.py" for name in SNIPPETS]
    options = ["--strict", "--config-file=", "--no-error-summary", "--cache-dir=cache"]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    errors: dict[str, Errors] = {name: set() for name in SNIPPETS}
    for line in ran.stdout.splitlines():
        if ": error: " in line:
            known = _ERROR.search(line)
            assert known is not None, line
            errors[known[1]].add((int(known[2]), known[3]))
    return errors


def expected(source: str) -> Errors:
    """The errors that a snippet's own comments announce."""
    marked = [(number, _MARK.search(line)) for number, line in enumerate(source.split("\n"), 1)]
    return {(number, code) for number, mark in marked if mark for code in mark[1].split()}


@pytest.mark.parametrize("name", SNIPPETS)
def test_mypy_finds_what_is_announced_and_nothing_else(found: dict[str, Errors], name: str) -> None:
    assert sorted(found[name]) == sorted(expected(SNIPPETS[name]))
