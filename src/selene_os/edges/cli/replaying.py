"""`selene replay`: what was recorded is decided again, and compared."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click

from selene_os.edges import wire
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import (
    db_option,
    json_option,
    nanoseconds,
    opened,
    pack_option,
)
from selene_os.edges.library import Selene
from selene_os.errors import NotFound
from selene_os.replaying import DIFFERENT, IDENTICAL, REASONS, Replayed

_COLORS: Final = {IDENTICAL: "green", DIFFERENT: "red"}
_DIFFERENCES_SHOWN: Final = 20
_VALUE_SHOWN: Final = 120
_TOLD_EVERY: Final = 100


@click.command()
@click.option("--tenant", help="The tenant; with --all, only this one.")
@click.option("--correlation", help="The conversation.")
@click.option("--all", "everything", is_flag=True, help="Every event of the ledger.")
@click.option("--since", help="Only events from this moment on: 2026-01-31 or 2026-01-31T09:00Z.")
@click.option("--until", help="Only events before this moment.")
@pack_option
@db_option
@json_option
def replay(
    tenant: str | None,
    correlation: str | None,
    everything: bool,
    since: str | None,
    until: str | None,
    packs: tuple[str, ...],
    db: str | None,
    as_json: bool,
) -> None:
    """Decide again what was recorded, and compare. Exit 3 where anything differs.

    The engines run again from the recorded inputs, with the pack and the terms that were recorded.
    With --all: what differs is shown, the rest is counted. Nothing is written.
    """
    if everything == (correlation is not None):
        raise click.UsageError("Give --correlation, or --all.")
    if correlation is not None and (tenant is None or since is not None or until is not None):
        raise click.UsageError(
            "Give --tenant, and neither --since nor --until: they go with --all."
        )
    totals = _Totals()
    with opened(db, packs) as selene:
        if correlation is not None and tenant is not None:
            found = selene.tenant(tenant).replay(correlation)
            if not found:
                # A check of nothing must not look like one that found nothing wrong.
                raise NotFound(
                    f"{correlation!r:.50} names no conversation of tenant {tenant}",
                    "See `selene search`.",
                    field="correlation_id",
                )
            shown: Iterable[Replayed] = totals.counted(found)
        else:
            shown = (one for one in _every(selene, tenant, since, until, totals) if one.differs)
        if as_json and not everything:
            events = [wire.replayed_record(one) for one in shown]
            click.echo(wire.dumps({"events": events, "totals": totals.as_record()}))
        else:
            for one in shown:
                click.echo(wire.dumps(wire.replayed_record(one)) if as_json else _told(one))
            click.echo(wire.dumps({"totals": totals.as_record()}) if as_json else totals.told())
    if totals.differing:
        click.get_current_context().exit(3)


class _Totals:
    """How many events came to what."""

    def __init__(self) -> None:
        self.differing = 0
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._partly = 0

    def counted(self, replayed: Iterable[Replayed]) -> Iterator[Replayed]:
        """The same, counted as they pass."""
        for one in replayed:
            self._outcomes[one.outcome] += 1
            if one.reason is not None:
                self._reasons[one.reason] += 1
            self.differing += one.differs
            self._partly += bool(one.unchecked)
            yield one

    @property
    def events(self) -> int:
        """All of them."""
        return self._outcomes.total()

    def as_record(self) -> dict[str, Any]:
        """The totals as JSON."""
        return {
            "events": self.events,
            "identical": self._outcomes[IDENTICAL],
            "different": self._outcomes[DIFFERENT],
            "not_replayable": {name: self._reasons[name] for name in REASONS},
            "partly_checked": self._partly,
        }

    def told(self) -> str:
        """The totals for people."""
        parts = [f"{self._outcomes[IDENTICAL]} identical", f"{self._outcomes[DIFFERENT]} different"]
        parts += [
            f"{self._reasons[name]} not replayable ({REASONS[name]})"
            for name in REASONS
            if self._reasons[name]
        ]
        return f"{self.events} event{'s' * (self.events != 1)}: " + ", ".join(parts) + "."


def _every(
    selene: Selene, tenant: str | None, since: str | None, until: str | None, totals: _Totals
) -> Iterator[Replayed]:
    """The events of every tenant, or of one, the oldest first, with a line of progress."""
    first = None if since is None else nanoseconds("since", since)
    end = None if until is None else nanoseconds("until", until)
    tenants = [row.tenant_id for row in selene.tenants()] if tenant is None else [tenant]
    # A line that is written over is for people alone: on a pipe it would be noise.
    shows = sys.stderr is not None and sys.stderr.isatty()
    for name in tenants:
        for one in totals.counted(selene.tenant(name).replay_all(first, end)):
            if shows and totals.events % _TOLD_EVERY == 0:
                click.echo(
                    f"\r{totals.events} events, {totals.differing} differ", nl=False, err=True
                )
            yield one
    if shows:
        click.echo("\r\x1b[K", nl=False, err=True)


def _told(one: Replayed) -> str:
    """One event in one line, and what differs below it."""
    row = one.event
    outcome = one.outcome.replace("_", " ")
    badge = click.style(f"{outcome:<14}", fg=_COLORS.get(one.outcome, "yellow"), bold=True)
    what = paint.shown(" ".join(wire.replayed_record(one)["decision"]))
    lines = [f"{badge}  turn {row.turn_id}  {what}  {row.event_id}"]
    if one.reason is not None:
        lines.append(f"  {REASONS[one.reason]}")
    if one.differs:
        lines.append(f"  --tenant {row.tenant_id} --correlation {row.correlation_id}")
    if None not in (one.recorded_version, one.replayed_version) and (
        one.recorded_version != one.replayed_version
    ):
        by = f"recorded by version {one.recorded_version}, replayed by {one.replayed_version}"
        lines.append(f"  {row.engine}: {by}")
    if one.replayed_pack is not None and one.recorded_pack != one.replayed_pack:
        packs = f"recorded with pack {one.recorded_pack}, replayed with {one.replayed_pack}"
        lines.append(f"  {packs}")
    lines += [f"  not checked: {part}" for part in one.unchecked]
    for found in wire.replayed_record(one)["differences"][:_DIFFERENCES_SHOWN]:
        sides = [
            f"{side} {_value(found[side])}" if side in found else f"{side} nothing"
            for side in ("recorded", "replayed")
        ]
        lines.append(f"  {found['path'] or '/'}: {', '.join(sides)}")
    if len(one.differences) > _DIFFERENCES_SHOWN:
        lines.append(f"  and {len(one.differences) - _DIFFERENCES_SHOWN} more; --json shows all")
    return "\n".join(map(_printable, lines))


def _value(value: Any) -> str:
    text = wire.dumps(value)
    return text if len(text) <= _VALUE_SHOWN else f"{text[:_VALUE_SHOWN]}…"


def _printable(line: str) -> str:
    """A line whose colours stay, and in which nothing recorded commands a terminal."""
    styled, mark, rest = line.partition("\x1b[0m")
    return styled + mark + paint.safe(rest) if mark else paint.safe(line)
