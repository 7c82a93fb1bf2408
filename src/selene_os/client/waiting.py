"""The client for event loops: a thin shell around `courses`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import update_wrapper
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, overload

import anyio
import anyio.to_thread
import httpx

from selene_os.client import asking, deciding, evidencing, paging, reading, registered, registering
from selene_os.client.asking import Ask, Pages, PageT
from selene_os.client.courses import Again, Answered, Course, Retries
from selene_os.client.files import Download, Saved
from selene_os.client.places import place_of

P = ParamSpec("P")
T = TypeVar("T")


class _Call(Generic[P, T]):
    """A method, made of what builds its request."""

    def __init__(self, build: Callable[P, Ask[T]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Ask[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: AsyncClient | None, owner: type) -> object:
        if client is None:
            return self._build

        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.send(self._build(*args, **kwargs))

        return update_wrapper(call, self._build)


class _Every(Generic[P, T]):
    """A method that goes through all pages."""

    def __init__(self, build: Callable[P, Pages[Any, T]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Pages[Any, T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: AsyncClient | None, owner: type) -> object:
        if client is None:
            return self._build

        def call(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
            return client.pages(self._build(*args, **kwargs))

        return update_wrapper(call, self._build)


class AsyncClient:
    """One tenant's room on a server; keeps its connections. A context manager that closes them.

    Args:
        url: where the server is, without /v1.
        key: sel_<tenant>_<id>_<secret>; the tenant is the key's.
        tenant: to be sure of it; another one than the key's is refused before anything is sent.
        timeout_s: how long an answer may take, or its next bytes; connect_s: a connection.
        retries: when a request is sent again.
        transport: in the place of the network.

    Raises:
        NotConfigured: address, key or tenant cannot be right.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        tenant: str | None = None,
        timeout_s: float = 35.0,
        connect_s: float = 5.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._place = place_of(url, key, tenant)
        self._retries = retries or Retries()
        self._sleep = sleep
        timeout = httpx.Timeout(timeout_s, connect=connect_s)
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport, follow_redirects=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place.address!r}, tenant={self._place.tenant!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def tenant(self) -> str:
        """Whose room it is."""
        return self._place.tenant

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, one: Ask[T]) -> T:
        """Send a request, again where that helps, and read its answer."""
        course = Course(one, self._place, self._retries)
        while True:
            try:
                response = await self._http.request(**course.request._asdict())
            except httpx.TransportError as error:
                await self._sleep(course.failed(error))
                continue
            told = Answered(response.status_code, response.headers, response.content)
            outcome = course.answered(told)
            if not isinstance(outcome, Again):
                return outcome
            await self._sleep(outcome.wait_s)

    async def pages(self, pages: Pages[PageT, T]) -> AsyncIterator[T]:
        """Everything that stands on all pages."""
        following: Ask[PageT] | None = pages.first
        while following is not None:
            page = await self.send(following)
            for item in pages.on(page):
                yield item
            following = pages.behind(page)

    async def save_bundle(
        self,
        file: str | os.PathLike[str],
        correlation_id: str,
        *,
        unsealed: bool = False,
        with_inputs: bool = False,
        against: str | None = None,
    ) -> Saved:
        """Fetch a conversation's evidence into a file, as it comes; whole, or not at all."""
        one = evidencing.get_bundle(
            correlation_id, unsealed=unsealed, with_inputs=with_inputs, against=against
        )
        course = Course(one, self._place, self._retries)
        while True:
            try:
                async with self._http.stream(**course.request._asdict()) as response:
                    status, headers = response.status_code, response.headers
                    if course.streams(status, headers):
                        with Download(file) as download:
                            async for chunk in response.aiter_bytes():
                                await anyio.to_thread.run_sync(download.write, chunk)
                        return download.saved
                    told = Answered(status, headers, await response.aread())
            except httpx.TransportError as error:
                await self._sleep(course.failed(error))
                continue
            outcome = course.answered(told)
            assert isinstance(outcome, Again)
            await self._sleep(outcome.wait_s)

    # ---- operations; their parameters are told where their requests are built

    is_alive = _Call(asking.is_alive)
    is_ready = _Call(asking.is_ready)
    take_turn = _Call(deciding.take_turn)
    confirm = _Call(deciding.confirm)
    commit_profile = _Call(deciding.commit_profile)
    bring_decision = _Call(deciding.bring_decision)
    bring_decisions = _Call(deciding.bring_decisions)
    trace = _Call(reading.trace)
    replay = _Call(reading.replay)
    search = _Call(reading.search)
    get_decision = _Call(reading.get_decision)
    explain = _Call(reading.explain)
    get_packs = _Call(reading.get_packs)
    list_memories = _Call(reading.list_memories)
    get_proof = _Call(evidencing.get_proof)
    list_checkpoints = _Call(evidencing.list_checkpoints)
    get_checkpoint = _Call(evidencing.get_checkpoint)
    get_bundle = _Call(evidencing.get_bundle)
    seal = _Call(evidencing.seal)
    list_access_events = _Call(evidencing.list_access_events)
    get_tenant = _Call(registered.get_tenant)
    list_identities = _Call(registered.list_identities)
    get_identity = _Call(registered.get_identity)
    list_devices = _Call(registered.list_devices)
    list_sessions = _Call(registered.list_sessions)
    get_session = _Call(registered.get_session)
    add_identity = _Call(registering.add_identity)
    change_identity = _Call(registering.change_identity)
    add_device = _Call(registering.add_device)
    open_session = _Call(registering.open_session)
    close_session = _Call(registering.close_session)
    delete_session = _Call(registering.delete_session)
    get_settings = _Call(registering.get_settings)
    change_settings = _Call(registering.change_settings)
    list_terms = _Call(registering.list_terms)
    import_terms = _Call(registering.import_terms)
    remove_term = _Call(registering.remove_term)
    apply_memory = _Call(registering.apply_memory)
    every_decision = _Every(paging.every_decision)
    every_checkpoint = _Every(paging.every_checkpoint)
    every_access_event = _Every(paging.every_access_event)
    every_identity = _Every(paging.every_identity)
    every_device = _Every(paging.every_device)
    every_session = _Every(paging.every_session)
