"""Two verifiers, one verdict: a bundle as both judge it, and as a forger changes it.

`verify_case.py` is loaded from the bundle that it is in, as an auditor has it: with nothing of
Selene's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from sealed import (
    sealed_case,
)
from selene_os.proof import bundle
from selene_os.proof.archive import pack, unpack
from selene_os.proof.judging import judge
from selene_os.proof.signing import VerifierKey

HOLDS, DIFFERS, NOT_CHECKED = 0, 3, 4

Files = dict[str, bytes]


@cache
def one_file() -> ModuleType:
    """The verifier as it is in the bundle."""
    module = ModuleType("verify_case")
    source = unpack(sealed_case()).files[bundle.VERIFIER]
    exec(compile(source, "verify_case.py", "exec"), vars(module))
    return module


def by_file(data: bytes, trusted: list[VerifierKey] | None, older: bytes | None = None) -> int:
    """The exit code of the verifier of one file."""
    module = one_file()
    check = module.Check()
    keys = [module.key_of("--key", key.encode()) for key in trusted or []]
    check.bundle(data, keys, older)
    return DIFFERS if check.findings else NOT_CHECKED if check.gaps else HOLDS


def by_package(data: bytes, trusted: list[VerifierKey] | None, older: bytes | None = None) -> int:
    """The exit code of `selene verify-bundle`."""
    found = judge(data, trusted, older)
    return NOT_CHECKED if found.holds and found.has_gaps else HOLDS if found.holds else DIFFERS


def both(data: bytes, trusted: list[VerifierKey] | None = None, older: bytes | None = None) -> int:
    """The exit code that both verifiers come to."""
    codes = by_file(data, trusted, older), by_package(data, trusted, older)
    assert codes[0] == codes[1], codes
    return codes[0]


def rebuilt(files: Files) -> bytes:
    """A bundle as a forger makes it who has everything but the log's key: all hashes fit."""
    return pack(bundle.with_manifest(files))


def files() -> Files:
    return dict(unpack(sealed_case()).files)


def changed_rows(**columns: Any) -> Files:
    """The files with some columns of the second row changed."""
    found = files()
    lines = found[bundle.ROWS].splitlines(keepends=True)
    row = bundle.decode_row(lines[1])._replace(**columns)
    lines[1] = bundle.encode_row(row)
    return found | {bundle.ROWS: b"".join(lines)}


def changed_proofs(change: Callable[[Any], object]) -> Files:
    """The files with something changed in proofs.json, which stays canonical."""
    found = files()
    proofs = json.loads(found[bundle.PROOFS])
    change(proofs)
    text = json.dumps(proofs, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
    return found | {bundle.PROOFS: text.encode()}
