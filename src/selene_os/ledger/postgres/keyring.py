"""A keyring in a server, in the schema os_keys: apart from the ledger's, and in no back-up of it.

Only functions read and write it, as its owner; each acts for the tenant of its login alone.
"""

from __future__ import annotations

from typing import Any, Final

from selene_os.errors import KeysMissing, UnderHold
from selene_os.ledger.events import columns_of
from selene_os.ledger.keyrings import Hold, TenantKey, WrappedKey
from selene_os.ledger.postgres.calls import Calls
from selene_os.names import TenantId
from selene_os.reasons import ReasonCode

# A keyring is asked once a second for each user who writes.
CONNECTIONS_MAX: Final = 2


def _call(row: type[Any], function: str, arguments: int) -> str:
    marks = ", ".join(["%s"] * arguments)
    return f"SELECT {columns_of(row)} FROM os_keys.{function}({marks})"


_TENANT_KEY: Final = _call(TenantKey, "tenant_key", 1)
_ADD_TENANT_KEY: Final = _call(TenantKey, "add_tenant_key", 4)
_LIVE_KEY: Final = _call(WrappedKey, "live_key", 2)
_ADD_KEY: Final = _call(WrappedKey, "add_key", 5)
_KEY: Final = _call(WrappedKey, "key", 2)
_KEYS: Final = _call(WrappedKey, "keys_of", 2)
_DESTROY: Final = "SELECT os_keys.destroy_key(%s, %s, %s)"
_ADD_HOLD: Final = _call(Hold, "add_hold", 4)
_RELEASE: Final = "SELECT os_keys.release_hold(%s, %s, %s)"
_HOLDS: Final = _call(Hold, "holds_of", 1)


class PostgresKeyring(Calls):
    """A keyring in one database; see `ledger.keyrings.Keyring` for what each method does.

    Args:
        url: of the ledger that it belongs to.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, CONNECTIONS_MAX)

    def tenant_key(self, tenant_id: TenantId) -> TenantKey | None:
        rows = self._rows(_TENANT_KEY, (tenant_id,))
        return TenantKey._make(rows[0]) if rows else None

    def add_tenant_key(self, key: TenantKey) -> TenantKey:
        return TenantKey._make(self._rows(_ADD_TENANT_KEY, key)[0])

    def live_key(self, tenant_id: TenantId, subject: str) -> WrappedKey | None:
        rows = self._rows(_LIVE_KEY, (tenant_id, subject))
        return WrappedKey._make(rows[0]) if rows else None

    def add_key(self, key: WrappedKey) -> WrappedKey:
        return WrappedKey._make(self._rows(_ADD_KEY, key[:-1])[0])

    def key(self, tenant_id: TenantId, key_id: str) -> WrappedKey | None:
        rows = self._rows(_KEY, (tenant_id, key_id))
        return WrappedKey._make(rows[0]) if rows else None

    def keys(self, tenant_id: TenantId, subject: str | None) -> list[WrappedKey]:
        return list(map(WrappedKey._make, self._rows(_KEYS, (tenant_id, subject))))

    def destroy_key(self, tenant_id: TenantId, key_id: str, at: int) -> bool:
        refused = {"SE409 user_id": self._held}
        ((found,),) = self._rows(_DESTROY, (tenant_id, key_id, at), refused)
        if found is None:
            raise KeysMissing(f"{self.name} holds no key {key_id}", "See `selene doctor`.")
        return bool(found)

    def add_hold(self, hold: Hold) -> Hold:
        return Hold._make(self._rows(_ADD_HOLD, hold[:-1])[0])

    def release_hold(self, tenant_id: TenantId, hold_id: str, at: int) -> bool:
        ((released,),) = self._rows(_RELEASE, (tenant_id, hold_id, at))
        return bool(released)

    def holds(self, tenant_id: TenantId) -> list[Hold]:
        return list(map(Hold._make, self._rows(_HOLDS, (tenant_id,))))

    @staticmethod
    def _held() -> UnderHold:
        return UnderHold(
            "is held",
            "See `selene hold --list`.",
            field="user_id",
            reason=ReasonCode.J_USER_UNDER_HOLD.name,
        )
