"""Requests that tell who is registered.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from typing import Literal

from selene_os.client.answers import (
    Devices,
    Identities,
    IdentityWithDevices,
    RegisteredSession,
    Sessions,
    Settings,
)
from selene_os.client.asking import Ask, ask


def get_tenant() -> Ask[Settings]:
    """Read the tenant: its name, when it was added, its settings."""
    return ask("getTenant", "GET", (), Settings)


def list_identities(
    *,
    cursor: str | None = None,
    limit: int = 50,
    status: Literal["ACTIVE", "DISABLED"] | None = None,
) -> Ask[Identities]:
    """List users.

    By name, in the order of its bytes; `Link: rel=next` and `next_cursor` lead on.

    Args:
        cursor: Of the page before.
    """
    return ask(
        "listIdentities",
        "GET",
        ("identities",),
        Identities,
        query={"cursor": cursor, "limit": limit, "status": status},
    )


def get_identity(user_id: str) -> Ask[IdentityWithDevices]:
    """Read one user, with their devices, the first 1,000 of them."""
    return ask(
        "getIdentity",
        "GET",
        (
            "identities",
            user_id,
        ),
        IdentityWithDevices,
    )


def list_devices(
    *, cursor: str | None = None, limit: int = 50, user_id: str | None = None
) -> Ask[Devices]:
    """List devices.

    By name, in the order of its bytes; `Link: rel=next` and `next_cursor` lead on.

    Args:
        cursor: Of the page before.
        user_id: The user.
    """
    return ask(
        "listDevices",
        "GET",
        ("devices",),
        Devices,
        query={"cursor": cursor, "limit": limit, "user_id": user_id},
    )


def list_sessions(
    *, cursor: str | None = None, limit: int = 50, user_id: str | None = None, open: bool = False
) -> Ask[Sessions]:
    """List sessions.

    By name, in the order of its bytes; `Link: rel=next` and `next_cursor` lead on.

    Args:
        cursor: Of the page before.
        user_id: The user.
        open: Only those that have not ended.
    """
    return ask(
        "listSessions",
        "GET",
        ("sessions",),
        Sessions,
        query={"cursor": cursor, "limit": limit, "user_id": user_id, "open": open},
    )


def get_session(session_id: str) -> Ask[RegisteredSession]:
    """Read one session; `closed_at` is null while it is open."""
    return ask(
        "getSession",
        "GET",
        (
            "sessions",
            session_id,
        ),
        RegisteredSession,
    )
