"""What a form brings, and what a visitor is told instead of a page."""

from __future__ import annotations

import asyncio
import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

# The longest text that can be tried has 32 KiB, which a form may write in three times as many.
FORM_BYTES_MAX: Final = 131_072
# Of an import, which only who is logged in may send.
IMPORT_BYTES_MAX: Final = 1_048_576
FORM_WAIT_S: Final = 10.0
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class Denied(Exception):
    """What a visitor is shown instead of a page."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def not_here() -> Denied:
    """There is nothing, or nothing for this operator: nobody is told which."""
    return Denied(404, "Not found", "There is nothing here, or nothing for you.")


def stale() -> Denied:
    """The form is not one of a page that this visitor was shown."""
    return Denied(
        403, "The form is out of date", "Nothing was done. Load the page again and send it anew."
    )


async def form_of(
    request: Request, bytes_max: int = FORM_BYTES_MAX, wait_s: float = FORM_WAIT_S
) -> dict[str, str]:
    """What a form brought, each name once. Raises Denied: it is none, too long, or too slow."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Denied(415, "That is no form", "Send a form of a page of the console.")
    length = request.headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise Denied(400, "That is no form", "Its content-length must be a number.")
    if int(length) > bytes_max:
        raise _too_long(bytes_max)
    body = bytearray()
    try:
        async with asyncio.timeout(wait_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise _too_long(bytes_max)
    except TimeoutError:
        raise Denied(408, "That took too long", f"{wait_s:g} s are waited.") from None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise Denied(400, "That is no form", "It must be UTF-8.") from None


def _too_long(bytes_max: int) -> Denied:
    return Denied(413, "That is too long", f"{bytes_max} bytes are accepted.")
