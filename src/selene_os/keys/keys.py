"""The keys of a ledger, unwrapped: made when they are first needed, gone when they are destroyed.

What was read of the keyring is believed for one second, so that a turn costs no read of it, and a
user who is erased by another process is erased here a second later.

A keyring that was put back from an old copy holds keys that were destroyed since. The ledger says
which: each erasure is a row of its own, named by the key. A key is looked up there when this
process first loads it, and one that has such a row counts as destroyed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from selene_os.errors import Fault, KeysMissing, UnderHold
from selene_os.keys.cipher import KEY_BYTES, DataKey, context_of
from selene_os.keys.wrapping import LocalKey, Random, RootKey
from selene_os.ledger import codec
from selene_os.ledger.keyrings import OWN, Hold, Keyring, TenantKey, WrappedKey
from selene_os.ledger.store import Store
from selene_os.names import CorrelationId, IdempotencyKey, TenantId
from selene_os.reasons import ReasonCode

BELIEVED_NS: Final = 1_000_000_000
# The field of the fault that a key is not known, while all others are.
KEY_ID: Final = "key_id"
_KEPT_MAX: Final = 4_096
_NAME_BYTES: Final = 16
_MAKING_TRIES: Final = 16

K = TypeVar("K")
V = TypeVar("V")


class Keys:
    """A keyring, opened.

    Args:
        keyring: the wrapped keys.
        root: what wraps the tenants' keys.
        ledger: the rows, as they are stored: which keys were destroyed is told there too.
        random: a random source.
        clock: nanoseconds since 1970 UTC.
    """

    def __init__(
        self,
        keyring: Keyring,
        root: RootKey,
        ledger: Store,
        random: Random,
        clock: Callable[[], int],
    ) -> None:
        self.keyring = keyring
        self._root = root
        self._ledger = ledger
        self._random = random
        self._clock = clock
        self._lock = threading.Lock()
        self._tenants = _Kept[TenantId, LocalKey]()
        self._began: dict[TenantId, int] = {}
        self._current = _Kept[tuple[TenantId, str], tuple[DataKey, int]]()
        self._known = _Kept[tuple[TenantId, str], tuple[DataKey | None, int]]()
        self._looked_up = _Kept[tuple[TenantId, str], bool]()

    def close(self) -> None:
        """Let go of the keyring, and of every key."""
        with self._lock:
            for kept in (self._tenants, self._current, self._known, self._looked_up):
                kept.clear()
        self.keyring.close()

    def current(
        self, tenant_id: TenantId, subject: str, check: Callable[[], None] = lambda: None
    ) -> DataKey:
        """The key that a subject's new rows are encrypted with; made where there is none.

        Args:
            subject: a user of the tenant, or OWN.
            check: raises where no key is to be made; not called where there is one.

        Raises:
            KeysMissing: the root key is not the one that wrapped it.
        """
        with self._lock:
            kept = self._current.get((tenant_id, subject))
        if kept is not None and self._is_believed(kept[1]):
            return kept[0]
        for _ in range(_MAKING_TRIES):
            now = self._clock()
            row = self.keyring.live_key(tenant_id, subject)
            if row is None:
                check()
                row = self._make(tenant_id, subject, now)
            elif self.is_revived(row):
                # What was destroyed is never written with again, whoever put it back.
                self.keyring.destroy_key(tenant_id, row.key_id, now)
                continue
            key = self._unwrapped(row)
            with self._lock:
                self._current.put((tenant_id, subject), (key, now))
                self._known.put((tenant_id, key.key_id), (key, now))
            return key
        raise Fault(f"{self.keyring.name} gives no key to write with", "See `selene doctor`.")

    def key(self, tenant_id: TenantId, key_id: str) -> DataKey | None:
        """The key of a row; None where it was destroyed.

        Raises:
            KeysMissing: the keyring does not know it (its field is KEY_ID), or the root key did
            not wrap it.
        """
        with self._lock:
            kept = self._known.get((tenant_id, key_id))
        if kept is not None and self._is_believed(kept[1]):
            return kept[0]
        now = self._clock()
        row = self.keyring.key(tenant_id, key_id)
        if row is None:
            raise KeysMissing(
                f"{self.keyring.name} holds no key {key_id} of tenant {tenant_id}",
                "Put back the keyring that belongs to this ledger.",
                field=KEY_ID,
            )
        gone = row.wrapped is None or self.is_revived(row)
        key = None if gone else self._unwrapped(row)
        with self._lock:
            self._known.put((tenant_id, key_id), (key, now))
        return key

    def destroy(self, tenant_id: TenantId, subject: str, at: int) -> tuple[str | None, list[str]]:
        """Destroy a subject's key for good.

        Args:
            at: nanoseconds since 1970 UTC.

        Returns:
            The key that was destroyed now, None where there was none; and every destroyed key of
            the subject's, that one among them.

        Raises:
            UnderHold: the subject is held.
        """
        if (hold := self.held(tenant_id, subject)) is not None:
            raise under_hold(hold)
        row = self.keyring.live_key(tenant_id, subject)
        if row is not None:
            self.keyring.destroy_key(tenant_id, row.key_id, at)
        with self._lock:
            self._current.pop((tenant_id, subject))
            if row is not None:
                self._known.put((tenant_id, row.key_id), (None, at))
        return None if row is None else row.key_id, self.erased(tenant_id, subject)

    def erased(self, tenant_id: TenantId, subject: str) -> list[str]:
        """The keys of a subject that were destroyed, the oldest first."""
        rows = self.keyring.keys(tenant_id, subject)
        return [row.key_id for row in rows if row.wrapped is None]

    def hold(self, tenant_id: TenantId, subject: str, at: int) -> tuple[Hold, bool]:
        """Keep a subject's keys from being destroyed; the hold in force, and whether it is new."""
        fresh = Hold(tenant_id, self._name(), subject, at, None)
        there = self.keyring.add_hold(fresh)
        return there, there.hold_id == fresh.hold_id

    def release(self, tenant_id: TenantId, subject: str, at: int) -> Hold | None:
        """End a subject's hold; None where there was none."""
        hold = self.held(tenant_id, subject)
        if hold is not None:
            self.keyring.release_hold(tenant_id, hold.hold_id, at)
        return hold

    def held(self, tenant_id: TenantId, subject: str) -> Hold | None:
        """The hold that is in force on a subject, or None."""
        holds = self.keyring.holds(tenant_id)
        return next((h for h in holds if h.subject == subject and h.released_at is None), None)

    def is_revived(self, row: WrappedKey) -> bool:
        """Whether a key is there that the ledger says was destroyed."""
        if row.subject == OWN or row.wrapped is None:
            return False
        named = (row.tenant_id, row.key_id)
        with self._lock:
            kept = self._looked_up.get(named)
        if kept is None:
            kept = erasure_of(self._ledger, row.tenant_id, row.key_id)
            with self._lock:
                self._looked_up.put(named, kept)
        return kept

    # ---- how it is done

    def _is_believed(self, loaded_at: int) -> bool:
        # A clock that was set back is no reason to believe for longer.
        return 0 <= self._clock() - loaded_at < BELIEVED_NS

    def _make(self, tenant_id: TenantId, subject: str, now: int) -> WrappedKey:
        key_id = self._name()
        above = self._tenant_key(tenant_id, now)
        wrapped = above.wrap(self._random(KEY_BYTES), _user_context(tenant_id, subject, key_id))
        row = self.keyring.add_key(WrappedKey(tenant_id, key_id, subject, wrapped, now, None))
        if row.key_id == key_id:
            with self._lock:
                self._looked_up.put((tenant_id, key_id), False)
        return row

    def _unwrapped(self, row: WrappedKey) -> DataKey:
        above = self._tenant_key(row.tenant_id, None)
        context = _user_context(row.tenant_id, row.subject, row.key_id)
        return DataKey(row.key_id, above.unwrap(row.wrapped or b"", context))

    def _tenant_key(self, tenant_id: TenantId, now: int | None) -> LocalKey:
        """What wraps a tenant's keys; made, where it may be, at a moment that is given."""
        with self._lock:
            kept = self._tenants.get(tenant_id)
        if kept is not None:
            return kept
        row = self.keyring.tenant_key(tenant_id)
        if row is None:
            if now is None:
                raise KeysMissing(
                    f"{self.keyring.name} has lost the key of tenant {tenant_id}",
                    "Put back the keyring that belongs to this ledger.",
                )
            key_id = self._name()
            wrapped = self._root.wrap(self._random(KEY_BYTES), _tenant_context(tenant_id, key_id))
            row = self.keyring.add_tenant_key(TenantKey(tenant_id, key_id, wrapped, now))
        try:
            key = self._root.unwrap(row.wrapped, _tenant_context(tenant_id, row.key_id))
        except KeysMissing as error:
            raise KeysMissing(
                f"the root key is not the one that wrapped the key of tenant {tenant_id} in"
                f" {self.keyring.name}",
                "Put back the root key that belongs to this keyring.",
            ) from error
        found = LocalKey(key, self._random)
        with self._lock:
            self._tenants.put(tenant_id, found)
        return found

    def began(self, tenant_id: TenantId) -> int | None:
        """Since when a tenant's words are encrypted, in nanoseconds since 1970 UTC, or None."""
        if (at := self._began.get(tenant_id)) is None:
            row = self.keyring.tenant_key(tenant_id)
            if row is not None:
                at = self._began[tenant_id] = row.created_at
        return at

    def _name(self) -> str:
        return self._random(_NAME_BYTES).hex()


class _Kept(Generic[K, V]):
    """What was used last, so many of it."""

    def __init__(self) -> None:
        self._found: OrderedDict[K, V] = OrderedDict()

    def get(self, name: K) -> V | None:
        if (found := self._found.get(name)) is not None:
            self._found.move_to_end(name)
        return found

    def put(self, name: K, found: V) -> None:
        self._found[name] = found
        self._found.move_to_end(name)
        while len(self._found) > _KEPT_MAX:
            self._found.popitem(last=False)

    def pop(self, name: K) -> None:
        self._found.pop(name, None)

    def clear(self) -> None:
        self._found.clear()


def erasure_place(key_id: str) -> tuple[CorrelationId, IdempotencyKey]:
    """Where the row of a key's end stands: a conversation of its own, named by the key."""
    return CorrelationId(key_id), IdempotencyKey(f"erase:{key_id}")


def erasure_of(ledger: Store, tenant_id: TenantId, key_id: str) -> bool:
    """Whether the ledger says that a key was destroyed; PH1.J alone says so."""
    event = ledger.event_by_key(tenant_id, *erasure_place(key_id))
    return event is not None and event.engine == codec.PH1_J


def under_hold(hold: Hold) -> UnderHold:
    """The refusal to erase a user who is held."""
    return UnderHold(
        f"{hold.subject!r} is held by {hold.hold_id}",
        "See `selene hold --list`; `selene hold --release` ends a hold.",
        field="user_id",
        reason=ReasonCode.J_USER_UNDER_HOLD.name,
    )


def _tenant_context(tenant_id: TenantId, key_id: str) -> bytes:
    return context_of("tenant_keys", tenant_id, (key_id,))


def _user_context(tenant_id: TenantId, subject: str, key_id: str) -> bytes:
    return context_of("user_keys", tenant_id, (subject, key_id))
