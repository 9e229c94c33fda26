"""`tenants put`: what no option says stays, and a key is made only for a tenant that is new or when asked for."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.records import Tenant
from gateway.http.requests import hash_key
from tests.cli.conftest import Office

BY = ("--actor", "Ann")
WHOLE = Tenant(
    "t9",
    "Nine",
    "https://nine.example/publish",
    upstream_idempotent=True,
    upstream_token_env="NINE_TOKEN",
    notify_url="https://nine.example/notices",
    notify_secret_env="NINE_NOTIFY",
    takedown_url="https://nine.example/takedowns",
)
OPTIONS = {
    "--name": WHOLE.name,
    "--upstream-url": WHOLE.upstream_url,
    "--upstream-token-env": "NINE_TOKEN",
    "--notify-url": "https://nine.example/notices",
    "--notify-secret-env": "NINE_NOTIFY",
    "--takedown-url": "https://nine.example/takedowns",
}


def tenant_and_keys(office: Office) -> tuple[Tenant | None, list[str]]:
    async def look() -> tuple[Tenant | None, list[str]]:
        async with office.store() as (_, register):
            return await register.tenant("t9"), await register.keys("t9")

    return asyncio.run(look())


@pytest.fixture
def key(office: Office) -> str:
    """The key of a tenant with something in every field."""
    words = [word for pair in OPTIONS.items() for word in pair]
    result = office.run("tenants", "put", "t9", *words, "--upstream-idempotent", *BY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert tenant_and_keys(office) == (WHOLE, [hash_key(result.stdout.strip())])
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("words", "field", "value", "line"),
    [
        (("--name", "Neuf"), "name", "Neuf", "name: Nine -> Neuf"),
        (("--upstream-not-idempotent",), "upstream_idempotent", False, "upstream-idempotent: yes -> no"),
        (("--takedown-url", ""), "takedown_url", None, "takedown-url: https://nine.example/takedowns -> none"),
        (("--notify-secret-env", "B"), "notify_secret_env", "B", "notify-secret-env: NINE_NOTIFY -> B"),
        (("--upstream-url", WHOLE.upstream_url), "upstream_url", WHOLE.upstream_url, "nothing changes"),
    ],
)
def test_what_no_option_says_stays_and_no_key_is_made(
    office: Office, key: str, words: tuple[str, ...], field: str, value: object, line: str
) -> None:
    result = office.run("tenants", "put", "t9", *words, *BY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"t9: {line}\n")
    tenant, keys = tenant_and_keys(office)
    assert tenant is not None
    assert {name: getattr(tenant, name) for name in Tenant.__struct_fields__} == {
        **{name: getattr(WHOLE, name) for name in Tenant.__struct_fields__},
        field: value,
    }
    assert keys == [hash_key(key)]


def test_another_key_is_made_when_asked_for(office: Office, key: str) -> None:
    second = office.run("tenants", "put", "t9", "--new-key", *BY).stdout.strip()
    assert tenant_and_keys(office) == (WHOLE, sorted([hash_key(key), hash_key(second)]))

    third = office.run("tenants", "put", "t9", "--new-key", "--revoke-old", *BY)
    assert tenant_and_keys(office) == (WHOLE, [hash_key(third.stdout.strip())])
    ids = sorted([hash_key(key)[:12], hash_key(second)[:12]])
    assert third.stderr == "".join(f"t9: key {each} revoked\n" for each in ids)
    assert office.run("audit", "verify").exit_code == 0


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("t8", "--upstream-url", "https://eight.example/"), "--name: a tenant needs one"),
        (("t8", "--name", "Eight"), "--upstream-url: a tenant needs one"),
        (("t9", "--name", ""), "--name: a tenant needs one"),
        (("t9", "--upstream-url", "nine"), "--upstream-url: give an http or https address"),
        (("t9", "--notify-secret-env", ""), "--notify-secret-env: needed with --notify-url"),
        (("t9", "--revoke-old"), "--revoke-old needs --new-key"),
    ],
)
def test_what_cannot_be_put_changes_nothing(office: Office, words: tuple[str, ...], problem: str) -> None:
    before = tenant_and_keys(office)
    result = office.run("tenants", "put", *words, *BY)
    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.split())
    assert tenant_and_keys(office) == before
