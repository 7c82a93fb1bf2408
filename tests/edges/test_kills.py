"""Killed in the middle of yes, memory, terms and profiles: what was acknowledged is there, once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import selene_os
from command import environment
from ledgers import ALICE, Ledger
from selene_os import Listed, Selene
from selene_os.edges.databases import database
from selene_os.names import EventId

DRILLS = "SELENE_DRILLS" in os.environ
PORTS = Listed(["MEMORY_REMEMBER"])
_WORKER = """
import itertools, sys
import selene_os
ports = selene_os.Listed(["MEMORY_REMEMBER"])
ledger = selene_os.open(sys.argv[1], keys=sys.argv[3], access=ports, simulation=ports)
acme = ledger.tenant("acme")
print("ready", flush=True)
for number in itertools.count():
    name = f"{sys.argv[2]}-{number}"
    draft = acme.take_turn("alice", "kitchen", f"remember that my locker is {name}")
    yes = acme.take_turn("alice", "kitchen", "yes", correlation=draft.correlation_id)
    print("yes", draft.event_id, yes.event_id, flush=True)
    done = acme.apply_memory(draft, yes)
    print("memory", yes.event_id, done.receipt.event_id, flush=True)
    term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": name}
    acme.import_terms([term])
    print("term", name, "-", flush=True)
    profile = acme.commit_profile("alice", "kitchen", speaker="alice")
    print("profile", "-", profile.receipt.event_id, flush=True)
"""


def killed(url: str, keys: str, name: str, chance: random.Random) -> list[list[str]]:
    """What a worker acknowledged until it was killed, at another moment each time."""
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, url, name, keys],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    lines = [worker.stdout.readline() for _ in range(chance.randrange(1, 12))]
    time.sleep(chance.random() / 50)
    worker.send_signal(signal.SIGKILL)
    lines += worker.communicate()[0].splitlines(keepends=True)
    # The last line may have been cut off in the middle.
    return [line.split() for line in lines if line.endswith("\n")]


def test_what_was_acknowledged_before_a_kill_is_there_once(ledger: Ledger, tmp_path: Path) -> None:
    url, keys = ledger.database.url(), str(tmp_path / "keys")
    database(url, keys).make_keys()
    chance = random.Random(7)
    told = [
        line
        for number in range(12 if DRILLS else 3)
        for line in killed(url, keys, f"r{number}", chance)
    ]
    with selene_os.open(url, keys=keys, access=PORTS, simulation=PORTS) as selene:
        check(ledger, selene, told)


def check(ledger: Ledger, selene: Selene, told: list[list[str]]) -> None:
    acme, store = selene.tenant("acme"), ledger.store
    names = {term.canonical for term in acme.terms()}
    remembered = {e.memory_event_id for e in store.memory_events(acme.tenant_id, ALICE.user_id)}
    for what, first, second in told:
        if what == "term":
            assert first in names
        elif what == "memory":
            assert second in remembered
        else:
            event = store.event(acme.tenant_id, EventId(second))
            assert event is not None
            assert acme.record(second) is not None
            if what == "yes":
                assert json.loads(event.payload_min)["draft_event_id"] == first
    live = store.memory_current(acme.tenant_id, ALICE.user_id)
    store.rebuild_memory(acme.tenant_id, ALICE.user_id)
    assert store.memory_current(acme.tenant_id, ALICE.user_id) == live
    # What was agreed and perhaps not done is done now; what was done is not done again.
    agreed = [(first, second) for what, first, second in told if what == "yes"]
    for draft, yes in agreed:
        acme.apply_memory(draft, yes)
    kept = [event.provenance for event in store.memory_events(acme.tenant_id, ALICE.user_id)]
    assert len(kept) == len(set(kept))
    assert {f"event:{draft}" for draft, _ in agreed} <= set(kept)
