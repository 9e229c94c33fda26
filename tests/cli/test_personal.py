"""`registrants` with personal data, and the keys that it hangs on."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import pytest
from msgspec.structs import replace

from gateway.adapters.key_file import read
from gateway.adapters.keys import FileSealer
from gateway.cli import main
from gateway.core.personal import IDENTIFIERS
from gateway.core.records import SEALED
from tests.canary import CANARIES, appearances, needles
from tests.cli.conftest import Office
from tests.transit import TransitServer
from tests.world import submission

PERSON = {"legal_name": "Canary Zaqxsw", "id_number": "11010519491231002X", "phone": "+86 10 5555 0100"}
BY = ("--actor", "Ann", "--reason", "ticket 7")


@pytest.fixture
def keys(office: Office, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file, and registrants p-1 and p-2 of tenant t9 with an account each."""
    file = office.file.with_name("keys.json")
    assert office.run("keys", "new", str(file)).exit_code == 0
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(file))
    office.run("tenants", "put", "t9", "--name", "Nine", "--upstream-url", "https://nine.example", "--actor", "Ann")
    for number in ("1", "2"):
        put = ("accounts", "put", "t9", f"acc-{number}", "--registrant", f"p-{number}", "--kind", "person")
        assert (
            office.run(
                *put, "--verification", "verified", "--framework", "eidas", "--level", "high", "--actor", "Ann"
            ).exit_code
            == 0
        )
    return file


def keep(office: Office, registrant_id: str = "p-1", **changes: str) -> None:
    """Keep the person's data."""
    result = office.run("registrants", "keep", "t9", registrant_id, *BY, given=json.dumps({**PERSON, **changes}))
    assert (result.exit_code, result.output) == (0, f"{registrant_id}: id_number, legal_name, phone kept\n")


def age(file: Path) -> None:
    """Let the newest change of a key file be old enough for a key to be dropped."""
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 3600))


@pytest.mark.usefixtures("keys")
def test_data_is_kept_shown_by_name_and_told_for_a_reason(office: Office) -> None:
    keep(office)

    shown = office.run("registrants", "show", "t9", "p-1")
    assert shown.output.splitlines() == [
        "p-1  person  verified  eidas high",
        "kept: id_number, legal_name, phone",
        "account: acc-1  active",
    ]
    assert json.loads(office.run("registrants", "reveal", "t9", "p-1", *BY).output) == PERSON
    one = office.run("registrants", "reveal", "t9", "p-1", "--field", "phone", *BY)
    assert json.loads(one.output) == {"phone": PERSON["phone"]}
    assert office.run("registrants", "reveal", "t9", "p-1", "--actor", "Ann").exit_code == 2
    rows = office.run("registrants", "history", "t9", "p-1").output.splitlines()
    assert [row.split("  ")[2:] for row in rows[1:]] == [
        ["PutPersonal", "Ann", "ticket 7", "id_number, legal_name, phone"],
        ["RevealPersonal", "Ann", "ticket 7", "id_number, legal_name, phone"],
        ["RevealPersonal", "Ann", "ticket 7", "phone"],
    ]
    acts = [
        json.loads(str(body)) for (body,) in office.sql("SELECT body FROM audit WHERE body LIKE '%RevealPersonal%'")
    ]
    assert [(act["actor"], act["reason"], act["fields"]) for act in acts] == [
        ("Ann", "ticket 7", ["id_number", "legal_name", "phone"]),
        ("Ann", "ticket 7", ["phone"]),
    ]


@pytest.mark.usefixtures("keys")
def test_a_registrant_is_found_by_a_value_on_standard_input(office: Office) -> None:
    keep(office)

    assert office.run("registrants", "find", "t9", "legal_name", *BY, given="CANARY zaqxsw\n").output == "p-1\n"
    assert office.run("registrants", "find", "t9", "phone", *BY, given="+86-10-5555-0100").output == "p-1\n"
    nobody = office.run("registrants", "find", "t9", "phone", *BY, given="+86-10-5555-0199")
    assert (nobody.exit_code, nobody.stdout, nobody.stderr) == (0, "", "none\n")
    assert office.run("registrants", "find", "t9", "legal_name", *BY, given="Nobody").stdout == ""


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "standard input: not JSON"),
        ('{"legal_name": "Canary Zaqxsw"', "standard input: not JSON"),
        ('["Canary Zaqxsw"]', "give one JSON object of texts"),
        ("{}", "give one JSON object of texts"),
        ('{"legal_name": 1}', "give one JSON object of texts"),
        ('{"legal_name": "Canary Zaqxsw", "legal_name": "b"}', "each field once"),
        ('{"Canary Zaqxsw": "x"}', "field 1 is not known"),
        ('{"birthdate": "Canary Zaqxsw"}', "birthdate: is not a date"),
    ],
)
def test_what_cannot_be_kept_is_refused_without_a_word_of_it(office: Office, given: str, says: str) -> None:
    result = office.run("registrants", "keep", "t9", "p-1", *BY, given=given)

    assert result.exit_code == 1
    assert says in result.output
    assert "Canary" not in result.output


@pytest.mark.usefixtures("keys")
def test_a_new_name_has_to_be_verified_again(office: Office) -> None:
    keep(office)
    result = office.run("registrants", "keep", "t9", "p-1", *BY, given='{"legal_name": "Example"}')

    assert result.output == "p-1: legal_name kept; it has to be verified again\n"
    assert office.run("registrants", "show", "t9", "p-1").output.startswith("p-1  person  created  no assurance\n")


@pytest.mark.usefixtures("keys")
def test_erasing_needs_the_accounts_closed_and_bars_who_had_one_closed(office: Office) -> None:
    keep(office)
    office.run("accounts", "set-state", "t9", "acc-1", "suspended", "--actor", "Ann")

    refused = office.run("registrants", "erase", "t9", "p-1", *BY)
    assert (refused.exit_code, "accounts that are not closed" in refused.output) == (1, True)
    done = office.run("registrants", "erase", "t9", "p-1", "--close", *BY)
    assert (done.exit_code, done.output) == (0, "p-1: erased\naccount: acc-1  closed\n")

    assert office.run("registrants", "find", "t9", "legal_name", *BY, given=PERSON["legal_name"]).stdout == ""
    assert office.run("registrants", "reveal", "t9", "p-1", *BY).exit_code == 1
    first, barred, kept = office.run("registrants", "show", "t9", "p-1").output.splitlines()[:3]
    assert (first, kept) == ("p-1  person  redacted  no assurance", "kept: nothing")
    assert barred.startswith("barred: until 20")
    again = office.run("registrants", "keep", "t9", "p-2", *BY, given=json.dumps(PERSON))
    assert (again.exit_code, "may not register at present" in again.output) == (1, True)
    assert office.run("audit", "verify").exit_code == 0


def test_erasing_opens_nothing_but_is_an_act_under_the_key_of_the_audit_chain(office: Office, keys: Path) -> None:
    keep(office)
    content = keys.read_text()
    keys.unlink()
    refused = office.run("registrants", "erase", "t9", "p-1", "--close", *BY)
    assert refused.exit_code == 1
    assert "make one with `gateway keys new`" in refused.output

    sealing = json.loads(content)
    sealing["seal"] = [{"id": "other", "key": sealing["index"]}]  # what the person's key was wrapped with is gone
    keys.write_text(json.dumps(sealing))
    assert office.run("registrants", "erase", "t9", "p-1", "--close", *BY).exit_code == 0


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("words", [("reveal", "t9", "p-1"), ("erase", "t9", "p-1"), ("find", "t9", "legal_name")])
def test_a_reason_must_not_name_who_it_is_about(office: Office, words: tuple[str, ...]) -> None:
    keep(office)
    by = ("--actor", "Ann", "--reason", "Canary Zaqxsw asks")
    result = office.run("registrants", *words, *by, given=PERSON["legal_name"])

    assert result.exit_code == 1
    assert result.output.startswith("Error: reason: it and the actor are kept")
    blank = office.run("registrants", *words, "--actor", "Ann", "--reason", " ", given=PERSON["legal_name"])
    assert (blank.exit_code, blank.output.startswith("Error: reason: ")) == (1, True)
    assert office.sql("SELECT 1 FROM audit WHERE body LIKE '%Canary%'") == []


def test_a_key_is_replaced_while_everything_stays_readable(office: Office, keys: Path) -> None:
    keep(office)
    keep(office, "p-2", legal_name="Example", id_number="440524188001010014")
    [old] = read(keys).seal
    sealed = FileSealer(keys).seal(b"request", "hash")

    assert "is the key that seals" in office.run("keys", "drop", str(keys), old, "--actor", "Ann").output
    assert office.run("keys", "add", str(keys)).exit_code == 0
    assert office.run("keys", "list", str(keys)).output.splitlines() == list(read(keys).seal)
    assert "try again in" in office.run("keys", "drop", str(keys), old, "--actor", "Ann").output
    age(keys)
    assert "run `gateway registrants rewrap`" in office.run("keys", "drop", str(keys), old, "--actor", "Ann").output
    rewrapped = office.run("registrants", "rewrap", "--page", "1")
    assert "2 registrants' keys wrapped anew" in rewrapped.output
    assert "0 registrants' keys wrapped anew" in office.run("registrants", "rewrap").output

    message = office.publish(spam=0.7).message_id
    office.sql("UPDATE messages SET content_type = ?, body = ? WHERE id = ?", SEALED, sealed, message)
    waits = office.run("keys", "drop", str(keys), old, "--actor", "Ann")
    assert ": 1 waiting request; see" in waits.output
    office.sql("UPDATE messages SET body = ? WHERE id = ?", FileSealer(keys).seal(b"request", "hash"), message)
    dropped = office.run("keys", "drop", str(keys), old, "--actor", "Ann")

    assert (dropped.exit_code, dropped.output) == (0, f"{keys}: key {old} dropped\n")
    assert old not in read(keys).seal
    assert json.loads(office.run("registrants", "reveal", "t9", "p-1", *BY).output) == PERSON
    assert office.sql("SELECT kind FROM audit WHERE body LIKE ?", f'%"dropped":"{old}"%') == [("key",)]
    assert office.run("audit", "verify").exit_code == 0


def test_a_key_is_not_dropped_while_an_import_may_hold_what_it_sealed(office: Office, keys: Path) -> None:
    [old] = read(keys).seal
    office.run("keys", "add", str(keys))
    os.utime(keys, (keys.stat().st_atime, keys.stat().st_mtime - 200))
    refused = office.run("keys", "drop", str(keys), old, "--actor", "Ann")
    assert (refused.exit_code, "try again in" in refused.output) == (1, True)
    assert old in read(keys).seal


def test_another_keys_file_is_refused_by_every_command(
    office: Office, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(office)
    other = keys.with_name("other.json")
    office.run("keys", "new", str(other))
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(other))
    file = tmp_path / "registrants.csv"
    file.write_text("registrant_id,kind,id_number\np-3,person,11010519491231002X\n")

    for words in (
        ("registrants", "keep", "t9", "p-2", *BY),
        ("registrants", "find", "t9", "legal_name", *BY),
        ("registrants", "reveal", "t9", "p-1", *BY),
        ("registrants", "import", "t9", str(file), *BY),
        ("registrants", "rewrap"),
    ):
        given = PERSON["legal_name"] if "find" in words else json.dumps(PERSON)
        refused = office.run(*words, given=given)
        assert (refused.exit_code, "let GATEWAY_KEYS_FILE" in refused.output) == (1, True), words
    assert office.run("registrants", "show", "t9", "p-2").output.splitlines()[1] == "kept: nothing"
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(keys))
    assert json.loads(office.run("registrants", "reveal", "t9", "p-1", *BY).output) == PERSON


def test_registrants_that_no_key_opens_are_named_and_the_others_wrapped_anew(office: Office, keys: Path) -> None:
    keep(office)
    keep(office, "p-2", legal_name="Example", id_number="440524188001010014")
    office.sql("UPDATE personal SET wrapped = X'0102' WHERE registrant_id = 'p-1'")
    office.run("keys", "add", str(keys))

    done = office.run("registrants", "rewrap", "--page", "1")
    assert (done.exit_code, done.output.splitlines()[-2:]) == (
        1,
        [
            "t9  p-1  no key here opens it",
            "1 registrants' keys wrapped anew; 1 that no key here opens are as they were",
        ],
    )
    told = office.run("registrants", "reveal", "t9", "p-1", *BY)
    assert (told.exit_code, "no key here opens what is kept of 'p-1'" in told.output) == (1, True)


def test_without_a_master_key_it_says_what_to_set(office: Office, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_KEYS_FILE")
    assert keys.exists()

    result = office.run("registrants", "keep", "t9", "p-1", *BY, given=json.dumps(PERSON))
    assert (result.exit_code, "GATEWAY_KEYS_FILE" in result.output) == (1, True)


@asynccontextmanager
async def engine(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TransitServer]:
    """A key management system that the settings name."""
    token = office.file.with_name("token")
    async with TransitServer() as server:
        token.write_text(server.token)
        monkeypatch.setenv("GATEWAY_KMS__URL", server.url)
        monkeypatch.setenv("GATEWAY_KMS__TOKEN_FILE", str(token))
        yield server


@pytest.mark.usefixtures("keys")
async def test_the_master_key_may_be_in_a_key_management_system(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(office, monkeypatch) as server:
        await asyncio.to_thread(keep, office)
        told = await asyncio.to_thread(office.run, "registrants", "reveal", "t9", "p-1", *BY)
        assert await asyncio.to_thread(
            office.run, "registrants", "find", "t9", "legal_name", *BY, given=PERSON["legal_name"]
        )
        assert [leak for body in server.bodies for leak in appearances("engine", body, needles(PERSON.values()))] == []
        server.keys["registrants"].rotate()
        rewrapped = await asyncio.to_thread(office.run, "registrants", "rewrap")
        server.status = 503
        sealed = await asyncio.to_thread(office.run, "registrants", "reveal", "t9", "p-1", *BY)

    assert json.loads(told.output) == PERSON
    assert "1 registrants' keys wrapped anew" in rewrapped.output
    assert (sealed.exit_code, "is sealed" in sealed.output) == (1, True)
    monkeypatch.delenv("GATEWAY_KMS__URL")
    file = await asyncio.to_thread(
        office.run, "registrants", "find", "t9", "legal_name", *BY, given=PERSON["legal_name"]
    )
    assert (file.exit_code, "or GATEWAY_KMS__URL" in file.output) == (1, True)
    [(wrapped,)] = office.sql("SELECT wrapped FROM personal")
    assert isinstance(wrapped, bytes)
    assert wrapped.startswith(b"vault:v2:")


@pytest.mark.usefixtures("keys")
def test_neither_a_sqlite_file_nor_its_journal_has_a_value_in_the_clear(office: Office) -> None:
    fields = {name: value for name, value in CANARIES.items() if name != "claims"}
    office.run("registrants", "keep", "t9", "p-1", *BY, given=json.dumps(fields))
    connection = sqlite3.connect(office.file)  # while it is open, the others leave their journal
    connection.execute("SELECT 1 FROM accounts").fetchall()
    others = {name: value for name, value in fields.items() if name not in IDENTIFIERS}
    office.run("registrants", "keep", "t9", "p-2", *BY, given=json.dumps(others))
    assert office.run("registrants", "find", "t9", "phone", *BY, given=fields["phone"]).output == "p-1\np-2\n"
    office.run("registrants", "reveal", "t9", "p-1", *BY)
    office.run("registrants", "erase", "t9", "p-2", "--close", *BY)
    files = {file.name: file.read_bytes() for file in office.file.parent.iterdir()}
    connection.close()

    assert {"gateway.db", "gateway.db-wal", "keys.json"} <= set(files)
    wanted = needles(fields.values())
    assert [leak for name, data in files.items() for leak in appearances(name, data, wanted)] == []


def test_no_command_takes_a_value_as_an_argument() -> None:
    _, group, _ = main.resolve_command(click.Context(main), ["registrants"])
    assert isinstance(group, click.Group)
    for name, command in group.commands.items():
        words = {parameter.name for parameter in command.params}
        assert not words & {"value", "legal_name", "id_number", "phone", "email"}, name


@pytest.mark.usefixtures("keys")
def test_an_erasure_erases_messages_and_the_audit_knows_which(office: Office) -> None:
    held, blocked = office.publish(0.6), office.publish(0.95)
    other = office.publish(0.95, message=replace(submission().message, account_id="acc-9"))
    erase = ("registrants", "erase", "t1", "reg-1", "--close", *BY)
    refused = office.run(*erase)
    assert refused.exit_code == 1
    assert "held or under way; release, reject or resolve them first" in refused.output
    office.run("holds", "reject", held.message_id, "--note", "n", "--actor", "Ann")

    result = office.run(*erase)
    assert (result.exit_code, result.output) == (0, "reg-1: erased\naccount: acc-1  closed\n2 messages erased\n")
    assert office.sql("SELECT id FROM messages WHERE message NOT LIKE '%erased%' OR length(body) > 0") == [
        (other.message_id,)
    ]
    assert office.run("audit", "verify").exit_code == 0

    # Who blanks a text behind the gateway's back has no row that says so.
    [(left,)] = office.sql("SELECT message FROM messages WHERE id = ?", blocked.message_id)
    office.sql("UPDATE messages SET message = ? WHERE id = ?", left, other.message_id)
    told = office.run("audit", "verify").output
    assert f"{other.message_id}: its text was erased, and no row of a chain says so" in told
