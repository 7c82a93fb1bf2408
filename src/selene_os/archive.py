"""Packs by digest stay available: a tenant's own, as they were when decisions were made with them.

A decision's record names its pack by a digest. The core pack ships with Selene; files of a tenant's
own change and go, so the ledger keeps their bytes, once for each digest.
"""

from __future__ import annotations

import base64
import binascii
import threading
from typing import Any, Final

from selene_os.engines import nlp
from selene_os.errors import PackInvalid
from selene_os.language.pack import Pack, Part, core_pack, load_parts
from selene_os.ledger import codec
from selene_os.ledger.events import PackRow
from selene_os.ledger.store import Store
from selene_os.names import TenantId

_FORMAT: Final = 1


class Archive:
    """Puts each tenant's packs into the ledger, each once in a process; safe for threads."""

    def __init__(self) -> None:
        self._kept: set[tuple[TenantId, str]] = set()
        self._lock = threading.Lock()

    def keep(self, store: Store, tenant_id: TenantId, pack: Pack | None, at: int) -> None:
        """See that a pack with which a decision is about to be made can be made again.

        Args:
            pack: None for the core pack, which ships with Selene and is not kept.
            at: nanoseconds since 1970 UTC.

        Raises:
            NotFound: no such tenant. Fault: it could not be kept.
        """
        if pack is None or pack.digest == core_pack().digest:
            return
        named = (tenant_id, pack.digest)
        with self._lock:
            if named in self._kept:
                return
        store.put_pack(PackRow(tenant_id, pack.digest, encode(pack), at))
        with self._lock:
            self._kept.add(named)


def find(store: Store, tenant_id: TenantId, digest: str) -> Pack | None:
    """The pack of a digest, where it is the core pack or can be made again; else None.

    It cannot where the core pack was another one then, or where what is kept is not what its
    digest says.
    """
    if digest == nlp.pack_digest():
        return core_pack()
    row = store.pack(tenant_id, digest)
    if row is None:
        return None
    try:
        pack = load_parts(decode(row.content))
    except (PackInvalid, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return pack if pack.digest == digest else None


def encode(pack: Pack) -> bytes:
    """What is kept of a pack: each part's name, version and digest, and the bytes of its files."""
    return codec.encode_json({"format": _FORMAT, "parts": [_kept(part) for part in pack.parts]})


def _kept(part: Part) -> dict[str, Any]:
    files = None
    if part.files is not None:
        files = {
            name: base64.b64encode(content).decode("ascii") for name, content in part.files.items()
        }
    return {"name": part.name, "version": part.version, "digest": part.digest, "files": files}


def decode(content: bytes) -> tuple[Part, ...]:
    """The parts of a pack out of what is kept of it.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: it is nothing that `encode` wrote.
    """
    kept = codec.decode_json(content)
    if kept["format"] != _FORMAT:
        raise ValueError(f"format {kept['format']!r:.20} is not known")
    return tuple(
        Part(
            part["name"],
            part["version"],
            part["digest"],
            None if part["files"] is None else _files(part["files"]),
        )
        for part in kept["parts"]
    )


def _files(kept: dict[str, str]) -> dict[str, bytes]:
    try:
        return {
            name: base64.b64decode(content, validate=True) for name, content in sorted(kept.items())
        }
    except binascii.Error as error:
        raise ValueError("a file is no base64") from error
