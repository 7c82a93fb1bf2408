"""Cursors: where a page ended, for one tenant and one query alone.

A cursor carries no right to anything: the tenant is the key's, and the ledger is asked for that
tenant's rows whatever a cursor says. It is bound to tenant and query so that one that is
mistyped, cut off or of another search is refused and not read as something else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import suppress
from typing import Final

from selene_os.errors import BadField

_CHECK_BYTES: Final = 9
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{13,200}", re.ASCII)


def encode(tenant_id: str, query: str, place: str) -> str:
    """The cursor for what follows `place`.

    Args:
        query: what was asked for, the same text for the same question.
        place: as the ledger's own pages end; at most 138 bytes of UTF-8.
    """
    inner = place.encode()
    return base64.urlsafe_b64encode(_check(tenant_id, query, inner) + inner).rstrip(b"=").decode()


def decode(tenant_id: str, query: str, cursor: str) -> str:
    """The place that a cursor names. Raises BadField: it is none of this tenant and query."""
    if _SHAPE.fullmatch(cursor):
        try:
            given = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except binascii.Error:
            given = b""
        check, inner = given[:_CHECK_BYTES], given[_CHECK_BYTES:]
        if check == _check(tenant_id, query, inner) and encode_again(given) == cursor:
            # Whoever makes a cursor of their own makes what they like of it.
            with suppress(UnicodeDecodeError):
                return inner.decode()
    raise BadField("cursor", "is no cursor of this query", "Give the one of the page before.")


def encode_again(given: bytes) -> str:
    """The one text of these bytes: base64 leaves bits over, in which two texts could differ."""
    return base64.urlsafe_b64encode(given).rstrip(b"=").decode()


def _check(tenant_id: str, query: str, inner: bytes) -> bytes:
    named = b"\0".join((tenant_id.encode(), query.encode(), inner))
    return hashlib.sha256(named).digest()[:_CHECK_BYTES]
