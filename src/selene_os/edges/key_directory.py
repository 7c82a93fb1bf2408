"""The directory of a ledger's keys: what is in it, how it is made, and how it is read.

    root.key    the root key, one line of text: everything encrypted hangs on it
    users.db    the keyring of a ledger in a file; a server keeps its own, in a schema apart

It is its owner's alone, and it is no part of any back-up of the ledger: whoever holds both reads
everything, whoever loses it loses every word that was said.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from selene_os.errors import BadField, KeysMissing
from selene_os.keys.cipher import KEY_BYTES

ROOT: Final = "root.key"
USERS: Final = "users.db"
_PREFIX: Final = "selene-root-1 "
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def path_of(directory: str, name: str) -> str:
    """Where one file of the directory stands."""
    return str(Path(directory) / name)


def is_whole(directory: str, names: tuple[str, ...]) -> bool:
    """Whether every file of these is there."""
    return all(Path(directory, name).exists() for name in names)


def make(directory: str, random: Callable[[int], bytes]) -> bool:
    """Make the directory and its root key, as far as they are missing, for their owner alone.

    Two who do so at once have one root key.

    Returns:
        Whether the root key was made.

    Raises:
        KeysMissing: the directory cannot be made or written.
    """
    root = Path(directory, ROOT)
    try:
        Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.exists():
            return False
        fresh = root.with_name(f".{ROOT}.{random(8).hex()}")
        _write(fresh, f"{_PREFIX}{random(KEY_BYTES).hex()}\n")
        try:
            # A link that is there is refused, where a rename would take its place.
            os.link(fresh, root)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        _flush(root.parent)
    except OSError as error:
        raise KeysMissing(
            f"{directory} cannot hold keys ({error.strerror})",
            "Name a directory of your own with SELENE_KEYS or --keys.",
        ) from error
    return True


def read_root(directory: str) -> bytes:
    """The root key. Raises KeysMissing: it is not there, cannot be read, or is none."""
    root = Path(directory, ROOT)
    try:
        text = root.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise KeysMissing(
            f"{root} does not exist",
            "Put the keys directory back, or name it with SELENE_KEYS or --keys; `selene init`"
            " makes one for a ledger that holds nothing encrypted yet.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeysMissing(f"{root} cannot be read ({error})", "Check its permissions.") from error
    try:
        key = bytes.fromhex(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeysMissing(f"{root} is no root key", "Put the right file back.")
    return key


def share_root(source: str, target: str) -> None:
    """Give another directory the same root key, so that a keyring that is copied opens there.

    Raises:
        BadField: it has another root key. KeysMissing: there is none to share.
    """
    key = read_root(source)
    if not Path(target, ROOT).exists():
        # What `make` draws first names a file; what it draws then is the key.
        make(target, lambda count: key if count == KEY_BYTES else os.urandom(count))
    if read_root(target) != key:
        raise BadField(
            "keys", f"{target} holds another root key than {source}", "Name an empty directory."
        )


def warnings(directory: str) -> Iterator[str]:
    """What of the directory is open to others than its owner."""
    folder = Path(directory)
    if not folder.is_dir():
        return
    for path in (folder, *sorted(folder.iterdir())):
        if path.stat().st_mode & _OTHERS:
            mode = "700" if path.is_dir() else "600"
            yield f"{path} is open to others than its owner: chmod {mode} {path}"


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
