"""The signing key of a ledger's log, as files in its directory of keys, which only its owner reads.

    signing.key              the key that signs, one line
    signing.key.next         the one behind it, while a rotation is under way
    signing-keys/0001.note   each key's statement, in order: the public part, to be given away

Source: selene_os.proof.signing and key_chain, for what the files hold.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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
_GONE: Final = f"{_KEY} is gone, its statements are there"


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
        KeysMissing: the directory cannot be written, or holds a part of what it must.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(directory):
            _finish(directory)
            if (directory / _KEY).exists():
                if not _statements(directory):
                    raise _unusable(directory, f"{_STATEMENTS} is empty, {_KEY} is there")
                return False
            if _statements(directory):
                raise _unusable(directory, _GONE)
            (directory / _STATEMENTS).mkdir(mode=0o700, exist_ok=True)
            _begin(directory, f"selene-{secrets.token_hex(8)}", None, 1)
    except (OSError, ValueError) as error:
        raise _unusable(directory, error) from error
    except BadField as error:
        raise _unusable(directory, f"{error.field} {error.problem}") from error
    return True


def there(directory: Path) -> bool:
    """Whether a directory holds a signing key, or what is left of one."""
    return (directory / _KEY).exists() or bool(_statements(directory))


def load(directory: Path) -> Log:
    """The keys of a log. Raises KeysMissing: there are none, or they do not fit together."""
    try:
        log = _loaded(directory)
        if log is None and there(directory):
            # A rotation under way, or one that was cut off.
            with _alone(directory):
                _finish(directory)
                log = _loaded(directory)
        if log is None and not there(directory):
            raise KeysMissing(
                f"{directory} holds no signing key",
                "Name its directory with SELENE_KEYS; where this ledger was never sealed, make one"
                " with `selene init`.",
            )
    except (OSError, ValueError) as error:
        raise _unusable(directory, error) from error
    except BadField as error:
        raise _unusable(directory, f"{error.field} {error.problem}") from error
    if log is None:
        here = (directory / _KEY).exists()
        problem = f"{_KEY} is not the last key of {_STATEMENTS}" if here else _GONE
        raise _unusable(directory, problem)
    return log


def rotate(directory: Path) -> Log:
    """Let a new key sign from now on; the old one signs its statement, and is gone.

    Raises:
        KeysMissing: see `load`.
    """
    load(directory)
    try:
        with _alone(directory):
            # Again: another rotation may have been first, and this one follows it.
            _finish(directory)
            log = _loaded(directory)
            if log is not None:
                _begin(directory, log.signer.name, log.signer, len(log.keys) + 1)
    except OSError as error:
        raise _unusable(directory, error) from error
    return load(directory)


def share(source: Path, target: Path) -> None:
    """Give another directory the same log, so that a ledger that is copied goes on with it.

    Raises:
        BadField: it has another log's key. KeysMissing: see `load`.
    """
    log = load(source)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(target):
            if there(target):
                # What was cut off before its key goes on with it; anything else is another log's.
                mine = [statement for _, statement in log.keys]
                if _statements(target) != mine[: len(_statements(target))]:
                    raise BadField(
                        "keys",
                        f"{target} holds the signing key of another log than {source}",
                        "Name an empty directory; where nothing was ever written with these, remove"
                        " them.",
                    )
            (target / _STATEMENTS).mkdir(mode=0o700, exist_ok=True)
            for number, (_, statement) in enumerate(log.keys, 1):
                if not _statement(target, number).exists():
                    _write(_statement(target, number), statement)
            if not (target / _KEY).exists():
                _write(target / _KEY, (source / _KEY).read_bytes())
    except OSError as error:
        raise _unusable(target, error) from error


def _begin(directory: Path, name: str, before: Ed25519Signer | None, number: int) -> None:
    """Let a new key begin, in an order in which it can be cut off anywhere: see `_finish`."""
    seed = secrets.token_bytes(SEED_BYTES)
    signer = Ed25519Signer(name, seed)
    # One that was cut off before its statement never signed anything.
    (directory / _NEXT).unlink(missing_ok=True)
    _write(directory / _NEXT, encode_signing_key(name, seed).encode() + b"\n")
    _write(_statement(directory, number), sign_statement(signer.verifier, before or signer))
    (directory / _NEXT).replace(directory / _KEY)
    _flush(directory)


def _finish(directory: Path) -> None:
    """Put the next key in charge where its statement is there: it is since then."""
    statements = _statements(directory)
    if not statements or not (directory / _NEXT).exists():
        return
    if chain_of(statements)[-1] == _signer(directory / _NEXT).verifier:
        (directory / _NEXT).replace(directory / _KEY)
        _flush(directory)


def _loaded(directory: Path) -> Log | None:
    """The keys as they are; None where the one that signs is not there, or not the last one."""
    if not (directory / _KEY).exists():
        return None
    signer = _signer(directory / _KEY)
    statements = _statements(directory)
    keys = chain_of(statements)
    if not keys or keys[-1] != signer.verifier:
        return None
    return Log(signer, tuple(zip(keys, statements, strict=True)))


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory, so that two processes do not make a key at once."""
    number = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _signer(path: Path) -> Ed25519Signer:
    return parse_signing_key(path.read_text(encoding="ascii").strip())


def _statements(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((directory / _STATEMENTS).glob("*.note"))]


def _statement(directory: Path, number: int) -> Path:
    return directory / _STATEMENTS / f"{number:04d}.note"


def _write(path: Path, content: bytes) -> None:
    """A new file for its owner alone, whole or not there, on the disk when this returns."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, f"{path.name} is there already")
    beside = path.with_name(path.name + ".part")
    beside.unlink(missing_ok=True)
    number = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(number)
    beside.replace(path)
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
