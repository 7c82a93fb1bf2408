"""Verifying as it is run: whom to believe, what was kept, and on how many processors."""

from __future__ import annotations

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
from selene_os.proof.key_chain import chain_of, origin_of
from selene_os.proof.notes import parse_note
from selene_os.proof.signing import VerifierKey, parse_verifier_key
from selene_os.proof.verification import Check, Verified, verify
from selene_os.proof.verifying import FORGED, Difference, Range, RangeFound, check_range

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
        if "+" not in one or Path(one).is_file():
            try:
                lines = Path(one).read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise BadField("key", f"{one!r} cannot be read", "Give a key's line.") from error
            found += [parse_verifier_key(line.strip()) for line in lines if "+" in line]
        else:
            found.append(parse_verifier_key(one.strip()))
    if not found:
        raise BadField("key", "is in none of the files", "Give the log's verifier key.")
    return found


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

    def opened(note: bytes) -> Checkpoint:
        return open_checkpoint(note, origin, keys).checkpoint

    came = verify(
        store.proofs,
        tenant_id,
        origin,
        keys,
        check,
        against=[opened(note) for note in against],
        after=None if after is None else opened(after),
        told=told,
    )
    if problem is None:
        return came
    return replace(came, differences=(problem, *came.differences))


def _believed(
    store: Store, tenant_id: TenantId, trusted: Sequence[VerifierKey]
) -> tuple[list[VerifierKey], Difference | None]:
    """Those that are trusted, and those that follow by the ledger's own statements."""
    statements = [row.statement for row in store.proofs.signing_keys(tenant_id)]
    if not statements:
        return list(trusted), None
    try:
        followed = chain_of(statements, trusted)
    except BadField as error:
        found = f"the chain of signing keys: {error.field} {error.problem}"
        return list(trusted), Difference(FORGED, None, None, found)
    return [*trusted, *(key for key in followed if key not in trusted)], None


# ---- in how many processes

_store: Store | None = None


def one_process(store: Store, tenant_id: TenantId) -> Check:
    """Ranges one after another, here."""
    return lambda parts: (check_range(store.proofs, tenant_id, part) for part in parts)


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
    return check_range(_store.proofs, tenant_id, part)
