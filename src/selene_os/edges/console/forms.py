"""What a form brings, and what a visitor is told instead of a page."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

BODY_BYTES_MAX: Final = 1_048_576


class Denied(Exception):
    """What a visitor is shown instead of a page."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def not_here() -> Denied:
    """There is nothing, or nothing for this operator: nobody is told which."""
    return Denied(404, "Not found", "There is nothing here, or nothing for you.")


async def form_of(request: Request) -> dict[str, str]:
    """What a form brought, each name once. Raises Denied: it is none, or too long."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Denied(415, "That is no form", "Send a form of a page of the console.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise Denied(413, "That is too long", f"{BODY_BYTES_MAX} bytes are accepted.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise Denied(400, "That is no form", "It must be UTF-8.") from None
