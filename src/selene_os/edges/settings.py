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
CONFIG: Final = "SELENE_CONFIG"
HOST: Final = "SELENE_HOST"
PORT: Final = "SELENE_PORT"
TRUSTED_PROXIES: Final = "SELENE_TRUSTED_PROXIES"
WORKERS: Final = "SELENE_WORKERS"
SEAL_EVERY: Final = "SELENE_SEAL_EVERY"
LOG_FORMAT: Final = "SELENE_LOG_FORMAT"
METRICS: Final = "SELENE_METRICS"
OTEL: Final = "SELENE_OTEL"
DRAIN: Final = "SELENE_DRAIN"
THREADS: Final = "SELENE_THREADS"
ONE_PROCESSOR: Final = "SELENE_ONE_PROCESSOR"
ALLOW: Final = "SELENE_ALLOW"
WAITING_MAX: Final = "SELENE_WAITING_MAX"
BODY_WAIT: Final = "SELENE_BODY_WAIT"
ANSWER_WAIT: Final = "SELENE_ANSWER_WAIT"
KEY_KEPT: Final = "SELENE_KEY_KEPT"
REQUESTS_PER_S: Final = "SELENE_REQUESTS_PER_S"
BURST: Final = "SELENE_BURST"
NO_COLOR: Final = "NO_COLOR"
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
    CONFIG: "a TOML file with any of these: its keys are the names without SELENE_, in small"
    " letters; --config wins over it",
    HOST: "where `selene serve` listens: an address; 127.0.0.1 without it",
    PORT: "on which port; 8100 without it",
    TRUSTED_PROXIES: "whose X-Forwarded-Proto and X-Forwarded-For the server believes: addresses"
    " and networks, parted by commas, as 127.0.0.1,10.0.0.0/8; nobody's without it",
    WORKERS: "how many processes serve; 1 without it",
    SEAL_EVERY: "how often the server seals: 1s, 500ms, 5m, or off; 1s without it",
    LOG_FORMAT: "how the server logs: text or json; text without it",
    METRICS: "whether the server tells /metrics: on or off; on without it",
    OTEL: "1: the server sends OpenTelemetry spans, which the extra [otel] makes",
    DRAIN: "how long a server that ends says so at /readyz, and still serves: 1s without it",
    THREADS: "how many requests a process works on at a time; 32 without it",
    ONE_PROCESSOR: "whether a process keeps its threads on one processor, where Linux lets it: on"
    " or off; on without it",
    ALLOW: "what the server lets be acted on, once confirmed: memory, or off; off without it",
    WAITING_MAX: "how many requests a process lets wait, those it works on too; 512 without it",
    REQUESTS_PER_S: "how many requests a second one key may make of a process; 1000 without it",
    BURST: "how many it may make at once; 2000 without it",
    BODY_WAIT: "how long a request's body is waited for: 10s without it",
    ANSWER_WAIT: "how long an answer may take, until 503 is told instead: 30s without it",
    KEY_KEPT: "how long a process believes that a key is good without asking again: 1s without it;"
    " one that is revoked works up to five seconds longer than that",
    NO_COLOR: "any value: no colours on the terminal",
}
# What the ones that have a default are without a word.
DEFAULTS: Final = {
    DATABASE_URL: DEFAULT_DATABASE_URL,
    HOST: "127.0.0.1",
    PORT: "8100",
    WORKERS: "1",
    SEAL_EVERY: "1s",
    LOG_FORMAT: "text",
    METRICS: "on",
    DRAIN: "1s",
    THREADS: "32",
    ONE_PROCESSOR: "on",
    ALLOW: "off",
    WAITING_MAX: "512",
    REQUESTS_PER_S: "1000",
    BURST: "2000",
    BODY_WAIT: "10s",
    ANSWER_WAIT: "30s",
    KEY_KEPT: "1s",
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
