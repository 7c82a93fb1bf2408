"""Signed notes and keys, against the examples of those who made the format."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import python
from selene_os.errors import BadField
from selene_os.proof.notes import NOTE_BYTES_MAX, Note, open_note, parse_note, sign_note
from selene_os.proof.signing import (
    Ed25519Signer,
    Signer,
    VerifierKey,
    decode_base64,
    encode_signing_key,
    parse_signing_key,
    parse_verifier_key,
)

# From c2sp.org/signed-note, "Verifier keys", and the documentation of golang.org/x/mod/sumdb/note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
    "HjG1Yu72IneyaQM=\n"
)
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SIGNING_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv"
    "qfqdngotpRZb6KE6RyyBwJnAM=\n"
)

OLD = Ed25519Signer("example.com/log", bytes(range(32)))
NEW = Ed25519Signer("example.com/log", bytes(range(1, 33)))
TEXT = "first line\n\nthird line\n"
NOTE = sign_note(TEXT, [OLD])
LINE = NOTE.decode().removeprefix(TEXT + "\n")


@dataclass(frozen=True)
class Odd:
    """A signer that is somebody else's code."""

    name: str = "odd"
    key_id: bytes = b"\0\0\0\0"
    signature: bytes = b"x"

    def sign(self, message: bytes) -> bytes:
        return self.signature


# ---- known answers


def test_the_specifications_example_is_verified() -> None:
    key = parse_verifier_key(SPEC_KEY)
    assert open_note(SPEC_NOTE.encode(), [key]) == ("This is an example message.\n", (key,))
    assert key.encode() == SPEC_KEY


def test_gos_example_is_signed_to_the_byte_and_verified() -> None:
    signer = parse_signing_key(GO_SIGNING_KEY)
    assert sign_note(GO_TEXT, [signer]) == GO_NOTE.encode()
    assert signer.verifier.encode() == GO_KEY
    assert open_note(GO_NOTE.encode(), [parse_verifier_key(GO_KEY)]).text == GO_TEXT
    seed = base64.b64decode(GO_SIGNING_KEY.split("+", 4)[4])[1:]
    assert encode_signing_key("PeterNeumann", seed) == GO_SIGNING_KEY


# ---- keys


@pytest.mark.parametrize("text", [SPEC_KEY, GO_KEY])
def test_a_key_with_any_part_missing_or_any_character_changed_is_refused(text: str) -> None:
    for start in range(len(text) + 1):
        for end in range(start, len(text) + 1):
            if (start, end) != (0, len(text)):
                with pytest.raises(BadField):
                    parse_verifier_key(text[start:end])
    for place, letter in enumerate(text):
        with pytest.raises(BadField):
            parse_verifier_key(text[:place] + chr(ord(letter) + 1) + text[place + 1 :])


def test_a_signing_key_with_a_character_changed_is_refused_and_never_shown() -> None:
    secret = GO_SIGNING_KEY.split("+", 4)[4]
    for place, letter in enumerate(GO_SIGNING_KEY):
        changed = GO_SIGNING_KEY[:place] + chr(ord(letter) + 1) + GO_SIGNING_KEY[place + 1 :]
        with pytest.raises(BadField) as refused:
            parse_signing_key(changed)
        assert secret[10:30] not in str(refused.value)
        with pytest.raises(BadField):
            parse_signing_key(GO_SIGNING_KEY[:place])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # Go's tests: a key one byte too long, and one of an unknown algorithm, with fitting ids.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "between"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "algorithm"),
        (GO_KEY + "\n", "between"),
        (" " + GO_KEY, "space"),
        (GO_KEY.replace("c74f20a3", "C74F20A3"), "lower-case"),
        (GO_KEY.replace("c74f20a3", "c74f20a4"), "id that is not made"),
        (GO_KEY.replace("PeterNeumann", ""), "empty"),
        (GO_KEY.replace("Neumann", "Neu+mann"), "between"),
        ("é" * 129 + GO_KEY.removeprefix("PeterNeumann"), "more than 256 bytes"),
        (GO_SIGNING_KEY, "between"),
        ("", "between"),
    ],
)
def test_a_key_that_deviates_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadField, match=reason):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a\u2003b", "a\tb", "a\x07b", "a+b", "\ud800"])
def test_a_key_cannot_have_a_name_that_does_not_fit_into_a_signature_line(name: str) -> None:
    with pytest.raises(BadField, match="key has a name that is empty, or holds"):
        VerifierKey(name, bytes(32))


def test_a_key_is_of_32_bytes_under_a_name_of_at_most_256() -> None:
    assert VerifierKey("n" * 256, bytes(32)).encode().startswith("n" * 256)
    with pytest.raises(BadField, match="key has a name of more than 256"):
        VerifierKey("n" * 257, bytes(32))
    with pytest.raises(BadField, match="31 bytes, not 32"):
        VerifierKey("n", bytes(31))


def test_a_key_under_another_name_is_another_key() -> None:
    other = VerifierKey("example.com/other", OLD.verifier.public_key)
    assert other.key_id != OLD.key_id
    with pytest.raises(BadField, match="none of the given keys"):
        open_note(NOTE, [other])


def test_a_signer_does_not_show_its_key() -> None:
    signer = parse_signing_key(GO_SIGNING_KEY)
    assert repr(signer) == "Ed25519Signer(PeterNeumann+c74f20a3)"
    with pytest.raises(BadField, match="does not begin with PRIVATE"):
        parse_signing_key(GO_KEY)
    with pytest.raises(BadField, match="31 bytes, not 32"):
        Ed25519Signer("x", bytes(31))


def test_keys_and_notes_load_no_cryptography_before_they_sign_or_verify() -> None:
    loaded = (
        "import json, sys\n"
        "from selene_os.proof import checkpoint, leaves, merkle, merkle_proofs, notes, signing\n"
        f"key = signing.parse_verifier_key({SPEC_KEY!r})\n"
        f"notes.parse_note({SPEC_NOTE!r}.encode())\n"
        "before = 'cryptography' in sys.modules\n"
        f"notes.open_note({SPEC_NOTE!r}.encode(), [key])\n"
        "print(json.dumps([before, 'cryptography' in sys.modules]))"
    )
    assert json.loads(python(loaded)) == [False, True]


@given(st.text(max_size=12) | st.binary(max_size=9).map(lambda b: base64.b64encode(b).decode()))
def test_base64_has_one_form(text: str) -> None:
    content = decode_base64(text)
    assert content is None or base64.b64encode(content).decode() == text


@pytest.mark.parametrize("text", ["QR==", "QQ", "QQ=", "QQ===", "QQ==\n", " QQ==", "Q Q=", "-_-_"])
def test_base64_in_another_form_is_none(text: str) -> None:
    assert decode_base64("QQ==") == b"A"
    assert decode_base64(text) is None


# ---- notes


@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32) | st.just("\n")))
@settings(max_examples=200)
def test_any_text_can_be_signed_and_comes_back_as_it_was(text: str) -> None:
    data = sign_note(text + "\n", [OLD, NEW])
    assert open_note(data, [NEW.verifier]) == (text + "\n", (NEW.verifier,))
    assert parse_note(data).encode() == data


def test_while_a_key_is_replaced_either_key_verifies() -> None:
    data = sign_note(TEXT, [OLD, NEW])
    old, new = OLD.verifier, NEW.verifier
    assert open_note(data, [old]).signed_by == (old,)
    assert open_note(data, [new]).signed_by == (new,)
    assert open_note(data, [new, old]).signed_by == (old, new)


def test_signatures_of_unknown_keys_say_nothing() -> None:
    data = sign_note(TEXT, [Odd(), OLD, Odd(name=OLD.name), Odd(key_id=OLD.key_id)])
    assert open_note(data, [OLD.verifier]).signed_by == (OLD.verifier,)
    with pytest.raises(BadField, match="signed by none of the given keys"):
        open_note(data, [NEW.verifier])
    with pytest.raises(BadField, match="signed by none of the given keys"):
        open_note(data, [])


def test_one_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    signers: list[Signer] = [NEW, Odd(OLD.name, OLD.key_id, NEW.sign(TEXT.encode()))]
    data = sign_note(TEXT, signers)
    assert open_note(data, [NEW.verifier]).text == TEXT
    with pytest.raises(BadField, match="not of its key example"):
        open_note(data, [NEW.verifier, OLD.verifier])


@pytest.mark.parametrize("size", [1, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(size: int) -> None:
    data = sign_note(TEXT, [Odd(OLD.name, OLD.key_id, bytes(size))])
    with pytest.raises(BadField, match="not of its key"):
        open_note(data, [OLD.verifier])


def test_two_keys_of_one_name_and_id_cannot_both_be_believed() -> None:
    assert open_note(NOTE, [OLD.verifier, OLD.verifier]).signed_by == (OLD.verifier,)
    # Ids of four bytes collide for whoever wants them to: these two were found in a moment.
    one, other = (VerifierKey(OLD.name, number.to_bytes(32, "big")) for number in (27114, 45887))
    assert one.key_id == other.key_id
    with pytest.raises(BadField, match="name and id of another"):
        open_note(NOTE, [OLD.verifier, one, other])


DEVIATIONS = {
    "": "does not end in a newline",
    "\n": "no empty line",
    TEXT: "has no signature in line 3",
    TEXT + "\n": "no signature in line 5",
    TEXT.replace("\n\n", "\n") + LINE: "no empty line",
    TEXT + LINE: "no signature in line 3",
    TEXT + "\n" + LINE[:-1]: "does not end in a newline",
    TEXT + "\n" + LINE + "\n": "no signature in line 7",
    TEXT + "\n" + LINE + "trailing\n": "no signature in line 6",
    TEXT + "\n" + LINE + "trailing": "does not end in a newline",
    TEXT + "\n" + LINE.replace("\n", "\r\n"): r"U\+000D in line 5",
    TEXT.replace("first", "fi\trst") + "\n" + LINE: r"U\+0009 in line 1",
    TEXT.replace("first", "fi\0rst") + "\n" + LINE: r"U\+0000 in line 1",
    TEXT + "\n" + LINE + LINE: "signed twice by one key",
    TEXT + "\n" + LINE + LINE.replace(" ", "  "): "no signature in line 6|empty",
    TEXT + "\n" + LINE.replace("— ", "- "): "no signature in line 5",
    TEXT + "\n" + LINE.replace("— ", "—"): "no signature in line 5",
    TEXT + "\n" + LINE.replace("— ", "—\u00a0"): "no signature in line 5",
    TEXT + "\n" + LINE.replace("— ", " — "): "no signature in line 5",
    TEXT + "\n" + LINE.replace("\n", " \n"): "not base64 in line 5",
    TEXT + "\n" + LINE.replace("=\n", "\n"): "not base64 in line 5",
    TEXT + "\n" + LINE.replace("example.com/log", "exa+mple"): r"or a \+",
    TEXT + "\n" + LINE.replace("example.com/log", "exa\u2003mple"): "a space",
    TEXT + "\n" + LINE.replace("example.com/log", "e" * 257): "more than 256 bytes",
    TEXT + "\n" + "— x AAAAAA==\n": "too short in line 5",
    TEXT + "\n" + "— x\n": "no signature in line 5",
    TEXT + "\n" + "".join(f"— x{n} AAAAAAA=\n" for n in range(17)): "17 signatures; at most 16",
    TEXT + "a" * NOTE_BYTES_MAX + "\n\n" + LINE: "at most 131072",
}


@pytest.mark.parametrize("text", DEVIATIONS, ids=lambda text: repr(text[-30:]))
def test_a_note_that_deviates_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadField, match=DEVIATIONS[text]):
        open_note(text.encode(), [OLD.verifier])


@pytest.mark.parametrize("byte", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x80"])
def test_a_note_that_is_not_utf_8_is_refused_with_the_place(byte: bytes) -> None:
    with pytest.raises(BadField, match="not UTF-8 at byte 2"):
        parse_note(b"ab" + byte + NOTE)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_are_a_note_in_one_form_or_refused(noise: bytes) -> None:
    for data in (noise, NOTE + noise, noise + NOTE, TEXT.encode() + b"\n" + noise):
        try:
            note = parse_note(data)
        except BadField:
            continue
        assert note.encode() == data


@pytest.mark.parametrize(
    ("text", "signers"),
    [
        (TEXT.removesuffix("\n"), [OLD]),
        ("", [OLD]),
        ("a\rb\n", [OLD]),
        ("\ud800\n", [OLD]),
        (TEXT, []),
        (TEXT, [OLD, OLD]),
        (TEXT, [Odd(name=f"x{number}") for number in range(17)]),
        (TEXT, [Odd(name="a b")]),
        (TEXT, [Odd(name="a+b")]),
        (TEXT, [Odd(name="")]),
        (TEXT, [Odd(name="a AAAAAAA=\n\n— a")]),
        (TEXT, [Odd(key_id=b"\0\0\0")]),
        (TEXT, [Odd(key_id=b"\0\0\0\0\0")]),
        (TEXT, [Odd(signature=b"")]),
    ],
)
def test_nothing_is_signed_that_could_not_be_read_again(text: str, signers: list[Signer]) -> None:
    with pytest.raises(BadField):
        sign_note(text, signers)


def test_a_note_may_be_of_131072_bytes_and_no_more() -> None:
    text = "x" * (NOTE_BYTES_MAX - len(LINE.encode()) - 2) + "\n"
    data = sign_note(text, [OLD])
    assert (len(data), open_note(data, [OLD.verifier]).text) == (NOTE_BYTES_MAX, text)
    with pytest.raises(BadField, match="is 131073 bytes"):
        sign_note("x" + text, [OLD])


def test_a_note_may_hold_the_sixteen_largest_signatures() -> None:
    signers = [Odd(name=f"{number}" + "n" * 200, signature=bytes(5_000)) for number in range(15)]
    data = sign_note(TEXT, [*signers, OLD])
    assert open_note(data, [OLD.verifier]).text == TEXT
    assert len(Note(TEXT, parse_note(data).signatures).encode()) == len(data)
