"""Sealing and verifying from Python, as an embedded ledger's owner does it."""

from __future__ import annotations

from pathlib import Path

import pytest

import selene_os
from command import change
from selene_os.edges.surroundings import system
from selene_os.errors import BadField, KeysMissing, NotFound


def test_a_ledger_is_sealed_and_verified_from_python(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with selene_os.open(str(path), create=True) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register("alice", "kitchen")
        answer = acme.take_turn("alice", "kitchen", "remind me to call mom tomorrow at 5 pm")
        assert (selene.seal(), selene.seal()) == (1, 0)
        found = selene.verify("acme")
        assert found.held and found.newest is not None
        assert (found.size, found.counts.unsealed) == (1, 0)
        kept = found.newest.note
        assert selene.verify("acme", against=[kept]).held
        with pytest.raises(BadField, match="against"):
            selene.verify("acme", against=[b"no checkpoint"])
        with pytest.raises(BadField, match="key"):
            selene.verify("acme", keys=["nowhere"])
        with pytest.raises(NotFound):
            selene.verify("globex")
    change(path, "DROP TRIGGER audit_events_no_update; UPDATE audit_events SET turn_id = 2")
    with selene_os.open(str(path)) as selene:
        (difference,) = selene.verify("acme", against=[kept]).differences
        assert (difference.kind, difference.event_id) == ("changed", answer.event_id)


def test_what_was_opened_without_keys_seals_nothing(tmp_path: Path) -> None:
    with selene_os.open(str(tmp_path / "x.db"), create=True) as selene:
        bare = selene_os.Selene(selene._store, system())
        with pytest.raises(KeysMissing, match="without a directory of keys"):
            bare.seal()
