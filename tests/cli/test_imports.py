"""`accounts import` and `registrants import`: what they take, what they say, and where they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Office

CANARY = "Canary Q. Holder"


@pytest.fixture(autouse=True)
def tenant(office: Office) -> None:
    put = ("tenants", "put", "t1", "--name", "T", "--upstream-url", "https://one.example/", "--actor", "Ann")
    assert office.run(*put).exit_code == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.csv"


def take(office: Office, file: Path, *more: str, kind: str = "accounts") -> tuple[int, str]:
    result = office.run(kind, "import", "t1", str(file), "--actor", "Ann", *more)
    return result.exit_code, result.output


def test_accounts_are_taken_and_rejects_written_down(office: Office, file: Path) -> None:
    file.write_text("account_id,registrant_id,registrant_kind,verification\na,p,person,verified\nb,q,,\nc,p,,\n")
    code, said = take(office, file)
    assert (code, said) == (0, f"2 accounts, 1 rejected (see {file}.rejects.csv)\n")
    assert Path(f"{file}.rejects.csv").read_text().splitlines() == [
        "line,field,reason",
        "3,registrant_id,there is no such registrant; register it first",
    ]
    assert office.run("accounts", "list", "t1").output.splitlines() == [
        "a  active  verified  no news",
        "c  active  verified  no news",
    ]
    assert office.run("audit", "verify").exit_code == 0


def test_a_file_is_taken_once_and_again_if_told(office: Office, file: Path, tmp_path: Path) -> None:
    file.write_text("account_id,registrant_id\na,\n?,\n")
    rejects = tmp_path / "rejects"
    assert take(office, file, "--rejects", str(rejects))[0] == 0
    told = f"1 accounts, 1 rejected (see {rejects})"
    assert take(office, file, "--rejects", str(rejects)) == (
        0,
        f"{told}: this file was taken in before; --again does it once more\n",
    )
    office.run("accounts", "put", "t1", "a", "--registrant", "p", "--kind", "person", "--actor", "Ann")
    assert take(office, file, "--rejects", str(rejects), "--again") == (0, f"{told}\n")
    assert len(rejects.read_text().splitlines()) == 2
    assert "created" in office.run("accounts", "list", "t1").output


def test_another_tenant_s_import_of_a_file_is_another(office: Office, file: Path) -> None:
    put = ("tenants", "put", "t2", "--name", "T", "--upstream-url", "https://two.example/", "--actor", "Ann")
    office.run(*put)
    file.write_text("account_id,registrant_id\na,\n")
    assert take(office, file) == (0, "1 accounts, 0 rejected\n")
    assert office.run("accounts", "import", "t2", str(file), "--actor", "Ann").output == "1 accounts, 0 rejected\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [("x,y\n", "line 1: column 1 is not known"), ("", "no column account_id"), ("account_id\na\n", "registrant_id")],
)
def test_files_that_are_none(office: Office, file: Path, content: str, reason: str) -> None:
    file.write_text(content)
    code, said = take(office, file)
    assert code == 1
    assert reason in said


def test_a_tenant_that_is_not_there(office: Office, file: Path) -> None:
    file.write_text("account_id,registrant_id\na,\n")
    result = office.run("accounts", "import", "t9", str(file), "--actor", "Ann")
    assert (result.exit_code, result.output) == (1, "Error: there is no tenant 't9'\n")


def test_registrants_need_a_key_and_are_sealed(
    office: Office, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        f"registrant_id,kind,verification,legal_name,email\np,person,verified,{CANARY},x\nq,person,,{CANARY},\n"
    )
    code, said = take(office, file, kind="registrants")
    assert code == 1
    assert "GATEWAY_KEYS_FILE" in said
    keys = tmp_path / "keys.json"
    office.run("keys", "new", str(keys))
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(keys))
    code, said = take(office, file, kind="registrants")
    assert (code, said.splitlines()[-1]) == (0, f"1 registrants, 1 rejected (see {file}.rejects.csv)")
    told = office.run("registrants", "reveal", "t1", "q", "--actor", "Ann", "--reason", "ticket 1")
    assert CANARY in told.output
    assert CANARY.encode() not in office.file.read_bytes()
    assert CANARY not in Path(f"{file}.rejects.csv").read_text() + said
