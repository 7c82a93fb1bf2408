"""What a replay reads of a store: packs by digest, and events with their records page by page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledgers import ACME, ALICE, BOB, CAROL, GLOBEX, OTHER_TALK, TALK, Ledger, SqliteDatabase
from own_packs import write_pack
from selene_os import Selene, archive
from selene_os.edges.packs import load
from selene_os.errors import NotFound
from selene_os.language.pack import core_pack
from selene_os.ledger.events import PackRow, Stretch
from selene_os.names import TenantId
from selene_os.replaying import DIFFERENT, IDENTICAL, Replayed
from talking import Desk

PARK, DIGEST = "park me at bay 12", "f" * 64


def replayed(ledger: Ledger, desk: Desk, *packs: Path) -> list[Replayed]:
    """Every event of acme's, replayed by a process that was opened with these packs."""
    return list(Selene(ledger.store, desk.around, load(packs)).tenant("acme").replay_all())


def talk_with(ledger: Ledger, desk: Desk, pack: Path) -> None:
    """One turn of acme's that a pack decides."""
    selene = Selene(ledger.store, desk.around, load([pack]))
    selene.tenant("acme").take_turn(ALICE.user_id, ALICE.device_id, PARK, correlation=TALK)


# ---- packs


def test_a_pack_is_kept_once_and_for_its_own_tenant(ledger: Ledger) -> None:
    row = PackRow(ACME, DIGEST, b"{}", 1)
    assert ledger.store.put_pack(row) is True
    assert ledger.store.put_pack(row._replace(content=b"[]", created_at=2)) is False
    assert ledger.store.pack(ACME, DIGEST) == row
    assert ledger.store.pack(GLOBEX, DIGEST) is None
    assert ledger.store.pack(ACME, "0" * 64) is None
    assert ledger.store.put_pack(row._replace(tenant_id=GLOBEX)) is True


def test_a_pack_of_no_tenant_is_refused(ledger: Ledger) -> None:
    before = ledger.tables()
    with pytest.raises(NotFound):
        ledger.store.put_pack(PackRow(TenantId("initech"), DIGEST, b"{}", 1))
    assert ledger.tables() == before


def test_a_pack_that_is_kept_is_never_changed(ledger: Ledger) -> None:
    ledger.store.put_pack(PackRow(ACME, DIGEST, b"{}", 1))
    columns, other = "tenant_id, digest, content, created_at", "0" * 64
    attacks = [
        "UPDATE packs SET created_at = 2",
        f"UPDATE packs SET digest = '{other}'",
        "UPDATE packs SET tenant_id = 'globex'",
        "DELETE FROM packs",
    ]
    if isinstance(ledger.database, SqliteDatabase):
        attacks += [
            f"INSERT OR REPLACE INTO packs ({columns}) SELECT tenant_id, digest, x'00', 1"
            " FROM packs",
            f"REPLACE INTO packs (rowid, {columns}) SELECT rowid, tenant_id, '{other}', x'00', 1"
            " FROM packs",
            f"INSERT INTO packs ({columns}) SELECT tenant_id, digest, x'00', 1 FROM packs WHERE 1"
            " ON CONFLICT (tenant_id, digest) DO UPDATE SET content = x'00'",
            "UPDATE OR REPLACE packs SET created_at = 7",
            f"INSERT INTO packs (rowid, {columns}) VALUES (-1, 'acme', '{other}', x'00', 1)",
        ]
    else:
        attacks += [
            "TRUNCATE packs CASCADE",
            f"INSERT INTO packs ({columns}) SELECT tenant_id, digest, '', 1 FROM packs"
            " ON CONFLICT (tenant_id, digest) DO UPDATE SET content = ''",
        ]
    look = f"SELECT {columns} FROM packs ORDER BY digest"
    before = ledger.raw(look)
    assert len(before[0].rows) == 1
    for attack in attacks:
        ledger.raw(attack)
        assert ledger.raw(look) == before, attack


def test_a_turn_keeps_its_pack_and_the_core_pack_is_not_kept(
    ledger: Ledger, tmp_path: Path
) -> None:
    desk = Desk(ledger)
    desk.say("remind me to call mom tomorrow at 5 pm")
    assert ledger.tables()["packs"] == []
    pack = write_pack(tmp_path)
    for _ in range(2):
        talk_with(ledger, desk, pack)
    (kept,) = ledger.tables()["packs"]
    row = ledger.store.pack(ACME, load([pack]).digest)
    assert row is not None and kept[1] == row.digest
    core, own = archive.decode(row.content)
    assert (core.digest, core.files) == (core_pack().parts[0].digest, None)
    assert own.files == {file.name: file.read_bytes() for file in sorted(pack.glob("*.toml"))}


def test_a_pack_that_has_gone_decides_again_from_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    desk, pack = Desk(ledger), write_pack(tmp_path)
    talk_with(ledger, desk, pack)
    digest = load([pack]).digest
    (found,) = replayed(ledger, desk)
    assert (found.outcome, found.recorded_pack, found.replayed_pack) == (IDENTICAL, digest, digest)
    file = pack / "en.toml"
    file.write_text(file.read_text().replace("park (me|us)", "stand (me|us)"))
    (found,) = replayed(ledger, desk, pack)
    assert (found.outcome, found.replayed_pack) == (IDENTICAL, digest)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"format":1,"parts":[]}',
        b'{"format":1,"parts":[{"files":{"pack.toml":"!"}}]}',
    ],
)
def test_where_a_pack_is_not_kept_the_one_in_use_decides_and_both_are_named(
    ledger: Ledger, tmp_path: Path, content: bytes
) -> None:
    desk, pack = Desk(ledger), write_pack(tmp_path)
    digest = load([pack]).digest
    # Somebody was first to put something else under that name.
    ledger.store.put_pack(PackRow(ACME, digest, content, 1))
    talk_with(ledger, desk, pack)
    (found,) = replayed(ledger, desk)
    assert found.outcome == DIFFERENT
    assert (found.recorded_pack, found.replayed_pack) == (digest, core_pack().digest)
    assert replayed(ledger, desk, pack)[0].outcome == IDENTICAL


def test_a_pack_beside_another_core_pack_is_not_made_again(ledger: Ledger, tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    kept = json.loads(archive.encode(pack))
    kept["parts"][0]["digest"] = "0" * 64
    ledger.store.put_pack(PackRow(ACME, pack.digest, json.dumps(kept).encode(), 1))
    assert archive.find(ledger.store, ACME, pack.digest) is None


def test_what_is_kept_must_be_what_its_digest_says(ledger: Ledger, tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    ledger.store.put_pack(PackRow(ACME, DIGEST, archive.encode(pack), 1))
    ledger.store.put_pack(PackRow(ACME, pack.digest, archive.encode(pack), 1))
    assert archive.find(ledger.store, ACME, DIGEST) is None
    assert archive.find(ledger.store, ACME, pack.digest) == pack
    assert archive.find(ledger.store, GLOBEX, pack.digest) is None
    assert archive.find(ledger.store, GLOBEX, core_pack().digest) is core_pack()


# ---- events between


def test_events_come_with_their_records_the_oldest_first(ledger: Ledger) -> None:
    units = [
        ledger.scribe.unit(scope=scope, correlation=talk, turn=turn, key=f"k{turn}")
        for turn, (scope, talk) in enumerate(
            [(ALICE, TALK), (BOB, OTHER_TALK), (ALICE, TALK), (CAROL, TALK)], 1
        )
    ]
    for unit in reversed(units):
        ledger.commit(unit)
    found = ledger.store.events_between(ACME, Stretch(), 10)
    assert found == [(unit.events[0], unit.records[0]) for unit in units[:3]]
    assert ledger.store.events_between(GLOBEX, Stretch(), 10) == [
        (units[3].events[0], units[3].records[0])
    ]
    assert ledger.store.events_between(TenantId("initech"), Stretch(), 10) == []


def test_an_event_without_a_record_comes_without_one(ledger: Ledger) -> None:
    unit = ledger.scribe.unit()
    ledger.commit(unit)
    bare = ledger.scribe.event(turn=2, key="bare")
    ledger.store.commit([type(unit)((bare,))])
    assert ledger.store.events_between(ACME, Stretch(), 10)[1] == (bare, None)


def test_pages_follow_one_another_without_a_gap_also_at_one_moment(ledger: Ledger) -> None:
    units = [
        ledger.scribe.unit(turn=turn, key=f"k{turn}") for turn in range(1, 8)
    ]  # fmt: skip
    at = units[0].events[0].created_at
    for unit in units:
        ledger.store.commit([type(unit)((unit.events[0]._replace(created_at=at),), unit.records)])
    stretch, seen = Stretch(), []
    while page := ledger.store.events_between(ACME, stretch, 2):
        assert len(page) <= 2
        seen += [event.event_id for event, _ in page]
        last = page[-1][0]
        stretch = stretch._replace(after=(last.created_at, last.event_id))
    assert seen == sorted(unit.events[0].event_id for unit in units)


def test_a_stretch_begins_with_its_first_moment_and_ends_before_its_last(ledger: Ledger) -> None:
    made = [ledger.scribe.unit(turn=turn, key=f"k{turn}") for turn in range(1, 5)]
    for unit in made:
        ledger.commit(unit)
    at = [unit.events[0].created_at for unit in made]
    for since, until, turns in (
        (at[1], at[3], [2, 3]), (at[1], None, [2, 3, 4]), (None, at[1], [1]), (at[3] + 1, None, []),
        (at[2], at[2], []), (0, 2**63 - 1, [1, 2, 3, 4]),
    ):  # fmt: skip
        found = ledger.store.events_between(ACME, Stretch(since, until), 10)
        assert [event.turn_id for event, _ in found] == turns
