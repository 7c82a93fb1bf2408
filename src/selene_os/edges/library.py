"""Selene as a library: open a ledger, name a tenant, take turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from selene_os import names
from selene_os.app import NOBODY, Tenant
from selene_os.archive import Archive
from selene_os.dictionary import Dictionaries
from selene_os.edges import packs as pack_directories
from selene_os.edges.databases import database
from selene_os.edges.surroundings import system
from selene_os.engines.nlp import Pack
from selene_os.errors import KeysMissing, NotFound
from selene_os.gates import AccessPort, DenyAll, SimulationPort
from selene_os.language.pack import core_pack
from selene_os.ledger.events import TenantRow
from selene_os.ledger.store import Store
from selene_os.receipts import Surroundings
from selene_os.remembering import Ports

if TYPE_CHECKING:
    from selene_os.proof.verification import Verified


def open(
    url: str = "sqlite:///selene.db",
    *,
    create: bool = False,
    synchronous: str = "FULL",
    surroundings: Surroundings | None = None,
    packs: Sequence[str | Path] = (),
    keys: str | Path | None = None,
    access: AccessPort | None = None,
    simulation: SimulationPort | None = None,
) -> Selene:
    """Open a ledger.

    Args:
        url: `sqlite:///path`, a path, or `postgresql://user@host/database`.
        create: make the ledger, or bring its schema up to date, if need be.
        synchronous: of a file: FULL (an acknowledged commit survives a power cut), NORMAL or OFF.
        surroundings: the clock and fresh names; by default the system's.
        packs: directories of packs of your own, which combine with the core pack.
        keys: the directory of the ledger's keys; by default the path of the file and `.keys`, or
            ./selene.keys for a server. Made by `create`.
        access, simulation: who may have what done, and which intents are live, for what acts on a
            confirmed draft (`apply_memory`); without them everything is denied.

    Returns:
        The ledger with its engines, a context manager that closes it.

    Raises:
        BadField: the URL cannot be read. LedgerMissing: there is none; use `create`, or
        `selene init`. LedgerUnavailable, SchemaDiffers: it cannot be used. KeysMissing: its keys
        are not there. PackInvalid: a pack is refused, or two disagree; the ledger was not touched.
    """
    pack = pack_directories.load(packs)
    around = surroundings or system()
    found = database(url, None if keys is None else str(keys))
    if create:
        found.create(around.clock())
    ports = Ports(access or DenyAll(), simulation or DenyAll())
    store = found.open(synchronous=synchronous)
    return Selene(store, around, pack, ports, keys=Path(found.keys))


class Selene:
    """A ledger with its engines; use `selene_os.open`.

    Args:
        store: a ledger store.
        surroundings: the clock and fresh names.
        pack: what can be asked for; the core pack where none is given.
        ports: who may have what done, and which intents are live.
        keys: the directory of the key that signs; None where nothing is sealed here.
    """

    def __init__(
        self,
        store: Store,
        surroundings: Surroundings,
        pack: Pack | None = None,
        ports: Ports = NOBODY,
        *,
        keys: Path | None = None,
    ) -> None:
        self._keys = keys
        self._store = store
        self._surroundings = surroundings
        self._pack = pack
        self._ports = ports
        self._dictionaries = Dictionaries()
        self._archive = Archive()

    def __enter__(self) -> Selene:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the writes that wait and close the ledger."""
        self._store.close()

    @property
    def pack(self) -> Pack:
        """What can be asked for."""
        return self._pack or core_pack()

    def is_there(self) -> bool:
        """Whether the ledger answers. Raises Fault: why it does not."""
        self._store.tenant(names.parse_tenant_id("-"))
        return True

    def seal(self) -> int:
        """Take what is committed into each tenant's tree, and sign what the tree is then.

        Returns:
            How many rows were sealed.

        Raises:
            KeysMissing: the signing key is not here. CheckpointForged: a tree is not what this log
            signed; nothing is sealed behind it.
        """
        # Here, like `verify`: those who take turns need none of it.
        from selene_os.edges import sealing

        return sealing.sealer_of(
            self._store, self._keys_here(), self._surroundings.clock
        ).seal_all()

    def verify(
        self, tenant: str, *, keys: Sequence[str] = (), against: Sequence[bytes] = ()
    ) -> Verified:
        """Make a tenant's tree again from its rows, and compare it with what was signed.

        Args:
            keys: verifier keys to believe, each a line or a file of lines; by default those that
                lie beside the ledger, which shows less: whoever keeps both can change both.
            against: checkpoints that were kept elsewhere; the log must still begin with each.

        Returns:
            What was found; `held`, and otherwise the differences, the first one first.

        Raises:
            BadField: what was given is no key, or no checkpoint of this log. KeysMissing.
        """
        from selene_os.edges import verifying

        tenant_id = self.tenant(tenant).tenant_id
        trusted = verifying.keys_to_believe(keys, self._keys_here())
        check = verifying.one_process(self._store, tenant_id)
        return verifying.verify_tenant(self._store, tenant_id, trusted, check, against=against)

    def _keys_here(self) -> Path:
        if self._keys is None:
            raise KeysMissing("this ledger was opened without a directory of keys", "Name one.")
        return self._keys

    def add_tenant(self, tenant: str) -> bool:
        """Add a tenant; False where it is there already. Raises BadField."""
        row = TenantRow(
            names.parse_tenant_id(tenant), None, "ask", None, None, self._surroundings.clock()
        )
        return self._store.add_tenant(row)

    def tenants(self) -> list[TenantRow]:
        """Every tenant, by name."""
        return self._store.tenants()

    def tenant(self, tenant: str) -> Tenant:
        """One tenant, to work with. Raises BadField, NotFound."""
        tenant_id = names.parse_tenant_id(tenant)
        if self._store.tenant(tenant_id) is None:
            raise NotFound(
                f"{tenant_id!r} is not known",
                f"Add it with `selene tenant add {tenant_id}`.",
                field="tenant_id",
            )
        return Tenant(
            self._store,
            self._surroundings,
            tenant_id,
            self._pack,
            self._ports,
            self._dictionaries,
            self._archive,
        )
