"""Ways to an app for `httpx`, with faults on them that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import httpx

from serving import Served

# What is done to one request: it is lost, its answer is, or something else answers.
Fault = Callable[[], httpx.Response] | str | None
BEFORE = "lost before the server had it"
AFTER = "lost after the server had answered"


class Through(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """To the app of a `Served`, for both clients.

    Args:
        faults: what becomes of the first requests, in order; those behind them go through.

    Attributes:
        requests: what was sent.
    """

    def __init__(self, served: Served, faults: Iterable[Fault] = ()) -> None:
        self._served = served
        self._app = httpx.ASGITransport(served.app)
        self._faults = list(faults)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """For `Client`, in another thread than the app's."""

        async def asked() -> tuple[int, list[tuple[bytes, bytes]], bytes]:
            response = await self.handle_async_request(request)
            return response.status_code, response.headers.raw, await response.aread()

        status, headers, content = self._served.run(asked())
        return httpx.Response(status, headers=headers, content=content)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """For `AsyncClient`."""
        self.requests.append(request)
        fault = self._faults.pop(0) if self._faults else None
        if fault == BEFORE:
            raise httpx.ConnectError("refused", request=request)
        if callable(fault):
            return fault()
        # A body that is there already reads alike in both ways.
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        response = await self._app.handle_async_request(sent)
        if fault == AFTER:
            await response.aread()
            raise httpx.ReadError("reset", request=request)
        return response
