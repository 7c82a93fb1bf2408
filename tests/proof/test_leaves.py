"""A row's leaf: one encoding for one row, and no encoding for two."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.errors import BadField
from selene_os.ledger.events import AuditEvent, WholeRow
from selene_os.names import (
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    TenantId,
    TurnId,
    UserId,
)
from selene_os.proof.leaves import encode_row, leaf_of

ROW = WholeRow(
    tenant_id=TenantId("acme"),
    event_id=EventId("0198c0de-0000-7000-8000-000000000001"),
    engine="PH1.NLP",
    event_type="NlpIntentDraft",
    reason_code=20_101,
    severity="INFO",
    correlation_id=CorrelationId("0123456789abcdef0123456789abcdef"),
    turn_id=TurnId(1),
    user_id=UserId("zoë"),
    device_id=DeviceId(""),
    session_id=None,
    idempotency_key=IdempotencyKey("k"),
    payload_min='{"decision":"CHAT"}',
    created_at=1_772_535_600_000_000_000,
    engine_version="1.2.0",
    pack_digest=None,
    key_id="plain",
    record_digest=hashlib.sha256(b"{}").digest(),
)
# Written down once, by hand and by the description: a leaf that was signed can never change.
ENCODED = (
    "01"
    "0100000004" "61636d65"
    "0100000024" "30313938633064652d303030302d373030302d383030302d303030303030303030303031"
    "0100000007" "5048312e4e4c50"
    "010000000e" "4e6c70496e74656e744472616674"
    "0200000008" "0000000000004e85"
    "0100000004" "494e464f"
    "0100000020" "3031323334353637383961626364656630313233343536373839616263646566"
    "0200000008" "0000000000000001"
    "0100000004" "7a6fc3ab"
    "0100000000"
    "00"
    "0100000001" "6b"
    "0300000020" "{payload}"
    "0200000008" "18994fbca5bbe000"
    "0100000005" "312e322e30"
    "00"
    "0100000005" "706c61696e"
    "0300000020" "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
)  # fmt: skip
NAMES = (
    "tenant_id event_id engine event_type reason_code severity correlation_id turn_id user_id"
    " device_id session_id idempotency_key payload_min created_at engine_version pack_digest key_id"
    " record_digest"
).split()
INTEGERS = ("reason_code", "turn_id", "created_at")
PAYLOAD = NAMES.index("payload_min")

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
# Whatever a table can hold where somebody wrote past the ledger: any column of any type.
VALUES = st.none() | TEXTS | WHOLE
DIGESTS = st.binary(min_size=32, max_size=32)
ROWS = st.tuples(*[VALUES] * (len(NAMES) - 1), VALUES | DIGESTS)


# ---- the description in `leaves`, followed slowly by somebody who has not seen the code


def slowly(row: tuple[Any, ...]) -> bytes:
    written = [1]
    for name, value in zip(NAMES, row, strict=True):
        if value is None:
            written += [0]
        elif isinstance(value, int):
            written += [2, 0, 0, 0, 8]
            written += [(value >> shift) & 255 for shift in (56, 48, 40, 32, 24, 16, 8, 0)]
        elif isinstance(value, bytes):
            written += [3, 0, 0, 0, 32, *value]
        elif name == "payload_min":
            written += [3, 0, 0, 0, 32, *hashlib.sha256(bytes(value, "utf-8")).digest()]
        else:
            content = list(bytes(value, "utf-8"))
            size = len(content)
            written += [1, size >> 24 & 255, size >> 16 & 255, size >> 8 & 255, size & 255]
            written += content
    return bytes(written)


def read_back(encoded: bytes) -> list[Any]:
    """The columns again, the payload as its hash: what can be read back cannot be ambiguous."""
    assert encoded[0] == 1
    columns: list[Any] = []
    rest = encoded[1:]
    while rest:
        kind, rest = rest[0], rest[1:]
        if kind == 0:
            columns.append(None)
            continue
        size, rest = int.from_bytes(rest[:4], "big"), rest[4:]
        content, rest = rest[:size], rest[size:]
        assert len(content) == size
        if kind == 1:
            columns.append(content.decode())
        elif kind == 2:
            columns.append(int.from_bytes(content, "big", signed=True))
        else:
            assert kind == 3
            columns.append(content)
    return columns


def test_the_columns_are_those_that_version_1_describes() -> None:
    assert list(WholeRow._fields) == NAMES, "another table needs another version of the leaf"
    assert AuditEvent._fields == WholeRow._fields[: len(AuditEvent._fields)]


def test_a_known_row_has_the_known_leaf() -> None:
    payload = hashlib.sha256(ROW.payload_min.encode()).hexdigest()
    encoded = bytes.fromhex(ENCODED.format(payload=payload))
    assert encode_row(ROW) == encoded
    assert leaf_of(ROW) == hashlib.sha256(b"\0" + encoded).digest()


@given(ROWS)
def test_a_leaf_can_be_made_from_its_description_alone(row: tuple[Any, ...]) -> None:
    assert encode_row(row) == slowly(row)
    assert leaf_of(row) == hashlib.sha256(b"\0" + slowly(row)).digest()


ASCII = st.text(st.characters(codec="ascii"), max_size=130)
ODD = ("user_id", "session_id", "pack_digest", "payload_min", "key_id")
ORDINARY = st.tuples(
    *[
        WHOLE | st.booleans()
        if name in INTEGERS
        else ASCII | st.binary(max_size=4) | st.none()
        if name in ODD
        else ASCII
        for name in NAMES[:-1]
    ],
    DIGESTS | st.binary(max_size=33),
)


@given(ORDINARY)
def test_an_ordinary_row_has_the_bytes_that_the_description_gives_it(row: tuple[Any, ...]) -> None:
    sound = all(type(value) is not bool for value in row) and len(row[-1]) == 32
    if sound and not any(isinstance(value, bytes) for value in row[:-1]):
        assert encode_row(row) == slowly(row)
        assert leaf_of(row) == hashlib.sha256(b"\0" + slowly(row)).digest()
    else:
        with pytest.raises(BadField):
            leaf_of(row)


@given(ROWS)
def test_every_column_can_be_read_back_and_the_payload_by_its_hash(row: tuple[Any, ...]) -> None:
    wanted = list(row)
    if isinstance(row[PAYLOAD], str):
        wanted[PAYLOAD] = hashlib.sha256(row[PAYLOAD].encode()).digest()
    columns = read_back(encode_row(row))
    assert columns == wanted
    assert list(map(type, columns)) == list(map(type, wanted))


@given(ROWS, ROWS)
def test_different_rows_have_different_encodings(
    one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    assert (encode_row(one) == encode_row(other)) is (one == other)


@given(ROWS, st.integers(0, len(NAMES) - 1), st.none() | TEXTS | WHOLE)
def test_one_other_column_makes_another_encoding(
    row: tuple[Any, ...], place: int, value: object
) -> None:
    other = (*row[:place], value, *row[place + 1 :])
    assert (encode_row(row) == encode_row(other)) is (row == other)


@given(ROWS, st.integers(0, len(NAMES) - 2), TEXTS, st.data())
def test_a_text_split_elsewhere_between_two_columns_makes_another_encoding(
    row: tuple[Any, ...], place: int, text: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(text)), max_size=4))
    found = {encode_row((*row[:place], text[:cut], text[cut:], *row[place + 2 :])) for cut in cuts}
    assert len(found) == len(cuts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_id", ""),
        ("device_id", None),
        ("session_id", ""),
        ("reason_code", "20101"),
        ("reason_code", -20_101),
        ("turn_id", None),
        ("user_id", "zoe\u0308"),
        ("user_id", "zoë "),
        ("payload_min", '{"decision": "CHAT"}'),
        ("payload_min", None),
        ("created_at", ROW.created_at + 1),
        ("key_id", None),
        ("pack_digest", ""),
        ("record_digest", None),
        ("record_digest", hashlib.sha256(b"{} ").digest()),
    ],
)
def test_what_only_looks_alike_makes_another_leaf(name: str, value: Any) -> None:
    assert leaf_of(ROW._replace(**{name: value})) != leaf_of(ROW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant_id", b"acme"),
        ("reason_code", 20101.0),
        ("reason_code", True),
        ("turn_id", 2**63),
        ("created_at", -(2**63) - 1),
        ("user_id", "\ud800"),
        ("payload_min", hashlib.sha256(ROW.payload_min.encode()).digest()),
        ("payload_min", "\udfff"),
        ("record_digest", b"short"),
        ("key_id", b"plain"),
    ],
)
def test_what_the_ledger_never_writes_has_no_leaf(name: str, value: Any) -> None:
    with pytest.raises(BadField, match=f"{name} holds a value that the ledger never writes"):
        leaf_of(ROW._replace(**{name: value}))


@pytest.mark.parametrize("row", [(), tuple(ROW)[:-1], (*ROW, None)])
def test_a_row_of_another_table_has_no_leaf(row: tuple[object, ...]) -> None:
    with pytest.raises(BadField, match="columns, not 18"):
        leaf_of(row)


def test_a_row_as_a_driver_gives_it_has_the_same_leaf() -> None:
    assert leaf_of(tuple(ROW)) == leaf_of(ROW)
