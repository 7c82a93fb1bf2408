"""Small packs of a user's own, as directories."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from selene_os.language.pack import core_directory
from selene_os.language.scorer import AGREES, ALLOWS, BUCKETS, REFUSES, save_scorer

HEAD = """
name = "{name}"
version = "1.0.0"
[intents.{intent}]
required = ["{field}"]
optional = ["when"]
confirm = true
sensitivity = "PRIVATE"
[kinds]
{field} = "{kind}"
when = "time"
{more}
"""
ENGLISH = """
[patterns]
{intent} = ["{pattern}"]
[answers]
{field} = ["{{{field}}}"]
[questions.{field}]
ask = "{ask}"
formats = ["bay 12", "on the roof"]
"""


def write_pack(
    folder: Path,
    name: str = "parking",
    *,
    intent: str = "RESERVE_PARKING",
    field: str = "bay",
    kind: str = "words",
    pattern: str = "park (me|us) at {bay}",
    ask: str = "Which bay?",
    more: str = "",
) -> Path:
    """A pack with one intent of one field; returns its directory."""
    directory = folder / name
    directory.mkdir()
    head = HEAD.format(name=name, intent=intent, field=field, kind=kind, more=more)
    english = ENGLISH.format(intent=intent, field=field, pattern=pattern, ask=ask)
    (directory / "pack.toml").write_text(head, encoding="utf-8")
    (directory / "en.toml").write_text(english, encoding="utf-8")
    return directory


def add_scorer(directory: Path, intent: str, *, allow: int = 0, agree: int = 0) -> Path:
    """Give a pack a scorer that gives every clause of an intent the score 0."""
    row = {"intent": intent, "bias": 0, "allow": allow, "agree": agree}
    table = save_scorer("en", [(row, bytes(BUCKETS))])
    (directory / "scorer.bin").write_bytes(table)
    with (directory / "pack.toml").open("a", encoding="utf-8") as head:
        head.write(f'[scorer]\ndigest = "{hashlib.sha256(table).hexdigest()}"\n')
    return directory


def core_without_scorer(directory: Path) -> Path:
    """A copy of the core pack that leaves room for another scorer; returns its directory."""
    directory.mkdir()
    for file in core_directory().iterdir():
        if file.name.endswith(".toml"):
            text = file.read_text(encoding="utf-8")
            text = re.sub(r'^\[scorer\]\ndigest = ".*"\n', "", text, flags=re.MULTILINE)
            (directory / file.name).write_text(text, encoding="utf-8")
    return directory


def write_cases(directory: Path, text: str, name: str = "english.toml") -> Path:
    """Give a pack a file of cases; returns the pack."""
    (directory / "cases").mkdir(exist_ok=True)
    (directory / "cases" / name).write_text(text, encoding="utf-8")
    return directory


# ---- one that needs no other

ALONE_HEAD = """
name = "alone"
version = "1"
[intents.PARK]
required = ["bay"]
optional = ["plate", "when"]
confirm = {confirm}
sensitivity = "{sensitivity}"
[kinds]
bay = "name"
plate = "words"
when = "time"
"""
ALONE_ENGLISH = """
[patterns]
PARK = ["park me at {bay}", "park me [at {bay}] (with|by) {plate}", "leave ...", "park me"]
[likely]
PARK = ["stand at {bay}"]
[pieces]
PARK = ["at {bay}", "by {plate: number [~]}"]
[more]
PARK = ["at {bay}", "next ... at {bay}"]
[answers]
bay = ["at {bay}"]
[questions]
bay = { ask = "Which bay?", formats = ["at bay", "roof"] }
plate = { ask = "Which plate?", formats = ["number 1", "number 2"] }
when = { ask = "When?", formats = ["today", "tomorrow"] }
intent_choice = { ask = "Which?", formats = ["the first", "both"] }
trigger = { ask = "Was that a request?", formats = ["yes", "no"] }
[moments]
day = "$year-$month-$day"
hour = "$year-$month-$day at $hour12 $half"
minute = "$year-$month-$day at $hour:$minute"
months = []
[phrases]
both = ["both"]
yes = ["yes"]
ordinals = [["the first"], ["the second"]]
[words]
names_end = ["at", "by", "with", "and"]
joiners = ["and"]
unexplained_never = ["not"]
"""
# Verdict -> (allow, agree), for a score of 0.
BOUNDS = {AGREES: (0, 0), ALLOWS: (0, 1), REFUSES: (1, 1)}


def write_alone(
    directory: Path, verdict: str | None, *, confirm: bool = True, sensitivity: str = "PRIVATE"
) -> Path:
    """A pack with everything that the core pack has otherwise; returns its directory.

    Args:
        verdict: what its scorer says of every clause; None where it has none.
    """
    head = ALONE_HEAD.format(confirm=str(confirm).lower(), sensitivity=sensitivity)
    (directory / "pack.toml").write_text(head, encoding="utf-8")
    (directory / "en.toml").write_text(ALONE_ENGLISH, encoding="utf-8")
    if verdict is not None:
        allow, agree = BOUNDS[verdict]
        add_scorer(directory, "PARK", allow=allow, agree=agree)
    return directory
