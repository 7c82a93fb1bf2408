"""Erasure: the key of a user's words is destroyed, and a row of it stays for good.

First the key goes, then the row is written: whoever was cut off between the two finds no key, and
the same call again writes the row. The row is the tenant's own, of no user and no device, so that a
disabled user can be erased as well; it names the user and the key, and never says why. Why stands
in its record, under the tenant's own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.decision import Custody
from selene_os.errors import BadField, NotFound
from selene_os.keys.keys import erasure_of, erasure_place
from selene_os.keys.store import EncryptedStore
from selene_os.ledger import codec
from selene_os.ledger.events import AuditEvent
from selene_os.ledger.keyrings import Hold
from selene_os.ledger.repositories import Custodies, MakeId
from selene_os.ledger.store import Store
from selene_os.names import (
    CorrelationId,
    EventId,
    IdempotencyKey,
    TenantId,
    UserId,
    check_text,
    parse_turn_id,
)
from selene_os.reasons import ReasonCode

REASON_BYTES_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of a user's words.

    Attributes:
        user_id: whose.
        key_ids: the keys that are destroyed now, and were not, or had no row yet; none where there
            was nothing left to erase.
        event_ids: the rows of that, one for each.
        plain_rows: rows of the user's that older versions stored in plain: no key was destroyed
            for these, and they can be read.
    """

    user_id: UserId
    key_ids: tuple[str, ...]
    event_ids: tuple[EventId, ...]
    plain_rows: int


@dataclass(frozen=True, slots=True)
class Held:
    """A legal hold: since when a user cannot be erased, and why.

    Attributes:
        reason: None where the record of it is not there.
        event_id: the row of it; None where there is none yet.
    """

    hold_id: str
    user_id: UserId
    since: int
    reason: str | None
    event_id: EventId | None


def erase(
    store: Store, tenant_id: TenantId, user_id: UserId, reason: str, at: int, make_id: MakeId
) -> Erasure:
    """Destroy a user's key and write a row of it; again, it finds nothing left.

    Args:
        reason: why; kept in the row's record.
        at: nanoseconds since 1970 UTC.

    Raises:
        UnderHold: the user is held. BadField: the reason is outside its bounds, or the ledger is
        open without keys. NotFound: no such user.
    """
    encrypted, reason = _ready(store, tenant_id, user_id, reason)
    _, destroyed = encrypted.keys.destroy(tenant_id, user_id, at)
    rows = Custodies(encrypted, make_id)
    done, event_ids = [], []
    for key_id in destroyed:
        if not erasure_of(encrypted, tenant_id, key_id):
            custody = Custody(ReasonCode.J_USER_ERASED, user_id, key_id)
            correlation_id, key = erasure_place(key_id)
            place = codec.Place(correlation_id, parse_turn_id(1), key)
            event_ids.append(rows.commit(tenant_id, custody, place, reason, at))
            done.append(key_id)
    left = encrypted.plain_rows(tenant_id, user_id)
    return Erasure(user_id, tuple(done), tuple(event_ids), left)


def hold(
    store: Store, tenant_id: TenantId, user_id: UserId, reason: str, at: int, make_id: MakeId
) -> Held:
    """Keep a user from being erased; where they are held already, the hold in force."""
    encrypted, reason = _ready(store, tenant_id, user_id, reason)
    there, _ = encrypted.keys.hold(tenant_id, user_id, at)
    custody = Custody(ReasonCode.J_USER_HELD, user_id, there.hold_id)
    Custodies(encrypted, make_id).commit(tenant_id, custody, _held_place(there), reason, at)
    return _told(encrypted, there)


def release(
    store: Store, tenant_id: TenantId, user_id: UserId, reason: str, at: int, make_id: MakeId
) -> Held:
    """End a user's hold. Raises NotFound: they are not held."""
    encrypted, reason = _ready(store, tenant_id, user_id, reason)
    ended = encrypted.keys.release(tenant_id, user_id, at) or _unfinished(
        encrypted, tenant_id, user_id
    )
    if ended is None:
        raise NotFound(f"{user_id!r} is not held", "See `selene hold --list`.", field="user_id")
    custody = Custody(ReasonCode.J_USER_RELEASED, user_id, ended.hold_id)
    Custodies(encrypted, make_id).commit(tenant_id, custody, _released_place(ended), reason, at)
    return _told(encrypted, ended)


def holds(store: Store, tenant_id: TenantId) -> list[Held]:
    """The holds of a tenant that are in force, the oldest first."""
    encrypted = _encrypted(store)
    there = encrypted.keys.keyring.holds(tenant_id)
    return [_told(encrypted, one) for one in there if one.released_at is None]


def _unfinished(store: EncryptedStore, tenant_id: TenantId, user_id: UserId) -> Hold | None:
    """A hold that was released by a call that was cut off before it wrote its row."""
    for one in store.keys.keyring.holds(tenant_id):
        if one.subject == user_id and one.released_at is not None:
            place = _released_place(one)
            if store.event_by_key(tenant_id, place.correlation_id, place.idempotency_key) is None:
                return one
    return None


def _told(store: EncryptedStore, there: Hold) -> Held:
    place = _held_place(there)
    row = store.event_by_key(there.tenant_id, place.correlation_id, place.idempotency_key)
    return Held(
        there.hold_id,
        UserId(there.subject),
        there.created_at,
        None if row is None else _reason(store, row),
        None if row is None else row.event_id,
    )


def _reason(store: EncryptedStore, row: AuditEvent) -> str | None:
    record = store.record(row.tenant_id, row.event_id)
    given = None if record is None else codec.decode_json(record.record).get("reason")
    return given if isinstance(given, str) else None


def _held_place(there: Hold) -> codec.Place:
    key = IdempotencyKey(f"hold:{there.hold_id}")
    return codec.Place(CorrelationId(there.hold_id), parse_turn_id(1), key)


def _released_place(there: Hold) -> codec.Place:
    key = IdempotencyKey(f"release:{there.hold_id}")
    return codec.Place(CorrelationId(there.hold_id), parse_turn_id(2), key)


def _ready(
    store: Store, tenant_id: TenantId, user_id: UserId, reason: str
) -> tuple[EncryptedStore, str]:
    if store.identity_status(tenant_id, user_id) is None:
        raise NotFound(f"{user_id!r} is not registered", "Check the name.", field="user_id")
    return _encrypted(store), check_text("reason", reason, REASON_BYTES_MAX)


def _encrypted(store: Store) -> EncryptedStore:
    if not isinstance(store, EncryptedStore):
        raise BadField("keys", "are not there: this ledger is open in plain", "Open it with keys.")
    return store
