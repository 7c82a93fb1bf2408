"""The verifier of one file as an auditor runs it: a command that needs nothing of Selene's."""

from __future__ import annotations

import ast
import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from judges import (
    DIFFERS,
    HOLDS,
    NOT_CHECKED,
    both,
    by_file,
    by_package,
    changed_rows,
    files,
    one_file,
    rebuilt,
)
from ledgers import ACME
from sealed import (
    FIRST,
    FOREIGN,
    LOG,
    SECOND,
    older_note,
    sealed_case,
    sealed_log,
    written,
)
from selene_os.proof import bundle
from selene_os.proof.archive import ARCHIVE_BYTES_MAX, unpack
from selene_os.proof.evidence import Sealing, make_case, wanted_nodes
from selene_os.proof.merkle import Frontier, leaf_hash
from selene_os.proof.merkle_proofs import (
    consistency_proof,
    frontier_at,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from selene_os.proof.notes import Note, Signature
from selene_os.proof.signing import Ed25519Signer

# ---- as a command


def verify(folder: Path, *arguments: str, blind: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier; blind: as where `cryptography` is not installed."""
    (folder / "verify_case.py").write_bytes(files()[bundle.VERIFIER])
    command = [sys.executable, "-I", "verify_case.py", *arguments]
    if blind:
        start = "import sys, runpy; sys.modules['cryptography'] = None; sys.argv = sys.argv[1:]; "
        run = "runpy.run_path('verify_case.py', run_name='__main__')"
        command = [sys.executable, "-I", "-c", start + run, "verify_case.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_file_alone_checks_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(sealed_case())
    (tmp_path / "older.txt").write_bytes(older_note())
    (tmp_path / "keys.txt").write_text(FIRST.verifier.encode() + "\n")
    done = verify(tmp_path, "case.zip", "--key", "keys.txt", "--against", "older.txt")
    assert (done.returncode, done.stderr) == (HOLDS, "")
    assert done.stdout.endswith("Everything holds.\n")
    assert "came with the bundle" not in done.stdout
    assert "the 13 leaves of your checkpoint" in done.stdout
    done = verify(tmp_path, "case.zip")
    assert done.returncode == HOLDS and "came with the bundle" in done.stdout
    done = verify(tmp_path, "case.zip", "--key", FOREIGN.verifier.encode())
    assert done.returncode == DIFFERS and "none of those that you trust" in done.stdout


def test_each_finding_names_its_file_and_row(tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(rebuilt(changed_rows(severity="ERROR")))
    done = verify(tmp_path, "case.zip")
    assert done.returncode == DIFFERS
    assert "DIFFERS  rows.jsonl row 2 (018bcfe5-" in done.stdout
    assert done.stdout.endswith("Do not rely on this bundle.\n")


def test_without_cryptography_the_rest_is_checked_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(sealed_case())
    done = verify(tmp_path, "case.zip", blind=True)
    assert done.returncode == NOT_CHECKED
    assert "NOT CHECKED  SIGNATURES" in done.stdout
    (tmp_path / "case.zip").write_bytes(rebuilt(changed_rows(severity="ERROR")))
    assert verify(tmp_path, "case.zip", blind=True).returncode == DIFFERS


def test_what_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(sealed_case())
    (tmp_path / "empty.txt").write_text("")
    with (tmp_path / "large.zip").open("wb") as file:
        file.truncate(ARCHIVE_BYTES_MAX + 1)
    for arguments in (
        ["nowhere.zip"],
        [],
        ["case.zip", "--key", "nowhere"],
        ["case.zip", "--key", "empty.txt"],
        ["case.zip", "--key", "a+b+c"],
        ["case.zip", "--against", "nowhere"],
        ["large.zip"],
    ):
        done = verify(tmp_path, *arguments)
        assert done.returncode == 2 and "Traceback" not in done.stderr, arguments


def test_nothing_from_a_bundle_commands_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(rebuilt(changed_rows(event_id="\x1b[2J\u202e")))
    done = verify(tmp_path, "case.zip")
    assert done.returncode == DIFFERS and "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_the_file_has_no_need_of_selene_or_of_a_newer_python() -> None:
    source = files()[bundle.VERIFIER].decode()
    tree = ast.parse(source, feature_version=(3, 9))
    named = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {
        (node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert named <= {*sys.stdlib_module_names, "cryptography"}


# ---- its proofs, against those of the package


def tree(size: int) -> Callable[[int, int], bytes]:
    """The nodes of a tree of this size."""
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    return lambda level, place: (
        Frontier().extend(leaves[place << level : (place + 1) << level]).frontier.root()
    )


def bent(proof: list[bytes]) -> Iterator[list[bytes]]:
    """A proof, and what is nearly the same one."""
    yield proof
    yield [*proof, bytes(32)]
    yield proof[1:]
    yield proof[:-1]
    yield proof[::-1]
    yield []
    yield [bytes(32), *proof[1:]]


@pytest.mark.parametrize("new", range(1, 18))
def test_it_judges_every_proof_as_the_package_does(new: int) -> None:
    file, read = one_file(), tree(new)
    root = frontier_at(new, read).root()
    for old in range(1, new + 1):
        old_root = frontier_at(old, read).root()
        for proof in bent([*consistency_proof(old, new, read)]):
            for before in (old_root, bytes(32)):
                for sizes in ((old, new), (old - 1, new), (new, old), (old, old)):
                    held = verify_consistency(*sizes, before, root, proof)
                    assert file.consistent(*sizes, before, root, proof) == bool(held), sizes
        index = old - 1
        for proof in bent([*inclusion_proof(index, new, read)]):
            for place in (index, index + 1, -1, new, new - 1):
                leaf = read(0, index)
                held = verify_inclusion(place, new, leaf, proof, root)
                assert file.included(place, new, leaf, proof, root) == bool(held), place


# ---- its notes and keys, against those of the package


def signed(text: str, signer: Ed25519Signer) -> bytes:
    """A note signed without asking whether its text may be signed."""
    signature = Signature(signer.name, signer.key_id, signer.sign(text.encode()))
    return Note(text, (signature,)).encode()


def test_a_note_that_the_format_does_not_allow_is_refused_though_its_log_signed_it() -> None:
    text = unpack(sealed_case()).files[bundle.CHECKPOINT].decode().split("\n\n")[0] + "\n"
    assert both(rebuilt(files() | {bundle.CHECKPOINT: signed(text, SECOND)})) == HOLDS
    for other in (
        text + "a\tb\n",
        text + "\n",
        text.replace("\n", "\r\n"),
        text + "x" * 131_072 + "\n",
        text.replace("24", "024"),
        text.replace("24", "+24"),
        text.replace("24", "\u0662\u0664"),
        text.replace("24", str(2**63)),
    ):
        data = rebuilt(files() | {bundle.CHECKPOINT: signed(other, SECOND)})
        assert both(data) == DIFFERS, other
    unended = signed(text, SECOND).removesuffix(b"\n")
    assert both(rebuilt(files() | {bundle.CHECKPOINT: unended})) == DIFFERS


def test_keys_that_are_not_numbered_one_by_one_are_found_though_they_are_a_chain() -> None:
    found = files()
    found["keys/0003.txt"] = found.pop("keys/0002.txt")
    assert both(rebuilt(found)) == DIFFERS


def test_rows_of_two_conversations_are_found_though_each_is_proven_and_in_order() -> None:
    log = sealed_log()
    mixed = written()[0][10:12]
    assert len({row.correlation_id for row in mixed}) == 2
    sealing = Sealing(log.checkpoints[24], tuple(log.statements))
    placed = log.placed(ACME, [row.event_id for row in mixed])
    nodes = wanted_nodes(24, placed)
    hashes = dict(zip(nodes, log.nodes(ACME, nodes), strict=True))
    assert both(bundle.write(make_case(mixed, placed, hashes, sealing))) == DIFFERS
    assert both(bundle.write(make_case(mixed[1:], placed, hashes, sealing))) == HOLDS


def test_signatures_of_others_are_passed_over_where_the_format_allows_them() -> None:
    note = files()[bundle.CHECKPOINT]

    def line(name: str, content: bytes) -> bytes:
        return f"— {name} {base64.b64encode(content).decode()}\n".encode()

    witness = line("witness.example", b"1234 and a signature")
    # The report names who signed: made again it is another one, which only Selene sees.
    assert by_package(rebuilt(files() | {bundle.CHECKPOINT: note + witness}), None) == DIFFERS
    assert by_file(rebuilt(files() | {bundle.CHECKPOINT: note + witness}), None) == HOLDS
    for further in (
        line("witness.example", b"1234"),
        witness + witness,
        b"".join(line(f"witness-{number}", b"12345") for number in range(16)),
        line("w" * 257, b"12345"),
        line("w+", b"12345"),
        line("w\u2003", b"12345"),
        b"- witness MTIzNDU2\n",
        b"\n",
    ):
        data = rebuilt(files() | {bundle.CHECKPOINT: note + further})
        assert by_file(data, None) == DIFFERS, further
        assert by_package(data, None) == DIFFERS, further


def test_a_key_whose_id_is_another_is_refused_though_the_key_before_it_signed_it() -> None:
    real = SECOND.verifier.encode()
    for line in (
        real.replace("d65a813a", "d65a813b"),
        real.replace("d65a813a", "D65A813A"),
        real[:-4],
        real[:-1] + "A",
        real + "AAAA",
        real.replace("selene-", "selene+"),
        real.replace("+AX", "+BX"),
        "",
    ):
        assert line != real
        statement = signed(f"selene signing key\n{LOG}\n{line}\n", FIRST)
        verifiers = f"{FIRST.verifier.encode()}\n{line}\n".encode()
        found = files() | {"keys/0002.txt": statement, bundle.VERIFIERS: verifiers}
        assert both(rebuilt(found)) == DIFFERS, line
