"""Signed notes: text, and below it who signed it, as one file of bytes.

    <text, any lines>
    <empty line>
    — <key name> <base64 of key id || signature>

One signature line for each key; the last empty line is the one that ends the text. What is signed
is the text with its last newline, without the empty line.

Reading is strict: of one note there is exactly one form in bytes, and whatever is not it is refused
with the reason. Beyond what the format demands, a key may sign only once, base64 must be in its
canonical form, and there are at most 16 signatures, which every reader must accept.

Source: c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from selene_os.errors import BadField
from selene_os.proof.signing import (
    KEY_ID_BYTES,
    Signer,
    VerifierKey,
    check_key_name,
    decode_base64,
)

# Sixteen signatures of 5 kB, the largest there are, and a page of text.
NOTE_BYTES_MAX: Final = 131_072
SIGNATURES_MAX: Final = 16

_DASH: Final = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_AS_SIGNED: Final = "Use the file exactly as it was signed."


class Signature(NamedTuple):
    """One signature line: who claims to have signed (name and 4 bytes of id), and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was parsed. Nothing in it is to be believed before a signature was verified.

    Attributes:
        text: what was signed, ending in a newline.
        signatures: 1 to 16, in their order, each of another key.
    """

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note's one form in bytes."""
        lines = [_line(signature) for signature in self.signatures]
        return f"{self.text}\n{''.join(lines)}".encode()


class Opened(NamedTuple):
    """A note's text that may be believed, and the keys that signed it, in the note's order."""

    text: str
    signed_by: tuple[VerifierKey, ...]


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """Sign a text, once with each signer.

    Where a key is replaced, the old one and the new one sign for a while, the old one first: those
    who know only one of them can verify the note.

    Args:
        text: valid Unicode that ends in a newline, with no other control characters.
        signers: 1 to 16, each of another key.

    Returns:
        The note, as `open_note` takes it.

    Raises:
        BadField: the text or the signers are not like that, or a signer gives no signature.
    """
    message = _check_text(text)
    made = [Signature(signer.name, signer.key_id, signer.sign(message)) for signer in signers]
    note = Note(text, tuple(made))
    data = note.encode()
    # Signers may be other people's code: no odd name or id of theirs gets into a file.
    if parse_note(data) != note:
        raise BadField("note", "is not what its signers were given", "Mend the signers.")
    return data


def parse_note(data: bytes) -> Note:
    """Take a note apart, without verifying it.

    Args:
        data: the file's bytes, at most 131,072.

    Raises:
        BadField: it deviates from the format; the message says where.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise _refused(f"is {len(data)} bytes; at most {NOTE_BYTES_MAX} are accepted")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise _refused(f"is not UTF-8 at byte {error.start}") from None
    _check_text(whole)
    head, empty_line, tail = whole.rpartition("\n\n")
    if not empty_line:
        raise _refused("has no empty line between its text and its signatures")
    text = head + "\n"
    before = text.count("\n") + 2
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise _refused(f"has {len(lines)} signatures; at most {SIGNATURES_MAX} are accepted")
    signatures = tuple(_parse_line(line, place) for place, line in enumerate(lines, before))
    if len({(one.name, one.key_id) for one in signatures}) != len(signatures):
        raise _refused("is signed twice by one key")
    return Note(text, signatures)


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> Opened:
    """Take a note apart and verify it.

    Signatures of keys that are not among `keys` say nothing, and are passed over. Each one of a key
    that is must hold; one wrong signature of a known key refuses the note, whoever else signed.

    Args:
        data: the file's bytes.
        keys: whom to believe; one of them must have signed.

    Returns:
        The text, and which of the keys signed it; look there where it must be a certain one.

    Raises:
        BadField: it deviates from the format, none of the keys signed it, or a signature is wrong.
    """
    note = parse_note(data)
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise BadField("key", "has the name and id of another one", "Give one of the two.")
    message = note.text.encode()
    signed_by = []
    for name, key_id, signature in note.signatures:
        trusted = known.get((name, key_id))
        if trusted is None:
            continue
        if not trusted.verifies(message, signature):
            raise _refused(f"has a signature that is not of its key {name}+{key_id.hex()}")
        signed_by.append(trusted)
    if not signed_by:
        raise BadField("note", "is signed by none of the given keys", "Give the signer's key.")
    return Opened(note.text, tuple(signed_by))


def _check_text(text: str) -> bytes:
    if found := _CONTROL.search(text):
        line = text[: found.start()].count("\n") + 1
        raise _refused(f"holds the control character U+{ord(found[0]):04X} in line {line}")
    if not text.endswith("\n"):
        raise _refused("does not end in a newline")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _refused("holds half a surrogate pair") from None


def _parse_line(line: str, place: int) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise _refused(f"has no signature in line {place}, where one must be")
    check_key_name("note", name)
    content = decode_base64(encoded)
    if content is None:
        raise _refused(f"has a signature that is not base64 in line {place}")
    if len(content) <= KEY_ID_BYTES:
        raise _refused(f"has a signature that is too short in line {place}")
    return Signature(name, content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])


def _line(signature: Signature) -> str:
    name, key_id, content = signature
    return f"{_DASH}{name} {base64.b64encode(key_id + content).decode('ascii')}\n"


def _refused(problem: str) -> BadField:
    return BadField("note", problem, _AS_SIGNED)
