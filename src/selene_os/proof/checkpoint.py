"""Checkpoints: what a tree was at one time, as a note that its log signed.

    <origin: the log's name>
    <size: how many leaves, in decimal digits>
    <base64 of the root hash>
    <extension lines, if any>

Whoever keeps one can later tell whether the log still begins with what it began with then.

Source: c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from selene_os.errors import BadField
from selene_os.proof.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX
from selene_os.proof.notes import open_note, sign_note
from selene_os.proof.signing import Signer, VerifierKey, decode_base64

ORIGIN_BYTES_MAX: Final = 256

_SIZE = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, and the size and root of its tree.

    Attributes:
        origin: which log; 1 to 256 bytes of UTF-8 without control characters. It tells logs apart,
            so each tenant's log needs its own. Like example.com/log/acme, by recommendation; logs
            with spaces in it exist.
        size: how many leaves, 0 to 2**63 - 1.
        root: the root hash, 32 bytes; of the empty tree the only one that it has.
        extensions: further lines, none of them empty; nobody but who wrote them knows what they
            mean, so Selene writes none.

    Raises:
        BadField: one of them is not like that.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or _CONTROL.search(line):
                raise _refused("has a line that is empty or holds a control character")
        if len(self.origin.encode()) > ORIGIN_BYTES_MAX:
            raise _refused(f"has an origin of more than {ORIGIN_BYTES_MAX} bytes")
        if not 0 <= self.size <= SIZE_MAX:
            raise _refused("has a size that no tree has")
        if len(self.root) != HASH_BYTES:
            raise _refused(f"has a root of {len(self.root)} bytes, not {HASH_BYTES}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise _refused("is of an empty tree, but its root is not the empty tree's")

    def encode(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))


class Sealed(NamedTuple):
    """A checkpoint that may be believed, and the keys that signed it."""

    checkpoint: Checkpoint
    signed_by: tuple[VerifierKey, ...]


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint's text; `encode` gives the same text again.

    Raises:
        BadField: it deviates from the format.
    """
    origin, *rest = text.removesuffix("\n").split("\n")
    if len(rest) < 2 or not text.endswith("\n"):
        raise _refused("has fewer than three lines")
    size, root, *extensions = rest
    if not _SIZE.fullmatch(size):
        raise _refused("has a size that is not a number without leading zeros")
    root_hash = decode_base64(root)
    if root_hash is None:
        raise _refused("has a root that is not base64")
    return Checkpoint(origin, int(size), root_hash, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """A checkpoint as a signed note.

    Whoever signs must know that the tree begins with each tree that was signed before under the
    same origin: two checkpoints that do not agree are the proof of a forgery, whoever made it.

    Raises:
        BadField: as `notes.sign_note`.
    """
    return sign_note(checkpoint.encode(), signers)


def open_checkpoint(data: bytes, origin: str, keys: Sequence[VerifierKey]) -> Sealed:
    """Read and verify a checkpoint.

    Args:
        data: the signed note's bytes.
        origin: the log that it must be of. One key may sign for many logs, so that a signature
            alone would let one tenant's checkpoint pass for another's.
        keys: whom to believe, as for `notes.open_note`.

    Raises:
        BadField: it deviates from a format, a signature is wrong or missing, or it is of another
            log.
    """
    text, signed_by = open_note(data, keys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != origin:
        raise _refused("is of another log")
    return Sealed(checkpoint, signed_by)


def _refused(problem: str) -> BadField:
    return BadField("checkpoint", problem, "Use the file exactly as the log signed it.")
