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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("start", "t9", "f-9", "none"), "provider: this application has no such provider"),
        (("start", "t9", "none", "staff"), "registrant_id: there is no such registrant"),
        (("start", "t9", "f-9", "staff", "--reference", "x"), "reference: a review by people"),
        (("review", "t9", "none", "--approve"), "no verification none"),
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
    assert office.run("verifications", "start", "t9", "f-9", "staff", *WHY).exit_code == 1
