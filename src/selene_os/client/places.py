"""Where the server is, and whose key is used: told apart before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from selene_os.client.asking import Ask
from selene_os.client.errors import NotConfigured

_KEY: Final = re.compile(r"sel_([A-Za-z0-9_.-]{1,64})_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and one tenant there.

    Attributes:
        address: without a slash at its end.
        key: never shown.
    """

    address: str
    tenant: str
    key: str = field(repr=False)

    def url_of(self, one: Ask[object]) -> str:
        """Where a request goes, each part of its path encoded by itself."""
        named = (*(("v1", "tenants", self.tenant) if one.needs_key else ()), *one.path)
        # "." and ".." are taken away by what stands between, if they are not encoded.
        parts = [quote(part, safe="").replace(".", "%2E") for part in named]
        return f"{self.address}/{'/'.join(parts)}"


def place_of(url: str, key: str, tenant: str | None) -> Place:
    """The place that is meant. Raises NotConfigured, without the key."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotConfigured("url", "is no address", _ADDRESS) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotConfigured("url", "is no http address", _ADDRESS)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NotConfigured("url", "holds more than where the server is", _ADDRESS)
    path = parts.path.rstrip("/")
    if "v1" in path.split("/"):
        raise NotConfigured("url", "goes on behind the server", "Leave out /v1 and what follows.")
    found = _KEY.fullmatch(key)
    if found is None:
        raise NotConfigured("key", "is none of Selene's", "Give sel_<tenant>_<id>_<secret>, whole.")
    if tenant is not None and tenant != found[1]:
        raise NotConfigured("tenant", "is not the key's", f"The key is of {found[1]}.")
    return Place(f"{parts.scheme}://{parts.netloc}{path}", found[1], key)


_ADDRESS: Final = "Give the server's, like https://selene.example.org."
