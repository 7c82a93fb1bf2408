"""Forgeries by hand, each of which needs one check; whoever made them made every hash again.

Where a change is one that only somebody with Selene can find, the test says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from judges import (
    DIFFERS,
    HOLDS,
    NOT_CHECKED,
    both,
    by_file,
    by_package,
    changed_proofs,
    changed_rows,
    files,
    rebuilt,
)
from ledgers import ACME, GLOBEX
from sealed import (
    FIRST,
    FOREIGN,
    LOG,
    SECOND,
    MemoryLog,
    older_note,
    sealed_case,
    sealed_log,
    written,
)
from selene_os import proving
from selene_os.proof import bundle
from selene_os.proof.archive import pack
from selene_os.proof.checkpoint import Checkpoint, sign_checkpoint
from selene_os.proof.key_chain import sign_statement
from selene_os.proof.merkle import Frontier
from selene_os.proof.notes import sign_note

# ---- what holds


def test_a_bundle_as_it_was_made_holds() -> None:
    assert both(sealed_case()) == HOLDS
    assert both(sealed_case(), [FIRST.verifier]) == HOLDS
    assert both(sealed_case(), [FIRST.verifier], older_note()) == HOLDS
    assert both(sealed_case(), [SECOND.verifier]) == HOLDS
    assert both(sealed_case(), [FOREIGN.verifier, FIRST.verifier]) == HOLDS


def test_a_bundle_that_was_made_again_by_a_forger_without_changes_is_the_same() -> None:
    assert rebuilt(files()) == sealed_case()


def test_rows_that_are_not_sealed_are_not_proven_and_neither_verifier_says_that_all_holds() -> None:
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    case = proving.case_of(log, ACME, rows[12].correlation_id, unsealed=True)
    assert len(case.unsealed) == 3
    assert both(bundle.write(case), [FIRST.verifier]) == NOT_CHECKED


# ---- forgeries by hand, each of which needs one check


def test_a_changed_value_in_each_column_is_found() -> None:
    row = bundle.decode_row(files()[bundle.ROWS].splitlines(keepends=True)[1])
    for name, value in row._asdict().items():
        other: Any = "x"
        if isinstance(value, int):
            other = value + 1
        elif isinstance(value, bytes):
            other = bytes(32)
        assert both(rebuilt(changed_rows(**{name: other}))) == DIFFERS, name


def test_rows_taken_out_put_in_twice_or_in_another_order_are_found() -> None:
    found = files()
    lines = found[bundle.ROWS].splitlines(keepends=True)
    for other in (
        lines[1:],
        lines[:-1],
        [],
        [*lines, lines[-1]],
        [lines[0], *lines],
        [lines[1], lines[0], *lines[2:]],
        [line.rstrip() for line in lines],
        [line.replace(b"\n", b"\r\n") for line in lines],
        [line.replace(b":", b": ", 1) for line in lines],
    ):
        assert both(rebuilt(found | {bundle.ROWS: b"".join(other)})) == DIFFERS, other


def test_a_row_with_a_key_too_many_is_found_though_its_columns_are_right() -> None:
    found = files()
    lines = found[bundle.ROWS].splitlines(keepends=True)
    lines[0] = lines[0].replace(b'"user_id":', b'"user":"x","user_id":')
    assert both(rebuilt(found | {bundle.ROWS: b"".join(lines)})) == DIFFERS


@pytest.mark.parametrize("written", [b"true", b"1.0", b'"1"', b"null", b"9007199254740993"])
def test_a_number_written_otherwise_is_found_though_its_leaf_may_be_the_same(
    written: bytes,
) -> None:
    found = files()
    assert found[bundle.ROWS].count(b'"turn_id":1,') == 1
    rows = found[bundle.ROWS].replace(b'"turn_id":1,', b'"turn_id":' + written + b",")
    assert both(rebuilt(found | {bundle.ROWS: rows})) == DIFFERS


def test_rows_and_proofs_in_another_order_are_found_though_each_proof_holds() -> None:
    def swap(proofs: Any) -> None:
        proofs["rows"][0], proofs["rows"][1] = proofs["rows"][1], proofs["rows"][0]

    found = changed_proofs(swap)
    lines = found[bundle.ROWS].splitlines(keepends=True)
    lines[0], lines[1] = lines[1], lines[0]
    assert both(rebuilt(found | {bundle.ROWS: b"".join(lines)})) == DIFFERS


def test_a_row_with_its_proof_twice_is_found_though_both_proofs_hold() -> None:
    found = changed_proofs(lambda proofs: proofs["rows"].insert(0, proofs["rows"][0]))
    lines = found[bundle.ROWS].splitlines(keepends=True)
    assert both(rebuilt(found | {bundle.ROWS: b"".join([lines[0], *lines])})) == DIFFERS


def test_a_row_of_another_conversation_with_its_own_good_proof_is_found() -> None:
    log = sealed_log()
    stray = proving.case_of(log, ACME, written()[0][20].correlation_id)
    theirs = bundle.files_of(stray)

    def add(proofs: Any) -> None:
        proofs["rows"].append(json.loads(theirs[bundle.PROOFS])["rows"][0])

    found = changed_proofs(add)
    line = bundle.decode_row(theirs[bundle.ROWS])
    found[bundle.ROWS] += bundle.encode_row(line)
    assert both(rebuilt(found)) == DIFFERS


CHANGES: dict[str, Callable[[Any], object]] = {
    "another place": lambda p: p["rows"][0].update(leaf_index=p["rows"][0]["leaf_index"] + 1),
    "a place outside": lambda p: p["rows"][0].update(leaf_index=24),
    "a place before": lambda p: p["rows"][0].update(leaf_index=-1),
    "true for a place": lambda p: p["rows"][0].update(leaf_index=True),
    "a fraction for a place": lambda p: p["rows"][0].update(leaf_index=1.5),
    "a huge place": lambda p: p["rows"][0].update(leaf_index=2**70),
    "no place, but a proof": lambda p: p["rows"][0].update(leaf_index=None),
    "no proof": lambda p: p["rows"][0].update(proof=[]),
    "text for a proof": lambda p: p["rows"][0].update(proof=""),
    "an object for a proof": lambda p: p["rows"][0].update(proof={}),
    "a hash too many": lambda p: p["rows"][0]["proof"].append("0" * 64),
    "a hash too few": lambda p: p["rows"][0]["proof"].pop(),
    "a hash in capitals": lambda p: p["rows"][0]["proof"].insert(
        0, p["rows"][0]["proof"].pop(0).upper()
    ),
    "a further key": lambda p: p["rows"][0].update(note="x"),
    "another event": lambda p: p["rows"][0].update(event_id="x"),
    "rows as an object": lambda p: p.update(rows={}),
    "another format": lambda p: p.update(format="selene-case-2"),
    "a key too many": lambda p: p.update(note="x"),
    "a time that is a number": lambda p: p.update(sealed_at=5),
    "a time that is no number": lambda p: p.update(sealed_at="05"),
    "an older size": lambda p: p["consistency"].update(size=12),
    "an older size of nothing": lambda p: p["consistency"].update(size=0, proof=[]),
    "true for a size": lambda p: p["consistency"].update(size=True),
    "an older root": lambda p: p["consistency"].update(root="0" * 64),
    "an older root that is none": lambda p: p["consistency"].update(root="0"),
    "no older proof": lambda p: p["consistency"].update(proof=[]),
    "text for an older proof": lambda p: p["consistency"].update(proof=""),
    "a further key of the older": lambda p: p["consistency"].update(note="x"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_forged_proof_is_found(name: str) -> None:
    assert both(rebuilt(changed_proofs(CHANGES[name]))) == DIFFERS


def test_a_changed_row_that_is_passed_off_as_not_sealed_does_not_hold() -> None:
    found = changed_rows(severity="ERROR")
    proofs = changed_proofs(lambda p: p["rows"][1].update(leaf_index=None, proof=[]))
    data = rebuilt(found | {bundle.PROOFS: proofs[bundle.PROOFS]})
    assert by_file(data, None) == NOT_CHECKED
    assert by_package(data, None) == DIFFERS


def checkpoint(origin: str, size: int, root: bytes) -> Checkpoint:
    return Checkpoint(origin, size, root)


def test_a_checkpoint_of_another_tenant_log_time_or_key_is_found() -> None:
    log = sealed_log()
    newest = log.checkpoints[24]
    true_root = Frontier().extend(log.leaves).frontier.root()
    real = checkpoint(f"{LOG}/acme", 24, true_root)
    others = [
        log.checkpoints[13].note,
        sign_checkpoint(checkpoint(f"{LOG}/{GLOBEX}", 24, true_root), [SECOND]),
        sign_checkpoint(checkpoint("other/acme", 24, true_root), [SECOND]),
        sign_checkpoint(real, [FOREIGN]),
        sign_checkpoint(checkpoint(f"{LOG}/acme", 40, true_root), [SECOND]),
        sign_note(real.encode() + "\n", [SECOND]),
        sign_note("selene signing key\n", [SECOND]),
        newest.note + b"\n",
        newest.note.replace("— ".encode(), b"- "),
        b"",
    ]
    for other in others:
        assert both(rebuilt(files() | {bundle.CHECKPOINT: other})) == DIFFERS, other
    again = sign_checkpoint(real, [SECOND])
    assert again == newest.note


def test_a_wrong_signature_is_found_beside_a_right_one() -> None:
    lines = sealed_log().checkpoints[24].note.decode().splitlines(keepends=True)
    both_signed = sign_note("".join(lines[:3]), [FIRST, SECOND]).decode()
    wrong = sign_note("another text\n", [FIRST]).decode().splitlines(keepends=True)[-1]
    signed = both_signed.splitlines(keepends=True)
    data = "".join([*signed[:4], wrong, signed[5]]).encode()
    found = files() | {bundle.CHECKPOINT: data}
    assert both(rebuilt(found)) == DIFFERS
    # Who trusts the second key alone does not know the first: its signature says nothing to them.
    assert by_file(rebuilt(found), [SECOND.verifier]) == HOLDS


def test_a_signature_in_another_form_of_base64_is_found_though_its_bytes_are_the_same() -> None:
    note = files()[bundle.CHECKPOINT]
    assert note.endswith(b"=\n") and not note.endswith(b"==\n")
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = digits[digits.index(note[-3]) + 1 : digits.index(note[-3]) + 2]
    other = note[:-3] + last + note[-2:]
    assert both(rebuilt(files() | {bundle.CHECKPOINT: other})) == DIFFERS


def test_a_broken_chain_of_keys_is_found() -> None:
    first, second = sealed_log().statements
    broken: list[dict[str, bytes | None]] = [
        {"keys/0001.txt": None},
        {"keys/0002.txt": None},
        {"keys/0001.txt": second, "keys/0002.txt": first},
        {"keys/0002.txt": sign_statement(SECOND.verifier, SECOND)},
        {"keys/0002.txt": sign_statement(SECOND.verifier, FOREIGN)},
        {"keys/0003.txt": second},
        {"keys/0004.txt": sign_statement(FOREIGN.verifier, SECOND)},
        {
            "keys/0002.txt": sign_note(
                f"selene signing key\nx\n{SECOND.verifier.encode()}\n", [FIRST]
            )
        },
        {"keys/0002.txt": sign_note(f"signing key\n{LOG}\n{SECOND.verifier.encode()}\n", [FIRST])},
        {
            "keys/0002.txt": sign_note(
                f"selene signing key\n{LOG}\n{SECOND.verifier.encode()}\n", [FIRST, FOREIGN]
            )
        },
        {bundle.VERIFIERS: FIRST.verifier.encode().encode() + b"\n"},
    ]
    for change in broken:
        found = files() | {name: one for name, one in change.items() if one is not None}
        for name, one in change.items():
            if one is None:
                del found[name]
        assert both(rebuilt(found)) == DIFFERS, change


def test_a_forger_with_a_key_of_their_own_is_found_by_whoever_knows_the_logs_key() -> None:
    rows, records = written()
    log = MemoryLog(rows, records)
    log.statements, log.signer = [sign_statement(FOREIGN.verifier, FOREIGN)], FOREIGN
    log.seal([])
    data = bundle.write(proving.case_of(log, ACME, rows[12].correlation_id))
    assert both(data) == HOLDS, "it agrees with itself: that is all that can be said of it"
    assert both(data, [FIRST.verifier]) == DIFFERS


def test_what_was_said_must_be_what_its_row_names() -> None:
    found = files()
    names = [name for name in found if name.startswith("inputs/")]
    assert len(names) == 5
    one, two, *_ = sorted(names)
    plain, encrypted = (json.loads(found[name]) for name in (one, two))
    other_key = "0" * 64

    def said(given: object) -> bytes:
        return json.dumps(given, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    assert found[two] == said(encrypted) and encrypted["row_key"]
    for change in (
        {one: found[two]},
        {two: found[one]},
        {one: said({"plaintext": "other"})},
        {one: said(plain | {"plaintext": 5})},
        {one: said(plain | {"plaintext": "other"})},
        {one: said(plain | {"stored": encrypted["stored"]})},
        {one: said(plain | {"row_key": other_key})},
        {two: said(encrypted | {"plaintext": "other"})},
        {two: said(encrypted | {"row_key": other_key})},
        {two: said(encrypted | {"row_key": None})},
        {two: said(encrypted | {"row_key": ""})},
        {two: said(encrypted | {"stored": None})},
        {two: said(encrypted | {"stored": encrypted["stored"] + "="})},
        {two: said(encrypted | {"stored": "AQ=="})},
        {one: found[one].rstrip()},
        {"inputs/018bcfe5-6827-7000-8000-0000000000ff.json": found[one]},
    ):
        assert both(rebuilt(found | change)) == DIFFERS, change


def test_a_kept_checkpoint_must_be_shown_to_be_the_beginning() -> None:
    log = sealed_log()
    rows, _ = written()
    other = MemoryLog(rows[3:], sealed=13)
    assert both(sealed_case(), None, log.checkpoints[24].note) == HOLDS
    for kept in (
        other.checkpoints[13].note,
        sign_checkpoint(checkpoint(f"{LOG}/globex", 13, bytes(32)), [FIRST]),
        sign_checkpoint(checkpoint(f"{LOG}/acme", 13, bytes(32)), [FIRST]),
        sign_checkpoint(checkpoint(f"{LOG}/acme", 13, bytes(32)), [FOREIGN]),
        sign_checkpoint(Checkpoint(f"{LOG}/acme", 0, hashlib.sha256().digest()), [FIRST]),
        b"garbage",
    ):
        assert both(sealed_case(), None, kept) == DIFFERS, kept
    # Of a size that the bundle says nothing of: neither shown nor refuted.
    for size in (12, 99):
        kept = sign_checkpoint(checkpoint(f"{LOG}/acme", size, bytes(32)), [SECOND])
        assert both(sealed_case(), None, kept) == NOT_CHECKED


def test_files_that_are_missing_or_too_many_are_found() -> None:
    for name in files():
        rest = files()
        del rest[name]
        assert both(pack(rest)) == DIFFERS, name
        if name != bundle.MANIFEST and not name.startswith("inputs/"):
            assert both(rebuilt(rest)) == DIFFERS, name
    for name in ("extra.txt", "keys/extra.txt", "inputs/extra.json", "folder/rows.jsonl"):
        assert both(rebuilt(files() | {name: b""})) == DIFFERS, name


# ---- what only Selene finds, and says so


@pytest.mark.parametrize("name", [bundle.README, bundle.REPORT, bundle.VERIFIER])
def test_a_forged_report_readme_or_verifier_is_found_by_selene_and_its_hash_by_both(
    name: str,
) -> None:
    found = files()
    found[name] += b" "
    assert both(pack(found)) == DIFFERS
    assert by_file(rebuilt(found), None) == HOLDS
    assert by_package(rebuilt(found), None) == DIFFERS
