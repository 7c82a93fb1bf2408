"""The signing key of a ledger's log, as files in its directory of keys, which only its owner reads.

    signing.key              the key that signs, one line
    signing-keys/0001.note   each key's statement, in order: the public part, to be given away

Source: selene_os.proof.signing and key_chain, for what the files hold.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from selene_os.errors import BadField, KeysMissing
from selene_os.proof.key_chain import chain_of, sign_statement
from selene_os.proof.signing import (
    SEED_BYTES,
    Ed25519Signer,
    VerifierKey,
    encode_signing_key,
    parse_signing_key,
)

_KEY: Final = "signing.key"
_NEXT: Final = "signing.key.next"
_STATEMENTS: Final = "signing-keys"


@dataclass(frozen=True, slots=True)
class Log:
    """Who signs a ledger's log.

    Attributes:
        signer: the key that signs now; its name is the log's.
        keys: every key so far with its statement, the oldest first, this one last.
    """

    signer: Ed25519Signer
    keys: tuple[tuple[VerifierKey, bytes], ...]


def make(directory: Path) -> bool:
    """Make a log's first key in a directory, unless it has one; whether it was made.

    Raises:
        KeysMissing: the directory cannot be written.
    """
    made = not (directory / _KEY).exists()
    try:
        if made and _statements(directory):
            raise _unusable(directory, f"{_KEY} is gone, its statements are there")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / _STATEMENTS).mkdir(mode=0o700, exist_ok=True)
        if made:
            name, seed = f"selene-{secrets.token_hex(8)}", secrets.token_bytes(SEED_BYTES)
            _write(directory / _KEY, encode_signing_key(name, seed).encode() + b"\n")
        if not _statements(directory):
            signer = _signer(directory)
            _write(_statement(directory, 1), sign_statement(signer.verifier, signer))
    except OSError as error:
        raise _unusable(directory, error) from error
    return made


def load(directory: Path) -> Log:
    """The keys of a log. Raises KeysMissing: there are none, or they do not fit together."""
    try:
        signer = _signer(directory)
        statements = _statements(directory)
        keys = chain_of(statements)
        if keys and keys[-1] != signer.verifier and (directory / _NEXT).exists():
            # A rotation that was cut off behind its statement: the new key is in charge already.
            (directory / _NEXT).replace(directory / _KEY)
            signer = _signer(directory)
    except FileNotFoundError as error:
        raise KeysMissing(
            f"{directory} holds no signing key",
            "Make one with `selene init`, or name its directory with SELENE_KEYS.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(directory, error) from error
    except BadField as error:
        raise _unusable(directory, f"{error.field} {error.problem}") from error
    if not keys or keys[-1] != signer.verifier:
        raise _unusable(directory, f"{_KEY} is not the last key of {_STATEMENTS}")
    return Log(signer, tuple(zip(keys, statements, strict=True)))


def rotate(directory: Path) -> Log:
    """Let a new key sign from now on; the old one signs its statement, and is gone.

    Raises:
        KeysMissing: see `load`.
    """
    log = load(directory)
    name, seed = log.signer.name, secrets.token_bytes(SEED_BYTES)
    key = Ed25519Signer(name, seed).verifier
    try:
        with suppress(FileNotFoundError):
            (directory / _NEXT).unlink()
        _write(directory / _NEXT, encode_signing_key(name, seed).encode() + b"\n")
        _write(_statement(directory, len(log.keys) + 1), sign_statement(key, log.signer))
        (directory / _NEXT).replace(directory / _KEY)
        _flush(directory)
    except OSError as error:
        raise _unusable(directory, error) from error
    return load(directory)


def _signer(directory: Path) -> Ed25519Signer:
    return parse_signing_key((directory / _KEY).read_text(encoding="ascii").strip())


def _statements(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((directory / _STATEMENTS).glob("*.note"))]


def _statement(directory: Path, number: int) -> Path:
    return directory / _STATEMENTS / f"{number:04d}.note"


def _write(path: Path, content: bytes) -> None:
    """A new file for its owner alone, on the disk when this returns."""
    number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(number)
    _flush(path.parent)


def _flush(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unusable(directory: Path, problem: object) -> KeysMissing:
    told = problem.strerror if isinstance(problem, OSError) else problem
    return KeysMissing(
        f"the signing keys in {directory} cannot be used ({told})",
        "Put the directory back as it was; see docs/guides/auditors.md for a key that is lost.",
    )
