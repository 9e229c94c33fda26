"""`accounts import` and `registrants import`: what they take, what they say, and where they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.cli import imports as importing
from gateway.ports import Progress
from tests.cli.conftest import Office
from tests.policies import POLICY

CANARY = "Canary Q. Holder"


@pytest.fixture(autouse=True)
def tenant(office: Office) -> None:
    put = ("tenants", "put", "t1", "--name", "T", "--upstream-url", "https://one.example/", "--actor", "Ann")
    assert office.run(*put).exit_code == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.csv"


def take(office: Office, file: Path, *more: str, kind: str = "accounts", tenant_id: str = "t1") -> tuple[int, str]:
    result = office.run(kind, "import", tenant_id, str(file), "--actor", "Ann", *more)
    return result.exit_code, result.output


def last(taken: tuple[int, str]) -> tuple[int, str]:
    """The status and the last line."""
    return taken[0], taken[1].splitlines()[-1]


def test_accounts_are_taken_and_rejects_written_down(office: Office, file: Path) -> None:
    file.write_text("account_id,registrant_id,registrant_kind,verification\na,p,person,verified\nb,q,,\nc,p,,\n")
    code, said = take(office, file)
    first, shown, end = said.splitlines()
    assert (code, end) == (
        1,
        "2 accounts (2 new, 0 changed, 0 moved to another registrant, 0 unchanged), "
        f"1 rejected (see {file}.rejects.csv)",
    )
    assert first.startswith("2 rows, 1 rejected, 100 %, ")
    assert re.fullmatch("import [0-9a-f]{64}", shown)
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
    told = f"rejected (see {rejects})"
    new, old = (
        f"1 accounts ({counts} unchanged), 1 {told}"
        for counts in (
            "1 new, 0 changed, 0 moved to another registrant, 0",
            "0 new, 0 changed, 0 moved to another registrant, 1",
        )
    )
    assert last(take(office, file, "--rejects", str(rejects))) == (1, new)
    assert last(take(office, file, "--rejects", str(rejects))) == (
        1,
        f"{new}: this file was taken in before; --again does it once more",
    )
    office.run("accounts", "put", "t1", "a", "--registrant", "p", "--kind", "person", "--actor", "Ann")
    assert last(take(office, file, "--rejects", str(rejects), "--again")) == (1, old)
    assert len(rejects.read_text().splitlines()) == 2
    assert "created" in office.run("accounts", "list", "t1").output


def test_another_tenant_s_import_of_a_file_is_another(office: Office, file: Path) -> None:
    put = ("tenants", "put", "t2", "--name", "T", "--upstream-url", "https://two.example/", "--actor", "Ann")
    office.run(*put)
    file.write_text("account_id,registrant_id\na,\n")
    taken = "1 accounts (1 new, 0 changed, 0 moved to another registrant, 0 unchanged), 0 rejected"
    assert last(take(office, file)) == (0, taken)
    assert last(take(office, file, tenant_id="t2")) == (0, taken)


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
    assert last((code, said)) == (
        1,
        f"1 registrants (1 new, 0 changed, 0 unchanged), 1 rejected (see {file}.rejects.csv)",
    )
    told = office.run("registrants", "reveal", "t1", "q", "--actor", "Ann", "--reason", "ticket 1")
    assert CANARY in told.output
    assert CANARY.encode() not in office.file.read_bytes()
    assert CANARY not in Path(f"{file}.rejects.csv").read_text() + said


HEADER = "account_id,registrant_id,registrant_kind,class\n"


def test_an_account_gets_another_registrant_only_if_told(office: Office, file: Path) -> None:
    file.write_text(f"{HEADER}a,p,person,\nb,q,person,\n")
    assert take(office, file)[0] == 0
    file.write_text(f"{HEADER}a,q,,\nb,q,,standard\n")
    assert take(office, file)[0] == 1
    [_, line] = Path(f"{file}.rejects.csv").read_text().splitlines()
    assert line == "2,registrant_id,another registrant stands behind the account; --move allows it"
    assert "registrant: p" in office.run("accounts", "show", "t1", "a").output

    code, said = last(take(office, file, "--move", "--again", "--reason", "ticket 9"))
    counts = "0 new, 0 changed, 1 moved to another registrant, 1 unchanged"
    assert (code, said) == (0, f"2 accounts ({counts}), 0 rejected")
    assert "registrant: q" in office.run("accounts", "show", "t1", "a").output
    last_act = office.run("accounts", "history", "t1", "a").output.splitlines()[-1]
    found = re.search(r"  Import  Ann  ticket 9  ([0-9a-f]{12}), accounts$", last_act)
    assert found is not None
    assert "ticket 9" in office.run("imports", "show", "t1", found[1]).output


def test_a_class_that_the_policy_has_not_is_rejected(
    office: Office, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f"{HEADER}a,,,gold\nb,,,standard\nc,,,news_desk\n")
    assert take(office, file)[0] == 1
    assert Path(f"{file}.rejects.csv").read_text().splitlines()[1:] == [
        "2,class,is none of standard",
        "4,class,is none of standard",
    ]
    policy = tmp_path / "policy.yaml"
    classes = "  classes: {news_desk: [{framework: eidas, levels: [high]}]}\n"
    policy.write_text(POLICY.replace("  missing: block", classes + "  missing: block"))
    monkeypatch.setenv("GATEWAY_POLICY_FILE", str(policy))
    assert take(office, file, "--again")[0] == 1
    assert len(Path(f"{file}.rejects.csv").read_text().splitlines()) == 2


def test_what_imports_did_is_listed_and_shown(office: Office, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_AT_ONCE", 2)
    file.write_text("account_id,registrant_id\na,\nb,\n?,\nc,\n,\n")
    _, said = take(office, file, "--reason", "ticket 3")
    [import_id] = re.findall("import ([0-9a-f]{64})", said)
    line = (
        rf"{import_id}  accounts  3 taken \(3 new, 0 changed, 0 moved to another registrant, 0 unchanged\)"
        rf"  2 rejected  done \S+Z"
    )
    [listed] = office.run("imports", "list", "t1").output.splitlines()
    assert re.fullmatch(line, listed)
    shown = office.run("imports", "show", "t1", import_id[:8]).output.splitlines()
    assert shown[0] == listed
    assert [row.split("  ", 2)[2] for row in shown[1:]] == [
        "lines 1-3  2 taken (2 new, 0 changed, 0 moved)  0 rejected  Ann  ticket 3",
        "lines 4-5  1 taken (1 new, 0 changed, 0 moved)  1 rejected  Ann  ticket 3",
        "lines 6-6  0 taken (0 new, 0 changed, 0 moved)  1 rejected  Ann  ticket 3",
    ]
    for given, says in (
        (import_id[:7], "at least 8 characters"),
        ("%" * 8, "has no import"),
        ("0" * 64, "has no import"),
    ):
        refused = office.run("imports", "show", "t1", given)
        assert refused.exit_code != 0
        assert says in refused.output
    assert office.run("imports", "show", "t2", import_id).exit_code == 1
    office.sql(
        "INSERT INTO imports SELECT ?, tenant_id, kind, lines, written, rejected, rejects_bytes, NULL, added,"
        " changed, moved FROM imports",
        import_id[:8] + "0" * 56,
    )
    assert "give more of the id" in office.run("imports", "show", "t1", import_id[:8]).output
    assert office.run("imports", "list", "t1").output.splitlines()[0].endswith("line 6 is done")


def test_without_a_terminal_lines_tell_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    moment = 0.0
    with importing.shown(1000, 0, lambda: moment) as told:
        for number in range(1, 11):
            moment += 0.75
            told(Progress("i", "t1", "accounts", taken=number, rejected=2), 100 * number)
    assert capsys.readouterr().err.splitlines() == [
        f"{number} rows, 2 rejected, {number * 10} %, 1 rows/s" for number in (3, 6, 9, 10)
    ]
