"""Exports: every row once, on each store, as bundles hold them; broken off and gone on with."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from command import Command
from ledgers import START_NS, Database, Ledger
from seals import sealer
from selene_os import Selene, Surroundings
from selene_os.edges import exporting
from selene_os.ledger.events import Wanted
from selene_os.names import CorrelationId, TenantId, event_id_of

ACME = TenantId("acme")
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "'quoted", 'a "b", c', "plain"]


def filled(ledger: Ledger, count: int) -> Selene:
    """A ledger in which so many turns were taken, three at each moment."""
    made = iter(range(1, 10**6))
    around = Surroundings(
        lambda: START_NS + next(made) // 9,
        lambda: event_id_of(START_NS, next(made)),
        lambda: CorrelationId(f"{next(made):032x}"),
    )
    selene = Selene(ledger.store, around)
    acme = selene.tenant("acme")
    for number in range(count):
        text = "send $20 to Bob" if number % 3 == 0 else "hello"
        acme.take_turn("alice", "kitchen", text, key=FORMULAS[number % 7] + str(number))
    return selene


def exported(ledger: Ledger, kind: str, wanted: Wanted = Wanted()) -> bytes:  # noqa: B008
    """An export in memory."""
    encode = exporting.encoder(kind)
    return exporting.header(kind) + b"".join(
        map(encode, exporting.rows(ledger.store, ACME, wanted))
    )


def test_every_row_is_there_once_on_every_store(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE_ROWS", 4)
    filled(ledger, 10)
    lines = [json.loads(line) for line in exported(ledger, "jsonl").splitlines()]
    ids = [line["event_id"] for line in lines]
    assert len(ids) == len(set(ids)) == 10
    places = [(int(line["created_at"]), line["event_id"]) for line in lines]
    assert places == sorted(places, reverse=True)
    drafts = exported(ledger, "jsonl", Wanted(intent_type="SEND_MONEY")).splitlines()
    assert len(drafts) == 4
    # Broken off behind any row, it goes on with the very next one.
    for number in range(10):
        place = exporting.parse_place(f"{places[number][0]}.{places[number][1]}")
        rest = exported(ledger, "jsonl", Wanted(after=place)).splitlines()
        assert [json.loads(line)["event_id"] for line in rest] == ids[number + 1 :]


def test_a_line_is_byte_for_byte_as_in_a_bundle(ledger: Ledger) -> None:
    acme = filled(ledger, 2).tenant("acme")
    sealer(ledger.store).seal_tenant(ACME)
    lines = exported(ledger, "jsonl").splitlines()
    for line in lines:
        bundle = zipfile.ZipFile(io.BytesIO(acme.bundle(json.loads(line)["correlation_id"])))
        assert bundle.read("rows.jsonl").splitlines() == [line]


def test_csv_holds_the_same_and_no_formula(ledger: Ledger) -> None:
    filled(ledger, 7)
    records = [json.loads(line) for line in exported(ledger, "jsonl").splitlines()]
    told = list(csv.DictReader(io.StringIO(exported(ledger, "csv").decode(), newline="")))
    assert len(told) == len(records) == 7
    for cells, record in zip(told, records, strict=True):
        for name, value in record.items():
            cell = cells[name]
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert (cell[1:] if cell.startswith("'") else cell) == (
                "" if value is None else str(value)
            )


@pytest.mark.parametrize("kind", exporting.FORMATS)
def test_an_export_that_broke_off_goes_on_where_it_was(
    selene: Command, tmp_path: Path, kind: str
) -> None:
    selene.prepare()
    for number in range(5):
        selene.say(f"hello {number}")
    given = ("export", "--tenant", "acme", "--format", kind, "--out")
    told = selene(*given, "whole")
    assert (told.code, told.out, told.err) == (0, "", "5 rows of acme written.\n")
    whole = (tmp_path / "whole").read_bytes()
    assert whole.count(b"\n") == 5 + (kind == "csv")
    # Cut off at every place that differs: nothing, half a line, a line, and all of it.
    ends = [end for end, byte in enumerate(whole) if byte == 10]
    for cut in sorted({0, 1, *ends, *(end + 1 for end in ends), *(end + 9 for end in ends)}):
        (tmp_path / "part").write_bytes(whole[:cut])
        assert selene(*given, "part", "--resume").code == 0
        assert (tmp_path / "part").read_bytes() == whole, cut


def test_the_command_exports_what_it_is_asked_for_from_every_store(
    database: Database, selene: Command
) -> None:
    ledger = Ledger(database)
    filled(ledger, 6)
    ledger.store.close()
    given = ("--db", database.url(), "export", "--tenant", "acme")
    for asked, count in (
        ((), 6),
        (("--intent", "SEND_MONEY"), 2),
        (("--decision", "CHAT", "--user", "alice"), 4),
        (("--reason", "NLP_INTENT_OK"), 2),
        (("--until", "2023-11-14"), 0),
        (("--since", "2023-11-14", "--until", "2023-11-15"), 6),
    ):
        told = selene(*given, *asked)
        assert (told.code, told.out.count("\n")) == (0, count), (asked, told)
        assert told.err == f"{count} rows of acme written.\n"
    last = json.loads(selene(*given).out.splitlines()[3])
    rest = selene(*given, "--after", f"{last['created_at']}.{last['event_id']}")
    assert rest.out == "".join(line + "\n" for line in selene(*given).out.splitlines()[4:])


def test_what_is_there_is_not_written_over(selene: Command, tmp_path: Path) -> None:
    selene.prepare()
    (tmp_path / "mine").write_text("a letter\n")
    given = ("export", "--tenant", "acme", "--out", "mine")
    assert "is there already" in selene(*given).err
    assert "does not end in a row" in selene(*given, "--resume").err
    assert (tmp_path / "mine").read_text() == "a letter\n"
    assert selene("export", "--tenant", "acme", "--resume").code == 2
    assert selene("export", "--tenant", "acme", "--after", "x").code == 2
    assert selene("export", "--tenant", "nobody").code == 2
    assert selene("export", "--tenant", "acme", "--out", "no/such/folder").code == 2


def test_an_export_needs_no_key_and_shows_no_word(selene: Command, tmp_path: Path) -> None:
    selene.prepare().say("my password is swordfish")
    (tmp_path / "selene.db.keys").rename(tmp_path / "elsewhere")
    told = selene("export", "--tenant", "acme")
    assert told.code == 0 and told.out.count("\n") == 1
    assert "swordfish" not in told.out
