"""Bundles: what is in one, that it is the same each time, and when none is made."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from command import Command, python
from ledgers import ACME, GLOBEX, TALK
from sealed import (
    FIRST,
    FOREIGN,
    LOG,
    MemoryLog,
    case,
    older_note,
    sealed_case,
    sealed_log,
    written,
)
from selene_os import proving
from selene_os.errors import BadField, Fault, NotFound
from selene_os.ledger.events import WholeRow
from selene_os.names import CorrelationId
from selene_os.proof import bundle
from selene_os.proof.archive import ARCHIVE_BYTES_MAX, pack, unpack
from selene_os.proof.checkpoint import Checkpoint, sign_checkpoint
from selene_os.proof.judging import judge
from selene_os.proof.leaves import leaf_of

# README.txt and report.html of the case in `sealed`, as this format has them.
GOLDEN: Final = "e9d4df6a5ca23b6d5d4cbaf3d6efb9d4c1557d9a2a897609e7cc5d6b0c95791d"
FILES = unpack(sealed_case()).files


def rows_of(data: bytes) -> list[WholeRow]:
    lines = unpack(data).files[bundle.ROWS].splitlines(keepends=True)
    return [bundle.decode_row(line) for line in lines]


# ---- what is in one


def test_a_bundle_holds_the_rows_as_the_ledger_has_them() -> None:
    rows, _ = written()
    assert rows_of(sealed_case()) == [row for row in rows if row.correlation_id == TALK]


def test_rows_are_canonical_json_with_nanoseconds_as_digits() -> None:
    first = json.loads(FILES[bundle.ROWS].splitlines()[0])
    assert first["created_at"] == str(rows_of(sealed_case())[0].created_at)
    assert first["reason_code"] == rows_of(sealed_case())[0].reason_code
    assert list(first) == sorted(first) and len(first) == 18
    odd = rows_of(sealed_case())[0]._replace(
        user_id='a"\\\x7f\u2028é\U0001f600\x01\n',  # type: ignore[arg-type]
        created_at=2**63 - 1,
    )
    line = bundle.encode_row(odd)
    # Source: RFC 8785 §3.2.2.2: only controls, quotation mark and backslash are escaped.
    assert '"a\\"\\\\\x7f\u2028é\U0001f600\\u0001\\n"' in line.decode()
    assert bundle.decode_row(line) == odd


@pytest.mark.parametrize(
    ("name", "value"),
    [("reason_code", 2**53), ("turn_id", "1"), ("engine", None), ("user_id", "\ud800")],
)
def test_what_the_ledger_never_writes_is_not_written_into_a_bundle(
    name: str, value: object
) -> None:
    changes: dict[str, object] = {name: value}
    with pytest.raises(BadField):
        bundle.encode_row(rows_of(sealed_case())[0]._replace(**changes))  # type: ignore[arg-type]


def test_the_manifest_is_what_sha256sum_writes() -> None:
    lines = FILES[bundle.MANIFEST].decode().splitlines()
    assert lines == [
        f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}"
        for name in sorted(FILES.keys() - {bundle.MANIFEST})
    ]


def test_the_readme_has_five_lines() -> None:
    assert len(FILES[bundle.README].decode().splitlines()) == 5


def test_what_was_said_is_in_it_only_where_that_is_asked_for() -> None:
    assert len([name for name in FILES if name.startswith("inputs/")]) == 5
    silent = unpack(bundle.write(case(inputs=False))).files
    assert not [name for name in silent if name.startswith("inputs/")]


def test_what_was_encrypted_comes_with_the_key_of_its_row_alone() -> None:
    first, second, *_ = [
        bundle.decode_input(FILES[name]) for name in sorted(FILES) if "inputs" in name
    ]
    assert first.row_key is None and first.stored == first.plaintext
    assert second.row_key is not None and second.plaintext not in second.stored
    for wrong in (
        second._replace(plaintext=b"{}"),
        second._replace(row_key=bytes(32)),
        second._replace(row_key=None),
        first._replace(row_key=bytes(32)),
    ):
        with pytest.raises(Fault):
            row = rows_of(sealed_case())[wrong.stored == second.stored]
            inputs = {row.event_id: wrong}
            proving.case_of(sealed_log(), ACME, TALK, inputs=inputs)


# ---- the same each time


def test_a_bundle_is_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys, hashlib; sys.path[:0] = sys.argv[1:];"
        " from sealed import sealed_case; print(hashlib.sha256(sealed_case()).hexdigest())"
    )
    paths = [str(Path(__file__).parents[1]), str(Path(bundle.__file__).parents[2])]
    digests = {
        python(program, *paths, env={**os.environ, "PYTHONHASHSEED": seed}).strip()
        for seed in ("1", "2")
    }
    assert digests == {hashlib.sha256(sealed_case()).hexdigest()}


def test_what_a_reader_sees_of_this_format_changes_only_with_its_name() -> None:
    # Whoever changes a text of the report or the README raises FORMAT and writes this down anew.
    assert bundle.FORMAT == "selene-case-1"
    seen = hashlib.sha256(FILES[bundle.README] + FILES[bundle.REPORT]).hexdigest()
    assert seen == GOLDEN


# ---- zips


def test_an_archive_is_taken_apart_into_what_it_was_made_of() -> None:
    for files in ({"a": b""}, {"b/c.txt": b"PK\x03\x04" * 9, "a": bytes(1000)}):
        assert unpack(pack(files)) == (files, None)


@pytest.mark.parametrize("name", ["", "../a", "/a", "a/b/c", ".a", "a/.b", "é", "a\n", "a" * 200])
def test_no_archive_is_made_with_a_name_that_leads_elsewhere(name: str) -> None:
    with pytest.raises(BadField, match="a name"):
        pack({name: b""})


def test_an_archive_says_where_it_was_changed() -> None:
    data = bytearray(pack({"a": b"x" * 50}))
    data[40] ^= 1
    assert unpack(bytes(data)).problem == "is not what its files make, from byte 14 on"
    assert unpack(bytes(pack({"a": b""})) + b"x").problem is not None


def test_what_is_too_large_is_refused() -> None:
    class Large(bytes):
        def __len__(self) -> int:
            return ARCHIVE_BYTES_MAX + 1

    with pytest.raises(BadField, match="more than"):
        unpack(Large())
    with pytest.raises(BadField, match="more than"):
        pack({"a": Large()})
    with pytest.raises(BadField, match="more than"):
        pack({f"{number}": b"" for number in range(30_001)})


# ---- when none is made


def test_rows_that_are_not_sealed_are_refused_with_what_to_do() -> None:
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    with pytest.raises(BadField, match=r"3 of 5 rows not sealed yet\. Seal them first: POST seal"):
        proving.case_of(log, ACME, TALK)
    carried = proving.case_of(log, ACME, TALK, unsealed=True)
    assert [row.turn_id for row in carried.unsealed] == [3, 4, 5]
    found = judge(bundle.write(carried), [FIRST.verifier])
    assert found.holds and len(found.unproven) == 3


def test_a_row_that_was_sealed_after_the_newest_checkpoint_is_not_proven_by_it() -> None:
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    log.seal(rows[13:])
    del log.checkpoints[24]
    with pytest.raises(BadField, match="3 of 5 rows not sealed yet"):
        proving.case_of(log, ACME, TALK)


def test_no_evidence_without_rows_or_seal() -> None:
    log = sealed_log()
    with pytest.raises(NotFound, match="has no rows"):
        proving.case_of(log, ACME, CorrelationId("9" * 32))
    with pytest.raises(NotFound, match="has no rows"):
        proving.case_of(log, GLOBEX, TALK)
    log.checkpoints.clear()
    with pytest.raises(BadField, match=r"no seal yet\. Seal it first"):
        proving.case_of(log, ACME, TALK)


def changed_row(log: MemoryLog) -> None:
    log.rows[12] = log.rows[12]._replace(severity="ERROR")


def changed_row_and_leaf(log: MemoryLog) -> None:
    changed_row(log)
    row = log.rows[12]
    log.places[row.event_id] = log.places[row.event_id]._replace(leaf_hash=leaf_of(row))


def changed_node(log: MemoryLog) -> None:
    log.leaves[0] = bytes(32)


def other_key(log: MemoryLog) -> None:
    log.statements = log.statements[1:]


def no_key(log: MemoryLog) -> None:
    log.statements = []


def other_tenant(log: MemoryLog) -> None:
    note = sign_checkpoint(Checkpoint(f"{LOG}/globex", 24, bytes(32)), [log.signer])
    log.checkpoints[24] = log.checkpoints[24]._replace(note=note)


@pytest.mark.parametrize(
    "change", [changed_row, changed_row_and_leaf, changed_node, other_key, no_key, other_tenant]
)
def test_a_ledger_that_was_changed_gives_no_evidence(change: Callable[[MemoryLog], None]) -> None:
    log = sealed_log()
    change(log)
    with pytest.raises(Fault, match="selene verify"):
        proving.case_of(log, ACME, TALK)


def test_a_record_that_is_not_its_rows_is_not_disclosed() -> None:
    log = sealed_log()
    event_id = rows_of(sealed_case())[0].event_id
    log.records[event_id] = log.records[event_id]._replace(record=b"{}")
    with pytest.raises(Fault, match="not the one that its row names"):
        proving.case_of(log, ACME, TALK, inputs=proving.inputs_of(log, log.disclose, ACME, TALK))
    log.records[event_id] = log.records[event_id]._replace(key_id="elsewhere")
    with pytest.raises(Fault, match="the record's key elsewhere is not here"):
        proving.inputs_of(log, log.disclose, ACME, TALK)


def test_an_older_checkpoint_must_be_of_this_log_and_its_beginning() -> None:
    log = sealed_log()
    root = bytes(32)

    def against(checkpoint: Checkpoint) -> None:
        proving.case_of(log, ACME, TALK, against=sign_checkpoint(checkpoint, [FOREIGN]))

    with pytest.raises(BadField, match="another log"):
        against(Checkpoint(f"{LOG}/globex", 13, root))
    with pytest.raises(BadField, match="has 99 leaves, the log's newest checkpoint 24"):
        against(Checkpoint(f"{LOG}/acme", 99, root))
    with pytest.raises(BadField, match="has no leaves"):
        against(Checkpoint(f"{LOG}/acme", 0, hashlib.sha256().digest()))
    with pytest.raises(Fault, match="does not begin with that checkpoint"):
        against(Checkpoint(f"{LOG}/acme", 13, root))


def test_two_events_of_one_turn_are_carried_in_order() -> None:
    rows, records = written()
    same = [row._replace(turn_id=rows[11].turn_id) for row in rows[11:16]]
    log = MemoryLog([*reversed(same)], records)
    found = proving.case_of(log, ACME, TALK)
    assert [one.row for one in found.rows] == same
    assert judge(bundle.write(found)).holds


# ---- as commands


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    (tmp_path / "case.zip").write_bytes(sealed_case())
    (tmp_path / "older.txt").write_bytes(older_note())
    (tmp_path / "keys.txt").write_text(FIRST.verifier.encode() + "\n")
    return Command(tmp_path, capsys, monkeypatch)


def test_verify_bundle_says_what_holds(selene: Command) -> None:
    told = selene.done("verify-bundle", "case.zip").out.splitlines()
    assert told[0] == f"5 rows of tenant acme, conversation {TALK}"
    assert told[1].startswith(f"Log {LOG}/acme: 24 leaves, root ")
    assert told[2].startswith("The key came with the bundle")
    assert told[3:] == ["Everything holds."]
    key = FIRST.verifier.encode()
    for given in (key, "keys.txt"):
        done = selene.done("verify-bundle", "case.zip", "--key", given, "--against", "older.txt")
        assert done.out.splitlines()[2:] == [
            "The log still begins with the 13 leaves of your checkpoint.",
            "Everything holds.",
        ]
    record = selene.done("verify-bundle", "case.zip", "--json").record
    assert record["holds"] and record["findings"] == [] and not record["key_trusted"]
    assert (record["rows"], record["size"], record["keys"][0]) == (5, 24, key)


def test_verify_bundle_names_what_differs(selene: Command) -> None:
    changed = bytearray(sealed_case())
    changed[changed.index(b'"severity":"WARN"') + 13] ^= 1
    (selene.folder / "case.zip").write_bytes(changed)
    done = selene("verify-bundle", "case.zip")
    assert done.code == 3 and done.err == ""
    assert "DIFFERS  bundle is not what its files make, from byte" in done.out
    assert "DIFFERS  rows.jsonl has not the SHA-256 that MANIFEST.sha256 names" in done.out
    assert "DIFFERS  rows.jsonl row 2 (018bcfe5-" in done.out
    assert done.out.endswith("Do not rely on this bundle.\n")
    done = selene("verify-bundle", "case.zip", "--json")
    assert done.code == 3 and len(done.record["findings"]) > 3
    (selene.folder / "case.zip").write_bytes(sealed_case())
    done = selene("verify-bundle", "case.zip", "--key", FOREIGN.verifier.encode())
    assert done.code == 3 and "none of this log's" in done.out


def test_verify_bundle_ends_with_4_where_a_row_is_not_proven(selene: Command) -> None:
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    made = bundle.write(proving.case_of(log, ACME, TALK, unsealed=True))
    (selene.folder / "case.zip").write_bytes(made)
    done = selene("verify-bundle", "case.zip")
    assert (done.code, done.out.count("NOT PROVEN")) == (4, 3)
    assert done.out.endswith("What could be checked holds.\n")


def test_what_cannot_be_read_is_refused(selene: Command) -> None:
    (selene.folder / "empty.txt").write_text("")
    with (selene.folder / "large.zip").open("wb") as file:
        file.truncate(ARCHIVE_BYTES_MAX + 1)
    for arguments, field in (
        (("nowhere.zip",), "file"),
        (("large.zip",), "file"),
        (("case.zip", "--key", "nowhere"), "key"),
        (("case.zip", "--key", "empty.txt"), "key"),
        (("case.zip", "--key", "a+b+c"), "key"),
        (("case.zip", "--against", "nowhere"), "against"),
    ):
        assert selene.refused("verify-bundle", *arguments)["field"] == field


def test_bundle_writes_a_new_file_and_over_none(selene: Command) -> None:
    selene.prepare()
    selene.say("remind me to call mom", "--correlation", TALK)
    where = ("bundle", "--tenant", "acme", "--correlation", TALK, "--out")
    assert "no seal yet" in selene.refused(*where, "new.zip")["message"]
    selene.done("seal")
    selene.done("checkpoint", "--tenant", "acme", "--out", "kept.txt")
    selene.say("tomorrow at 5 pm", "--correlation", TALK)
    assert "1 of 2 rows not sealed yet" in selene.refused(*where, "new.zip")["message"]
    selene.done("seal")
    selene.done(*where, "new.zip", "--with-inputs", "--against", "kept.txt")
    key = selene.done("signing-key", "show").out.strip()
    found = selene("verify-bundle", "new.zip", "--key", key, "--against", "kept.txt")
    assert found.code == 0, found.out
    assert selene.refused(*where, "new.zip")["field"] == "out"
    assert selene.refused(*where, "no/folder.zip")["field"] == "out"
    assert selene.refused(*where, "other.zip", "--against", "nowhere")["field"] == "against"
