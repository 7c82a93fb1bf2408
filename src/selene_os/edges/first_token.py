"""The one token by which a ledger's first operator is made: there is no password to begin with."""

from __future__ import annotations

import hmac
import multiprocessing
import secrets
import time
from typing import Final

VALID_S: Final = 3_600
_TOKEN_BYTES: Final = 32


class FirstToken:
    """A token that is kept in memory alone, works once, and for one hour.

    All processes of a server have the same one, and one of them alone can take it.

    Attributes:
        text: what stands in the link.
    """

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(_TOKEN_BYTES)
        # The system's clock: it is the same in every process.
        self._ends_at = time.time() + VALID_S
        self._taken = multiprocessing.get_context("spawn").Value("b", 0)

    def is_good(self, given: str) -> bool:
        """Whether this is the token, and it can still be taken."""
        same = hmac.compare_digest(self.text.encode(), given.encode(errors="replace"))
        return same and time.time() < self._ends_at and not self._taken.value

    def take(self, given: str) -> bool:
        """Use it up: True once, for the right one. Check what else can be refused before."""
        with self._taken.get_lock():
            if not self.is_good(given):
                return False
            self._taken.value = 1
            return True
