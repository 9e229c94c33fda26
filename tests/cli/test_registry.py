"""`tenants` and `accounts`: what administrators write is in force, and in the audit chain."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsKind,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)
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
    put = ("accounts", "put", "t9", "acc-9", "--registrant", "p-9", "--kind", "person", "--news", "republish")
    assert office.run(*put, "--verification", "verified", "--actor", "Ann").exit_code == 0
    assert office.run("accounts", "list", "t9").output == "acc-9  active  verified  republish\n"
    assert office.run("accounts", "set-state", "t9", "acc-9", "closed", "--actor", "Ann").exit_code == 0
    assert office.run("accounts", "list", "t9").output == "acc-9  closed  verified  republish\n"
    assert office.run("audit", "verify").exit_code == 0
    [(acts,)] = office.sql("SELECT count(*) FROM audit WHERE chain = -1 AND body LIKE '%Ann%'")
    assert acts == 3


@pytest.mark.usefixtures("tenant")
def test_the_audit_chain_does_not_name_the_registrant(office: Office) -> None:
    office.run("accounts", "put", "t9", "acc-9", "--registrant", "a-person", "--kind", "person", "--actor", "Ann")
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
    second = office.run(*TENANT, "--new-key", "--actor", "Ann").output.strip()
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
        put = office.run("accounts", "put", "t9", account, *verified, "--kind", "person", "--actor", "Ann")
        assert put.exit_code == 0
    refused = office.run("accounts", "put", "t9", "b", "--verification", "declined", "--actor", "Ann")
    assert refused.exit_code == 1
    assert "registrant 'p-9' stands behind account 'a' too" in refused.output
    assert "gateway registrants put" in refused.output
    assert office.run("accounts", "list", "t9").output.count("  verified  ") == 2

    changed = office.run("registrants", "put", "t9", "p-9", "--verification", "declined", "--actor", "Ann")
    assert (changed.exit_code, changed.output) == (0, "a\nb\n")
    assert office.run("accounts", "list", "t9").output.count("  declined  ") == 2
    missing = office.run("registrants", "put", "t9", "none", "--level", "high", "--actor", "Ann")
    assert (missing.exit_code, missing.output) == (1, "Error: tenant 't9' has no registrant 'none'\n")


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("words", [("accounts", "list"), ("licences", "list"), ("whitelist", "list")])
def test_the_lists_of_a_tenant_that_is_not_there(office: Office, words: tuple[str, ...]) -> None:
    assert (office.run(*words, "t9").exit_code, office.run(*words, "t9").output) == (0, "")
    result = office.run(*words, "nope")
    assert (result.exit_code, result.output) == (1, "Error: no tenant nope; see `gateway tenants list`\n")


@pytest.mark.usefixtures("tenant")
def test_a_list_that_stops_at_its_limit_says_how_to_go_on(office: Office) -> None:
    for account_id in ("a", "b c", "d"):
        office.run("accounts", "put", "t9", account_id, "--actor", "Ann")
    first = office.run("accounts", "list", "t9", "--limit", "2")
    assert first.stdout.count("\n") == 2
    assert first.stderr == "there are more; go on with --after 'b c'\n"
    rest = office.run("accounts", "list", "t9", "--limit", "2", "--after", "b c")
    assert (rest.stdout.count("\n"), rest.stderr) == (1, "")
    whole = office.run("accounts", "list", "t9", "--limit", "3")
    assert (whole.stdout.count("\n"), whole.stderr) == (3, "")


FIRM = ("--registrant", "f-9", "--kind", "organisation", "--verification", "verified", "--framework", "eidas")
BY = ("--actor", "Ann")


@pytest.fixture
def account(office: Office, tenant: str) -> Account:
    """An account with something in every field, as it was put and changed after."""
    why = (*BY, "--reason", "ticket 1")
    put = ("accounts", "put", "t9", "acc-9", *FIRM, "--level", "high", "--verified-until", "2096-01-31")
    assert office.run(*put, "--news", "originate", *BY).exit_code == 0
    assert office.run("accounts", "change", "t9", "acc-9", "--name", "The News", *why).exit_code == 0
    assert office.run("accounts", "suspend", "t9", "acc-9", *why).exit_code == 0
    office.sql("UPDATE accounts SET account_class = 'desk', term_ends_at = 5, private = 1")
    office.sql(
        "INSERT INTO sanctions (tenant_id, account_id, position, degree, starts_at) "
        "VALUES ('t9', 'acc-9', 0, 'warn', 1)"
    )
    return kept(office)


def kept(office: Office) -> Account:
    """The account as it is now."""

    async def read() -> Account:
        async with office.store() as (_, register):
            found = await register.account("t9", "acc-9")
            assert found is not None
            return found

    return asyncio.run(read())


UNTIL_MS = int(datetime(2096, 1, 31, tzinfo=UTC).timestamp() * 1000)


def firm(account: Account, **changes: object) -> Account:
    """The account with another word about its registrant."""
    assert account.registrant is not None
    return replace(account, registrant=replace(account.registrant, **changes))


def test_an_account_is_put_as_it_was_told(account: Account) -> None:
    assert account == Account(
        "acc-9",
        AccountState.SUSPENDED,
        Registrant("f-9", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "eidas", "high", UNTIL_MS),
        account.news,
        (Sanction(Degree.WARN, 1),),
        private=True,
        account_class="desk",
        term_ends_at=5,
    )
    assert [news.kind for news in account.news] == [NewsKind.ORIGINATE]


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (("--verification", "expired"), {"state": VerificationState.EXPIRED}),
        (("--level", "low"), {"level": "low"}),
        (("--framework", "", "--level", ""), {"framework": None, "level": None}),
        (("--kind", "person"), {"kind": RegistrantKind.PERSON}),
        (("--verified-until", ""), {"expires_at": None}),
    ],
)
def test_what_no_option_says_of_a_registrant_stays(
    office: Office, account: Account, words: tuple[str, ...], changed: dict[str, object]
) -> None:
    assert office.run("registrants", "put", "t9", "f-9", *words, *BY).output == "acc-9\n"
    assert kept(office) == firm(account, **changed)


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ((), {}),
        (("--registrant", "f-9"), {}),
        (("--public",), {"private": False}),
        (("--news", "none"), {"news": ()}),
        (("--registrant", ""), {"registrant": None, "news": ()}),
    ],
)
def test_what_no_option_says_of_an_account_stays(
    office: Office, account: Account, words: tuple[str, ...], changed: dict[str, object]
) -> None:
    assert office.run("accounts", "put", "t9", "acc-9", *words, *BY).exit_code == 0
    assert kept(office) == replace(account, **changed)
    assert office.sql("SELECT name FROM accounts") == [("The News",)]


def test_an_account_put_again_says_no_more_of_its_registrant_than_was_told(office: Office, account: Account) -> None:
    assert office.run("accounts", "put", "t9", "acc-9", "--verification", "expired", *BY).exit_code == 0
    assert kept(office) == firm(account, state=VerificationState.EXPIRED)
    assert (
        office.run("accounts", "put", "t9", "acc-9", "--news", "republish", "--news-scheme", "jti", *BY).exit_code == 0
    )
    assert [(news.scheme, news.kind) for news in kept(office).news] == [("jti", NewsKind.REPUBLISH)]


def test_another_registrant_takes_an_account_without_its_news(office: Office, account: Account) -> None:
    assert office.run("accounts", "put", "t9", "acc-9", "--registrant", "p-9", "--kind", "person", *BY).exit_code == 0
    person = Registrant("p-9", RegistrantKind.PERSON, VerificationState.CREATED)
    assert kept(office) == replace(account, registrant=person, news=())


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("accounts", "put", "t9", "acc-9", "--registrant", "p-9"), 1, "no registrant p-9 yet: give its --kind"),
        (("accounts", "put", "t9", "acc-8", "--verification", "verified"), 2, "give --registrant"),
        (("accounts", "put", "t9", "acc-9", "--news-days", "30"), 2, "give --news, too"),
        (("registrants", "put", "t9", "f-9"), 2, "give at least one of --kind"),
        (("registrants", "put", "t9", "f-9", "--verified-until", "soon"), 2, "no date like 2026-01-31"),
    ],
)
def test_what_is_not_said_enough_changes_nothing(
    office: Office, words: tuple[str, ...], status: int, told: str
) -> None:
    before = office.sql("SELECT count(*) FROM audit")
    result = office.run(*words, *BY)
    assert (result.exit_code, told in result.output) == (status, True)
    assert office.sql("SELECT count(*) FROM audit") == before
