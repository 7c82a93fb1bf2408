"""One committed row, as the leaf that a Merkle tree holds of it.

The leaf of a row is SHA-256(0x00 || encoding). The encoding of version 1 is

    0x01 || column 1 || column 2 || ... || column 18

with the columns of audit_events in this order: tenant_id, event_id, engine, event_type,
reason_code, severity, correlation_id, turn_id, user_id, device_id, session_id, idempotency_key,
payload_min, created_at; and then those of its record in replay_inputs: engine_version, pack_digest,
key_id, record. A column is one byte for its kind, its length in bytes as 4 bytes, and its content;
NULL is its kind alone. Numbers are written with the most significant byte first.

    NULL          0x00
    text          0x01 || length || its UTF-8 bytes, as stored: nothing is normalized or trimmed
    integer       0x02 || 0x00000008 || 8 bytes, two's complement
    payload_min   0x03 || 0x00000020 || SHA-256 of its UTF-8 bytes, as stored
    record        0x03 || 0x00000020 || SHA-256 of its bytes, as stored

reason_code, turn_id and created_at are integers, everything else is text. Ids are written as the
ledger shows them: event_id as 36 characters with hyphens, correlation_id as 32 hex digits. A row
without a record has NULL for all four of its columns.

Two different rows never have one encoding: the kind and the length say where each column ends, so
that no byte can move from one column to the next; NULL is not the empty text, and 5 is not "5". The
payload and the record stand in it by their hashes, so that a proof can be shown of a row that
withholds them. What is stored of a record is ciphertext: its hash tells nothing once its key is
destroyed, and still proves that it was not exchanged.

A table with other columns needs another version byte; what was sealed keeps its own.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any, Final

from selene_os.errors import BadField
from selene_os.ledger.events import PAYLOAD, WholeRow

VERSION: Final = 1

_NULL: Final = b"\x00"
_TEXT: Final = 1
_INTEGER: Final = 2
_DIGEST: Final = 3
_INTEGER_BYTES: Final = 8
_DIGEST_BYTES: Final = 32
_COLUMNS: Final = WholeRow._fields
_RECORD: Final = _COLUMNS.index("record_digest")

_head = struct.Struct(">BI").pack
_integer = struct.Struct(">BIq").pack
_sha256 = hashlib.sha256
_BEGINNING: Final = bytes([VERSION])
_DIGEST_HEAD: Final = _head(_DIGEST, _DIGEST_BYTES)
# Nearly every text is short: its head is looked up, not packed.
_TEXT_HEADS: Final = tuple(_head(_TEXT, length) for length in range(257))
_SHORT_HEADS: Final = tuple(_head(_TEXT, length).decode("ascii") for length in range(128))


def encode_row(row: tuple[object, ...]) -> bytes:
    """The bytes that stand for one row, as described above, without the 0x00 of a leaf.

    Args:
        row: a WholeRow, or its columns as a database gave them. Where somebody wrote past the
            ledger, a value may have any type: the type is looked at, not taken for granted.

    Raises:
        BadField: there are not 18 columns, or one holds what has no encoding because the ledger
            never writes it: another type, an integer of more than 64 bits, half a surrogate pair.
    """
    ordinary = _encode_ordinary(row)
    if ordinary is not None:
        return ordinary
    if len(row) != len(_COLUMNS):
        raise BadField(
            "row", f"has {len(row)} columns, not {len(_COLUMNS)}", "Read it by its columns' names."
        )
    parts = [_BEGINNING]
    for place, value in enumerate(row):
        try:
            if type(value) is str:
                content = value.encode()
                if place == PAYLOAD:
                    parts += (_DIGEST_HEAD, _sha256(content).digest())
                else:
                    length = len(content)
                    parts += (
                        _TEXT_HEADS[length] if length <= 256 else _head(_TEXT, length),
                        content,
                    )
                continue
            if value is None:
                parts.append(_NULL)
                continue
            # Not isinstance: a bool would pass for a number.
            if type(value) is int:
                parts.append(_integer(_INTEGER, _INTEGER_BYTES, value))
                continue
        except (UnicodeEncodeError, struct.error):
            raise _foreign(place) from None
        if place != _RECORD or type(value) is not bytes or len(value) != _DIGEST_BYTES:
            raise _foreign(place)
        parts += (_DIGEST_HEAD, value)
    return b"".join(parts)


def _encode_ordinary(row: tuple[Any, ...]) -> bytes | None:
    """The same bytes for a row as nearly all are, in half the time; None for any other row.

    Ordinary is ASCII, short, of a user on a device, with its record. Texts are put together before
    they are encoded, which is what costs; where one of them is anything else, something here fails.
    """
    try:
        (
            tenant_id, event_id, engine, event_type, reason_code, severity, correlation_id, turn_id,
            user_id, device_id, session_id, key, payload, created_at, version, pack, key_id, record,
        ) = row  # fmt: skip
        # Not left to what fails: a bool would pass for a number.
        if not type(reason_code) is type(turn_id) is type(created_at) is int:
            return None
        if type(record) is not bytes or len(record) != _DIGEST_BYTES:
            return None
        head, join = _SHORT_HEADS, "".join
        texts = (
            join((
                head[len(tenant_id)], tenant_id, head[len(event_id)], event_id,
                head[len(engine)], engine, head[len(event_type)], event_type,
            )),
            join((head[len(severity)], severity, head[len(correlation_id)], correlation_id)),
            join((
                head[len(user_id)], user_id, head[len(device_id)], device_id,
                "\0" if session_id is None else head[len(session_id)] + session_id,
                head[len(key)], key,
            )),
            join((
                head[len(version)], version,
                "\0" if pack is None else head[len(pack)] + pack,
                head[len(key_id)], key_id,
            )),
        )  # fmt: skip
        whose, place, who, made = [text.encode("ascii") for text in texts]
        return b"".join((
            _BEGINNING, whose, _integer(_INTEGER, _INTEGER_BYTES, reason_code), place,
            _integer(_INTEGER, _INTEGER_BYTES, turn_id), who,
            _DIGEST_HEAD, _sha256(payload.encode()).digest(),
            _integer(_INTEGER, _INTEGER_BYTES, created_at), made, _DIGEST_HEAD, record,
        ))  # fmt: skip
    except (TypeError, ValueError, IndexError, AttributeError, struct.error):
        return None


def leaf_of(row: tuple[object, ...]) -> bytes:
    """The leaf hash of one row, 32 bytes; raises BadField as `encode_row` does."""
    return _sha256(b"\x00" + (_encode_ordinary(row) or encode_row(row))).digest()


def _foreign(place: int) -> BadField:
    return BadField(
        _COLUMNS[place],
        "holds a value that the ledger never writes",
        "Look who wrote past the ledger.",
    )
