"""Options that several commands have, and how they open the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from selene_os.edges import library
from selene_os.edges.settings import database_url
from selene_os.edges.wire import dumps

Command = TypeVar("Command", bound=Callable[..., Any])

db_option = click.option(
    "--db", metavar="URL", help="The ledger: sqlite:///path, or a path; else SELENE_DATABASE_URL."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
tenant_option = click.option("--tenant", required=True, help="The tenant.")
user_option = click.option("--user", required=True, help="The user, registered with the tenant.")
device_option = click.option("--device", required=True, help="The user's device.")
session_option = click.option("--session", help="The session on that device.")


def place_options(command: Command) -> Command:
    """Options that say where in a conversation a decision stands."""
    for option in (
        click.option("--key", help="The idempotency key; by default of engine and turn."),
        click.option("--turn", type=int, help="The turn; by default the next one."),
        click.option("--correlation", help="The conversation; by default a new one."),
    ):
        command = option(command)
    return command


def address(db: str | None) -> str:
    """The ledger's address: the command's --db, the group's, the environment's, the default."""
    return database_url(db or click.get_current_context().find_root().obj)


def opened(db: str | None) -> library.Selene:
    """The ledger, open."""
    return library.open(address(db))


def show(as_json: bool, record: dict[str, Any], text: str) -> None:
    """Print one result: as JSON, or for people."""
    click.echo(dumps(record) if as_json else text)
