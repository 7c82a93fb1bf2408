"""The course of one call: what is sent, what an answer comes to, when it is sent again.

No network and no clock: two thin shells ask it what to do next, and both do the same.
"""

from __future__ import annotations

import json
import random
import ssl
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

import httpx

from selene_os import __version__
from selene_os.client.asking import Ask
from selene_os.client.errors import ApiError, NotConfigured, NotReached, NotSelene, error_of
from selene_os.client.forms import read
from selene_os.client.places import Place

T = TypeVar("T")
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_KINDS: Final[dict[Any, str]] = {str: "text/plain", bytes: "application/zip"}
_AGENT: Final = f"selene-os-client/{__version__}"
_KEY_BYTES_MAX: Final = 128
# Nothing of the request was taken.
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What is wrong here is wrong the next time as well.
_FINAL: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_UNDONE: Final = frozenset({"TooManyRequests", "BodyTooSlow", "TooBusy", "LedgerBusy"})
# Not the module's: a program that seeds that one would have all its callers wait alike.
_CHANCE: Final = random.SystemRandom().random
_PASSING: Final = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """When a request that was not answered, or not now, is sent again.

    Attributes:
        attempts: how often it is sent at most; 1 never sends it again.
        first_wait_s, wait_s_max: the bound of the first wait, which doubles up to the last; how
            long is waited below it is left to chance, so that many callers do not come at once.
        retry_after_s_max: a server that asks for more than this is not waited for.
    """

    attempts: int = 4
    first_wait_s: float = 0.2
    wait_s_max: float = 10.0
    retry_after_s_max: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise NotConfigured("attempts", "is less than 1", "Give at least one.")


class Again(NamedTuple):
    """Send it again, after so long."""

    wait_s: float


class Outgoing(NamedTuple):
    """A request as it is sent."""

    method: str
    url: str
    headers: dict[str, str | bytes]
    params: Mapping[str, str]
    content: bytes | None


class Answered(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Course(Generic[T]):
    """One call, from its first attempt to its answer.

    Args:
        one: the request; a key is made for it here, once.
        chance: a number from 0 to 1.
        now: the moment, for a Retry-After that is one.
    """

    def __init__(
        self,
        one: Ask[T],
        place: Place,
        retries: Retries,
        *,
        fresh_key: Callable[[], str] = lambda: str(uuid.uuid4()),
        chance: Callable[[], float] = _CHANCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ask = one.keyed(fresh_key)
        self._retries = retries
        self._chance = chance
        self._now = now
        self.attempts = 0
        self.request = _outgoing(self._ask, place)

    # ---- what came of an attempt

    def failed(self, error: httpx.TransportError) -> float:
        """How long to wait before the next attempt. Raises NotReached: there is none."""
        self.attempts += 1
        unsent = isinstance(error, _UNSENT)
        final = isinstance(error, _FINAL) or isinstance(error.__context__, ssl.SSLError)
        if not final and "CERTIFICATE_VERIFY_FAILED" not in str(error) and self._may(unsent):
            return self._wait_s()
        # The text may tell of the connection, never of what was said.
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        raise NotReached(
            why,
            may_have_happened=not (unsent or final),
            attempts=self.attempts,
            idempotency_key=self._ask.idempotency_key,
        ) from error

    def streams(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether what comes now is what was asked for, to be read as it comes."""
        return status == 200 and _kind_of(headers) == _KINDS.get(self._ask.kind, _JSON)

    def answered(self, one: Answered) -> T | Again:
        """The answer, or when to ask again. Raises ApiError, NotSelene."""
        self.attempts += 1
        if one.status in (200, 201) and _kind_of(one.headers) == _KINDS.get(self._ask.kind, _JSON):
            return self._read(one)
        problem = _problem(one)
        after_s = self._retry_after_s(one.headers)
        if problem is None:
            # Between the client and Selene something else may answer, which knows no codes.
            if one.status in _PASSING and self._may(False) and self._is_near(after_s):
                return Again(self._wait_s(after_s))
            raise NotSelene(one.status, _strange(one))
        error = error_of(
            one.status,
            problem,
            idempotency_key=self._ask.idempotency_key,
            retry_after_s=after_s,
        )
        if self._passes(error) and self._is_near(after_s):
            return Again(self._wait_s(after_s))
        raise error

    def _read(self, one: Answered) -> T:
        kind = self._ask.kind
        value: Any = one.content
        try:
            if issubclass(kind, str):
                value = one.content.decode()
            elif not issubclass(kind, bytes):
                value = json.loads(one.content)
            return read(kind, value)
        except (ValueError, RecursionError) as error:
            raise NotSelene(one.status, f"the answer is not as described ({error})") from None

    # ---- whether and when

    def _may(self, undone: bool) -> bool:
        more = self.attempts < self._retries.attempts and not self._ask.once
        return more and (undone or self._ask.repeatable)

    def _passes(self, error: ApiError) -> bool:
        passing = error.status in _PASSING or error.code in _UNDONE
        return passing and self._may(error.code in _UNDONE)

    def _is_near(self, after_s: float | None) -> bool:
        return after_s is None or after_s <= self._retries.retry_after_s_max

    def _wait_s(self, after_s: float | None = None) -> float:
        set_ = self._retries
        bound = min(set_.wait_s_max, set_.first_wait_s * 2.0 ** min(self.attempts - 1, 60))
        return (after_s or 0.0) + self._chance() * bound

    def _retry_after_s(self, headers: Mapping[str, str]) -> float | None:
        text = headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._now()).total_seconds())


def _outgoing(one: Ask[Any], place: Place) -> Outgoing:
    headers: dict[str, str | bytes] = {"accept": f"{_accepted(one)}, {_PROBLEM}"}
    headers["user-agent"] = _AGENT
    content = None
    if one.needs_key:
        headers["authorization"] = f"Bearer {place.key}"
    if one.body is not None:
        headers["content-type"] = _JSON
        try:
            content = json.dumps(one.body, separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise NotConfigured("body", f"is no JSON ({error})", "Give plain values.") from None
    if one.idempotency_key is not None:
        headers["idempotency-key"] = _key(one.idempotency_key)
    if one.traceparent is not None:
        headers["traceparent"] = one.traceparent
    return Outgoing(one.method, place.url_of(one), headers, one.query, content)


def _key(text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = b""
    unsound = any(ord(one) < 32 or one == "\x7f" for one in text)
    if not 1 <= len(encoded) <= _KEY_BYTES_MAX or unsound:
        raise NotConfigured(
            "idempotency_key", "is not 1 to 128 bytes without control characters", "Shorten it."
        )
    # In quotes, so that one that begins or ends with a space or a quote comes as it is.
    return b'"' + encoded + b'"'


def _accepted(one: Ask[Any]) -> str:
    return _KINDS.get(one.kind, _JSON)


def _kind_of(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _problem(one: Answered) -> Mapping[str, Any] | None:
    """What Selene says is wrong; None where it is not Selene who says something."""
    if one.status < 400 or _kind_of(one.headers) != _PROBLEM:
        return None
    try:
        record = json.loads(one.content)
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(record, dict) and isinstance(record.get("code"), str)
    return record if is_one else None


def _strange(one: Answered) -> str:
    if 300 <= one.status < 400:
        return "it leads elsewhere, and a key is not sent there"
    return f"{_kind_of(one.headers) or 'nothing'} is no answer of Selene's"
