"""Operations that tell who is registered: the tenant, its users, their devices and sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from selene_os.edges.apikeys import ADMIN, AUDIT, READ
from selene_os.edges.http import answers, cursors, models, records
from selene_os.edges.http.operations import Call, Operation, Reply, replied
from selene_os.edges.http.reading import next_link
from selene_os.registrations import PAGE_ROWS_MAX

_READS: Final = (READ, AUDIT, ADMIN)
_BY_NAME: Final = "By name, in the order of its bytes; `Link: rel=next` and `next_cursor` lead on."


def tenant(call: Call) -> Reply:
    """The tenant that the key is of."""
    return replied(records.settings(call.tenant.settings))


def identities(call: Call) -> Reply:
    """Users, by name."""
    asked: models.Identities = call.query
    question = {"status": asked.status}
    after = _after(call, "identities", question)
    found = call.tenant.identities(status=asked.status, after=after, rows=asked.limit)
    return _paged(call, "identities", question, found, [one.user_id for one in found])


def identity(call: Call) -> Reply:
    """One user, with their devices."""
    user = call.path["user_id"]
    record = records.registered(call.tenant.identity(user))
    devices = call.tenant.devices(user=user, rows=PAGE_ROWS_MAX)
    return replied({**record, "devices": [records.registered(one) for one in devices]})


def devices(call: Call) -> Reply:
    """Devices, by name."""
    asked: models.Devices = call.query
    question = {"user_id": asked.user_id}
    after = _after(call, "devices", question)
    found = call.tenant.devices(user=asked.user_id, after=after, rows=asked.limit)
    return _paged(call, "devices", question, found, [one.device_id for one in found])


def sessions(call: Call) -> Reply:
    """Sessions, by name."""
    asked: models.Sessions = call.query
    is_open = True if asked.open == "true" else None
    question = {"user_id": asked.user_id, "open": asked.open if is_open else None}
    after = _after(call, "sessions", question)
    found = call.tenant.sessions(user=asked.user_id, is_open=is_open, after=after, rows=asked.limit)
    return _paged(call, "sessions", question, found, [one.session_id for one in found])


def session(call: Call) -> Reply:
    """One session."""
    return replied(records.registered(call.tenant.session(call.path["session_id"])))


# ---- pages


def _after(call: Call, name: str, question: Mapping[str, str | None]) -> str | None:
    cursor: str | None = call.query.cursor
    if cursor is None:
        return None
    return cursors.decode(call.key.tenant_id, _named(name, question), cursor)


def _named(name: str, question: Mapping[str, str | None]) -> str:
    return f"{name} {urlencode(_asked(question))}"


def _asked(question: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in question.items() if value is not None}


def _paged(
    call: Call,
    name: str,
    question: Mapping[str, str | None],
    found: Sequence[records.Registered],
    places: Sequence[str],
) -> Reply:
    # A page that is full may be the last one: the next is empty then, which costs one request.
    following = None
    if len(found) == call.query.limit:
        following = cursors.encode(call.key.tenant_id, _named(name, question), places[-1])
    record = {name: [records.registered(one) for one in found], "next_cursor": following}
    query: dict[str, Any] = {**_asked(question), "limit": call.query.limit, "cursor": following}
    return replied(record, 200, *next_link(call, (name,), query))


OPERATIONS: Final = (
    Operation(
        "getTenant",
        "GET",
        "",
        _READS,
        tenant,
        "Read the tenant: its name, when it was added, its settings.",
        answers={200: answers.Settings},
    ),
    Operation(
        "listIdentities",
        "GET",
        "identities",
        _READS,
        identities,
        "List users.",
        _BY_NAME,
        query=models.Identities,
        answers={200: answers.Identities},
    ),
    Operation(
        "getIdentity",
        "GET",
        "identities/{user_id}",
        _READS,
        identity,
        "Read one user, with their devices, the first 1,000 of them.",
        answers={200: answers.IdentityWithDevices},
        refusals=(404,),
    ),
    Operation(
        "listDevices",
        "GET",
        "devices",
        _READS,
        devices,
        "List devices.",
        _BY_NAME,
        query=models.Devices,
        answers={200: answers.Devices},
    ),
    Operation(
        "listSessions",
        "GET",
        "sessions",
        _READS,
        sessions,
        "List sessions.",
        _BY_NAME,
        query=models.Sessions,
        answers={200: answers.Sessions},
    ),
    Operation(
        "getSession",
        "GET",
        "sessions/{session_id}",
        _READS,
        session,
        "Read one session; `closed_at` is null while it is open.",
        answers={200: answers.RegisteredSession},
        refusals=(404,),
    ),
)
