"""Sealing as it is run: by the keys of a directory, once or again and again, telling others."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from selene_os.edges import signing_keys
from selene_os.errors import BadField, Fault
from selene_os.ledger.events import CheckpointRow
from selene_os.ledger.store import Store
from selene_os.names import TenantId
from selene_os.proof.sealer import Sealer

HOOK_WAIT_S: Final = 30
# How long a fault may last before it is told again.
_TOLD_AGAIN_S: Final = 60.0

Told = Callable[[CheckpointRow, int], None]
Begun = Callable[[], AbstractContextManager[object]]


def sealer_of(store: Store, directory: Path, clock: Callable[[], int]) -> Sealer:
    """A sealer of a ledger, with the keys of a directory. Raises KeysMissing."""
    log = signing_keys.load(directory)
    return Sealer(store.proofs, log.signer, log.keys, clock)


class Hook:
    """What carries checkpoints out of the building: each tenant's newest, behind the sealing.

    Not each one as it is signed: the newest proves all before it, and one that is slow to take them
    must not keep what is committed from being sealed. What was not taken is offered again.

    Args:
        target: an http(s) address, to which the note is posted; or a command, which the shell runs
            with the note on its standard input; or None. SELENE_TENANT and the header
            Selene-Tenant name the tenant.
        wait_s: how long it may take.
        begun_in: what a command is started in; it changes where that may run.

    Raises:
        BadField: it is neither.
    """

    def __init__(
        self, target: str | None, wait_s: float = HOOK_WAIT_S, *, begun_in: Begun = nullcontext
    ) -> None:
        words = (target or "").split()
        self._target = target if words else None
        self._wait_s = wait_s
        self._begun_in = begun_in
        self._posts = bool(words) and words[0].startswith(("http://", "https://"))
        self._left: dict[TenantId, CheckpointRow] = {}
        if words and not self._posts and "://" in words[0]:
            raise BadField("hook", "is neither a command nor http(s)://", "Give one of the two.")

    def note(self, row: CheckpointRow) -> None:
        """Keep a checkpoint for `carry`, in place of the tenant's last one."""
        if self._target is not None:
            self._left[row.tenant_id] = row

    def carry(self) -> None:
        """Hand on what was noted; one that is not taken stays, behind the others' next ones.

        Raises:
            Fault: one was not taken, and those behind it were not tried: a hook that hangs costs
                its time once. They are in the ledger all the same.
        """
        while self._left:
            row = self._left.pop(next(iter(self._left)))
            try:
                self._hand_on(row)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._left[row.tenant_id] = row
                raise Fault(
                    f"the hook did not take the newest checkpoint of tenant {row.tenant_id}"
                    f" ({str(error) or type(error).__name__})",
                    "Mend it; `selene checkpoint` writes that checkpoint to a file.",
                ) from error

    def _hand_on(self, row: CheckpointRow) -> None:
        assert self._target is not None
        if self._posts:
            _post(self._target.strip(), row, self._wait_s)
        else:
            _run(self._target, row, self._wait_s, self._begun_in)


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, which would pass for one that arrived."""

    def redirect_request(self, *_given: Any) -> None:
        """None: the answer is the error that it is."""


def _post(address: str, row: CheckpointRow, wait_s: float) -> None:
    request = urllib.request.Request(  # noqa: S310  # http or https: `Hook` looked
        address,
        data=row.note,
        method="POST",
        headers={"Content-Type": "text/plain; charset=utf-8", "Selene-Tenant": row.tenant_id},
    )
    try:
        with urllib.request.build_opener(_NoDetour).open(request, timeout=wait_s):
            pass
    except urllib.error.HTTPError as error:
        # The error holds the connection.
        error.close()
        raise


def _run(command: str, row: CheckpointRow, wait_s: float, begun_in: Begun) -> None:
    # In a session of its own: Ctrl-C is for the sealer, and what hangs is ended with its children.
    with begun_in():
        begun = subprocess.Popen(  # noqa: S603  # the operator's own command
            ["/usr/bin/env", f"SELENE_TENANT={row.tenant_id}", "sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    with begun as process:
        try:
            _, told = process.communicate(row.note, timeout=wait_s)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise TimeoutError(f"it took longer than {wait_s:g} s") from error
    if process.returncode:
        words = told.decode(errors="replace").strip()[-200:]
        raise OSError(f"exit {process.returncode}: {words}")


def run(
    sealer: Sealer,
    every_s: float,
    stop: threading.Event,
    told: Told,
    failed: Callable[[Exception], None],
    hook: Hook,
) -> None:
    """Seal what is committed, again and again until `stop` is set, and once more then.

    A fault does not end it: what could not be sealed waits, and is sealed when it can be.

    Args:
        every_s: seconds between the end of one seal and the beginning of the next.
        told: called with each checkpoint.
        failed: called with a fault, the same one at most once a minute; of the hook, any.
        hook: takes each tenant's newest checkpoint, after all are sealed.
    """
    quiet: dict[str, float] = {}

    def tell(kind: str, fault: Fault) -> None:
        now = time.monotonic()
        for told_before in [one for one, until in quiet.items() if until <= now]:
            del quiet[told_before]
        if kind not in quiet:
            quiet[kind] = now + _TOLD_AGAIN_S
            failed(fault)

    def tell_and_note(row: CheckpointRow, count: int) -> None:
        hook.note(row)
        told(row, count)

    last = stop.is_set()
    while True:
        try:
            sealer.seal_all(tell_and_note)
        except Fault as fault:
            tell(str(fault), fault)
        try:
            hook.carry()
        except Fault as fault:
            # Its words differ with each address, size and moment.
            tell("hook", fault)
        if last:
            return
        last = stop.wait(every_s)
