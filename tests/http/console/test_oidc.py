"""Signing in by an OpenID provider, which is a process of its own that signs real tokens, good and bad ones."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.local.processes import free_port, spawn, tail, terminate, wait_until
from gateway.adapters.oidc import OidcClient, OidcProvider
from gateway.http.console import cookies
from tests.http.console.provider import CLIENT_ID, SECRET
from tests.http.console.visiting import ORIGIN, House, Visitor, text_of

RETURN = f"{ORIGIN}/console/sign-in/oidc/return"
DAY_S = 86_400


@dataclass
class Provider:
    """The provider's process."""

    issuer: str

    def twist(self, **told: Any) -> int:
        """Tell it what to give next; how often its keys were asked for so far."""
        counted: int = httpx.post(f"{self.issuer}/twist", json=told).json()["keys"]
        return counted


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    port, log = free_port(), tmp_path_factory.mktemp("oidc") / "log"
    command = [sys.executable, "-m", "tests.http.console.provider", str(port)]
    running = spawn(command, output=log)

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/keys").is_success
        except httpx.TransportError:
            return False

    assert wait_until(lambda: answers() or running.poll() is not None, 30.0), tail(log)
    yield Provider(f"http://127.0.0.1:{port}")
    terminate(running, (signal.SIGTERM, 10.0))


@pytest.fixture
def provider(process: Provider) -> Provider:
    process.twist()
    return process


class Clock:
    """Seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Clock:
    return Clock()


@pytest.fixture
async def identity(house: House, provider: Provider, seconds: Clock) -> AsyncIterator[OidcProvider]:
    """The console with this provider."""
    identity = OidcProvider(OidcClient(provider.issuer, CLIENT_ID, SECRET, RETURN), seconds)
    house.app.state.console = replace(house.console, identity=identity, identity_label="Example Login", origin=ORIGIN)
    yield identity
    await identity.close()


async def begin(visitor: Visitor, path: str = "/sign-in/oidc") -> str:
    """Go to the provider; where it sends the browser back to."""
    there = await visitor.get(path)
    assert there.status_code == 303
    async with httpx.AsyncClient() as browser:
        back = await browser.get(there.headers["location"])
    assert back.status_code == 302
    return back.headers["location"]


async def come_back(visitor: Visitor, address: str) -> httpx.Response:
    """Load the page that the provider sends to."""
    return await visitor.client.get(address)


async def test_who_the_provider_vouches_for_is_signed_in(
    house: House, identity: OidcProvider, visitor: Visitor
) -> None:
    assert "Sign in with Example Login" in text_of(await visitor.get("/sign-in"))
    response = await come_back(visitor, await begin(visitor, "/sign-in/oidc?next=/console/audit%3Fkind%3Ddecision"))
    assert (response.status_code, response.headers["location"]) == (303, "/console/audit?kind=decision")
    assert cookies.OIDC not in visitor.client.cookies
    assert (await visitor.get("/operators")).status_code == 200
    rows = [row async for row in house.keeping.store.audit() if "SignIn" in row.body]
    assert '"reason":"oidc"' in rows[-1].body


async def test_nothing_that_could_sign_in_stands_in_the_address(identity: OidcProvider, visitor: Visitor) -> None:
    there = await visitor.get("/sign-in/oidc")
    query = parse_qs(urlsplit(there.headers["location"]).query)
    token = visitor.client.cookies[cookies.OIDC]
    assert token not in there.headers["location"]
    assert cookies.derived(token, "verifier") not in there.headers["location"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [RETURN]


async def test_nobody_else_gets_in(house: House, identity: OidcProvider, visitor: Visitor, provider: Provider) -> None:
    provider.twist(claims={"email": "somebody@example.org"})
    response = await come_back(visitor, await begin(visitor))
    assert (response.status_code, "no operator of this name" in text_of(response)) == (401, True)
    assert cookies.SESSION not in visitor.client.cookies


async def test_another_claim_may_name_the_operator(
    house: House, identity: OidcProvider, visitor: Visitor, provider: Provider
) -> None:
    named = OidcProvider(OidcClient(provider.issuer, CLIENT_ID, SECRET, RETURN, "preferred_username"))
    house.app.state.console = replace(house.app.state.console, identity=named)
    provider.twist(claims={"preferred_username": "the viewer", "email_verified": False})
    assert (await come_back(visitor, await begin(visitor))).status_code == 303
    assert (await visitor.get("/operators")).status_code == 403
    provider.twist(claims={"preferred_username": ["the viewer"]})
    assert (await come_back(visitor, await begin(visitor))).status_code == 401
    await named.close()


NOW = int(time.time())
BAD = [
    {"claims": {"aud": "another-client"}},
    {"claims": {"aud": [CLIENT_ID, "another-client"]}},
    {"claims": {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"}},
    {"claims": {"azp": "another-client"}},
    {"claims": {"iss": "https://evil.example"}},
    {"claims": {"nonce": "another"}},
    {"claims": {"exp": NOW - DAY_S}},
    {"claims": {"exp": "soon"}},
    {"claims": {"iat": NOW + DAY_S}},
    {"claims": {"email_verified": False}},
    {"claims": {"email_verified": "true"}},
    {"without": ["email_verified"]},
    {"without": ["email"]},
    {"without": ["nonce"]},
    {"without": ["exp"]},
    {"without": ["aud"]},
    {"without": ["iss"]},
    {"without": ["sub"]},
    {"without": ["iat"]},
    {"sign": "none"},
    {"sign": "other"},
    {"sign": "hmac"},
    {"sign": "secret"},
    {"back": {"iss": "https://evil.example"}},
    {"back": {"code": "another"}},
]


@pytest.mark.parametrize("twist", BAD, ids=str)
async def test_an_answer_that_does_not_prove_it_signs_nobody_in(
    house: House, identity: OidcProvider, visitor: Visitor, provider: Provider, twist: dict[str, Any]
) -> None:
    provider.twist(**twist)
    before = await house.acts()
    response = await come_back(visitor, await begin(visitor))
    assert (response.status_code, "does not prove" in text_of(response)) == (401, True)
    assert {cookies.SESSION, cookies.OIDC} & set(visitor.client.cookies) == set()
    assert await house.acts() == before
    provider.twist()
    assert (await come_back(visitor, await begin(visitor))).status_code == 303


@pytest.mark.parametrize(
    "twist", [{"answer": "{}"}, {"answer": "[1]"}, {"answer": "no json"}, {"answer": '{"id_token":7}'}], ids=str
)
async def test_an_answer_that_is_none_signs_nobody_in(
    identity: OidcProvider, visitor: Visitor, provider: Provider, twist: dict[str, Any]
) -> None:
    provider.twist(**twist)
    response = await come_back(visitor, await begin(visitor))
    assert (response.status_code, cookies.SESSION in visitor.client.cookies) == (502, False)


async def test_a_return_that_was_not_begun_in_this_browser_is_refused(
    house: House, identity: OidcProvider, visitor: Visitor
) -> None:
    async with house.visitor() as attacker:
        address = await begin(attacker)
        assert (await come_back(visitor, address)).status_code == 401  # without any begun
        await begin(visitor)
        response = await come_back(visitor, address)  # with another's
        assert (response.status_code, "not begun in this browser" in text_of(response)) == (401, True)
        assert cookies.SESSION not in visitor.client.cookies


@pytest.mark.parametrize("query", ["", "?error=access_denied&state=x", "?code=x", "?code=x&state=ü", "?code=&state=."])
async def test_a_return_without_what_it_needs_is_refused(identity: OidcProvider, visitor: Visitor, query: str) -> None:
    await begin(visitor)
    assert (await visitor.client.get(RETURN + query)).status_code == 401


async def test_a_code_is_good_once(identity: OidcProvider, visitor: Visitor) -> None:
    address = await begin(visitor)
    token = visitor.client.cookies[cookies.OIDC]
    assert (await come_back(visitor, address)).status_code == 303
    visitor.client.cookies.set(cookies.OIDC, token, domain="console.example", path="/")
    assert (await come_back(visitor, address)).status_code == 401


async def test_where_to_go_then_cannot_be_changed_on_the_way(identity: OidcProvider, visitor: Visitor) -> None:
    address = await begin(visitor, "/sign-in/oidc?next=/console/audit")
    changed = address.replace(b"/console/audit".hex(), b"/console/profile".hex())
    assert changed != address
    assert (await come_back(visitor, changed)).status_code == 401


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_new_keys_are_asked_for_but_not_at_every_bad_token(
    identity: OidcProvider, visitor: Visitor, provider: Provider, seconds: Clock, kind: str
) -> None:
    assert (await come_back(visitor, await begin(visitor))).status_code == 303
    provider.twist(rotate=kind)
    assert (await come_back(visitor, await begin(visitor))).status_code == 401
    seconds.now += 30
    assert (await come_back(visitor, await begin(visitor))).status_code == 303
    seconds.now += 30
    provider.twist(sign="other")
    statuses = [(await come_back(visitor, await begin(visitor))).status_code for _ in range(5)]
    asked = provider.twist()
    assert statuses == [401] * 5
    assert (await come_back(visitor, await begin(visitor))).status_code == 303
    assert provider.twist() == asked


async def test_a_secret_may_be_sent_in_the_form(house: House, visitor: Visitor, provider: Provider) -> None:
    provider.twist(method="client_secret_post")
    identity = OidcProvider(OidcClient(provider.issuer, CLIENT_ID, SECRET, RETURN))
    house.app.state.console = replace(house.console, identity=identity)
    assert (await come_back(visitor, await begin(visitor))).status_code == 303
    await identity.close()


@pytest.mark.parametrize("twist", [{"issuer": "https://evil.example"}, {"jwks_uri": "ftp://keys.example/"}], ids=str)
async def test_metadata_of_somebody_else_is_not_used(
    house: House, visitor: Visitor, provider: Provider, twist: dict[str, Any]
) -> None:
    provider.twist(**twist)
    identity = OidcProvider(OidcClient(provider.issuer, CLIENT_ID, SECRET, RETURN))
    house.app.state.console = replace(house.console, identity=identity)
    response = await visitor.get("/sign-in/oidc")
    if response.status_code == 303:
        async with httpx.AsyncClient() as browser:
            back = await browser.get(response.headers["location"])
        response = await come_back(visitor, back.headers["location"])
    assert (response.status_code, "could not be reached" in text_of(response)) == (502, True)
    await identity.close()


async def test_a_provider_that_is_away_is_a_page(house: House, visitor: Visitor, tmp_path: Path) -> None:
    identity = OidcProvider(OidcClient(f"http://127.0.0.1:{free_port()}", CLIENT_ID, SECRET, RETURN))
    house.app.state.console = replace(house.console, identity=identity)
    response = await visitor.get("/sign-in/oidc")
    assert (response.status_code, "could not be reached" in text_of(response)) == (502, True)
    await identity.close()
