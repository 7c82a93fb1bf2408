"""An encrypted ledger in a file, and who can look at its bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import selene_os
from selene_os import Listed, Selene, Signal
from selene_os.app import Tenant
from selene_os.keys.store import EncryptedStore
from selene_os.names import TenantId, UserId

ACME: Final = TenantId("acme")
ALICE: Final = UserId("alice")
TALK: Final = "0123456789abcdef0123456789abcdef"
KITCHEN: Final = ("alice", "kitchen")
OFFICE: Final = ("bob", "office")
PORTS: Final = Listed(["MEMORY_REMEMBER"])
# What nobody says by chance; each is in another column of the ledger.
TASK, LOCKER, ANSWER, TERM, WISH, REASON = (
    "zebediahquux", "lockerxyzzy", "answerplugh", "Termfrobozz", "gentlewumpus", "casegrue",
)  # fmt: skip
WORDS: Final = (TASK, LOCKER, ANSWER, TERM, WISH, REASON)


class Kept:
    """A ledger at a path, with its keys beside it.

    Attributes:
        path: the ledger's. keys: the directory's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys = Path(f"{path}.keys")

    @contextmanager
    def open(self, create: bool = False) -> Iterator[Selene]:
        """The ledger, open."""
        with selene_os.open(
            str(self.path), create=create, access=PORTS, simulation=PORTS
        ) as selene:
            yield selene

    @contextmanager
    def acme(self) -> Iterator[Tenant]:
        """Its tenant acme."""
        with self.open() as selene:
            yield selene.tenant("acme")

    def fill(self) -> None:
        """Say, remember, answer, prefer and import something."""
        with self.open(create=True) as selene:
            selene.add_tenant("acme")
            acme = selene.tenant("acme")
            acme.register(*KITCHEN)
            acme.register(*OFFICE)
            acme.take_turn(*KITCHEN, f"remind me to call {TASK} at 5 pm", correlation=TALK)
            acme.append_answer(*KITCHEN, f"shall I, {ANSWER}?", correlation=TALK, turn=1)
            self.remember(acme)
            signal = Signal("response_tone_target", WISH, "test:1")
            acme.commit_profile(*KITCHEN, speaker="alice", signals=[signal])
            term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": TERM}
            acme.import_terms([term])
            acme.take_turn(*OFFICE, "what time is it")

    @staticmethod
    def remember(acme: Tenant) -> None:
        """Keep one memory of alice's."""
        draft = acme.take_turn(*KITCHEN, f"remember that my locker is {LOCKER}")
        yes = acme.take_turn(*KITCHEN, "yes", correlation=draft.correlation_id)
        acme.apply_memory(draft, yes)

    def content(self) -> bytes:
        """Everything that stands in the ledger's files, the log's too."""
        return b"".join(
            path.read_bytes() for path in self.path.parent.glob(f"{self.path.name}*")
            if path.is_file()
        )  # fmt: skip

    def keyring(self) -> bytes:
        """Everything that stands in the keys directory."""
        return b"".join(path.read_bytes() for path in sorted(self.keys.iterdir()) if path.is_file())

    def copy(self, name: str, keys: Path | None = None) -> Kept:
        """The ledger as it is now under another name, with these keys or its own as they are."""
        other = Kept(self.path.with_name(name))
        shutil.copy(self.path, other.path)
        shutil.copytree(keys or self.keys, other.keys)
        return other


def store_of(selene: Selene) -> EncryptedStore:
    """The store behind an open ledger."""
    store = selene._store
    assert isinstance(store, EncryptedStore)
    return store
