"""Verifying as it is run: whom to believe, what was kept, and on how many processors."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from selene_os.edges import signing_keys
from selene_os.edges.databases import database
from selene_os.errors import BadField
from selene_os.ledger.store import Store
from selene_os.names import TenantId, parse_tenant_id
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint
from selene_os.proof.key_chain import chain_of, in_order, origin_of, read_statement
from selene_os.proof.notes import parse_note
from selene_os.proof.signing import VerifierKey, parse_verifier_key
from selene_os.proof.verification import Check, Verified, verify
from selene_os.proof.verifying import (
    FORGED,
    PROOF_CHANGED,
    Difference,
    Range,
    RangeFound,
    check_range,
)

# Two times as many ranges under way as there are processes: none waits, and none lies about.
_AHEAD: Final = 2


def keys_to_believe(given: Sequence[str], directory: Path) -> list[VerifierKey]:
    """The keys that are believed: those given, else those of the directory.

    Args:
        given: each a verifier key's line, or a file that holds such lines.

    Raises:
        BadField: one of them is no key. KeysMissing: none was given, and the directory has none.
    """
    if not given:
        return [key for key, _ in signing_keys.load(directory).keys]
    found = []
    for one in given:
        try:
            found.append(parse_verifier_key(one.strip()))
        except BadField:
            found += _keys_in(one)
    if not found:
        raise BadField("key", "is in none of the files", "Give the log's verifier key.")
    if len({key.name for key in found}) > 1:
        raise BadField(
            "key", "is of more than one log", "Give the keys of this ledger's log alone."
        )
    return found


def _keys_in(name: str) -> list[VerifierKey]:
    """The keys in a file, one a line; raises BadField."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        problem = f"{name!r:.99} is neither a verifier key nor a file that can be read"
        step = "Give a key's whole line, as `selene signing-key show` prints it, or a file of them."
        raise BadField("key", problem, step) from error
    try:
        return [parse_verifier_key(line.strip()) for line in text.splitlines() if line.strip()]
    except BadField as error:
        problem = f"in the file {name!r:.99} {error.problem}"
        raise BadField("key", problem, error.next_step) from error


def tenant_of(note: bytes) -> TenantId:
    """Whose log a kept checkpoint is of, by its own words. Raises BadField."""
    origin = parse_note(note).text.partition("\n")[0]
    return parse_tenant_id(origin.rpartition("/")[2])


def verify_tenant(
    store: Store,
    tenant_id: TenantId,
    trusted: Sequence[VerifierKey],
    check: Check,
    *,
    against: Sequence[bytes] = (),
    after: bytes | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Verified:
    """Verify one tenant's log.

    Args:
        trusted: keys that are believed; those that they signed follow.
        against: checkpoints that were kept elsewhere, as their files' bytes.
        after: such a one up to which the log was verified before.

    Raises:
        BadField: what was kept is no checkpoint of this log. Fault: the ledger cannot be read.
    """
    keys, problem = _believed(store, tenant_id, trusted)
    origin = origin_of(trusted[0].name, tenant_id)

    def opened(note: bytes, field: str) -> Checkpoint:
        try:
            return open_checkpoint(note, origin, keys).checkpoint
        except BadField as error:
            problem = f"is no checkpoint of this log: {error.field} {error.problem}"
            raise BadField(field, problem, "Give what `selene checkpoint` wrote.") from error

    came = verify(
        store.proofs,
        tenant_id,
        origin,
        keys,
        check,
        against=[opened(note, "against") for note in against],
        after=None if after is None else opened(after, "resume"),
        told=told,
    )
    # What was kept to prove it is told where nothing is worse: a forged note names no key either.
    if problem is None or (problem.kind == PROOF_CHANGED and came.differences):
        return came
    return replace(came, differences=(problem, *came.differences))


def _believed(
    store: Store, tenant_id: TenantId, trusted: Sequence[VerifierKey]
) -> tuple[list[VerifierKey], Difference | None]:
    """Those that are trusted, and those that follow by the ledger's own statements."""
    # The checkpoint first: a key that begins meanwhile is then noted, and not missed.
    newest = store.proofs.checkpoint(tenant_id)
    rows = store.proofs.signing_keys(tenant_id)
    keys, noted = list(trusted), {row.key_id for row in rows}
    try:
        chain = in_order([row.statement for row in rows])
        if chain:
            keys += [key for key in chain_of(chain, trusted) if key not in trusted]
        if any(row.key_id != read_statement(row.statement).key.key_id.hex() for row in rows):
            return keys, _unnoted("a signing key is noted by another id than it has")
    except BadField as error:
        found = f"the chain of signing keys: {error.field} {error.problem}"
        return keys, Difference(FORGED, None, None, found)
    # What signs notes its own statement and all before it: who has the first key follows them.
    if newest is not None and not _signers(newest.note) <= noted:
        return keys, _unnoted("the statement of the key that signed last is not there")
    return keys, None


def _signers(note: bytes) -> set[str]:
    """Who a note says that it is signed by; nobody where it is none, which is told elsewhere."""
    try:
        return {one.key_id.hex() for one in parse_note(note).signatures}
    except BadField:
        return set()


def _unnoted(found: str) -> Difference:
    return Difference(PROOF_CHANGED, None, None, found)


# ---- in how many processes

_store: Store | None = None


def one_process(store: Store, tenant_id: TenantId) -> Check:
    """Ranges one after another, here."""
    return lambda parts: (_checked(store, tenant_id, part) for part in parts)


def _checked(store: Store, tenant_id: TenantId, part: Range) -> RangeFound:
    """Check a range without collecting garbage: to look through its rows finds none, and costs."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return check_range(store.proofs, tenant_id, part)
    finally:
        if collects:
            gc.enable()


def many_processes(url: str, tenant_id: TenantId, jobs: int) -> Check:
    """Ranges side by side, each process with a store of its own."""

    def check(parts: Iterable[Range]) -> Iterator[RangeFound]:
        parts = list(parts)
        if len(parts) < 2:
            # Not worth a process.
            store = database(url).bare()
            try:
                yield from one_process(store, tenant_id)(parts)
            finally:
                store.close()
            return
        # Not by fork: drivers and threads do not survive one.
        with ProcessPoolExecutor(
            min(jobs, len(parts)), get_context("spawn"), initializer=_open, initargs=(url,)
        ) as pool:
            waiting = []
            ahead = iter(parts)
            for part in ahead:
                waiting.append(pool.submit(partial(_check, tenant_id), part))
                if len(waiting) >= jobs * _AHEAD:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()

    return check


def _open(url: str) -> None:
    global _store
    _store = database(url).bare()


def _check(tenant_id: TenantId, part: Range) -> RangeFound:
    assert _store is not None
    return _checked(_store, tenant_id, part)
