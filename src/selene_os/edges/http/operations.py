"""What an operation is: one row of the table from which requests are served and described."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from selene_os import names
from selene_os.app import Tenant
from selene_os.edges.apikeys import AUDIT
from selene_os.edges.http.auth import Checked
from selene_os.edges.http.outcomes import Outcome
from selene_os.edges.library import Selene
from selene_os.errors import BadField
from selene_os.ledger.access import AccessEvent
from selene_os.names import EventId, TenantId

JSON: Final = "application/json"
NOTE: Final = "text/plain; charset=utf-8"
ZIP: Final = "application/zip"
BODY_BYTES_MAX: Final = 65_536
BATCH_BYTES_MAX: Final = 4_194_304
_SIZE_BYTES_MAX: Final = 19
# What a path holds as it is.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*")
# All that is a tenant's stands below this and the tenant's name.
ROOM: Final = ("v1", "tenants")

Header = tuple[bytes, bytes]
Place = tuple[int, EventId]
# tenant, behind which place, how many at most: a tenant's access events, the newest first.
AccessEvents = Callable[[TenantId, Place | None, int], list[AccessEvent]]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the operations work with.

    Attributes:
        selene: the ledger with its engines.
        clock: nanoseconds since 1970 UTC.
        access_events: reads the access events; None where they are not kept.
        seal: seals one tenant, and returns how many rows that took; None where keys are elsewhere.
    """

    selene: Selene
    clock: Callable[[], int]
    access_events: AccessEvents | None = None
    seal: Callable[[TenantId], int] | None = None


@dataclass(slots=True)
class Call:
    """One request, authenticated, with its parts parsed.

    Attributes:
        path, query, body: as the operation names them.
        outcome: what is told of it to those who watch.
        idempotency_key: the header's, or None.
        trace_id: of a traceparent, or None.
        target: what an access event names: an id, never words.
        decision_id: the event that a refusal is about, if the operation knows one.
        noted: an access event must be kept of it, whatever the key's scopes are.
    """

    deployment: Deployment
    key: Checked
    tenant: Tenant
    path: Mapping[str, str]
    outcome: Outcome = field(default_factory=Outcome)
    query: Any = None
    body: Any = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    target: str | None = None
    decision_id: str | None = None
    noted: bool = False

    def about(self, event_id: str) -> None:
        """Say which event the request is about; what is no event's id is nobody's to repeat."""
        self.decision_id = self.target = _id_or_none(names.parse_event_id, event_id)

    def conversation(self, named: str | None) -> str | None:
        """The conversation that is named: by the body, or where nothing else does by the trace."""
        if named is None and self.idempotency_key is None:
            return self.trace_id
        return named

    def url(self, *segments: str) -> str:
        """The path of something of this tenant's."""
        named = (*ROOM, self.tenant.tenant_id, *segments)
        return "/" + "/".join(
            one if _PLAIN.fullmatch(one) else quote(one, safe="") for one in named
        )


class Reply(NamedTuple):
    """What is answered."""

    status: int
    content: bytes
    media_type: str = JSON
    headers: tuple[Header, ...] = ()


def replied(record: Mapping[str, Any], status: int = 200, *headers: Header) -> Reply:
    """A record as JSON."""
    return Reply(status, encode(record), JSON, headers)


def encode(record: Any) -> bytes:
    """Compact JSON, keys in the order they have.

    A record that was damaged may hold what no JSON can: a number that is none becomes null, half of
    a surrogate pair a question mark.
    """
    try:
        return to_json(record, inf_nan_mode="null")
    except PydanticSerializationError:
        return to_json(_sound(record), inf_nan_mode="null")


def _sound(value: Any) -> Any:
    if isinstance(value, dict):
        return {_sound(key): _sound(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(inner) for inner in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def target_of(path: Mapping[str, str]) -> str | None:
    """The id that a path names, as an access event tells it; None where it is none."""
    for name, value in path.items():
        return _id_or_none(_PARSERS[name], value)
    return None


def _id_or_none(parse: Callable[[str], str], value: str) -> str | None:
    try:
        return parse(value)
    except BadField:
        return None


def _parse_entry_id(value: str) -> str:
    return names.check_text("entry_id", value, names.USER_ID_BYTES_MAX)


def _parse_size(value: str) -> str:
    return names.check_text("size", value, _SIZE_BYTES_MAX)


# How each variable of a path is told from words that do not belong there.
_PARSERS: Final[dict[str, Callable[[str], str]]] = {
    "correlation_id": names.parse_correlation_id,
    "event_id": names.parse_event_id,
    "user_id": names.parse_user_id,
    "session_id": names.parse_session_id,
    "entry_id": _parse_entry_id,
    "size": _parse_size,
}


def written(record: Mapping[str, Any], *, deduplicated: bool, location: str | None = None) -> Reply:
    """What became of a write: 201 with its place where it is new, 200 where it was there."""
    if deduplicated:
        return replied(record, 200, (b"idempotent-replayed", b"true"))
    return replied(record, 201, *(() if location is None else ((b"location", location.encode()),)))


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for below /v1/tenants/{tenant_id}.

    Attributes:
        name: unique; the operationId, and the action of access events.
        method, path: path is relative, like decisions/{event_id}; empty for the tenant itself.
        scopes: a key needs one of these.
        run: answers a call; runs in a thread, and may block.
        summary: one line. text: the rest.
        body, query: what is accepted; None for nothing.
        answers: status -> the model of the JSON, or a media type.
        refusals: statuses of refusals beyond those that every operation has.
        keyed: takes an Idempotency-Key.
        tagged: its answers have an ETag.
        body_bytes_max: how large a body may be.
    """

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    run: Callable[[Call], Reply]
    summary: str
    text: str = ""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, type[BaseModel] | str] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    keyed: bool = False
    tagged: bool = False
    body_bytes_max: int = BODY_BYTES_MAX

    @property
    def reads(self) -> bool:
        """Whether it tells what the ledger holds, and changes nothing."""
        return self.method == "GET" or AUDIT in self.scopes

    @property
    def segments(self) -> tuple[str, ...]:
        """The path in its parts."""
        return tuple(self.path.split("/")) if self.path else ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the path's variables, in order."""
        return tuple(part[1:-1] for part in self.segments if part.startswith("{"))


class _Node:
    """What may stand behind a beginning of a path."""

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, Operation] = {}


class Routes:
    """Finds the operation of a path, given as it was sent: segment by segment.

    Nothing is joined, cut off or resolved: an encoded slash is a part of its segment, "..", "." and
    ";" are characters like others, and an empty segment names nothing.
    """

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._root = _Node()
        for one in operations:
            node = self._root
            for segment in one.segments:
                if segment.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.words.setdefault(segment, _Node())
            node.methods[one.method] = one

    def find(self, segments: list[str]) -> dict[str, tuple[Operation, list[str]]]:
        """What there is at a path: by method, the operation and its variables' values in order.

        Where a word and a variable both fit, the word's operations come first.
        """
        spots: list[tuple[_Node, list[str]]] = [(self._root, [])]
        for segment in segments:
            following = []
            for node, values in spots:
                if (word := node.words.get(segment)) is not None:
                    following.append((word, values))
                if node.any is not None and segment:
                    following.append((node.any, [*values, segment]))
            spots = following
        found: dict[str, tuple[Operation, list[str]]] = {}
        for node, values in spots:
            for method, operation in node.methods.items():
                found.setdefault(method, (operation, values))
        return found


def segments_of(raw_path: bytes) -> list[str] | None:
    """The segments of a path as it was sent, each decoded by itself; None where one is no UTF-8."""
    parts = raw_path.partition(b"?")[0].split(b"/")[1:]
    try:
        if b"%" not in raw_path:
            return [part.decode() for part in parts]
        return [unquote_to_bytes(part).decode() for part in parts]
    except UnicodeDecodeError:
        return None
