"""Keys, operators and access events to test with, the same in every run."""

from __future__ import annotations

from typing import Final

from ledgers import ACME, START_NS, Ledger
from selene_os.ledger.access import AccessEvent, ApiKeyRow, OperatorRow
from selene_os.names import TenantId, event_id_of

KEY_ID: Final = "k2k3k4k5k6k7"
NEXT_ID: Final = "m2m3m4m5m6m7"
HOUR_NS: Final = 3_600 * 1_000_000_000


def key_row(
    key_id: str = KEY_ID,
    tenant_id: TenantId = ACME,
    scopes: str = "read write",
    *,
    at: int = START_NS,
    expires_at: int | None = None,
) -> ApiKeyRow:
    """A key of whose secret nobody knows."""
    label, digest = f"{tenant_id}-label", tenant_id.encode().ljust(32, b"\x01")
    return ApiKeyRow(tenant_id, key_id, digest, scopes, label, at, expires_at)


def access_event(number: int, tenant_id: TenantId = ACME, at: int | None = None) -> AccessEvent:
    """Something that was done, each a nanosecond after the one before."""
    moment = START_NS + number if at is None else at
    access_id = event_id_of(START_NS, number)
    actor = f"operator:{tenant_id}"
    target = f"{tenant_id}-target"
    return AccessEvent(tenant_id, access_id, moment, actor, "trace", target, "OK", None)


def operator_row(login: str = "ada", tenants: str = "*") -> OperatorRow:
    """An operator whose password is no hash, so that nobody gets in by it."""
    return OperatorRow(login, f"{login}-scrypt", tenants, START_NS, None, START_NS)


def let_in(ledger: Ledger, tenant_id: TenantId) -> None:
    """One key, one operator and one access event of a tenant's."""
    ledger.store.access.add_api_key(key_row(tenant_id=tenant_id))
    ledger.store.access.append_access(access_event(1, tenant_id))
    ledger.store.access.add_operator(operator_row(tenant_id, tenant_id))
