"""Settings from the command line and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from selene_os.errors import BadField

DATABASE_URL: Final = "SELENE_DATABASE_URL"
DEFAULT_DATABASE_URL: Final = "sqlite:///selene.db"
PACKS: Final = "SELENE_PACKS"
KEYS: Final = "SELENE_KEYS"
CHECKPOINT_HOOK: Final = "SELENE_CHECKPOINT_HOOK"
# Every setting there is, with what it does; the documentation is tested against this.
SETTINGS: Final = {
    DATABASE_URL: "which ledger to use: sqlite:///path, a path, or postgresql://user@host/database;"
    " --db wins over it",
    PACKS: "directories of packs, to combine with the core pack: parted as in PATH;"
    " --pack wins over it",
    KEYS: "where the keys are kept: a directory, by default the database's path and .keys, or"
    " ./selene.keys for a server; --keys wins over it",
    CHECKPOINT_HOOK: "what takes each tenant's newest checkpoint out of the building: a command,"
    " which gets it on its standard input, or an http(s) address, to which it is posted; --hook"
    " wins over it",
    "NO_COLOR": "any value: no colours on the terminal",
}
# Where a server's root key is, unless it is said otherwise.
SERVER_KEYS: Final = "selene.keys"
_SQLITE: Final = "sqlite:///"


def database_url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The ledger's address: what was given, else the environment's, else ./selene.db."""
    return given or environment.get(DATABASE_URL) or DEFAULT_DATABASE_URL


def pack_directories(
    given: Sequence[str], environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The directories of a user's own packs: those given, else the environment's, else none."""
    named = environment.get(PACKS, "").split(os.pathsep)
    return tuple(given) or tuple(directory for directory in named if directory)


def keys_directory(given: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Where the keys are: as given, else the environment's, else where the database has them."""
    return given or environment.get(KEYS) or None


def is_postgres(url: str) -> bool:
    """Whether an address names a PostgreSQL server."""
    return url.startswith(("postgresql://", "postgres://"))


def without_password(url: str, user: str | None = None) -> str:
    """A server's address as it may be shown: no password, and another login if one is given."""
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    named = user or login.partition(":")[0]
    hidden = {"password", "passfile", "sslpassword"} | ({"user"} if user else set())
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in hidden]
    query = urlencode(kept, safe="/:", quote_via=quote)
    # By hand: where no host is named, urlunsplit would leave out the slashes.
    host = f"{named}@{place}" if named else place
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "")


def sqlite_path(url: str) -> str:
    """The path of `sqlite:///path` or of a plain path.

    Raises:
        BadField: another scheme, no path, or a database in memory, which would remember nothing.
    """
    if url.startswith(_SQLITE):
        path = url.removeprefix(_SQLITE)
    elif url.startswith("sqlite://"):
        raise BadField("database_url", "needs three slashes", "Give sqlite:///path, or a path.")
    elif "://" in url:
        scheme = url.split("://", 1)[0]
        raise BadField(
            "database_url",
            f"has the scheme {scheme!r:.40}; sqlite and postgresql are known",
            "Give sqlite:///path, a path, or postgresql://user@host/database.",
        )
    else:
        path = url.removeprefix("sqlite:")
    if not path or path.startswith(":memory:") or "\x00" in path:
        raise BadField("database_url", "names no file", "Give sqlite:///path, or a path.")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise BadField("database_url", "is no UTF-8", "Rename the file or folder.") from error
    return path
