"""What the suites about news share: tenants, registrants with their accounts, a licence, and one database."""

from __future__ import annotations

import orjson

from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.notices import SqlNotices
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.core.audit import ADMINISTRATORS, breaks
from gateway.core.model import (
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.news import Evidence, Licence
from gateway.core.records import AuditRow, Tenant
from gateway.core.registration import By

BY = By("Keeper", "asked by letter 7")
TENANT = Tenant(
    "t1", "One", "https://one.example", notify_url="https://one.example/notices", notify_secret_env="SECRET"
)
QUIET = Tenant("t2", "Two", "https://two.example")
HOLDER = Registrant("canary-holder", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "eidas", "high")
OTHER = Registrant("canary-other", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high")
EVIDENCE = Evidence("trust_txt", "news.example", "a" * 64, (("belongto", "https://association.example/"),))
LICENCE_1 = Licence(
    "lic-1",
    "canary-holder",
    "jti",
    NewsKind.ORIGINATE,
    100,
    1_000,
    ("acc-1", "acc-2"),
    "No. 7",
    "Example Certifiers",
    "eu",
    ("news.example",),
    (EVIDENCE,),
)


class Office:
    """One database, as the register's keepers have it."""

    def __init__(self, store: SqlStore, register: SqlRegister) -> None:
        self.store = store
        self.register = register
        self.news = SqlNews(store.database)
        self.notices = SqlNotices(store.database)
        self.registrar = SqlRegistrar(store.database)

    async def seen(self, account_id: str) -> tuple[NewsAuthorisation, ...]:
        """What the hot path sees of an account's licences."""
        account = await self.register.account("t1", account_id)
        assert account is not None
        return account.news

    async def acts(self, subject: str | None = None) -> list[dict[str, object]]:
        """The bodies of what was done about news, or about one subject, oldest first."""
        rows = await self.rows() if subject is None else await self.registrar.history("t1", subject, 0, 100)
        return [body for body in [orjson.loads(row.body) for row in rows] if "act" in body]

    async def rows(self) -> list[AuditRow]:
        """The administrators' chain, which must be whole."""
        rows = [row async for row in self.store.audit()]
        assert not list(breaks(rows, await self.store.heads()))
        return [row for row in rows if row.chain == ADMINISTRATORS]
