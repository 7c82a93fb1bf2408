"""Sealing as it is run: by the keys of a directory, once or again and again, telling others."""

from __future__ import annotations

import subprocess
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from selene_os.edges import signing_keys
from selene_os.errors import BadField, Fault
from selene_os.ledger.events import CheckpointRow
from selene_os.ledger.store import Store
from selene_os.proof.sealer import Sealer

HOOK_WAIT_S: Final = 30
# How long a fault may last before it is told again.
_TOLD_AGAIN_S: Final = 60.0

Told = Callable[[CheckpointRow, int], None]


def sealer_of(store: Store, directory: Path, clock: Callable[[], int]) -> Sealer:
    """A sealer of a ledger, with the keys of a directory. Raises KeysMissing."""
    log = signing_keys.load(directory)
    return Sealer(store.proofs, log.signer, log.keys, clock)


def hook_of(target: str | None) -> Callable[[CheckpointRow], None]:
    """What carries each new checkpoint out of the building.

    Args:
        target: an http(s) address, to which the note is posted; or a command, which the shell runs
            with the note on its standard input. SELENE_TENANT and Selene-Tenant name the tenant.

    Returns:
        What to call with a checkpoint. It raises Fault where the checkpoint did not arrive: it is
        in the ledger all the same, and the next one proves it too.
    """
    if not target:
        return lambda _row: None
    if target.startswith(("http://", "https://")):
        return lambda row: _post(target, row)
    if "://" in target.split()[0]:
        raise BadField("hook", "is neither a command nor http(s)://", "Give one of the two.")
    return lambda row: _run(target, row)


def _post(address: str, row: CheckpointRow) -> None:
    request = urllib.request.Request(  # noqa: S310  # http or https: `hook_of` looked
        address,
        data=row.note,
        method="POST",
        headers={"Content-Type": "text/plain; charset=utf-8", "Selene-Tenant": row.tenant_id},
    )
    try:
        with urllib.request.urlopen(request, timeout=HOOK_WAIT_S):  # noqa: S310
            pass
    except (OSError, ValueError) as error:
        raise _not_taken(row, str(error)) from error


def _run(command: str, row: CheckpointRow) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # the operator's own command
            ["/usr/bin/env", f"SELENE_TENANT={row.tenant_id}", "sh", "-c", command],
            input=row.note,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=HOOK_WAIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_taken(row, str(error)) from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-200:]
        raise _not_taken(row, f"exit {done.returncode}: {words}")


def _not_taken(row: CheckpointRow, problem: str) -> Fault:
    return Fault(
        f"the hook did not take the checkpoint of {row.size} leaves of tenant {row.tenant_id}"
        f" ({problem})",
        "Mend it; `selene checkpoint` writes the newest one to a file.",
    )


def run(
    sealer: Sealer,
    every_s: float,
    stop: threading.Event,
    told: Told,
    failed: Callable[[Exception], None],
) -> None:
    """Seal what is committed, again and again until `stop` is set, and once more then.

    A fault does not end it: what could not be sealed waits, and is sealed when it can be.

    Args:
        every_s: seconds between the beginnings of two seals.
        told: called with each checkpoint; what it raises is told as well.
        failed: called with a fault, each kind at most once a minute.
    """
    quiet: dict[str, int] = {}
    again = max(1, int(_TOLD_AGAIN_S / every_s))
    round_ = 0
    while True:
        last = stop.wait(every_s if round_ else 0)
        try:
            sealer.seal_all(told)
        except Fault as fault:
            if round_ >= quiet.get(str(fault), 0):
                quiet[str(fault)] = round_ + again
                failed(fault)
        round_ += 1
        if last:
            return
