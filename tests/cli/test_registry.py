"""`tenants` and `accounts`: what administrators write is in force, and in the audit chain."""

from __future__ import annotations

import pytest

from gateway.http.requests import hash_key
from tests.cli.conftest import Office

TENANT = ("tenants", "put", "t9", "--name", "Nine", "--upstream-url", "https://nine.example/publish")


@pytest.fixture
def tenant(office: Office) -> str:
    """A new tenant's application key."""
    result = office.run(*TENANT, "--actor", "Ann")
    assert result.exit_code == 0
    return result.output.strip()


def test_a_key_is_shown_once_and_kept_as_its_hash(office: Office, tenant: str) -> None:
    [(kept,)] = office.sql("SELECT key_hash FROM app_keys WHERE tenant_id = 't9'")
    assert kept == hash_key(tenant)
    assert tenant.encode() not in office.file.read_bytes()


@pytest.mark.usefixtures("tenant")
def test_an_account_is_put_closed_and_listed(office: Office) -> None:
    put = ("accounts", "put", "t9", "acc-9", "--registrant", "p-9", "--verification", "verified", "--news", "republish")
    assert office.run(*put, "--actor", "Ann").exit_code == 0
    assert office.run("accounts", "list", "t9").output == "acc-9  active  verified  republish\n"
    assert office.run("accounts", "set-state", "t9", "acc-9", "closed", "--actor", "Ann").exit_code == 0
    assert office.run("accounts", "list", "t9").output == "acc-9  closed  verified  republish\n"
    assert office.run("audit", "verify").exit_code == 0
    [(acts,)] = office.sql("SELECT count(*) FROM audit WHERE chain = -1 AND body LIKE '%Ann%'")
    assert acts == 3


@pytest.mark.usefixtures("tenant")
def test_the_audit_chain_does_not_name_the_registrant(office: Office) -> None:
    office.run("accounts", "put", "t9", "acc-9", "--registrant", "a-person", "--actor", "Ann")
    assert office.sql("SELECT 1 FROM audit WHERE body LIKE '%a-person%'") == []


@pytest.mark.usefixtures("tenant")
def test_an_account_that_is_not_there(office: Office) -> None:
    result = office.run("accounts", "set-state", "t9", "none", "closed", "--actor", "Ann")
    assert (result.exit_code, result.output) == (1, "Error: no account none\n")


def test_nothing_is_written_without_an_actor(office: Office) -> None:
    result = office.run(*TENANT)
    assert result.exit_code == 2
    assert "--actor" in result.output


def test_keys_are_listed_by_id_and_revoked(office: Office, tenant: str) -> None:
    second = office.run(*TENANT, "--actor", "Ann").output.strip()
    ids = [hash_key(key)[:12] for key in (tenant, second)]
    assert office.run("tenants", "keys", "t9").output.splitlines() == sorted(ids)
    assert "t9  Nine  https://nine.example/publish  not idempotent  keys: 2\n" in office.run("tenants", "list").output

    assert office.run("tenants", "revoke-key", "t9", ids[0], "--actor", "Ann").output == f"{ids[0]}: revoked\n"
    assert office.run("tenants", "revoke-key", "t9", "--actor", "Ann", "--", second).output == f"{ids[1]}: revoked\n"
    assert office.run("tenants", "keys", "t9").output == ""
    assert office.sql("SELECT 1 FROM app_keys") == []
    again = office.run("tenants", "revoke-key", "t9", ids[0], "--actor", "Ann")
    assert again.exit_code == 1
    assert "tenant t9 has no such key" in again.output
    assert office.run("audit", "verify").exit_code == 0


@pytest.mark.usefixtures("tenant")
def test_the_keys_of_a_tenant_that_is_not_there(office: Office) -> None:
    result = office.run("tenants", "keys", "none")
    assert (result.exit_code, result.output) == (1, "Error: no tenant none\n")


@pytest.mark.usefixtures("tenant")
def test_a_shared_registrant_is_changed_by_its_own_command_only(office: Office) -> None:
    verified = ("--registrant", "p-9", "--verification", "verified", "--framework", "eidas", "--level", "high")
    for account in ("a", "b"):
        assert office.run("accounts", "put", "t9", account, *verified, "--actor", "Ann").exit_code == 0
    refused = office.run("accounts", "put", "t9", "b", "--registrant", "p-9", "--actor", "Ann")
    assert refused.exit_code == 1
    assert "registrant 'p-9' stands behind account 'a' too" in refused.output
    assert "gateway registrants put" in refused.output
    assert office.run("accounts", "list", "t9").output.count("  verified  ") == 2

    changed = office.run("registrants", "put", "t9", "p-9", "--verification", "declined", "--actor", "Ann")
    assert (changed.exit_code, changed.output) == (0, "a\nb\n")
    assert office.run("accounts", "list", "t9").output.count("  declined  ") == 2
    missing = office.run("registrants", "put", "t9", "none", "--actor", "Ann")
    assert (missing.exit_code, missing.output) == (1, "Error: tenant 't9' has no registrant 'none'\n")
