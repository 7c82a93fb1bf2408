"""Write tests/golden/ledger.jsonl anew: a ledger of what the engines decide now.

Only after a change that is meant to change decisions: see docs/guides/replay.md. What is said comes
from the tables in tests/cases; the clock and the names are the same in every run.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import selene_os
from goldens import FILE, lines_of
from nlp_tables import DIALOGUES, NOW, ROWS
from selene_os import Selene, Surroundings
from selene_os.app import Tenant
from selene_os.engines import focus, nlp, persona
from selene_os.errors import Refusal
from selene_os.names import CorrelationId, event_id_of

CASES = Path(__file__).parent.parent / "cases"
START_NS = 1_763_717_400_000_000_000
SECOND_NS = 1_000_000_000
# Of each table every so many rows: enough of each kind, and few enough to read in a review.
ROWS_EACH, REPLIES_EACH, REPAIRS_EACH, LINES_EACH, WISHES_EACH = 17, 28, 8, 16, 13
Row = dict[str, Any]
TERMS = (
    {"kind": "EMPLOYEE_NAME_PREFERRED", "canonical": "Mia Wong"},
    {"kind": "EMPLOYEE_NAME_PREFERRED", "canonical": "王芳", "locale": "zh"},
    {"kind": "PROJECT_CODE", "canonical": "Orion"},
    {"kind": "APPROVED_ABBREVIATION", "canonical": "tmr"},
)


class Hall:
    """A ledger in a file, with a clock that goes on by a second at each look."""

    def __init__(self, path: Path) -> None:
        ticks, made = itertools.count(1), itertools.count(1)
        self.now_ns = START_NS

        def clock() -> int:
            self.now_ns += SECOND_NS
            return self.now_ns

        self._around = Surroundings(
            clock,
            lambda: event_id_of(self.now_ns, next(ticks)),
            lambda: CorrelationId(f"{next(made):032x}"),
        )
        self._path = str(path)

    def open(self, *packs: Path) -> Selene:
        """The ledger, with packs beside the core pack."""
        return selene_os.open(
            self._path, create=True, synchronous="OFF", surroundings=self._around, packs=packs
        )


def desk(selene: Selene, name: str, **settings: str) -> Tenant:
    """A tenant with one user at one device, and settings."""
    selene.add_tenant(name)
    tenant = selene.tenant(name)
    tenant.register("alice", f"{name}-kitchen", "morning")
    tenant.set(**settings)
    return tenant


def say(tenant: Tenant, row: Row, correlation: str | None = None) -> str:
    """One turn as a row of a table tells it; returns the conversation."""
    text = row["say"]
    more: Row = {}
    if row.get("now") != "unknown":
        more["now"] = row.get("now", NOW)
    if "transcript" in row:
        more["transcript_confidence"] = row["transcript"]
    if "unsure" in row:
        start = text.index(row["unsure"])
        end = start + len(row["unsure"])
        more["uncertain_spans"] = [nlp.UncertainSpan(start, end, row.get("kind", "UNKNOWN"))]
    if "focus" in row:
        start = text.index(row["focus"])
        span = f"span:{start}-{start + len(row['focus'])}"
        more["salient"] = [focus.Item("one", "SPAN", 100, span, "transcript")]
    answer = tenant.take_turn(
        "alice", f"{tenant.tenant_id}-kitchen", text, session="morning", correlation=correlation,
        language=row.get("language", "en"), **more,
    )  # fmt: skip
    return answer.correlation_id


def table(name: str) -> Row:
    """A table of cases."""
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))


def groups(name: str, each: int) -> Iterator[tuple[str, Row]]:
    """Every so many rows of a table, with their groups."""
    for group, rows in table(name).items():
        if isinstance(rows, list):
            yield from ((group, row) for row in rows[::each])


def utterances(plain: Tenant, german: Tenant) -> None:
    """Requests of every kind in both languages, and dialogues over several turns."""
    for number, (_, row) in enumerate(ROWS[::ROWS_EACH]):
        say(german if number % 3 == 2 else plain, row)
    for talk in DIALOGUES[::2]:
        correlation = None
        for turn in talk["turns"]:
            correlation = say(plain, turn, correlation)


def replies(tenant: Tenant) -> None:
    """Drafts that wait, and what is said to them: yes, no, changes, and something else."""
    drafts = table("replies")["drafts"]
    for group, row in groups("replies", REPLIES_EACH):
        chinese = group.endswith("_zh")
        named = row.get("draft", "提醒" if chinese else "reminder")
        names = named if isinstance(named, list) else [named]
        language = "zh" if chinese else "en"
        joined = " and ".join(drafts[name] for name in names)
        correlation = say(tenant, {"say": joined, "language": language})
        if len(names) > 1:
            say(tenant, {"say": "both", "language": language}, correlation)
        say(tenant, {"language": language, **row}, correlation)


def yes(tenant: Tenant) -> None:
    """Each draft that the table of replies knows, and a yes to it."""
    for name, text in table("replies")["drafts"].items():
        language = "en" if text.isascii() else "zh"
        correlation = say(tenant, {"say": text, "language": language})
        said = {"en": "yes please", "zh": "好的"}[language]
        say(tenant, {"say": said, "language": language}, correlation)
        if name == "money":
            say(tenant, {"say": "send him $30", "language": language}, correlation)
    for text in ("remind me to call Ann or Bob at 5 pm", "um send $20 to to Ann for lunch pls"):
        say(tenant, {"say": text, "focus": "Ann"})


def settlements(hall: Hall, tenant: Tenant) -> None:
    """A yes and a no by call, a yes that comes too late, and one to a draft that was settled."""
    device = f"{tenant.tenant_id}-kitchen"

    def draft(text: str) -> selene_os.Answer:
        return tenant.take_turn("alice", device, text, now=NOW)

    tenant.confirm(draft("remind me to oil the gate tomorrow at 7 am").event_id)
    tenant.confirm(draft("send $20 to Ann").event_id, yes=False)
    late = draft("remind me to feed the cat tomorrow at 7 am")
    hall.now_ns += 3_600 * SECOND_NS
    say(tenant, {"say": "yes"}, late.correlation_id)
    settled = draft("remind me to feed the dog tomorrow at 7 am")
    tenant.confirm(settled.event_id)
    say(tenant, {"say": "yes"}, settled.correlation_id)


def repairs(tenant: Tenant) -> None:
    """Transcripts that are repaired, flagged, or left as they are."""
    for name in ("srl_repairs", "srl_refused"):
        for _, row in groups(name, REPAIRS_EACH):
            say(tenant, {"say": row["say"]})


def profiles(tenant: Tenant) -> None:
    """Wishes said in passing, profiles made of them, and profiles of wishes that were given."""
    device = f"{tenant.tenant_id}-kitchen"
    for _, row in groups("persona_lines", LINES_EACH):
        correlation = say(tenant, row)
        tenant.commit_profile("alice", device, speaker="alice", correlation=correlation)
    for key, row in groups("persona_wishes", WISHES_EACH):
        try:
            signal = persona.Signal(key, row["say"], "signal-1")
        except Refusal:
            continue
        tenant.commit_profile(
            "alice", device, speaker="alice", signals=[signal], place=row.get("place", "PRIVATE")
        )


def own_pack(hall: Hall) -> None:
    """A tenant that orders coffee by a pack of its own."""
    example = Path(selene_os.__file__).parent / "edges" / "example_pack"
    with hall.open(example) as selene:
        tenant = desk(selene, "cafe")
        for text in ("order me a flat white", "order me a coffee", "what's the weather"):
            correlation = say(tenant, {"say": text})
            say(tenant, {"say": "yes"}, correlation)


def write(path: Path) -> None:
    """Fill a new ledger."""
    hall = Hall(path)
    with hall.open() as selene:
        plain = desk(selene, "golden")
        german = desk(
            selene, "berlin", zone="Europe/Berlin", currency="EUR", date_order="DMY",
            time_policy="next_occurrence",
        )  # fmt: skip
        steps: tuple[Callable[[], None], ...] = (
            lambda: utterances(plain, german),
            lambda: replies(plain),
            lambda: yes(plain),
            lambda: _with_terms(plain),
            lambda: repairs(plain),
            lambda: settlements(hall, plain),
            lambda: profiles(german),
        )
        for step in steps:
            step()
    own_pack(hall)


def _with_terms(tenant: Tenant) -> None:
    """Two bundles of terms, one after the other, and what is said with each."""
    for first in (2, 4):
        tenant.import_terms([{"source": "HR_ORG_AUTHORIZED", **term} for term in TERMS[:first]])
        for text in (
            "remind me to call Mia Wong tmr at 5 pm",
            "send $20 to 王芳",
            "note for Orion",
        ):
            say(tenant, {"say": text})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="selene-golden-") as folder:
        made = Path(folder) / "golden.db"
        write(made)
        lines = list(lines_of(made))
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    events = sum('"table":"audit_events"' in line for line in lines)
    print(f"{target.name}: {events} events, {target.stat().st_size} bytes")
