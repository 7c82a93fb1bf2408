"""Checks a bundle of Selene's: that one conversation's rows stand unchanged in a signed log.

    python3 verify_case.py case.zip [--key KEY]... [--against CHECKPOINT]

KEY is the log's key, a line or a file of lines, which you were given by another way than this
bundle. CHECKPOINT is an older checkpoint of the log that you kept: the bundle must then prove that
the log still begins with it. Ends with 0 where everything holds, 3 where anything differs (a line
names the file, the row and what), 4 where something could not be checked, and 2 where the command
line, or a file that it names, cannot be read. Needs Python 3.9; for signatures also `pip install
cryptography`. Read it before you run it: it runs nothing that is in a bundle, and writes no files.

1. The zip must be exactly the one that its files make. 2. MANIFEST.sha256 must be the hashes of
those files. 3. Each key of the log must be signed by the one before it, and the checkpoint by one
of them. 4. Each row must hash to a leaf from which its proof leads to the root in the checkpoint.
5. What was said must hash to what its row names. report.html and README.txt are not made again
here: who changes one of them and the manifest is found by `selene verify-bundle`.
"""

import argparse
import base64
import hashlib
import hmac
import io
import json
import re
import struct
import sys
import zipfile
from pathlib import Path

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    Ed25519PublicKey = AESGCM = None

BUNDLE_BYTES_MAX, FILES_MAX = 256 * 1024 * 1024, 30_000
# A row's columns in the order in which its leaf holds them.
COLUMNS = (
    "tenant_id event_id engine event_type reason_code severity correlation_id turn_id user_id"
    " device_id session_id idempotency_key payload_min created_at engine_version pack_digest key_id"
    " record_digest"
).split()
NULLABLE = "user_id device_id session_id engine_version pack_digest key_id record_digest".split()
NEEDED = (
    "MANIFEST.sha256 README.txt checkpoint.txt keys/verifiers.txt proofs.json report.html"
    " rows.jsonl verify_case.py"
).split()
STATEMENT, INPUT = r"keys/[0-9]{4}\.txt", r"inputs/[0-9a-f-]{36}\.json"
COMMITMENT = b"selene row key commitment\0"
KEY_NAME = r"([^\s+\x00-\x1f]+)"
OWN_KEY = "The key came with the bundle, which thus agrees with itself and no more: compare the id."


class Differs(Exception):
    """Something is not as it was written: the file, and what differs."""


def need(holds, file, otherwise):
    """Go on only where something holds."""
    if not holds:
        raise Differs(file, otherwise)


# ---- 1. the zip: nothing compressed, all of one day, in the order of names, and nothing else
def zip_of(files):
    """The one zip of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name])
    return made.getvalue()


def files_of(_, data):
    """The files of a zip as far as they can be found, each behind its header of 30 bytes."""
    files, at = {}, 0
    while data[at : at + 4] == b"PK\3\4":
        size, name_length, extra_length = struct.unpack_from("<IHH", data, at + 22)
        name = data[at + 30 : at + 30 + name_length].decode("ascii")
        part = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"
        fits = re.fullmatch(f"({part}/)?{part}", name) and len(files) < FILES_MAX
        need(fits and name not in files, "bundle", f"has a file at byte {at} that it cannot have")
        at += 30 + name_length + extra_length + size
        need(at <= len(data), "bundle", f"is cut off in {name}")
        files[name] = data[at - size : at]
    need(files, "bundle", "does not begin like a bundle")
    return files


def check_manifest(files):
    """Which files are missing, too many, or of another hash than is listed."""
    yield from ((name, "is missing") for name in NEEDED if name not in files)
    lines = {one: f"{hashlib.sha256(files[one]).hexdigest()}  {one}\n" for one in sorted(files)}
    del lines["MANIFEST.sha256"]
    for name, line in lines.items():
        if name not in NEEDED and not re.fullmatch(f"{STATEMENT}|{INPUT}", name):
            yield name, "is no file of a bundle"
        if line.encode() not in files["MANIFEST.sha256"]:
            yield name, "has not the SHA-256 that MANIFEST.sha256 names"
    if "".join(lines.values()).encode() != files["MANIFEST.sha256"]:
        yield "MANIFEST.sha256", "is not the list of the other files"


# ---- 2. rows: one line of canonical JSON each (RFC 8785), and the leaf that a row hashes to
def parse(file, data, keys):
    """The JSON object of a line, which must be of its one form and have these keys."""
    value = json.loads(data)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    need((text + "\n").encode() == data, file, "is not JSON in its one form (RFC 8785)")
    need(set(value) == set(keys), file, f"has not the keys {keys}")
    return value


def unhex(text):
    """A hash from its one form in hexadecimal, or a list of them."""
    if type(text) is list:
        return [unhex(one) for one in text]
    need(re.fullmatch("[0-9a-f]{64}", text), text, "is no hash")
    return bytes.fromhex(text)


def undigit(text):
    """A number from its digits: nanoseconds are more than a number of JSON holds exactly."""
    need(len(text) <= 20 and str(int(text)) == text, text, "is no number")
    return int(text)


def row_of(file, line):
    """One row from its line, and its leaf: SHA-256 of 0x00, the version 1, and each column."""
    row, encoded = parse(file, line, COLUMNS), b"\x00\x01"
    for name in COLUMNS:
        value = row[name]
        if value is None and name in NULLABLE:
            encoded += b"\x00"
            continue
        if name in ("reason_code", "turn_id"):
            need(type(value) is int and abs(value) < 2**53, file, f"has an odd {name}")
            kind, content = 2, struct.pack(">q", value)
        elif name == "created_at":
            kind, content = 2, struct.pack(">q", undigit(value))
        elif name == "payload_min":
            kind, content = 3, hashlib.sha256(value.encode()).digest()
        elif name == "record_digest":
            kind, content = 3, unhex(value)
        else:
            kind, content = 1, value.encode()
        encoded += struct.pack(">BI", kind, len(content)) + content
    return row, hashlib.sha256(encoded).digest()


def opens(key, stored, row, words):
    """Whether a row's key, and no other, opens what is stored of it to these words."""
    if stored[:1] != b"\1" or stored[13:45] != hmac.digest(key, COMMITMENT, "sha256"):
        return False
    parts = [part.encode() for part in ("replay_inputs", row["tenant_id"], row["event_id"])]
    context = b"\1" + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    try:
        return AESGCM is None or AESGCM(key).decrypt(stored[1:13], stored[45:], context) == words
    except InvalidTag:
        return False


# ---- 3. Merkle trees: RFC 6962 §2.1, RFC 9162 §2.1.3.2 and §2.1.4.2
def step(reached, other, right):
    """One step up: the hash of the node above, the other one standing to the right or not."""
    pair = reached + other if right else other + reached
    return hashlib.sha256(b"\x01" + pair).digest()


def sides(leaf, size, level):
    """On the way up from a leaf's ancestor at a level: whether each neighbour is to the right."""
    neighbours = [(leaf >> step ^ 1, step) for step in range(level, size.bit_length())]
    return [one & 1 for one, step in neighbours if one << step < size]


def included(index, size, leaf, proof, root):
    """Whether a proof leads from a leaf at this index to the root of a tree of this size."""
    way = sides(index, size, 0)
    for right, one in zip(way, proof):
        leaf = step(leaf, one, right)
    return 0 <= index < size and len(way) == len(proof) and leaf == root


def consistent(old, new, old_root, new_root, proof):
    """Whether a proof shows that the tree of `old` leaves is the beginning of the one of `new`."""
    if not 0 < old < new:
        return 0 < old == new and not proof and old_root == new_root
    level = (old & -old).bit_length() - 1
    # Where the whole old tree is one node of the new one, the proof begins with it untold.
    proof = [old_root, *proof] if old == 1 << level else proof
    way = sides(old - 1, new, level)
    older = newer = proof[0] if proof else b""
    for right, one in zip(way, proof[1:]):
        older = older if right else step(older, one, right)
        newer = step(newer, one, right)
    return len(proof) == len(way) + 1 and older == old_root and newer == new_root


# ---- 4. signed notes, checkpoints and keys: c2sp.org/signed-note, c2sp.org/tlog-checkpoint
def decode64(file, text):
    """The bytes of base64 in its one form."""
    content = base64.b64decode(text.encode("ascii"), validate=True)
    need(base64.b64encode(content).decode() == text, file, "holds base64 in another form")
    return content


def key_of(file, line):
    """A key from its line <name>+<id>+<public key>: (name, id, public key)."""
    found = re.fullmatch(KEY_NAME + r"\+([0-9a-f]{8})\+(\S+)", line)
    need(found and len(found[1].encode()) <= 256, file, "holds a key that is none")
    name, content = found[1], decode64(file, found[3])
    made = hashlib.sha256(name.encode() + b"\n" + content).digest()[:4]
    fits = len(content) == 33 and content[0] == 1 and made.hex() == found[2]
    need(fits, file, "holds a key that is not of Ed25519, or whose id is another key's")
    return name, made, content[1:]


def note_of(file, data):
    """A signed note taken apart: its text, and (name, id, signature) of each signature."""
    head, gap, tail = data.decode().rpartition("\n\n")
    clean = data.endswith(b"\n") and not re.search(b"[\x00-\x09\x0b-\x1f]", data)
    need(gap and clean and len(data) <= 131_072, file, "is no signed note")
    signatures = []
    for line in tail[:-1].split("\n"):
        found = re.fullmatch("\u2014 " + KEY_NAME + r" (\S+)", line)
        need(found and len(found[1].encode()) <= 256, file, "has a line that is no signature")
        content = decode64(file, found[2])
        need(len(content) > 4, file, "has a signature that is too short")
        signatures.append((found[1], content[:4], content[4:]))
    once = len({one[:2] for one in signatures}) == len(signatures) <= 16
    need(once, file, "is signed by too many, or twice by one")
    return head + "\n", signatures


def open_note(file, data, keys):
    """A note's text, which one of these keys must have signed, and none of them wrongly."""
    text, signatures = note_of(file, data)
    public = {key[:2]: key[2] for key in keys}
    signed = [(public[one[:2]], one[2]) for one in signatures if one[:2] in public]
    need(signed, file, "is signed by no key that may be believed")
    for key, signature in signed if Ed25519PublicKey else []:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, text.encode())
        except InvalidSignature:
            raise Differs(file, "has a signature that is not of its key") from None
    return text


def log_of(file, note, keys, row):
    """A signed checkpoint's origin, size and root; it must be of the log of this row's tenant."""
    origin, size, root, *more = open_note(file, note, keys)[:-1].split("\n")
    size, root = undigit(size), decode64(file, root)
    fits = all(more) and len(origin.encode()) <= 256 and len(root) == 32 and 0 < size < 2**63
    need(fits, file, "is a checkpoint of no tree")
    need(origin == f"{keys[0][0]}/{row['tenant_id']}", file, "is of another log")
    return origin, size, root


def chain_of(_, files, trusted):
    """The log's keys from the first trusted one on: each has a statement that the former signed."""
    names = sorted(name for name in files if re.fullmatch(STATEMENT, name))
    numbered = [f"keys/{number:04}.txt" for number in range(1, len(names) + 1)]
    need(names and names == numbered, "keys", "are not numbered from 0001 on")
    keys, listed = [], ""
    for name in names:
        text, signatures = note_of(name, files[name])
        head, log, line, *more = text.split("\n")
        form = head == "selene signing key" and more == [""] and len(signatures) == 1
        need(form, name, "is not the statement of one key, signed by one")
        key = key_of(name, line)
        before = keys[-1] if keys else key
        same = log == key[0] == before[0] and key not in keys
        need(same, name, "is of another log, or names a key again")
        open_note(name, files[name], [before])
        keys.append(key)
        listed += line + "\n"
    need(listed.encode() == files["keys/verifiers.txt"], "keys", "are not those of verifiers.txt")
    start = next((place for place, key in enumerate(keys) if not trusted or key in trusted), None)
    need(start is not None, "keys", "are none of those that you trust")
    return keys[start:]


# ---- 5. the case: all of it together
class Check:
    """What a check comes to: findings are what differs, gaps what was not shown or checked."""

    def __init__(self):
        self.findings, self.gaps, self.told = [], [], []

    def run(self, step, file, *given):
        """What a step returns; None where something differs, which is kept."""
        try:
            return step(file, *given)
        except Differs as found:
            self.findings.append(found.args)
        except (ValueError, TypeError, LookupError, AttributeError, struct.error, RecursionError):
            self.findings.append((file, "is not of its form"))

    def bundle(self, data, trusted, older):
        """Check a bundle, given the keys that are trusted and an older checkpoint, or none."""
        files = self.run(files_of, "bundle", data)
        if files is None:
            return
        if zip_of(files) != data:
            self.findings.append(("bundle", "is not the zip that its files make"))
        self.run(lambda _: self.findings.extend(check_manifest(files)), "MANIFEST.sha256")
        if not set(NEEDED) <= files.keys():
            return
        keys = self.run(chain_of, "keys", files, trusted)
        lines = enumerate(files["rows.jsonl"].splitlines(keepends=True), 1)
        rows = [self.run(row_of, f"rows.jsonl row {number}", line) for number, line in lines]
        self.run(self.order, "rows.jsonl", rows)
        by_id = {row["event_id"]: row for row, _ in filter(None, rows)}
        for name in filter(re.compile(INPUT).fullmatch, sorted(files)):
            self.run(self.input, name, files[name], by_id.get(name[7:-5]))
        if not keys or not rows or None in rows:
            return
        log = self.run(log_of, "checkpoint.txt", files["checkpoint.txt"], keys, rows[0][0])
        if log:
            grown = self.run(self.proofs, "proofs.json", files["proofs.json"], rows, log)
            row, key = rows[0][0], keys[-1]
            talk = f"tenant {row['tenant_id']}, conversation {row['correlation_id']}"
            signed = f"{log[1]} leaves, root {log[2].hex()}, key {key[0]}+{key[1].hex()}"
            self.told += [f"{len(rows)} rows of {talk}", f"Log {log[0]}: {signed}"]
            self.told += [] if trusted else [OWN_KEY]
            if older is not None:
                self.run(self.against, "your checkpoint", older, keys, row, log, grown)

    def order(self, file, rows):
        """All rows must be of one conversation, each once, by turn and then by event id."""
        talks = {(row["tenant_id"], row["correlation_id"]) for row, _ in rows}
        places = [(row["turn_id"], row["event_id"]) for row, _ in rows]
        need(len(talks) == 1, file, "has no rows, or some of another conversation")
        once = len({event_id for _, event_id in places}) == len(places)
        need(once and places == sorted(places), file, "has a row twice, or rows out of order")

    def proofs(self, file, data, rows, log):
        """Hold each row against the signed root; the older size and root that are shown, if any."""
        size, root = log[1:]
        proofs = parse(file, data, ["consistency", "format", "rows", "sealed_at"])
        need(proofs["format"] == "selene-case-1", file, "is of a form that is not known here")
        undigit(proofs["sealed_at"])
        places = proofs["rows"]
        same = [one["event_id"] for one in places] == [row["event_id"] for row, _ in rows]
        need(same, file, "is not of these rows")
        for number, ((row, leaf), one) in enumerate(zip(rows, places), 1):
            name = f"rows.jsonl row {number} ({row['event_id']})"
            need(set(one) == {"event_id", "leaf_index", "proof"}, name, "has an odd proof")
            place, hashes = one["leaf_index"], [*unhex(one["proof"])]
            if place is None and not hashes:
                self.gaps.append(f"{name} was not sealed: nothing shows that it is as written")
            elif type(place) is not int or not included(place, size, leaf, hashes, root):
                self.findings.append((name, "is not what the log has at the place that is named"))
        grown = proofs["consistency"]
        if grown is None:
            return None
        hashes, old_root = [*unhex(grown["proof"])], unhex(grown["root"])
        form, old = set(grown) == {"proof", "root", "size"}, grown["size"]
        leads = form and type(old) is int and consistent(old, size, old_root, root, hashes)
        need(leads, file, "does not lead from its older checkpoint to the newer one")
        return old, old_root

    def input(self, file, data, row):
        """What was said: its hash is in its row, or that of the bytes which the row's key opens."""
        said = parse(file, data, ["plaintext", "row_key", "stored"])
        words, key, stored = said["plaintext"].encode(), said["row_key"], said["stored"]
        stored = words if key is stored is None else decode64(file, stored)
        named = row and hashlib.sha256(stored).hexdigest() == row["record_digest"]
        need(named, file, "is not the record that its row names")
        need(key or stored == words, file, "is encrypted, and comes without a key")
        if key:
            need(opens(unhex(key), stored, row, words), file, "is not what its row's key opens")

    def against(self, file, older, keys, row, log, grown):
        """The checkpoint that was kept must be of this log, and the beginning of this one."""
        kept = log_of(file, older, keys, row)[1:]
        same = [one for one in (log[1:], grown) if one and one[0] == kept[0]]
        need(kept in same or not same, file, "is not the beginning of this log")
        if same:
            self.told.append(f"The log still begins with the {kept[0]} leaves of your checkpoint.")
        else:
            self.gaps.append(f"{file} of {kept[0]} leaves: ask for a bundle made --against it")


def keys_given(values):
    """The keys of the command line: lines, or files of lines."""
    for value in values:
        lines = [value] if value.count("+") > 1 else Path(value).read_text("utf-8").split()
        yield from (key_of("--key", line) for line in lines)


def main():
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description="Checks a bundle of Selene's.")
    parser.add_argument("bundle")
    parser.add_argument("--key", action="append", default=[], help="a key that you trust")
    parser.add_argument("--against", help="an older checkpoint of the log that you kept")
    given, check = parser.parse_args(), Check()
    try:
        trusted = list(keys_given(given.key))
        need(trusted or not given.key, "--key", "names a file without keys")
        fits = Path(given.bundle).stat().st_size <= BUNDLE_BYTES_MAX
        need(fits, given.bundle, "is larger than any bundle")
        data = Path(given.bundle).read_bytes()
        older = Path(given.against).read_bytes() if given.against else None
    except (OSError, ValueError, Differs) as error:
        parser.error(" ".join(map(str, error.args)))
    if Ed25519PublicKey is None:
        check.gaps.append("SIGNATURES and ciphers: `pip install cryptography`, and run this again")
    sys.stdout.reconfigure(errors="backslashreplace")
    check.bundle(data, trusted, older)
    found = [f"DIFFERS  {file} {what}" for file, what in check.findings]
    lines = check.told + found + [f"NOT CHECKED  {gap}" for gap in check.gaps]
    end = "What could be checked holds." if check.gaps else "Everything holds."
    for line in [*lines, "Do not rely on this bundle." if check.findings else end]:
        print("".join(one if one.isprintable() else ascii(one)[1:-1] for one in line))
    sys.exit(3 if check.findings else 4 if check.gaps else 0)


if __name__ == "__main__":
    main()
