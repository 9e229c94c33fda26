"""`transparency export`, `check` and `report` over a real store, with acts as the audit chain has them."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from gateway.adapters.sql.history import record
from gateway.cli.transparency import transparency_commands
from gateway.core.audit import APPEAL, REPORT, act_body
from gateway.core.dsa import left_out
from gateway.core.dsa_rules import Transparency
from gateway.core.registration import By
from gateway.core.statement import Lifted, Restriction, Statement
from tests.canary import CANARIES, ORGANISATION, appearances, needles
from tests.cli.conftest import Office
from tests.statements import AT_MS, HOUR_MS, ListReader, statement, year_of
from tests.world import TENANT

TENANT_ID = TENANT.tenant_id
YEAR = [msgspec.structs.replace(each, tenant_id=TENANT_ID) for each in year_of(2025, 400)]
SHIPPED = Path(__file__).parents[2] / "gateway" / "policy.yaml"
PERIOD = ("--from", "2025-01-01", "--to", "2025-12-31")


class Public:
    """Where the public is told from."""

    def __init__(self, office: Office, kept: list[Statement]) -> None:
        self.kept = kept
        self._office = office

    def run(self, *words: str) -> Result:
        commands = transparency_commands(lambda _store: ListReader(self.kept))
        return CliRunner().invoke(commands, list(words), catch_exceptions=False)

    def export(self, out: Path, *period: str) -> Result:
        return self.run("export", "--tenant", TENANT_ID, *(period or PERIOD), "--out", str(out))

    def report(self, out: Path, *more: str) -> Result:
        return self.run("report", "--tenant", TENANT_ID, "--year", "2025", "--out", str(out), *more)

    def act(self, kind: str, act: str, at_ms: int, **fields: object) -> None:
        """Write an act as those who decide on reports and appeals do."""

        async def write() -> None:
            async with self._office.store() as (store, _), store.database.writing("test") as connection:
                body = act_body(By("Ann"), 0, TENANT_ID, act, **fields)
                await record(connection, TENANT_ID, body, at_ms, kind=kind)

        asyncio.run(write())


@pytest.fixture
def public(office: Office, monkeypatch: pytest.MonkeyPatch) -> Public:
    monkeypatch.setenv("GATEWAY_POLICY_FILE", str(SHIPPED))
    office.publish()
    return Public(office, YEAR)


def test_an_export_is_checked_and_done_once(public: Public, tmp_path: Path) -> None:
    told = [each for each in YEAR if left_out(each, Transparency()) is None]
    out = tmp_path / "out"
    result = public.export(out)
    assert result.exit_code == 0, result.output
    assert (
        f"{len(told)} statements in {-(-len(told) // 100)} files, {-(-len(told) // 100)} of them new" in result.output
    )
    assert "left out: 50 warnings, which restrict nothing" in result.output
    assert "holds that became blocks, which have statements of their own" in result.output
    assert "holds that were released within 60 minutes" in result.output
    files = sorted(out.iterdir())
    assert files[0].name == f"statements_{TENANT_ID}_2025-01-01_2025-12-31_00001.json"
    checked = public.run("check", *map(str, files))
    assert checked.output == f"{len(told)} statements in {len(files)} files: none would be refused\n"
    before = {file: file.read_bytes() for file in files}
    assert "0 of them new" in public.export(out).output
    assert {file: file.read_bytes() for file in sorted(out.iterdir())} == before


def test_an_export_of_nothing_makes_the_directory_and_there_is_nothing_to_check(public: Public, tmp_path: Path) -> None:
    public.kept = []
    out = tmp_path / "a" / "out"
    assert public.export(out).output == "0 statements in 0 files, 0 of them new\n"
    assert list(out.iterdir()) == []
    told = "there is nothing to check: an export without statements has no files\n"
    for words in ((str(out / "*.json"),), ()):  # as shells pass on what nothing matches
        checked = public.run("check", *words)
        assert (checked.exit_code, checked.output) == (0, told)
    for file in (out / "one.json", tmp_path / "none" / "*.json"):
        checked = public.run("check", str(file))
        assert (checked.exit_code, checked.output) == (1, f"Error: {file}: no such file\n")


def test_an_export_without_a_place_is_refused(public: Public, tmp_path: Path) -> None:
    public.kept = []
    (tmp_path / "file").touch()
    result = public.export(tmp_path / "file" / "out")
    assert (result.exit_code, result.output) == (1, f"Error: {tmp_path}/file/out cannot be made: NotADirectoryError\n")


def test_one_statement_is_told_in_the_singular(public: Public, tmp_path: Path) -> None:
    public.kept = [statement(statement_id="b", tenant_id=TENANT_ID)]
    assert public.export(tmp_path).output.startswith("1 statement in 1 file, 1 of them new\n")
    [file] = tmp_path.glob("statements_*.json")
    assert public.run("check", str(file)).output == "1 statement in 1 file: none would be refused\n"


def test_a_day_has_its_own_statements(public: Public, tmp_path: Path) -> None:
    public.kept = [
        statement(statement_id="a", tenant_id=TENANT_ID, starts_ms=AT_MS - 1),
        statement(statement_id="b", tenant_id=TENANT_ID),
        statement(statement_id="c", tenant_id=TENANT_ID, starts_ms=AT_MS + 24 * HOUR_MS - 1),
        statement(statement_id="d", tenant_id=TENANT_ID, starts_ms=AT_MS + 24 * HOUR_MS),
    ]
    assert public.export(tmp_path, "--from", "2025-02-10", "--to", "2025-02-10").exit_code == 0
    [file] = tmp_path.glob("statements_*.json")
    assert [each["puid"] for each in msgspec.json.decode(file.read_bytes())["statements"]] == ["b", "c"]


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [("2025-02-02", "2025-02-01", "--from: give a day"), ("2025-02-02", "TODAY", "--to: give an earlier day")],
)
def test_days_that_cannot_be_told(public: Public, tmp_path: Path, first: str, last: str, problem: str) -> None:
    today = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d}"
    result = public.export(tmp_path / "out", "--from", first, "--to", last.replace("TODAY", today))
    assert result.exit_code == 1
    assert problem in result.output
    assert not (tmp_path / "out").exists()


def test_a_day_whose_holds_may_still_be_released_in_time_is_not_told_yet(
    public: Public, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    policy = tmp_path / "policy.yaml"
    policy.write_text(SHIPPED.read_text().replace("hold_grace_minutes: 60", "hold_grace_minutes: 2880"))
    monkeypatch.setenv("GATEWAY_POLICY_FILE", str(policy))
    result = public.export(tmp_path / "out", "--from", yesterday, "--to", yesterday)
    assert result.exit_code == 1
    assert "--to: give an earlier day; what of this one is told is known from" in result.output


def test_an_unknown_tenant_is_no_empty_answer(public: Public, tmp_path: Path) -> None:
    for words in (("export", *PERIOD), ("report", "--year", "2025")):
        result = public.run(*words, "--tenant", "nobody", "--out", str(tmp_path / "out"))
        assert result.exit_code == 1
        assert "no tenant nobody" in result.output
    assert not (tmp_path / "out").exists()


def test_files_of_another_export_are_kept(public: Public, tmp_path: Path) -> None:
    public.export(tmp_path)
    public.kept = YEAR[8:]
    result = public.export(tmp_path)
    assert result.exit_code == 1
    assert "tells of other statements than this export; give an empty directory" in result.output


def test_check_names_what_would_be_refused(public: Public, tmp_path: Path) -> None:
    public.export(tmp_path / "out")
    file = sorted((tmp_path / "out").iterdir())[0]
    payload = msgspec.json.decode(file.read_bytes())
    payload["statements"][7]["automated_detection"] = "maybe"
    file.write_bytes(msgspec.json.encode(payload))
    result = public.run("check", str(file), str(file))
    assert result.exit_code == 1
    puid = payload["statements"][7]["puid"]
    assert f"{file}: statement_7 ({puid}): automated_detection: give one of No, Yes" in result.output
    assert result.output.count("it was given to another record already") == 100


def test_the_yearly_report(public: Public, tmp_path: Path) -> None:
    at = AT_MS
    public.act(
        REPORT, "MakeReport", at, report_id="r1", message_id="m1", category="hate", state="received", trusted=True
    )
    public.act(
        REPORT, "MakeReport", at, report_id="r2", message_id="m2", category="spam", state="received", trusted=False
    )
    public.act(
        REPORT, "DecideReport", at + 5 * HOUR_MS, report_id="r1", category="hate", state="actioned", trusted=True
    )
    public.act(APPEAL, "MakeAppeal", at, appeal_id="a1", statement_id="s1", message_id="m1", sanction_id=None)
    public.act(APPEAL, "DecideAppeal", at + 7 * HOUR_MS, appeal_id="a1", sanction_id=None, outcome="reversed")
    result = public.report(tmp_path / "en")
    assert result.exit_code == 0, result.output
    assert "11 CSV files beside it" in result.output
    rows = {row[0]: row[1:] for row in read(tmp_path / "en" / "summary.csv")}
    assert [rows[name] for name in ("reports_received", "reports_actioned", "report_hours")] == [
        ["2"],
        ["1"],
        ["5.0000"],
    ]
    assert [rows[name] for name in ("appeals_made", "reversed_share", "appeal_hours")] == [
        ["1"],
        ["1.0000"],
        ["7.0000"],
    ]
    restrictions = {row[0]: row[1] for row in read(tmp_path / "en" / "restrictions.csv")[1:]}
    assert restrictions == {each.value: "50" for each in Restriction}
    page = (tmp_path / "en" / "report.html").read_text()
    assert "Transparency report 2025" in page
    assert "5.0 h" in page
    again = public.report(tmp_path / "again")
    assert again.exit_code == 0
    for file in sorted((tmp_path / "en").iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    assert public.report(tmp_path / "zh", "--lang", "zh").exit_code == 0
    assert "2025 年度透明度报告" in (tmp_path / "zh" / "report.html").read_text()
    assert (tmp_path / "zh" / "summary.csv").read_bytes() == (tmp_path / "en" / "summary.csv").read_bytes()


def test_nothing_personal_is_told(public: Public, tmp_path: Path) -> None:
    canaries = [*CANARIES.values(), *ORGANISATION.values()]
    wanted = needles(canaries)
    public.kept = [
        statement(
            statement_id=f"{number}-{restriction.value}",
            tenant_id=TENANT_ID,
            account_id=value,
            message_id=value,
            sanction_id=value,
            restriction=restriction,
            lifted=Lifted.REVERSED,
            lifted_ms=AT_MS + 1,
        )
        for number, value in enumerate(canaries)
        for restriction in Restriction
    ]
    for value in canaries:
        public.act(REPORT, "MakeReport", AT_MS, report_id=value, account_id=value, message_id=value, category=value)
    assert public.export(tmp_path / "out").exit_code == 0
    assert public.report(tmp_path / "out").exit_code == 0
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) > 12
    for file in files:
        assert appearances(file.name, file.read_bytes(), wanted) == []


def test_a_year_that_is_not_over_is_said_to_be_so(public: Public, tmp_path: Path) -> None:
    year = str(datetime.now(UTC).year)
    result = public.run("report", "--tenant", TENANT_ID, "--year", year, "--out", str(tmp_path))
    assert result.exit_code == 0
    assert f"{year} is not over" in result.output


def read(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened, strict=True))
