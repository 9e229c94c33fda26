"""`verifications`: begun, listed, judged by people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Office

WHY = ("--actor", "Ann", "--reason", "ticket 12")
PROVIDERS = "providers: [{name: staff, kind: manual, framework: manual, level: seen, valid_days: 30, tenants: [t9]}]"


@pytest.fixture(autouse=True)
def registrant(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant with an organisation, and people who review."""
    file = tmp_path / "providers.yaml"
    file.write_text(PROVIDERS, encoding="utf-8")
    monkeypatch.setenv("GATEWAY_PROVIDERS_FILE", str(file))
    office.run("tenants", "put", "t9", "--name", "Nine", "--upstream-url", "https://nine.example/", "--actor", "Ann")
    office.run("registrants", "create", "t9", "f-9", "--kind", "organisation", *WHY)


def test_an_organisation_is_verified_by_two(office: Office) -> None:
    begun = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).output
    verification, provider, state, level, _ = begun.strip().split("  ")
    assert (provider, state, level) == ("staff", "review", "manual seen")
    review = ("verifications", "review", "t9", verification, "--approve", "--reason", "papers seen")
    assert "  review  " in office.run(*review, "--actor", "Ben").output
    twice = office.run(*review, "--actor", "ben")
    assert (twice.exit_code, "another reviewer" in twice.output) == (1, True)
    assert "  verified  " in office.run(*review, "--actor", "Cy").output
    late = office.run(*review, "--actor", "Di")
    assert (late.exit_code, "not in review" in late.output) == (1, True)
    listed = office.run("verifications", "list", "t9", "f-9").output
    assert listed.endswith("Ben approves, Cy approves\n")
    assert "f-9  organisation  verified  manual seen" in office.run("registrants", "show", "t9", "f-9").output
    assert office.run("audit", "verify").exit_code == 0


def test_beginning_again_changes_nothing_and_what_was_put_stands(office: Office) -> None:
    begun = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).stdout.split("  ")[0]
    for reviewer in ("Ben", "Cy"):
        office.run("verifications", "review", "t9", begun, "--approve", "--actor", reviewer, "--reason", "papers seen")
    said = ("--verification", "verified", "--framework", "eidas", "--level", "high")
    office.run("registrants", "put", "t9", "f-9", "--kind", "organisation", *said, "--actor", "Ann")
    first = office.run("verifications", "start", "t9", "f-9", "staff", *WHY)
    rows = office.sql("SELECT count(*) FROM audit")
    second = office.run("verifications", "start", "t9", "f-9", "staff", *WHY)
    assert (second.stdout, second.exit_code, "begun before" in second.stderr) == (first.stdout, 0, True)
    assert office.sql("SELECT count(*) FROM audit") == rows
    assert "f-9  organisation  verified  eidas high" in office.run("registrants", "show", "t9", "f-9").output


def test_one_that_is_given_up(office: Office) -> None:
    begun = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).stdout.split("  ")[0]
    cancel = ("verifications", "cancel", "t9", begun, *WHY)
    canceled = office.run(*cancel)
    assert (canceled.exit_code, "  canceled  " in canceled.output) == (0, True)
    assert office.run(*cancel).output == canceled.output
    again = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).stdout.split("  ")[0]
    assert again != begun
    office.run("verifications", "review", "t9", again, "--refuse", *WHY)
    late = office.run("verifications", "cancel", "t9", again, *WHY)
    assert (late.exit_code, "it has ended; see" in late.output) == (1, True)
    history = office.run("registrants", "history", "t9", "f-9").output
    assert history.endswith("  Verification refuse  Ann  ticket 12  staff, declined\n")


def test_one_whose_provider_is_gone_is_given_up(office: Office, tmp_path: Path) -> None:
    begun = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).stdout.split("  ")[0]
    (tmp_path / "providers.yaml").write_text(PROVIDERS.replace("staff", "others"), encoding="utf-8")
    assert "  canceled  " in office.run("verifications", "cancel", "t9", begun, *WHY).output


def test_what_was_missing_is_sent(office: Office) -> None:
    begun = office.run("verifications", "start", "t9", "f-9", "staff", *WHY).stdout.split("  ")[0]
    submit = ("verifications", "submit", "t9", begun, *WHY)
    early = office.run(*submit)
    assert (early.exit_code, "it does not wait for more; see" in early.output) == (1, True)
    office.sql("UPDATE verifications SET state = 'needs_input'")
    assert "  pending  " in office.run(*submit).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("start", "t9", "f-9", "none"), "provider: this application has no such provider"),
        (("start", "t9", "none", "staff"), "registrant_id: there is no such registrant"),
        (("start", "t9", "f-9", "staff", "--reference", "x"), "reference: a review by people"),
        (("review", "t9", "none", "--approve"), "no verification none"),
        (("cancel", "t9", "none"), "no verification none"),
        (("submit", "t9", "none"), "no verification none"),
    ],
)
def test_what_is_refused(office: Office, words: tuple[str, ...], message: str) -> None:
    rows = office.sql("SELECT count(*) FROM audit")
    result = office.run("verifications", *words, *WHY)
    assert result.exit_code == 1
    assert message in result.output
    assert office.sql("SELECT count(*) FROM audit") == rows


def test_without_providers_nothing_is_begun(office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATEWAY_PROVIDERS_FILE")
    result = office.run("verifications", "start", "t9", "f-9", "staff", *WHY)
    assert (result.exit_code, result.output) == (1, "Error: no providers: set GATEWAY_PROVIDERS_FILE\n")
    monkeypatch.setenv("GATEWAY_PROVIDERS_FILE", str(tmp_path / "none.yaml"))
    result = office.run("verifications", "start", "t9", "f-9", "staff", *WHY)
    assert (result.exit_code, result.output) == (1, f"Error: {tmp_path / 'none.yaml'}: no such file\n")
