"""Keys: who signs, and whom to believe.

A key has a name, and an id of four bytes that is made of the name and the public key: a public key
under another name is another key. Both kinds of key are one line of text:

    what verifies     <name>+<id>+<base64 of 0x01 || public key>
    what signs        PRIVATE+KEY+<name>+<id>+<base64 of 0x01 || seed>

with the id as 8 lower-case hex digits, the id being the first 4 bytes of SHA-256(name || 0x0A ||
0x01 || public key), and 0x01 standing for Ed25519, the only algorithm here. The second form is the
one of Go's sumdb tools. It was chosen over PKCS #8 because the name is in it: a key file is whole
by itself and cannot be used under another name by mistake. It is not encrypted; whoever wants a key
that nobody can copy gives a `Signer` that asks a key service.

`cryptography` is loaded by the first signing key or the first signature verified, not before.

Source: c2sp.org/signed-note, "Signatures" and "Verifier keys"; golang.org/x/mod/sumdb/note.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from selene_os.errors import BadField

KEY_NAME_BYTES_MAX: Final = 256
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
SEED_BYTES: Final = 32

_ED25519: Final = b"\x01"
_SIGNS: Final = "PRIVATE+KEY+"
_ID = re.compile("[0-9a-f]{8}", re.ASCII)
# C0, and halves of surrogate pairs, which no UTF-8 holds. The format allows everything else.
_CONTROL = re.compile("[\x00-\x1f\ud800-\udfff]")


class Signer(Protocol):
    """Whatever signs: a key in this process, or one that a key service keeps to itself.

    name: the key's name, as `check_key_name` accepts it. key_id: its 4 bytes. `sign` returns the
    signature of exactly these bytes, 64 of them for Ed25519, or raises what the service raises.
    """

    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> bytes: ...
    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 public key under a name: what an auditor is given, and keeps.

    Attributes:
        name: 1 to 256 bytes of UTF-8, without spaces, control characters and +.
        public_key: 32 bytes. Source: RFC 8032 §5.1.5.

    Raises:
        BadField: one of the two is not like that.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name("key", self.name)
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise _bad_key(f"has {len(self.public_key)} bytes, not {PUBLIC_KEY_BYTES}")

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that signatures name it by: a short name of the key, no proof of it."""
        hashed = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(hashed).digest()[:KEY_ID_BYTES]

    def encode(self) -> str:
        """The key as its one line of text, without an end of line."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public_key)}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made this signature of this message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Ed25519Signer:
    """A signing key in this process. It never shows itself: `encode_signing_key` writes one."""

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """Make a signer.

        Args:
            name: as `VerifierKey` accepts it.
            seed: 32 bytes that nobody can guess: the private key. Source: RFC 8032 §5.1.5.

        Raises:
            BadField: the name or the seed's length is wrong.
        """
        from cryptography.hazmat.primitives.asymmetric import ed25519

        if len(seed) != SEED_BYTES:
            raise _bad_key(f"has {len(seed)} bytes, not {SEED_BYTES}")
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The key's name."""
        return self.verifier.name

    @property
    def key_id(self) -> bytes:
        """The key's id, 4 bytes."""
        return self.verifier.key_id

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes; the same one each time."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.name}+{self.key_id.hex()})"


def parse_verifier_key(text: str) -> VerifierKey:
    """Parse a public key's line of text, without an end of line.

    Raises:
        BadField: it is no such line, or its id is not the one of its name and key.
    """
    name, key_id, content = _parts(text)
    key = VerifierKey(name, content)
    if key.key_id.hex() != key_id:
        raise _bad_key("has an id that is not made of its name and its public key")
    return key


def encode_signing_key(name: str, seed: bytes) -> str:
    """A signing key's line of text, without an end of line, for a file that only its owner reads.

    Args:
        name: as `VerifierKey` accepts it.
        seed: 32 bytes from the system's random source.

    Raises:
        BadField: the name or the seed's length is wrong.
    """
    key_id = Ed25519Signer(name, seed).key_id.hex()
    return f"{_SIGNS}{name}+{key_id}+{_base64(_ED25519 + seed)}"


def parse_signing_key(text: str) -> Ed25519Signer:
    """Parse a signing key's line of text, without an end of line.

    Raises:
        BadField: it is no such line, or its id is not the one of its name and key. The error never
            repeats what the line holds.
    """
    if not text.startswith(_SIGNS):
        raise _bad_key(f"does not begin with {_SIGNS}")
    name, key_id, content = _parts(text.removeprefix(_SIGNS))
    signer = Ed25519Signer(name, content)
    if signer.key_id.hex() != key_id:
        raise _bad_key("has an id that is not made of its name and its public key")
    return signer


def check_key_name(field: str, name: str) -> str:
    """Return a name that keys may have.

    Raises:
        BadField: it is empty, longer than 256 bytes of UTF-8, or holds a space of any script, a
            control character or a +.
    """
    if not name or _CONTROL.search(name) or "+" in name or any(map(str.isspace, name)):
        raise BadField(
            field,
            "has a name that is empty, or holds a space, a control character or a +",
            "Name keys like example.com/log.",
        )
    if len(name.encode()) > KEY_NAME_BYTES_MAX:
        raise BadField(
            field, f"has a name of more than {KEY_NAME_BYTES_MAX} bytes", "Name it shorter."
        )
    return name


def decode_base64(text: str) -> bytes | None:
    """The bytes of base64 text in its one strict form; None for any other text.

    Python's own decoder takes bits that mean nothing in the last digit, so that two texts would be
    one signature. Source: RFC 4648 §3.5 and §4.
    """
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return None
    return content if _base64(content) == text else None


def _parts(text: str) -> tuple[str, str, bytes]:
    """A key's name, the id that it claims, and what stands behind the algorithm's byte."""
    # The name holds no +, but base64 does.
    name, plus, rest = text.partition("+")
    key_id, second, encoded = rest.partition("+")
    content = decode_base64(encoded)
    if not plus or not second or not _ID.fullmatch(key_id) or content is None:
        raise _bad_key("is not a name, 8 lower-case hex digits and base64, with + between them")
    if content[:1] != _ED25519:
        raise _bad_key("is of another algorithm than Ed25519")
    return name, key_id, content[1:]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bad_key(problem: str) -> BadField:
    return BadField("key", problem, "Copy the key's whole line, and nothing else.")
