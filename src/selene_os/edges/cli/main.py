"""The command `selene` itself: which commands there are, and how every error is shown."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Final

import click

# Command -> the module that holds it, and its line in `selene --help`.
COMMANDS: Final = {
    "init": ("setup", "Make a ledger, or bring its schema up to date."),
    "tenant": ("tenants", "Add, set, show and list tenants."),
    "register": ("tenants", "Register a user, a device and a session."),
    "identity": ("tenants", "Disable a user, or enable one again."),
    "session": ("tenants", "Close a session."),
    "say": ("turns", "Understand an utterance and record the decision."),
    "confirm": ("turns", "Say yes or no to a draft that waits for it."),
    "persona": ("turns", "Decide and record a user's tone and delivery."),
    "trace": ("history", "Show the decisions of one conversation."),
    "normalize": ("understanding", "Understand utterances without a ledger."),
    "explain": ("understanding", "Show why an utterance comes to what it comes to."),
    "pack": ("packs", "Begin, check and test a pack of your own."),
    "terms": ("terms", "Import, list and remove a tenant's terms."),
    "memory": ("memory", "List, rebuild and apply what users want remembered."),
    "bundle": ("bundles", "Write a conversation's evidence as one file."),
    "verify-bundle": ("bundles", "Check such a file, byte by byte."),
    "replay": ("replaying", "Decide again what was recorded, and compare."),
    "erase": ("erasure", "Destroy the key of a user's words."),
    "hold": ("erasure", "Keep a user from being erased, for legal reasons."),
    "search": ("history", "Find decisions by intent, reason, user or time."),
    "export": ("exports", "Write a tenant's rows as JSONL or CSV."),
    "times": ("understanding", "Find the time expressions of a text."),
    "seal": ("proving", "Take what is committed into the tree, and sign it."),
    "verify": ("proving", "Prove that no row was changed."),
    "checkpoint": ("proving", "Write a checkpoint, to be kept elsewhere."),
    "signing-key": ("proving", "Show or replace the key that signs checkpoints."),
    "apikey": ("apikeys", "Add, list, rotate and revoke keys of the API."),
    "operator": ("operators", "Add, list, disable and enable who uses the console."),
    "access": ("apikeys", "List what keys and operators did with a tenant's rows."),
    "doctor": ("checks", "Try to get round the guards, and check what is there."),
    "db": ("setup", "Show a ledger's schema version, or bring it up to date."),
    "backup": ("keeping", "Write a consistent copy of a ledger."),
    "restore": ("keeping", "Make a ledger from a backup, and compare every row."),
    "copy": ("keeping", "Move a ledger from a file to PostgreSQL."),
    "serve": ("serving", "Serve a ledger over HTTP."),
    "settings": ("configuring", "Show every setting, and where its value comes from."),
    "demo": ("demo", "Hold one conversation and show what becomes of it."),
    "completion": ("setup", "Print the completion script of a shell."),
}


class Commands(click.Group):
    """The commands by name; a module is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"selene_os.edges.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--db", metavar="URL", help="The ledger: sqlite:///path, a path, or postgresql://…")
@click.option("--keys", metavar="DIR", help="Where the keys are; else SELENE_KEYS.")
@click.option("--config", metavar="FILE", help="A TOML file of settings; else SELENE_CONFIG.")
@click.version_option(package_name="selene-os", prog_name="selene")
@click.pass_context
def cli(ctx: click.Context, db: str | None, keys: str | None, config: str | None) -> None:
    """An utterance goes in, a decision comes out, and the database refuses to change it."""
    # `keys` and `config` are read where they are needed: see `options.settings`.
    ctx.obj = db


def main(arguments: list[str] | None = None) -> None:
    """Run a command line. Exit 0 done, 1 the operator's to mend, 2 refused or usage, 3 differs.

    And 4: nothing differs, but not everything could be checked.
    """
    color = False if os.environ.get("NO_COLOR") else None
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code: Any = cli.main(given, prog_name="selene", standalone_mode=False, color=color)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("selene: stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        _show(given, "Usage", error.format_message(), _help_of(error))
        sys.exit(error.exit_code)
    except AttributeError:
        if sys.stdout is not None:
            raise
        # Without a stdout there is nobody to tell; the work itself was done or refused before.
        sys.exit(1)
    except OSError as error:
        # What could not be written must not fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Whoever read the output has seen enough.
            sys.exit(0)
        _show(given, "OutputFailed", f"the output cannot be written ({error.strerror})", None)
        sys.exit(1)
    except Exception as error:
        from selene_os.errors import SeleneError

        if not isinstance(error, SeleneError):
            raise
        _show(given, error.code, str(error), _reason(error.reason), error.as_record())
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _help_of(error: click.ClickException) -> str | None:
    ctx = getattr(error, "ctx", None)
    return f"See `{ctx.command_path} --help`." if ctx is not None else None


def _reason(name: str | None) -> str | None:
    """Why something was refused, where the registry of reasons has it."""
    from selene_os.reasons import MEANINGS, ReasonCode

    code = ReasonCode.__members__.get(name or "")
    return None if code is None else f"{name}: {MEANINGS[code]}"


def _show(
    given: list[str],
    code: str,
    message: str,
    help_line: str | None,
    record: dict[str, Any] | None = None,
) -> None:
    """An error on stderr: for people, or as JSON where JSON was asked for."""
    if "--json" in given:
        from selene_os.edges.wire import dumps

        shown = record or {"code": code, "field": None, "message": message, "next_step": help_line}
        click.echo(dumps({"error": shown}), err=True)
        return
    click.echo(f"selene: {message}", err=True)
    if help_line:
        click.echo(help_line, err=True)
