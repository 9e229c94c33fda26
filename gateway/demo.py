"""Everything on one machine, in one command: demo accounts, and requests to try."""

from __future__ import annotations

import json

from gateway import demo_news
from gateway.core.model import (
    Account,
    AccountState,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.records import Tenant
from gateway.demo_bots import BOT_ID, TOKEN
from gateway.http.requests import hash_key
from gateway.ports import Clock, NewsRegister, Register

TENANT = "demo"
BOT_FILE = "bot"
"""Beside the listeners' file: the token with which what the bot published is taken down."""
APP_KEY = "demo-key"
_THREE_YEARS_MS = 3 * 365 * 86_400_000

TRIES = (
    ("allowed", "demo-verified", "Good morning! The library opens at nine today."),
    ("held", "demo-verified", "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it."),
    ("blocked", "demo-verified", "I am going to kill you tonight, I know where you live."),
)
"""What to try, by whom, and how it ends."""


async def seed(register: Register, news: NewsRegister, clock: Clock, upstream_url: str) -> None:
    """Add the demo tenant, its accounts and what it knows of news, unless they are there."""
    now_ms = clock.now_ms()
    tenant = Tenant(
        TENANT,
        "Demo chat app",
        f"{upstream_url}/publish",
        upstream_idempotent=True,
        takedown_url=f"{upstream_url}/takedowns",
    )
    await register.put_tenant(tenant, hash_key(APP_KEY), "demo", now_ms)
    for account in _accounts(now_ms):
        if await register.account(TENANT, account.account_id) is None:
            await register.put_account(TENANT, account, "demo", now_ms)
    await demo_news.seed(news, TENANT, now_ms)


def _accounts(now_ms: int) -> list[Account]:
    person = Registrant("demo-person", RegistrantKind.PERSON, VerificationState.VERIFIED, "cn_real_name", "verified")
    publisher = Registrant(
        "demo-publisher", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "cn_real_name", "verified"
    )
    originate, republish = [
        NewsAuthorisation("cn_licence", kind, now_ms, now_ms + _THREE_YEARS_MS)
        for kind in (NewsKind.ORIGINATE, NewsKind.REPUBLISH)
    ]
    return [
        Account("demo-verified", AccountState.ACTIVE, person),
        Account(str(BOT_ID), AccountState.ACTIVE, person),
        Account("demo-unverified", AccountState.ACTIVE),
        Account("demo-closed", AccountState.CLOSED, person),
        Account("demo-news", AccountState.ACTIVE, publisher, (originate,)),
        Account(demo_news.ACCOUNT, AccountState.ACTIVE, publisher, (republish,)),
    ]


def listeners(port: int, upstream_url: str) -> str:
    """The listeners' file: the chat app's bots, who call as they would call Telegram."""
    return f"""\
listeners:
  - name: demo-bots
    platform: telegram
    tenant: {TENANT}
    port: {port}
    upstream: "{upstream_url}"
    takedown_token_file: {BOT_FILE}
"""


def bot_try(bots_url: str) -> str:
    """A bot's request to try: its software knows nothing of the gateway but the base URL."""
    return (
        f"# a bot, by its platform's own API (Telegram's here); try the texts from above as well\n"
        f"curl -i {bots_url}/bot{TOKEN}/sendMessage -d chat_id=1 -d text='Good morning, reader!'\n"
    )


def tries(gateway_url: str) -> str:
    """The commands to try."""
    lines = []
    for outcome, account, text in TRIES:
        body = json.dumps({"account_id": account, "text": text}, ensure_ascii=False)
        lines.append(
            f"# {outcome}\ncurl -i {gateway_url}/v1/messages -H 'Authorization: Bearer {APP_KEY}' "
            f"-H 'Content-Type: application/json' -d '{body}'\n"
        )
    return "\n".join(lines)
