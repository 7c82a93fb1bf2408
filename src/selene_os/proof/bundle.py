"""A bundle: the evidence of one conversation as one file, for whoever must check it without Selene.

    README.txt            what this is, and how to check it without trusting anybody
    rows.jsonl            the rows, one a line, as RFC 8785
    proofs.json           where each row stands in the log, and the hashes that prove it
    checkpoint.txt        what the log signed, byte for byte
    keys/0001.txt ...     the statements of the log's keys, the oldest first
    keys/verifiers.txt    those keys, one a line
    inputs/<event>.json   what was said, where that is disclosed
    report.html           all of it to be read
    verify_case.py        what checks it, with Python's standard library and `cryptography`
    MANIFEST.sha256       the SHA-256 of each of these, as sha256sum writes it

All JSON is RFC 8785, so that there is one form of it. Its numbers are doubles and hold no more than
53 bits, so that created_at and sealed_at, which are nanoseconds, are written as digits in a string.
Everything but verify_case.py is made from the evidence alone, and can be made again and compared.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

from selene_os.errors import BadField
from selene_os.ledger.events import Disclosed, WholeRow
from selene_os.proof import report
from selene_os.proof.archive import pack
from selene_os.proof.evidence import Case, Consistency
from selene_os.proof.key_chain import read_statement
from selene_os.proof.signing import decode_base64

# To be raised with any change of README.txt, report.html or verify_case.py: bundles are compared
# with what this version makes of them.
FORMAT: Final = "selene-case-1"

README: Final = "README.txt"
ROWS: Final = "rows.jsonl"
PROOFS: Final = "proofs.json"
CHECKPOINT: Final = "checkpoint.txt"
VERIFIERS: Final = "keys/verifiers.txt"
REPORT: Final = "report.html"
VERIFIER: Final = "verify_case.py"
MANIFEST: Final = "MANIFEST.sha256"
STATEMENT: Final = re.compile(r"keys/[0-9]{4}\.txt", re.ASCII)
INPUT: Final = re.compile(r"inputs/([0-9a-f-]{36})\.json", re.ASCII)
NEEDED: Final = frozenset({README, ROWS, PROOFS, CHECKPOINT, VERIFIERS, REPORT, VERIFIER, MANIFEST})

# RFC 8785 numbers are doubles; integers are exact up to here.
EXACT_MAX: Final = 2**53 - 1
_DIGITS = re.compile("0|-[1-9][0-9]{0,18}|[1-9][0-9]{0,19}", re.ASCII)
_HASH = re.compile("[0-9a-f]{64}", re.ASCII)
_NULLABLE: Final = frozenset(
    {"user_id", "device_id", "session_id", "engine_version", "pack_digest", "key_id"}
)
_NUMBERS: Final = frozenset({"reason_code", "turn_id"})


class Placing(NamedTuple):
    """What proofs.json says of one row."""

    event_id: str
    leaf_index: int | None
    proof: tuple[bytes, ...]


class Proofs(NamedTuple):
    """What proofs.json says."""

    rows: tuple[Placing, ...]
    consistency: Consistency | None
    sealed_at: int


def write(case: Case) -> bytes:
    """A bundle's bytes: the same for the same evidence, on every machine.

    Raises:
        BadField: a row holds what the ledger never writes, or it is too large.
    """
    return pack(with_manifest(files_of(case)))


def files_of(case: Case) -> dict[str, bytes]:
    """A bundle's files without their manifest."""
    statements = {f"keys/{n:04}.txt": one for n, one in enumerate(case.statements, 1)}
    inputs = {f"inputs/{name}.json": encode_input(one) for name, one in case.inputs.items()}
    return {
        README: report.readme(case).encode(),
        ROWS: b"".join(encode_row(proven.row) for proven in case.rows),
        PROOFS: _encode_proofs(case),
        CHECKPOINT: case.note,
        **statements,
        VERIFIERS: verifiers_of(case.statements),
        **inputs,
        REPORT: report.html(case).encode(),
        VERIFIER: verifier(),
    }


def with_manifest(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files and the manifest of them, in place of one that they may have."""
    rest = {name: content for name, content in files.items() if name != MANIFEST}
    lines = [f"{hashlib.sha256(rest[name]).hexdigest()}  {name}\n" for name in sorted(rest)]
    return {**rest, MANIFEST: "".join(lines).encode()}


def verifier() -> bytes:
    """The verifier of one file, as it is in each bundle."""
    return resources.files("selene_os.proof").joinpath(VERIFIER).read_bytes()


def verifiers_of(statements: tuple[bytes, ...]) -> bytes:
    """The keys that statements name, one a line. Raises BadField: one is none."""
    return b"".join(read_statement(one).key.encode().encode() + b"\n" for one in statements)


def encode_row(row: WholeRow) -> bytes:
    """One row as its line. Raises BadField: a column holds what the ledger never writes."""
    record: dict[str, Any] = row._asdict()
    record["created_at"] = str(row.created_at)
    if row.record_digest is not None:
        record["record_digest"] = row.record_digest.hex()
    line = _canonical(record)
    decode_row(line)
    return line


def decode_row(line: bytes) -> WholeRow:
    """The row of one line, which ends in a newline.

    Raises:
        BadField: it is not the one form that `encode_row` gives some row.
    """
    record = _object(line, set(WholeRow._fields))
    for name, value in record.items():
        if name == "created_at":
            fits = isinstance(value, str) and bool(_DIGITS.fullmatch(value))
        elif name == "record_digest":
            fits = value is None or _is_hash(value)
        elif name in _NUMBERS:
            fits = _is_number(value)
        else:
            fits = isinstance(value, str) or (value is None and name in _NULLABLE)
        if not fits:
            raise BadField(name, "holds a value that the ledger never writes", _AS_WRITTEN)
    record["created_at"] = int(record["created_at"])
    if record["record_digest"] is not None:
        record["record_digest"] = bytes.fromhex(record["record_digest"])
    return WholeRow(**record)


def _encode_proofs(case: Case) -> bytes:
    consistency = None
    if case.consistency is not None:
        size, root, proof = case.consistency
        consistency = {"proof": [one.hex() for one in proof], "root": root.hex(), "size": size}
    rows = [
        {
            "event_id": row.event_id,
            "leaf_index": index,
            "proof": [one.hex() for one in proof],
        }
        for row, index, proof in case.rows
    ]
    return _canonical(
        {
            "consistency": consistency,
            "format": FORMAT,
            "rows": rows,
            "sealed_at": str(case.sealed_at),
        }
    )


def decode_proofs(data: bytes) -> Proofs:
    """What proofs.json says. Raises BadField: it is not of its one form."""
    record = _object(data, {"consistency", "format", "rows", "sealed_at"})
    if record["format"] != FORMAT:
        raise BadField("format", f"is not {FORMAT}", "Verify it with the version that made it.")
    sealed_at, listed = record["sealed_at"], record["rows"]
    if not isinstance(sealed_at, str) or not _DIGITS.fullmatch(sealed_at):
        raise BadField("sealed_at", "is no number in digits", _AS_WRITTEN)
    if not isinstance(listed, list):
        raise BadField("rows", "are no list", _AS_WRITTEN)
    consistency = None
    if record["consistency"] is not None:
        given = _keys(record["consistency"], {"proof", "root", "size"})
        if not _is_hash(given["root"]) or not _is_number(given["size"]):
            raise BadField("consistency", "is of another form", _AS_WRITTEN)
        root = bytes.fromhex(given["root"])
        consistency = Consistency(given["size"], root, _hashes(given["proof"]))
    return Proofs(tuple(map(_placing, listed)), consistency, int(sealed_at))


def _placing(given: object) -> Placing:
    record = _keys(given, {"event_id", "leaf_index", "proof"})
    event_id, index, proof = record["event_id"], record["leaf_index"], _hashes(record["proof"])
    if not isinstance(event_id, str) or not (index is None or _is_number(index)):
        raise BadField("rows", "are of another form", _AS_WRITTEN)
    if index is None and proof:
        raise BadField("proof", "is of a row without a place", _AS_WRITTEN)
    return Placing(event_id, index, proof)


def encode_input(given: Disclosed) -> bytes:
    """What was said of one row; where it is stored encrypted, with the bytes and the row's own key.

    Raises:
        BadField: it is no UTF-8.
    """
    encrypted = given.row_key is not None
    try:
        return _canonical(
            {
                "plaintext": given.plaintext.decode(),
                "row_key": given.row_key.hex() if given.row_key is not None else None,
                "stored": base64.b64encode(given.stored).decode() if encrypted else None,
            }
        )
    except UnicodeDecodeError:
        raise BadField("inputs", "are no UTF-8", "See `selene doctor`.") from None


def decode_input(data: bytes) -> Disclosed:
    """What one file of inputs holds. Raises BadField: it is not of its one form."""
    given = _object(data, {"plaintext", "row_key", "stored"})
    plaintext, row_key, stored = given["plaintext"], given["row_key"], given["stored"]
    if not isinstance(plaintext, str):
        raise BadField("plaintext", "is no text", _AS_WRITTEN)
    said = plaintext.encode()
    if row_key is None and stored is None:
        return Disclosed(said, None, said)
    content = decode_base64(stored) if isinstance(stored, str) else None
    if content is None:
        raise BadField("stored", "is not base64 in its one form", _AS_WRITTEN)
    (key,) = _hashes([row_key])
    return Disclosed(content, key, said)


_AS_WRITTEN: Final = "Use the file exactly as `selene bundle` wrote it."


def _canonical(value: object) -> bytes:
    """RFC 8785, which for text, exact integers and ASCII keys is what `json` writes like this."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:
        raise BadField("text", "holds half a surrogate pair", "See `selene doctor`.") from None


def _object(data: bytes, keys: set[str]) -> dict[str, Any]:
    """The object of one canonical line with exactly these keys."""
    try:
        record = json.loads(data)
        same = _canonical(record) == data
    except (ValueError, RecursionError, BadField):
        same = False
    if not same:
        raise BadField("line", "is not JSON in its one form (RFC 8785)", _AS_WRITTEN)
    return _keys(record, keys)


def _keys(given: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(given, dict) or given.keys() != keys:
        raise BadField("object", f"has not exactly the keys {sorted(keys)}", _AS_WRITTEN)
    return given


def _hashes(given: object) -> tuple[bytes, ...]:
    if not isinstance(given, list) or not all(map(_is_hash, given)):
        raise BadField("proof", "is no list of hashes in lower-case hexadecimal", _AS_WRITTEN)
    return tuple(map(bytes.fromhex, given))


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and bool(_HASH.fullmatch(value))


def _is_number(value: object) -> bool:
    return type(value) is int and -EXACT_MAX <= value <= EXACT_MAX
