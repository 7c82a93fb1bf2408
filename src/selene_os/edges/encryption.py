"""A ledger together with its keys: opened as one, and checked as one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from selene_os.edges import key_directory, signing_keys
from selene_os.edges.key_directory import ROOT
from selene_os.errors import Fault, KeysMissing, LedgerUnavailable
from selene_os.keys.keys import Keys
from selene_os.keys.store import EncryptedStore
from selene_os.keys.wrapping import LocalKey
from selene_os.ledger.events import ERASED_KEY_ID, PLAIN_KEY_ID, Wanted
from selene_os.ledger.inspection import Inspection
from selene_os.ledger.keyrings import OWN, Keyring
from selene_os.ledger.store import Store
from selene_os.names import TenantId

# Of each tenant so many records are opened, the newest first.
_SAMPLED: Final = 100


def opened(below: Callable[[], Store], ring: Callable[[], Keyring], directory: str) -> Store:
    """A store above another, which encrypts with the keys of a directory.

    Args:
        below: opens the store of the rows. ring: opens the keyring.

    Raises:
        KeysMissing: the root key or the keyring is not there.
    """
    store = below()
    try:
        root = LocalKey(key_directory.read_root(directory), os.urandom)
        return EncryptedStore(store, Keys(ring(), root, store, os.urandom, time.time_ns))
    except BaseException:
        store.close()
        raise


def prepare(directory: str, names: tuple[str, ...], is_encrypted: Callable[[], bool]) -> bool:
    """Make a keys directory, unless rows are encrypted with keys that it should hold.

    Args:
        names: the files that it should hold.
        is_encrypted: whether the ledger holds an encrypted row.

    Returns:
        Whether the root key was made.

    Raises:
        KeysMissing: there are encrypted rows, and a file is missing; or it cannot be made.
    """
    if key_directory.is_whole(directory, names):
        return False
    # Without the root key what is left of a directory opens nothing, and is of one that was lost.
    begun = any(key_directory.is_whole(directory, (name,)) for name in names if name != ROOT)
    lost = begun and not key_directory.is_whole(directory, (ROOT,))
    if lost or is_encrypted():
        raise KeysMissing(
            f"{directory} lacks {' or '.join(names)}, and something is encrypted already",
            "Put back the directory that belongs to this ledger; new keys would open nothing.",
        )
    return key_directory.make(directory, os.urandom)


def make_key(directory: Path, bare: Callable[[], Store]) -> bool:
    """Make a log's first key, unless there is one, or was: a new one would begin another log.

    Args:
        bare: opens the ledger that the log is of.

    Raises:
        KeysMissing: the ledger was sealed, and the key is not here; or it cannot be made.
    """
    if not signing_keys.there(directory):
        store = bare()
        try:
            names = [row.tenant_id for row in store.tenants()]
            sealed = [name for name in names if store.proofs.checkpoint(name) is not None]
        finally:
            store.close()
        if sealed:
            raise KeysMissing(
                f"the rows of tenant {sealed[0]} are sealed, and the key is not in {directory}",
                "Put the directory back as it was, or name it with SELENE_KEYS; no new key was"
                " made.",
            )
    return signing_keys.make(directory)


def inspected(
    found: Inspection,
    open_it: Callable[[], Store],
    is_encrypted: Callable[[], bool],
    directory: str,
) -> Inspection:
    """What was found of a ledger, and what there is to say of its keys."""
    faults: list[str] = []
    warned = list(found.warnings)
    try:
        faults += tried(open_it)
    except KeysMissing as missing:
        (faults if is_encrypted() else warned).append(f"keys: {missing.problem}")
    except Fault as fault:
        # A schema that differs is told already; what rests on it cannot be tried.
        faults.append(f"keys: cannot be checked ({fault.problem})")
    if not signing_keys.there(Path(directory)):
        warned.append(f"{directory} holds no signing key: nothing can be sealed with it")
    warned += key_directory.warnings(directory)
    return replace(found, faults=(*found.faults, *faults), warnings=tuple(warned))


def tried(open_it: Callable[[], Store]) -> list[str]:
    """What is wrong with the keys of a ledger, as far as a sample of its rows shows.

    Raises:
        KeysMissing: there are none. Fault: it cannot be opened or read.
    """
    store = open_it()
    try:
        assert isinstance(store, EncryptedStore)
        return list(_faults(store))
    finally:
        store.close()


def _faults(store: EncryptedStore) -> Iterator[str]:
    for tenant in store.tenants():
        tenant_id = tenant.tenant_id
        yield from _revived(store, tenant_id)
        try:
            for event in store.search(tenant_id, Wanted(), _SAMPLED):
                kept = store.record(tenant_id, event.event_id)
                if kept is not None and kept.key_id not in (PLAIN_KEY_ID, ERASED_KEY_ID):
                    raise Fault(f"the keyring does not know key {kept.key_id}", "Put it back.")
            if tenant.terms_digest is not None:
                store.term_bundle(tenant_id, tenant.terms_digest)
        except LedgerUnavailable:
            raise
        except Fault as fault:
            # One says enough: with a wrong keyring they are all alike.
            yield f"keys: {fault.problem}"


def _revived(store: EncryptedStore, tenant_id: TenantId) -> Iterator[str]:
    """Keys that came back after they were destroyed: somebody restored an old keyring."""
    for row in store.keys.keyring.keys(tenant_id, None):
        if row.subject != OWN and store.keys.is_revived(row):
            yield (
                f"keys: key {row.key_id} of user {row.subject}, tenant {tenant_id}, was destroyed"
                " and is back in the keyring; it is not used. Erase the user again"
            )
