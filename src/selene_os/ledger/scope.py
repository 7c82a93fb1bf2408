"""Which part of a scope is wrong: the words of a refusal, the same for every store.

The database refuses a write of a wrong scope by itself. This names the part, from what the store
then finds within the one tenant: what another tenant holds looks like what nobody holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from selene_os.errors import ScopeRefused
from selene_os.names import DeviceId, SessionId, TenantId, UserId

ACTIVE = "ACTIVE"
DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True)
class Found:
    """What a store found of a scope, each looked up within the tenant.

    Attributes:
        tenant: the tenant is there.
        identity_status: ACTIVE, DISABLED, or None where the user is not registered.
        device_user: whose the device is, or None where it is not registered.
        session: (user, device, closed_at) of the session, or None where there is none.
    """

    tenant: bool
    identity_status: str | None
    device_user: str | None
    session: tuple[str, str, int | None] | None


def wrong_part(
    found: Found,
    tenant_id: TenantId,
    user_id: UserId | None,
    device_id: DeviceId | None,
    session_id: SessionId | None,
) -> ScopeRefused | None:
    """The first part of the scope that does not hold, as the refusal to raise; None if all do."""
    if not found.tenant:
        return _refused(
            "tenant_id", f"{tenant_id!r} is not known", "Add it with `selene tenant add`."
        )
    if user_id is not None and found.identity_status is None:
        return _refused(
            "user_id",
            f"{user_id!r} is not registered with this tenant",
            "Register the user: POST identities, or `selene register`.",
        )
    if user_id is not None and found.identity_status != ACTIVE:
        return _refused(
            "user_id",
            f"{user_id!r} is disabled",
            "Enable the user: PATCH identities/{user_id}, or `selene identity enable`.",
        )
    if device_id is not None and found.device_user is None:
        return _refused(
            "device_id",
            f"{device_id!r} is not registered with this tenant",
            "Register the device: POST devices, or `selene register`.",
        )
    if device_id is not None and found.device_user != user_id:
        return _refused(
            "device_id", f"{device_id!r} does not belong to this user", "Use the user's own device."
        )
    if session_id is None:
        return None
    if found.session is None:
        return _refused(
            "session_id",
            f"{session_id!r} is not registered with this tenant",
            "Open it: POST sessions, or `selene register --session`.",
        )
    user, device, closed_at = found.session
    if (user, device) != (user_id, device_id):
        return _refused(
            "session_id",
            f"{session_id!r} is not of this user and device",
            "Use the session that was opened on this device.",
        )
    if closed_at is not None:
        return _refused("session_id", f"{session_id!r} is closed", "Open a new session.")
    return None


def _refused(field: str, problem: str, next_step: str) -> ScopeRefused:
    return ScopeRefused(problem, next_step, field=field)
