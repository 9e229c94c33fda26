"""Who may publish news, and where it may be taken from: as the register's keepers write it, and as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.core.model import Repost, SourceFact
from gateway.core.news import Article, Evidence, Licence, LicenceStatus, Notice
from gateway.core.registration import By
from gateway.core.whitelists import Source, Whitelist


class LicenceRefused(StrEnum):
    """Why a licence was not written; nothing was changed."""

    HOLDER_UNKNOWN = "holder_unknown"
    ACCOUNT_NOT_HOLDERS = "account_not_holders"
    """An account is not there, or another registrant stands behind it."""
    LICENCE_UNKNOWN = "licence_unknown"
    LICENCE_REVOKED = "licence_revoked"
    """It has no accounts any more: only putting it again with its accounts restores it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a whitelist, without its sources. ``sha256`` is that of the file it was read from; times are unix
    milliseconds."""

    version: int
    name: str
    valid_from: int
    imported_ms: int
    sha256: str


class NewsReader(Protocol):
    """What the hot path asks about sources. All raise `StoreUnavailable`."""

    async def changes(self, after: int) -> tuple[int, list[str]]:
        """The newest change number, and the tenants whose whitelists may have changed since ``after``."""

    async def versions(self, tenant_id: str) -> list[Version]:
        """The versions of a tenant's whitelist, oldest first."""

    async def whitelist(self, tenant_id: str, version: int) -> Whitelist | None:
        """A version with its sources. It never changes."""

    async def article(self, tenant_id: str, page: str | None, title: str | None) -> Article | None:
        """The article with this `gateway.core.addresses.page_key`, or else with this `gateway.core.news.title_key`."""


class NewsRegister(NewsReader, Protocol):
    """Licences, whitelists and articles, as the register's keepers write them. Each write is one transaction with its
    audit row, in the histories of all that it is about."""

    async def put_licence(self, tenant_id: str, licence: Licence, by: By, now_ms: int) -> LicenceRefused | None:
        """Add or replace a licence, and let its accounts use it from the commit on: they get the change number. One
        that is there as it is given is not written."""

    async def add_evidence(self, tenant_id: str, licence_id: str, evidence: Evidence, by: By, now_ms: int) -> bool:
        """Keep a record with a licence, which stays as it is at this moment; False when there is none of that id."""

    async def set_licence_status(
        self, tenant_id: str, licence_id: str, status: LicenceStatus, by: By, now_ms: int
    ) -> LicenceRefused | None:
        """Suspend or revoke a licence, or let a suspended one count again; one of that status is not written. A revoked
        one is kept, and no account uses it any more."""

    async def licence(self, tenant_id: str, licence_id: str) -> Licence | None:
        """A licence."""

    async def licences(
        self, tenant_id: str, after: str, limit: int, holder: str | None = None, account: str | None = None
    ) -> list[Licence]:
        """Licences by id, beginning behind ``after``; of one holder, or used by one account, if they are given."""

    async def put_whitelist(
        self, tenant_id: str, name: str, valid_from: int, sources: Sequence[Source], sha256: str, by: By, now_ms: int
    ) -> int:
        """Add a version, and return its number. The same file for the same day again is the version that is there,
        unless another file came for that day since."""

    async def put_articles(self, tenant_id: str, articles: Sequence[Article], by: By, now_ms: int) -> None:
        """Add articles, or replace those at the same addresses."""

    async def end_licences(self, now_ms: int, warn_ms: int, limit: int) -> int:
        """Warn of licences that end within ``warn_ms``, and end those whose time is over: each once, whichever process
        does it, with an audit row, and a notice where its tenant wants notices. How many there were, up to ``limit``
        of each."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice, taken by one process for some time, and where it goes. ``secret_env`` names the environment variable
    with the secret that signs it."""

    notice: Notice
    url: str
    secret_env: str | None


class Notices(Protocol):
    """The notices that wait to be delivered. All raise `StoreUnavailable`."""

    async def claim(self, now_ms: int, lease_ms: int, limit: int) -> list[Delivery]:
        """Take notices that are due; nobody else gets one of them for ``lease_ms``. Each counts one attempt more."""

    async def delivered(self, notice: Notice, now_ms: int) -> None:
        """It has arrived."""

    async def put_off(self, notice: Notice, due_ms: int) -> None:
        """It has not arrived; try again from ``due_ms`` on. Nothing happens if another process took it meanwhile."""

    async def given_up(self, notice: Notice, now_ms: int) -> None:
        """It will not be tried again; an audit row says so."""


class Webhooks(Protocol):
    """Where notices go."""

    async def deliver(self, delivery: Delivery, now_ms: int) -> None:
        """Send it once. Raises `Fault` when it did not arrive, or may not have."""


class Sources(Protocol):
    """What the hot path is told about the source of a repost."""

    async def source(self, tenant_id: str, repost: Repost, texts: Sequence[str], at_ms: int) -> SourceFact:
        """Whether the source is in the whitelist in force at a moment, and what the ``texts`` are to its text. Raises
        `StoreUnavailable`: what is not known is not taken for unlisted."""
