"""Whether a bundle holds: every file, row, proof and signature of it, each finding on its own.

`verify_case.py` judges the same from the description alone, in one file that needs nothing of
Selene's; tests hold that the two agree on every change. Beyond that file, this makes README.txt and
report.html again from the evidence and compares them, and compares the verifier that is enclosed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from selene_os.errors import BadField
from selene_os.ledger.events import Disclosed, WholeRow
from selene_os.names import EventId
from selene_os.proof import bundle
from selene_os.proof.archive import unpack
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint
from selene_os.proof.evidence import Case, Consistency, Proven, unlike
from selene_os.proof.key_chain import chain_of, origin_of
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle_proofs import verify_consistency, verify_inclusion
from selene_os.proof.signing import VerifierKey

Files = Mapping[str, bytes]


class Finding(NamedTuple):
    """What differs: in which file, in which row of it ("" where in none), and how."""

    file: str
    row: str
    problem: str


@dataclass(slots=True)
class Judgement:
    """What a bundle comes to.

    Attributes:
        findings: what differs; none where everything holds.
        unproven: the rows that were not sealed when it was made: nothing shows anything of them.
        trusted: whether a key was given; where not, signatures show no more than that the bundle
            agrees with itself.
        case: the evidence; None where it could not be read.
        checkpoint: what the log signed; None where that does not hold.
        keys: the log's keys that may be believed, the oldest first.
        begins_with: how many leaves the kept checkpoint had, where it is the log's beginning.
        not_shown: how many it had, where the bundle shows neither that nor the contrary.
    """

    trusted: bool
    findings: list[Finding] = field(default_factory=list)
    unproven: list[EventId] = field(default_factory=list)
    case: Case | None = None
    checkpoint: Checkpoint | None = None
    keys: list[VerifierKey] = field(default_factory=list)
    begins_with: int | None = None
    not_shown: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.findings

    @property
    def has_gaps(self) -> bool:
        """Whether something that was asked for could not be checked."""
        return bool(self.unproven) or self.not_shown is not None

    @contextmanager
    def keeping(self, file: str, row: str = "") -> Iterator[None]:
        """Keep what a step refuses as a finding, and go on behind it."""
        try:
            yield
        except BadField as error:
            self.findings.append(Finding(file, row, f"{error.field} {error.problem}"))


def judge(
    data: bytes, trusted: Sequence[VerifierKey] | None = None, older: bytes | None = None
) -> Judgement:
    """Judge a bundle.

    Args:
        data: its bytes, as a file holds them.
        trusted: keys of the log that were given by another way; None where there are none.
        older: a checkpoint that was kept; the bundle must prove that the log begins with it.
    """
    found = Judgement(trusted is not None)
    with found.keeping("bundle"):
        files, problem = unpack(data)
        if problem is not None:
            found.findings.append(Finding("bundle", "", problem))
        _manifest(found, files)
        if files.keys() >= bundle.NEEDED:
            _evidence(found, files, trusted, older)
    return found


def _manifest(found: Judgement, files: Files) -> None:
    """Each file must be one that a bundle has, and have the hash that the manifest names."""
    for name in sorted(bundle.NEEDED - files.keys()):
        found.findings.append(Finding(name, "", "is missing"))
    listed = files.get(bundle.MANIFEST, b"").splitlines()
    for name in sorted(files.keys() - {bundle.MANIFEST}):
        numbered = bundle.STATEMENT.fullmatch(name) or bundle.INPUT.fullmatch(name)
        if name not in bundle.NEEDED and not numbered:
            found.findings.append(Finding(name, "", "is no file of a bundle"))
        if f"{hashlib.sha256(files[name]).hexdigest()}  {name}".encode() not in listed:
            problem = f"has not the SHA-256 that {bundle.MANIFEST} names"
            found.findings.append(Finding(name, "", problem))
    if bundle.with_manifest(files)[bundle.MANIFEST] != files.get(bundle.MANIFEST):
        found.findings.append(Finding(bundle.MANIFEST, "", "is not the list of the other files"))


def _evidence(
    found: Judgement,
    files: Files,
    trusted: Sequence[VerifierKey] | None,
    older: bytes | None,
) -> None:
    """Judge the rows and what proves them, where every file is there."""
    statements = _keys(found, files, trusted)
    rows = _rows(found, files[bundle.ROWS])
    inputs = _inputs(found, files, rows)
    proofs = None
    with found.keeping(bundle.PROOFS):
        proofs = bundle.decode_proofs(files[bundle.PROOFS])
        if [one.event_id for one in proofs.rows] != [row.event_id for row in rows]:
            proofs = None
            raise BadField("rows", "are not those of rows.jsonl", "")
    if not rows or not found.keys or proofs is None:
        return
    origin = origin_of(found.keys[0].name, rows[0].tenant_id)
    with found.keeping(bundle.CHECKPOINT):
        note = files[bundle.CHECKPOINT]
        found.checkpoint = open_checkpoint(note, origin, found.keys).checkpoint
        if not found.checkpoint.size:
            raise BadField("checkpoint", "is of an empty tree", "")
    places = zip(rows, proofs.rows, strict=True)
    found.case = Case(
        tuple(Proven(row, one.leaf_index, one.proof) for row, one in places),
        files[bundle.CHECKPOINT],
        proofs.sealed_at,
        statements,
        proofs.consistency,
        inputs,
    )
    if found.checkpoint is not None:
        _proofs(found, found.case, found.checkpoint)
        if older is not None:
            _older(found, older, found.checkpoint, proofs.consistency)
    _made_again(found, files, found.case)


def _keys(
    found: Judgement, files: Files, trusted: Sequence[VerifierKey] | None
) -> tuple[bytes, ...]:
    names = sorted(filter(bundle.STATEMENT.fullmatch, files))
    statements = tuple(files[name] for name in names)
    with found.keeping("keys"):
        if not names or names != [f"keys/{n:04}.txt" for n in range(1, len(names) + 1)]:
            raise BadField("statements", "are not numbered from 0001 on", "")
        found.keys = chain_of(statements, trusted)
        if bundle.verifiers_of(statements) != files[bundle.VERIFIERS]:
            raise BadField(bundle.VERIFIERS, "is not the keys that the statements name", "")
    return statements


def _rows(found: Judgement, data: bytes) -> list[WholeRow]:
    """The rows; none where one of them cannot be read."""
    rows: list[WholeRow] = []
    seen: set[EventId] = set()
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        with found.keeping(bundle.ROWS, str(number)):
            row = bundle.decode_row(line)
            leaf_of(row)
            before = rows[-1] if rows else row
            rows.append(row)
            if (row.tenant_id, row.correlation_id) != (before.tenant_id, before.correlation_id):
                raise BadField("row", "is of another conversation than the one before", "")
            if row.event_id in seen:
                raise BadField("row", "is there twice", "")
            if (row.turn_id, row.event_id) < (before.turn_id, before.event_id):
                raise BadField("row", "is not in its order", "")
            seen.add(row.event_id)
    if not lines:
        found.findings.append(Finding(bundle.ROWS, "", "has no rows"))
    return rows if len(rows) == len(lines) else []


def _inputs(found: Judgement, files: Files, rows: Sequence[WholeRow]) -> dict[EventId, Disclosed]:
    by_id = {row.event_id: row for row in rows}
    inputs: dict[EventId, Disclosed] = {}
    for name in sorted(files):
        if named := bundle.INPUT.fullmatch(name):
            with found.keeping(name):
                given = bundle.decode_input(files[name])
                event_id = EventId(named[1])
                row = by_id.get(event_id)
                if problem := "has no row" if row is None else unlike(given, row):
                    raise BadField("record", problem, "")
                inputs[event_id] = given
    return inputs


def _proofs(found: Judgement, case: Case, checkpoint: Checkpoint) -> None:
    """Hold each row, and the older tree that is named, against the root that was signed."""
    for number, (row, index, proof) in enumerate(case.rows, 1):
        if index is None:
            found.unproven.append(row.event_id)
            continue
        held = verify_inclusion(index, checkpoint.size, leaf_of(row), proof, checkpoint.root)
        if not held:
            where = f"{number} ({row.event_id})"
            problem = f"is not what the log has at its place: {held.reason}"
            found.findings.append(Finding(bundle.ROWS, where, problem))
    if case.consistency is not None:
        size, root, proof = case.consistency
        held = verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)
        if not held:
            problem = f"does not lead from its older checkpoint: {held.reason}"
            found.findings.append(Finding(bundle.PROOFS, "", problem))


def _older(
    found: Judgement, older: bytes, checkpoint: Checkpoint, shown: Consistency | None
) -> None:
    with found.keeping("your checkpoint"):
        kept = open_checkpoint(older, checkpoint.origin, found.keys).checkpoint
        known = {checkpoint.size: checkpoint.root}
        if shown is not None:
            known[shown.size] = shown.root
        if not kept.size or known.get(kept.size, kept.root) != kept.root:
            raise BadField("it", "is not the beginning of this log", "")
        if kept.size in known:
            found.begins_with = kept.size
        else:
            found.not_shown = kept.size


def _made_again(found: Judgement, files: Files, case: Case) -> None:
    """What is made from the evidence must be what is made from it."""
    with found.keeping("bundle"):
        expected = bundle.files_of(case)
        for name in (bundle.README, bundle.REPORT, bundle.VERIFIER):
            if files[name] != expected[name]:
                problem = f"is not what this version makes of {bundle.FORMAT}"
                found.findings.append(Finding(name, "", problem))
