"""All below /v1: a pure ASGI app that knows whose request it is before it looks at anything else.

The order is the contract: the key (401), how often it asks (429), whose tenant (403), the path
(404), the method (405), the scope (403), the headers, the body, its JSON, its fields; then the
operation runs, in a thread. Who has no key learns nothing but that, whatever else is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

from pydantic import ValidationError

from selene_os.app import Tenant
from selene_os.edges.apikeys import AUDIT
from selene_os.edges.http import auth, bodies, headers, problems
from selene_os.edges.http.auth import Checked, Headers, KnownKeys
from selene_os.edges.http.operations import (
    ROOM,
    Call,
    Deployment,
    Operation,
    Reply,
    Routes,
    segments_of,
    target_of,
)
from selene_os.edges.http.outcomes import Outcome, Watch
from selene_os.edges.http.problems import Problem, Refused, refused
from selene_os.edges.http.sending import Asgi, Send, end, of_problem, send_reply, tagged
from selene_os.edges.http.threads import Threads
from selene_os.edges.http.throttling import Buckets
from selene_os.errors import BadField, Fault, SeleneError
from selene_os.ledger.access import AccessEvent
from selene_os.names import EventId

_CHECK_THREADS: Final = 2
# How often a refusal of a known key is noted that anybody could repeat by the thousand.
_NOTED_PER_S: Final = 1 / 60
_log: Final = logging.getLogger("selene.http")


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a server.

    Attributes:
        threads: how many operations run at a time. waiting_max: how many may wait or run.
        checks_max: how many keys may wait to be looked up; most of those that are made up need no
            ledger, so that only one that does not answer lets so many wait.
        requests_per_s, burst: of one key. key_kept_s: how long a good key is not asked for again.
        body_wait_s: until a body must be whole. answer_wait_s: until an operation must be done.
        header_bytes_max, query_bytes_max: of one request.
    """

    threads: int = 32
    waiting_max: int = 512
    checks_max: int = 10_000
    requests_per_s: float = 1_000.0
    burst: int = 2_000
    key_kept_s: float = 1.0
    body_wait_s: float = 10.0
    answer_wait_s: float = 30.0
    header_bytes_max: int = 16_384
    query_bytes_max: int = 4_096


class Api:
    """Serves a table of operations.

    Args:
        deployment: what they work with.
        operations: the table.
        check: tells the key of a token, or None; may block.
        note: keeps an access event; may block.
        settings: limits.
        event_id: makes the names of requests, access events and incidents, UUIDs of version 7.
        watch: told what became of each request.
    """

    def __init__(
        self,
        deployment: Deployment,
        operations: tuple[Operation, ...],
        *,
        check: auth.Check,
        note: auth.Note,
        settings: Settings,
        event_id: Callable[[], EventId],
        watch: Watch = lambda _: None,
    ) -> None:
        self._deployment = deployment
        self._routes = Routes(operations)
        self._check = check
        self._note = note
        self._settings = settings
        self._event_id = event_id
        self._watch = watch
        # Who asks whether it is ready is told no, while what was accepted is finished.
        self.leaving = False
        self._tenants: dict[str, Tenant] = {}
        self.keys = KnownKeys(settings.key_kept_s, time.monotonic)
        self._buckets = Buckets(settings.requests_per_s, settings.burst, time.monotonic)
        self.threads = Threads(settings.threads, settings.waiting_max, settings.answer_wait_s)
        # Apart, so that whoever tries keys in numbers does not stand in the way of those who work.
        self._checks = Threads(
            _CHECK_THREADS,
            settings.checks_max,
            settings.answer_wait_s,
            name="selene-keys",
            late="The key could not be looked up; nothing was done.",
        )
        self._seldom = Buckets(_NOTED_PER_S, 1, time.monotonic)
        self.open()

    def open(self) -> None:
        """Begin, again if need be: a server may run the same app's lifespan more than once."""
        self.threads.open()
        self._checks.open()

    def close(self) -> None:
        """Let what runs come to its end."""
        self.threads.close()
        self._checks.close()

    async def __call__(self, scope: Asgi, receive: bodies.Receive, send: Send) -> None:
        if scope["type"] != "http":
            # There are no websockets here; what is not accepted is refused by the server.
            await send({"type": "websocket.close", "code": 1000})
            return
        began = time.perf_counter()
        given: Headers = scope["headers"]
        outcome = Outcome(self._event_id(), scope["method"])
        try:
            try:
                reply = await self._answer(scope, given, receive, outcome)
            except Refused as error:
                reply = of_problem(error.problem, outcome)
            except bodies.Gone:
                return
            except Exception as error:
                reply = self._incident(error, outcome)
            outcome.status = reply.status
            unread = "selene.read" not in scope and headers.has_body(given)
            head = scope["method"] == "HEAD"
            await send_reply(send, reply, outcome.request_id, head=head, close=unread)
        finally:
            outcome.seconds = time.perf_counter() - began
            self._watch(outcome)
        if unread:
            await end(send, receive)

    # ---- whose request it is

    async def _answer(
        self, scope: Asgi, given: Headers, receive: bodies.Receive, outcome: Outcome
    ) -> Reply:
        key = await self._authenticate(given, outcome)
        outcome.known = True
        if wait_s := self._buckets.take(key.key_id):
            await self._note_seldom(key, outcome, "throttle", "TooManyRequests")
            raise refused(
                "TooManyRequests",
                "The key asks more often than it may.",
                "Wait as long as retry-after says, then send it again.",
                headers=(("retry-after", str(wait_s)),),
            )
        segments = segments_of(scope.get("raw_path") or scope["path"].encode())
        if segments is None or tuple(segments[:2]) != ROOM or len(segments) < 3:
            raise _no_path()
        if segments[2] != key.tenant_id:
            problem = problems.of_http(
                "TenantForbidden", "It is of another one.", "Use a key of that tenant."
            )
            return await self._forbidden(key, "tenant", problem, outcome)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        found = self._routes.find(segments[3:])
        if not found:
            raise _no_path()
        if method not in found:
            allowed = sorted({*found, *(("HEAD",) if "GET" in found else ())})
            step = "Use " + ", ".join(allowed) + "."
            allow = (("allow", ", ".join(allowed)),)
            raise refused("MethodNotAllowed", "It is not for this path.", step, headers=allow)
        operation, values = found[method]
        outcome.operation = operation.name
        if not key.scopes.intersection(operation.scopes):
            needed = " or ".join(operation.scopes)
            problem = problems.of_http(
                "ScopeMissing", f"It needs the scope {needed}.", "Use a key that has it."
            )
            return await self._forbidden(key, operation.name, problem, outcome)
        path = dict(zip(operation.variables, values, strict=True))
        return await self._serve(scope, given, receive, key, operation, path, outcome)

    async def _authenticate(self, given: Headers, outcome: Outcome) -> Checked:
        token = auth.token_of(given)
        if token is not None:
            key = self.keys.find(token)
            if key is not None:
                return key
            try:
                found = await self._checks.run(partial(self._check, token))
            except Fault as fault:
                self.keys.note_fault(fault)
                raise Refused(problems.of_error(fault)) from None
            if isinstance(found, auth.Ended):
                await self._note_seldom(found, outcome, "authenticate", found.reason)
            elif found is not None:
                self.keys.keep(token, found)
                return found
        self.keys.note_unknown()
        raise refused(
            "NotAuthenticated",
            "No key came with the request, or none that is known.",
            "Send Authorization: Bearer sel_….",
            headers=(("www-authenticate", 'Bearer realm="selene"'),),
        )

    async def _forbidden(
        self, key: Checked, action: str, problem: Problem, outcome: Outcome
    ) -> Reply:
        """Refuse a key that is known, and keep that it asked."""
        event = self._access(key, outcome, action, None, problem.code)
        await self.threads.run(partial(self._note, event))
        return of_problem(problem, outcome)

    async def _note_seldom(
        self, key: Checked | auth.Ended, outcome: Outcome, action: str, reason: str
    ) -> None:
        """Keep a refusal of a known key, of each kind one a minute, so that none fills the ledger.

        What is answered tells nothing, and is answered also where that cannot be kept.
        """
        if self._seldom.take(f"{key.tenant_id} {key.key_id} {reason}"):
            return
        event = self._access(key, outcome, action, None, reason)
        try:
            await self.threads.run(partial(self._note, event))
        except Exception as error:
            _log.error("an access event was not kept: %s", type(error).__name__)

    # ---- the request itself

    async def _serve(
        self,
        scope: Asgi,
        given: Headers,
        receive: bodies.Receive,
        key: Checked,
        operation: Operation,
        path: dict[str, str],
        outcome: Outcome,
    ) -> Reply:
        settings = self._settings
        if headers.size_of(given) > settings.header_bytes_max:
            detail = f"{settings.header_bytes_max} bytes are accepted."
            raise refused("HeadersTooLarge", detail, "Send fewer.")
        query: bytes = scope["query_string"]
        if len(query) > settings.query_bytes_max:
            detail = f"{settings.query_bytes_max} bytes are accepted."
            raise refused("QueryTooLong", detail, "Ask for less at a time.")
        body = b""
        if operation.body is not None:
            headers.check_json(given)
            length = headers.content_length(given)
            if length is not None and length > operation.body_bytes_max:
                raise bodies.too_large(operation.body_bytes_max)
            try:
                async with asyncio.timeout(settings.body_wait_s):
                    body = await bodies.read(receive, operation.body_bytes_max)
            except TimeoutError:
                detail = f"{settings.body_wait_s:g} s are waited."
                raise refused("BodyTooSlow", detail, "Send it at once.") from None
            scope["selene.read"] = True
        work = partial(self._worked, operation, key, given, query, path, body, outcome)
        return await self.threads.run(work)

    # ---- in a thread

    def _worked(
        self,
        operation: Operation,
        key: Checked,
        given: Headers,
        query: bytes,
        path: dict[str, str],
        body: bytes,
        outcome: Outcome,
    ) -> Reply:
        """Answer one request; where it must be, nothing is answered before that was noted."""
        call = Call(self._deployment, key, self._tenant(key.tenant_id), path, outcome)
        call.target = target_of(path)
        if "correlation_id" in path:
            outcome.correlation_id = call.target
        problem = None
        try:
            outcome.parent = headers.parent(given)
            call.trace_id = None if outcome.parent is None else outcome.parent[0]
            if operation.keyed:
                call.idempotency_key = headers.idempotency_key(given)
            _parse(operation, call, query, body)
            reply = operation.run(call)
        except ValidationError as error:
            problem = problems.of_error(problems.of_validation(error))
        except Refused as error:
            problem = error.problem
        except SeleneError as error:
            problem = self._told(error, outcome.request_id, call.decision_id)
        if problem is not None:
            reply = of_problem(problem, outcome)
        reading = operation.reads and AUDIT in key.scopes
        if reading or call.noted or reply.status == 403:
            reason = None if problem is None else problem.reason_code or problem.code
            self._note(self._access(key, outcome, operation.name, call.target, reason))
        return tagged(reply, given) if operation.tagged and reply.status == 200 else reply

    def _tenant(self, tenant_id: str) -> Tenant:
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = self._tenants[tenant_id] = self._deployment.selene.tenant(tenant_id)
        return tenant

    def _access(
        self,
        key: Checked | auth.Ended,
        outcome: Outcome,
        action: str,
        target: str | None,
        reason: str | None,
    ) -> AccessEvent:
        return AccessEvent(
            key.tenant_id,
            EventId(outcome.request_id),
            self._deployment.clock(),
            f"key:{key.key_id}",
            action,
            target,
            auth.OK if reason is None else auth.REFUSED,
            reason,
        )

    def _told(
        self, error: SeleneError, instance: str = "", decision_id: str | None = None
    ) -> Problem:
        """An error's problem; of a fault the operator is told more than the caller."""
        if isinstance(error, Fault):
            _log.error("fault %s %s: %s", error.code, instance, error.problem)
        return problems.of_error(error, decision_id)

    def _incident(self, error: Exception, outcome: Outcome) -> Reply:
        """An exception that nobody foresaw: where it came from is logged, never what it says."""
        if isinstance(error, SeleneError):
            return of_problem(self._told(error, outcome.request_id), outcome)
        instance = outcome.request_id
        places = [f"{one.name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
        _log.error("incident %s: %s at %s", instance, type(error).__name__, " ".join(places[-6:]))
        return of_problem(problems.of_incident(), outcome)


def _parse(operation: Operation, call: Call, query: bytes, body: bytes) -> None:
    """The query and the body, by their models. Raises Refused, BadField, ValidationError."""
    if operation.body is not None:
        call.body = operation.body.model_validate(bodies.parse(body))
    if operation.query is None:
        if query:
            raise BadField("query", "is not accepted here", "Leave it out.")
        return
    given: dict[str, str] = {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadField("query", "is no UTF-8", "Encode it in UTF-8.") from None
    for name, value in pairs:
        if name in given:
            raise BadField(problems.sound(name[:64]), "stands there twice", "Give it once.")
        given[name] = value
    call.query = operation.query.model_validate_strings(given)


def _no_path() -> Refused:
    return refused("NoSuchPath", "No operation is there.", "See /docs for what there is.")
