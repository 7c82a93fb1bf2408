"""What measures of proof share: a signer, sealers, a big tree, and what one would do instead."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Sequence
from itertools import count
from time import perf_counter
from typing import Any, Final

from bench import rows
from bench.rounds import say
from bench.table import Bound, Figure
from selene_os.ledger.events import WholeRow
from selene_os.ledger.store import Store
from selene_os.proof.checkpoint import open_checkpoint
from selene_os.proof.key_chain import origin_of, sign_statement
from selene_os.proof.merkle_proofs import inclusion_plan, inclusion_proof, verify_inclusion
from selene_os.proof.sealer import Sealer
from selene_os.proof.signing import Ed25519Signer

BATCH: Final = 1_000
SIGNER: Final = Ed25519Signer("selene-bench", bytes(range(32)))
KEYS: Final = ((SIGNER.verifier, sign_statement(SIGNER.verifier, SIGNER)),)


def sealer(store: Store) -> Sealer:
    """A sealer of batches of 1,000."""
    return Sealer(store.proofs, SIGNER, KEYS, count(rows.BEGINNING_NS).__next__)


def fill(store: Store, source: rows.Source, total: int) -> None:
    """Commit rows in large batches, and leave them unsealed."""
    for begun in range(0, total, BATCH):
        if begun % 100_000 == 0:
            say(f"  {begun:,} of {total:,} rows")
        rows.append(store, source.units(min(BATCH, total - begun)))  # type: ignore[arg-type]


def seal_rate(store: Store, source: rows.Source, batches: int) -> float:
    """Rows sealed a second, of that many full batches."""
    fill(store, source, batches * BATCH)
    mine = sealer(store)
    began = perf_counter()
    sealed = mine.seal_all()
    took = perf_counter() - began
    if sealed != batches * BATCH:
        raise ValueError(f"{sealed} rows were sealed")
    return sealed / took


def prove_ms(store: Store, places: Sequence[int]) -> list[float]:
    """How long each proof of a row took, of the newest tree, read and verified."""
    row = store.proofs.checkpoint(rows.TENANT)
    assert row is not None
    origin = origin_of(SIGNER.name, rows.TENANT)
    root = open_checkpoint(row.note, origin, [SIGNER.verifier]).checkpoint.root
    spent = []
    for place in places:
        began = perf_counter()
        wanted = [node for nodes in inclusion_plan(place, row.size) for node in nodes]
        nodes = dict(zip(wanted, store.proofs.nodes(rows.TENANT, wanted), strict=True))
        proof = inclusion_proof(place, row.size, lambda *node: nodes[node])  # noqa: B023
        spent.append(1_000 * (perf_counter() - began))
        ((_, _, leaf, *_),) = store.proofs.sealed_rows(rows.TENANT, place, 1)
        if not verify_inclusion(place, row.size, leaf, proof, root):
            raise ValueError("a proof does not hold")
    return spent


def absolute(
    measure: str,
    unit: str,
    taken: Sequence[float],
    limit: float,
    bound: Bound | None = None,
    *,
    most: bool = False,
) -> Figure:
    """A figure against a limit of its own, in place of a peer's: at least, or at most."""
    judged = bound or (Bound(most=1) if most else Bound(least=1))
    ratios = tuple(one / limit for one in taken)
    return Figure(measure, unit, statistics.median(taken), limit, ratios, judged)


# What one would do instead of sealing: SHA-256 of the tenant's last hash and the row, in the
# transaction that writes the row, so that a tenant's writers follow each other.
CHAIN: Final = (
    "CREATE TABLE chain (tenant_id TEXT, place INTEGER, hash BLOB, PRIMARY KEY (tenant_id, place))"
)
LAST_LINK: Final = "SELECT place, hash FROM chain WHERE tenant_id = ? ORDER BY place DESC LIMIT 1"


def link(before: bytes, finished: tuple[tuple[Any, ...], ...]) -> bytes:
    """The next hash of a chain: of the event and its record, as canonical JSON."""
    values = [_told(value) for value in (*finished[0], *finished[1])]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


def _told(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def canonical_leaf(row: WholeRow) -> bytes:
    """The leaf that canonical JSON would make of a row."""
    named = {name: _told(value) for name, value in zip(WholeRow._fields, row, strict=True)}
    text = json.dumps(named, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"\x00" + text.encode()).digest()
