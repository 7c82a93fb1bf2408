"""Options that several commands have, and how they open the ledger."""

from __future__ import annotations

import shlex
from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from selene_os.edges.configuration import chosen
from selene_os.edges.settings import (
    database_url,
    is_postgres,
    keys_directory,
    pack_directories,
    without_password,
)
from selene_os.edges.wire import dumps
from selene_os.errors import BadField

if TYPE_CHECKING:
    from selene_os.edges.databases import Database
    from selene_os.edges.library import Selene
    from selene_os.language.pack import Pack
    from selene_os.ledger.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])
# Where a command line keeps its settings, once they are read.
_SETTINGS = "selene_os.settings"

db_option = click.option(
    "--db",
    metavar="URL",
    help="The ledger: sqlite:///path, a path, or postgresql://…; else SELENE_DATABASE_URL.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
tenant_option = click.option("--tenant", required=True, help="The tenant.")
user_option = click.option("--user", required=True, help="The user, registered with the tenant.")
device_option = click.option("--device", required=True, help="The user's device.")
session_option = click.option("--session", help="The session on that device.")
pack_option = click.option(
    "--pack",
    "packs",
    multiple=True,
    metavar="DIR",
    help="A pack to combine with the core pack; may be repeated; else SELENE_PACKS.",
)


def place_options(command: Command) -> Command:
    """Options that say where in a conversation a decision stands."""
    for option in (
        click.option("--key", help="The idempotency key; by default of engine and turn."),
        click.option("--turn", type=int, help="The turn; by default the next one."),
        click.option("--correlation", help="The conversation; by default a new one."),
    ):
        command = option(command)
    return command


def settings() -> ChainMap[str, str]:
    """The environment's settings, and below them those of the file that --config names."""
    root = click.get_current_context().find_root()
    found: ChainMap[str, str] | None = root.meta.get(_SETTINGS)
    if found is None:
        found = root.meta[_SETTINGS] = chosen(root.params.get("config"))
    return found


def address(db: str | None) -> str:
    """The ledger's address: the command's --db, the group's, a setting, the default."""
    return database_url(db or click.get_current_context().find_root().obj, settings())


def key_directory() -> str | None:
    """Where the keys are: the group's --keys, a setting, else the database's default."""
    return keys_directory(click.get_current_context().find_root().params.get("keys"), settings())


def named_database(db: str | None) -> Database:
    """The database that a command works with, and its keys."""
    from selene_os.edges.databases import database

    return database(address(db), key_directory())


def keys_of(db: str | None) -> Path:
    """The directory of the ledger's keys."""
    return Path(named_database(db).keys)


def here(db: str | None) -> str:
    """The option that names this ledger again, for a command to type next; else nothing."""
    named = db or click.get_current_context().find_root().obj
    if not named:
        return ""
    return f" --db {shlex.quote(without_password(named) if is_postgres(named) else named)}"


def loaded(packs: Sequence[str]) -> Pack:
    """The core pack with the packs given beside it, or else the environment's."""
    from selene_os.edges.packs import load

    return load(pack_directories(packs, settings()))


def opened(
    db: str | None, packs: Sequence[str] | None = None, allowed: Collection[str] = ()
) -> Selene:
    """The ledger, open.

    Args:
        packs: where turns are taken, the packs given or the environment's.
        allowed: intents for which both ports say yes as long as it is open; no others are.
    """
    # Here, because commands without a ledger have options as well, and need no driver.
    from selene_os.edges import library
    from selene_os.gates import Listed

    directories = () if packs is None else pack_directories(packs, settings())
    ports = Listed(allowed)
    return library.open(
        address(db), packs=directories, keys=key_directory(), access=ports, simulation=ports
    )


@contextmanager
def ledger(db: str | None) -> Iterator[Store]:
    """The ledger's store, for what needs nothing of the library's, and no key of what was said."""
    store = named_database(db).bare()
    try:
        yield store
    finally:
        store.close()


def show(as_json: bool, record: dict[str, Any], text: str) -> None:
    """Print one result: as JSON, or for people."""
    click.echo(dumps(record) if as_json else text)


def nanoseconds(name: str, text: str) -> int:
    """A moment as nanoseconds since 1970 UTC; without an offset it is UTC. Raises BadField."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadField(name, "is no moment", "Give it like 2026-01-31T09:00Z.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
