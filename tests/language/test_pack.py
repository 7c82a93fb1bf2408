"""A language pack: a bad one is refused with file, line and reason, and its digest tells all."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from own_packs import write_alone
from selene_os.engines import nlp
from selene_os.errors import PackInvalid
from selene_os.language.pack import core_pack, load_pack
from selene_os.language.scorer import ALLOWS

CORE = resources.files("selene_os.language.packs") / "core"
TOP = 'name = "core"'


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the core pack, as a user would make it."""
    for file in CORE.iterdir():
        if file.name.endswith((".toml", ".bin")):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def spoil(pack: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` in a file; returns the line where it stands."""
    text = (pack / file).read_text(encoding="utf-8")
    assert old in text, f"{file} holds no {old!r}"
    (pack / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


PACK_FILE = [
    ("a file that is no TOML", 'version = "', "version = "),
    ("a key given twice", TOP, TOP + "\n" + TOP),
    ("no name", TOP, ""),
    ("an empty name", TOP, 'name = ""'),
    ("a name that is no text", TOP, "name = 5"),
    ("no version", "version =", "# version ="),
    ("intents that are no table", "[intents.SET_REMINDER]", "intents = 5\n[other]"),
    ("an intent that is no table", "[intents.SET_REMINDER]", "[intents]\nSPARE = 5\n[other]"),
    ("required fields that are no list", 'required = ["task", "when"]', 'required = "task"'),
    ("a required field that is no text", 'required = ["task", "when"]', "required = [5]"),
    ("a field without a kind", 'required = ["task", "when"]', 'required = ["taks", "when"]'),
    ("a field that stands twice", 'required = ["task", "when"]', 'required = ["task", "task"]'),
    ("a field both required and optional", 'optional = ["person", "place"]', 'optional = ["task"]'),
    ("an optional field without a kind", 'optional = ["place"]', 'optional = ["plaice"]'),
    ("optional fields that are no list", 'optional = ["place"]', 'optional = "place"'),
    ("a confirmation that is no yes or no", "confirm = true", 'confirm = "no"'),
    ("a sensitivity that is not known", '"CONFIDENTIAL"', '"SECRET"'),
    ("no sensitivity", 'sensitivity = "CONFIDENTIAL"\n', ""),
    ("a kind that is not known", 'task = "words"', 'task = "wrods"'),
    ("a kind that is no text", 'task = "words"', "task = 5"),
    ("a misspelt key of an intent", "confirm = true", "confrim = true"),
    ("a key of the root that means nothing", TOP, TOP + '\nnmae = "core"'),
    ("terms of a field that is not there", "person = [", "persom = ["),
    ("terms of a kind that is not known", '"EMPLOYEE_NAME_PREFERRED"', '"EMPLOYEE"'),
    ("terms that are no list", 'recipient = ["EMPLOYEE_NAME_PREFERRED"]', 'recipient = "x"'),
    ("another table's digest", 'digest = "', 'digest = "0'),
    ("a digest that is no text", 'digest = "', 'digest = 5 # "'),
    ("a scorer without a digest", 'digest = "', '# "'),
    ("a misspelt key of the scorer", 'digest = "', 'digset = "'),
    ("a table of weights that nothing names", "[scorer]", "# [scorer]\n[terms2]"),
]
PATTERN = '"reminder : {task}"'
LANGUAGE_FILE = [
    ("a file that is no TOML", "[patterns]", "[patterns"),
    ("patterns of an intent that is not there", "TIME_QUERY = [", "TIEM_QUERY = ["),
    ("patterns that are no list", "[patterns]", '[patterns]\nTIME_QUERY = "x"\n[spare]'),
    ("a pattern that is no text", PATTERN, "5"),
    ("a pattern with an open bracket", PATTERN, '"(reminder : {task}"'),
    ("a pattern with an open option", PATTERN, '"[reminder : {task}"'),
    ("a pattern with a bracket too many", PATTERN, '"reminder) : {task}"'),
    ("a pattern with the wrong bracket", PATTERN, '"(reminder] : {task}"'),
    ("a pattern with an open slot", PATTERN, '"reminder : {task"'),
    ("a pattern with a slot that is no name", PATTERN, '"reminder : {Task 1}"'),
    ("a pattern with an empty slot", PATTERN, '"reminder : {}"'),
    ("a pattern of a field that is not there", PATTERN, '"reminder : {taks}"'),
    ("a pattern of another intent's field", PATTERN, '"reminder : {amount}"'),
    ("a pattern with one slot twice", PATTERN, '"reminder : {task} : {task}"'),
    ("an empty pattern", PATTERN, '""'),
    ("more of an intent that is not there", "[more]", '[more]\nSENT_MONEY = ["a"]'),
    ("more with a field that is not there", '["to {recipient} {amount}"', '["to {repicient}"'),
    ("answers to a field that is not there", "[answers]\ntask", "[answers]\ntaks"),
    ("an answer with a field that is not there", 'note = ["[for] {note}"]', 'note = ["{nota}"]'),
    ("an answer that cannot be read", 'note = ["[for] {note}"]', 'note = ["[for {note}"]'),
    ("answers that are no list", 'note = ["[for] {note}"]', 'note = "{note}"'),
    ("a question about a field that is not there", "[questions.note]", "[questions.nota]"),
    ("a question that does not ask", 'ask = "What should the note say?"', ""),
    ("a question that is no text", 'ask = "What should the note say?"', "ask = 5"),
    ("an empty question", 'ask = "What should the note say?"', 'ask = ""'),
    ("a blank question", 'ask = "What should the note say?"', 'ask = "  "'),
    ("a question of two lines", 'ask = "What should the note say?"', 'ask = "a\\nb"'),
    ("a question over 240 bytes", 'ask = "What should the note say?"', f'ask = "{"é" * 121}"'),
    ("a second question of two lines", "Which person do you mean?", "a\\nb"),
    ("a second question that is no text", '"Which person do you mean?"', "5"),
    ("one format", 'formats = ["for lunch", "for the tickets"]', 'formats = ["for lunch"]'),
    ("four formats", '"for lunch", "for the tickets"', '"a", "b", "c", "d"'),
    ("one format twice", '"for lunch", "for the tickets"', '"for lunch", "for lunch"'),
    ("no formats", 'formats = ["for lunch", "for the tickets"]', ""),
    ("an empty format", '"for lunch"', '""'),
    ("a format of two lines", '"for lunch"', '"for\\nlunch"'),
    ("a format that is no text", '"for lunch"', "5"),
    ("a format over 128 characters", '"for lunch"', f'"{"x" * 129}"'),
    ("a format over 256 bytes", '"for lunch"', f'"{"王" * 86}"'),
    ("a phrase that cannot be read", '"refrain from"', '"(refrain from"'),
    ("a phrase with a field", '"refrain from"', '"refrain from {task}"'),
    ("a phrase that is no text", '"refrain from"', "5"),
    ("phrases that are no list", "refusal = [", "refusal = 5\nspare = ["),
    ("a misspelt list of phrases", "negation = [", "negatoin = ["),
    ("ordinals that are no list", "ordinals = [", "ordinals = 5\nspare = ["),
    ("a misspelt list of words", "pronouns = [", "pronuons = ["),
    ("a word that is no text", '"himself"', "5"),
    ("a table that means nothing", "[words]", "[wrods]"),
    ("no question of a field that may be asked", "[questions.amount]", "[spare.amount]"),
    ("a pattern of a part that is not there", PATTERN, '"<no_such_part> : {task}"'),
    ("a pattern with an open part", PATTERN, '"<my : {task}"'),
    ("a pattern whose value looks like nothing", PATTERN, '"reminder : {task: }"'),
    ("a pattern that fills a field within itself", PATTERN, '"a {task: the {task}}"'),
    ("a pattern of another field within a value", PATTERN, '"a {task: the {taks}}"'),
    ("a pattern without a word of its own", PATTERN, '"[reminder] {task}"'),
    ("a pattern that any words fit", PATTERN, '"..."'),
    ("a part that cannot be read", "[parts]", '[parts]\nwrong = "(a"'),
    ("a part that is no text", "[parts]", "[parts]\nwrong = 5"),
    ("a part that names one below it", "[parts]", '[parts]\nwrong = "<my>"'),
    ("a part that names itself", "[parts]", '[parts]\nwrong = "<wrong> a"'),
    ("likely patterns of no intent", "[likely]", '[likely]\nTIEM_QUERY = ["a"]'),
    ("a likely pattern without a word", "[likely]", '[likely]\nMEMORY_FORGET = ["{subject}"]'),
    ("pieces of no intent", "[pieces]", '[pieces]\nTIEM_QUERY = ["a"]'),
    ("a piece that can be nothing", "[pieces]", '[pieces]\nCANCEL_REMINDER = ["[a]"]'),
    ("a piece of another's field", "[pieces]", '[pieces]\nCANCEL_REMINDER = ["for {task}"]'),
    ("a phrase that can be nothing", '"refrain from"', '"[refrain]"'),
    ("a moment of an unknown part", 'day = "', 'day = "$dya '),
    ("a moment with a sign left alone", 'day = "', 'day = "$ '),
    ("eleven months", '"January", ', ""),
    ("half a day", 'months = ["January"', 'halves = ["am"]\nmonths = ["January"'),
]
LEAVE = """[intents.LEAVE]
required = ["bay"]
optional = ["plate"]
confirm = true
sensitivity = "PRIVATE"
[kinds]"""
SPOILED = [("pack.toml", *row) for row in PACK_FILE] + [("en.toml", *row) for row in LANGUAGE_FILE]


@pytest.mark.parametrize(
    ("file", "what", "old", "new"), SPOILED, ids=[f"{s[0]}: {s[1]}" for s in SPOILED]
)
def test_a_bad_pack_is_refused_with_file_line_and_reason(
    pack: Path, file: str, what: str, old: str, new: str
) -> None:
    where = spoil(pack, file, old, new)
    with pytest.raises(PackInvalid) as refused:
        load_pack(pack)
    message = str(refused.value)
    assert re.search(r"\b(pack|en)\.toml\b", message), message
    named = re.search(r"\bline (\d+)", message)
    assert named, message
    if new and "[spare" not in new and file in message:
        # A list or a table may begin above the entry that is wrong in it.
        assert abs(int(named[1]) - where) <= 12, f"{where}: {message}"
    assert refused.value.next_step


@pytest.mark.parametrize("new", [b"\xff\xfe", b'name = "\xc3\x28"'])
@pytest.mark.parametrize("file", ["pack.toml", "en.toml"])
def test_a_file_that_is_no_utf_8_is_refused_by_its_name(pack: Path, file: str, new: bytes) -> None:
    (pack / file).write_bytes(new)
    with pytest.raises(PackInvalid, match=re.escape(file)):
        load_pack(pack)


def remove_directory(pack: Path) -> Path:
    return pack / "no_such_directory"


def remove_head(pack: Path) -> Path:
    (pack / "pack.toml").unlink()
    return pack


def name_a_file(pack: Path) -> Path:
    return pack / "pack.toml"


def remove_languages(pack: Path) -> Path:
    for file in [*pack.glob("*.toml")]:
        if file.name != "pack.toml":
            file.unlink()
    return pack


@pytest.mark.parametrize(
    "change",
    [remove_directory, remove_head, name_a_file, remove_languages],
    ids=lambda f: f.__name__,
)
def test_what_is_no_pack_is_refused(pack: Path, change: Callable[[Path], Path]) -> None:
    with pytest.raises(PackInvalid):
        load_pack(change(pack))


def test_a_copy_of_the_core_pack_is_the_core_pack(pack: Path) -> None:
    assert load_pack(pack).digest == core_pack().digest == nlp.pack_digest()
    assert load_pack(pack) == core_pack()


def test_the_core_pack_is_as_the_contract_says() -> None:
    intents = core_pack().intents
    shown = {
        name: (intent.required, set(intent.optional), intent.confirm, intent.sensitivity)
        for name, intent in intents.items()
    }
    assert shown["SET_REMINDER"] == (("task", "when"), {"person", "place"}, True, "PRIVATE")
    assert shown["SEND_MONEY"] == (("amount", "recipient"), {"when", "note"}, True, "CONFIDENTIAL")
    assert shown["TIME_QUERY"] == ((), {"place"}, False, "PUBLIC")


NEVER_SAID = [
    ("a pattern with a capital", '"park me"]', '"Park me"]'),
    ("a pattern with a word that is two", '"park me"]', '"park 5pm"]'),
    ("a prefix with a capital", '"park me"]', '"park Me*"]'),
    ("a phrase with a prefix", 'both = ["both"]', 'both = ["both of_*"]'),
    ("a phrase of any words", 'both = ["both"]', 'both = ["both ~"]'),
    ("a phrase with unexplained words", 'both = ["both"]', 'both = ["both ..."]'),
    ("a phrase with pieces", 'both = ["both"]', 'both = ["both {*}"]'),
]


@pytest.mark.parametrize(("what", "old", "new"), NEVER_SAID, ids=[row[0] for row in NEVER_SAID])
def test_what_nobody_can_say_is_refused(tmp_path: Path, what: str, old: str, new: str) -> None:
    spoil(write_alone(tmp_path, None), "en.toml", old, new)
    with pytest.raises(PackInvalid, match=r"en\.toml, line"):
        load_pack(tmp_path)


def test_one_pattern_of_two_intents_is_refused_with_both(tmp_path: Path) -> None:
    both = 'PARK = ["park me at {bay}"]\nLEAVE = ["[kindly|] park me at {bay}", '
    pack = write_alone(tmp_path, None)
    spoil(pack, "pack.toml", "[kinds]", LEAVE)
    spoil(pack, "en.toml", 'PARK = ["park me at {bay}",', both)
    load_pack(pack)
    spoil(pack, "en.toml", "[kindly|] park", "park")
    with pytest.raises(PackInvalid, match=r"PARK and of LEAVE|LEAVE and of PARK"):
        load_pack(pack)


def test_a_pack_that_a_user_changed_is_loaded_with_the_change(pack: Path) -> None:
    spoil(pack, "en.toml", "How much, and in which currency?", "How much shall it be?")
    changed = load_pack(pack)
    assert changed.languages["en"].questions["amount"].ask == "How much shall it be?"


def test_the_digest_changes_with_any_byte_of_any_file(tmp_path: Path) -> None:
    before = load_pack(write_alone(tmp_path, ALLOWS)).digest
    assert re.fullmatch("[0-9a-f]{64}", before)
    loaded = 0
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        # Every third byte of what is read as text, some of the table of weights.
        for at in range(0, len(whole), 3 if file.suffix == ".toml" else 1_999):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            changed = digest_or_refusal(tmp_path)
            assert changed != before, f"{file.name}, byte {at}"
            loaded += len(changed) == len(before)
        for other in (whole + b"\n", whole + b" ", whole.replace(b"\n", b"\r\n"), b"# " + whole):
            file.write_bytes(other)
            assert digest_or_refusal(tmp_path) != before, f"{file.name}: {other[-20:]!r}"
        file.write_bytes(whole)
    assert digest_or_refusal(tmp_path) == before
    assert loaded > 60, "what is refused says nothing about digests"


def digest_or_refusal(pack: Path) -> str:
    try:
        return load_pack(pack).digest
    except PackInvalid as refused:
        return str(refused)


def test_the_digest_tells_which_file_holds_which_bytes(pack: Path) -> None:
    # No empty file: a language without its questions is no language.
    (pack / "zz.toml").write_bytes((pack / "en.toml").read_bytes())
    extra = load_pack(pack).digest
    (pack / "zz.toml").rename(pack / "aa.toml")
    assert len({core_pack().digest, extra, load_pack(pack).digest}) == 3


def test_the_digest_does_not_depend_on_the_order_in_which_files_were_written(pack: Path) -> None:
    contents = {file.name: file.read_bytes() for file in pack.iterdir()}
    for names in (sorted(contents), sorted(contents, reverse=True)):
        for file in list(pack.iterdir()):
            file.unlink()
        for name in names:
            (pack / name).write_bytes(contents[name])
        assert load_pack(pack).digest == core_pack().digest


def test_what_is_no_pack_file_is_passed_over(pack: Path) -> None:
    (pack / "README.md").write_text("Notes.", encoding="utf-8")
    (pack / "__pycache__").mkdir()
    assert load_pack(pack).digest == core_pack().digest
