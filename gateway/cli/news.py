"""Commands on who may publish news, and where it may be taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final, TypeVar

import click
from msgspec.structs import replace

from gateway.adapters.clock import SystemClock
from gateway.adapters.sources import siteless_article
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.news import SqlNews
from gateway.cli.common import actor_option, check_tenant, reason_option, say_more, with_store
from gateway.core.articles import BadArticle, moment_ms, read_article
from gateway.core.evidence import BadEvidence, Proposed, read_organisation, read_trust_txt
from gateway.core.model import NewsKind
from gateway.core.news import SCHEMES, Article, BadLicence, Licence, LicenceStatus, check_licence
from gateway.core.registration import By
from gateway.core.shown import counted, written
from gateway.core.whitelists import BadWhitelist, Whitelist, in_force, read_csv
from gateway.ports import LicenceRefused

T = TypeVar("T")

_NEEDED: Final = ("holder", "scheme", "kind", "valid_from", "valid_to")
_BATCH: Final = 200
_LONGEST_LINE: Final = 8 * 1024 * 1024
_REFUSED: Final = {
    LicenceRefused.HOLDER_UNKNOWN: "there is no such registrant; see `gateway registrants`",
    LicenceRefused.ACCOUNT_NOT_HOLDERS: "an account is not there, or another registrant stands behind it",
    LicenceRefused.LICENCE_REVOKED: "the licence was revoked, and no account uses it; put it again with its accounts",
}
_STATUSES: Final = (LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED)


class Moment(click.ParamType[int]):
    """A date or a time in ISO 8601, in UTC where it names no zone; becomes unix milliseconds."""

    name = "date"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See `click.ParamType`."""
        if isinstance(value, int):
            return value
        try:
            return moment_ms(value)
        except BadArticle:
            self.fail(f"{value!r} is no date like 2026-01-31", param, ctx)


def _with_news(work: Callable[[SqlNews], Awaitable[T]]) -> T:
    return with_store(lambda store, _register: work(SqlNews(store.database)))


def _list(tenant_id: str, work: Callable[[SqlNews], Awaitable[T]]) -> T:
    async def listing(store: SqlStore, register: SqlRegister) -> T:
        await check_tenant(register, tenant_id)
        return await work(SqlNews(store.database))

    return with_store(listing)


@click.group()
def licences() -> None:
    """Licences to publish, re-publish or host news."""


@licences.command("put")
@click.argument("tenant_id")
@click.argument("licence_id")
@click.option("--holder", help="The registrant that holds it; needed for a licence that is new.")
@click.option("--scheme", type=click.Choice(SCHEMES), help="On what ground; needed for a licence that is new.")
@click.option("--kind", type=click.Choice([kind.value for kind in NewsKind]), help="Needed for a licence that is new.")
@click.option("--valid-from", type=Moment(), help="Needed for a licence that is new.")
@click.option(
    "--valid-to", type=Moment(), help="The first moment at which it does not hold any more; needed for a new one."
)
@click.option("--account", "accounts", multiple=True, help="An account that uses it; repeatable; '' alone for none.")
@click.option("--licence-no", help="Its number, as the issuer gave it; '' for none.")
@click.option("--issuer", help="Who gave it; '' for nobody.")
@click.option("--jurisdiction", help="Where it was given; '' for nowhere.")
@click.option("--domain", "domains", multiple=True, help="It holds on this site only; repeatable; '' alone for all.")
@click.option("--suspended/--active", default=None, help="Whether it does not count for now, or does.  [new: active]")
@actor_option
@reason_option
def licences_put(
    tenant_id: str,
    licence_id: str,
    suspended: bool | None,
    actor: str,
    reason: str,
    **facts: str | int | tuple[str, ...] | None,
) -> None:
    """Add a licence, or change one; every gateway process follows within a second. What no option says stays as it is.
    Accounts and domains that are given take the place of those before. One that was revoked needs its accounts again.
    """

    async def put(news: SqlNews) -> tuple[Licence, LicenceRefused | None]:
        licence = _changed(await news.licence(tenant_id, licence_id), licence_id, facts, suspended)
        return licence, await news.put_licence(tenant_id, licence, By(actor, reason), SystemClock().now_ms())

    licence, refused = _with_news(put)
    if refused is not None:
        raise click.ClickException(_REFUSED[refused])
    click.echo(f"{licence_id}: {licence.status.value}")


def _changed(
    before: Licence | None,
    licence_id: str,
    facts: Mapping[str, str | int | tuple[str, ...] | None],
    suspended: bool | None,
) -> Licence:
    """The licence with what the options say of it; ends the command for what cannot be kept."""
    values: dict[str, object] = {name: value for name, value in facts.items() if value is not None and value != ()}
    if before is None and (missing := [name for name in _NEEDED if name not in values]):
        needed = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise click.UsageError(f"there is no licence {licence_id} yet: give its {needed}")
    for name, value in values.items():
        if name not in _NEEDED and value in ("", ("",)):
            values[name] = () if value else None
    if "kind" in values:
        values["kind"] = NewsKind(str(values["kind"]))
    status = LicenceStatus.ACTIVE if before is None else before.status
    if status is LicenceStatus.REVOKED:
        if not values.get("accounts"):
            raise click.ClickException(_REFUSED[LicenceRefused.LICENCE_REVOKED])
        status = LicenceStatus.ACTIVE
    if suspended is not None:
        status = LicenceStatus.SUSPENDED if suspended else LicenceStatus.ACTIVE
    base = before or Licence(licence_id, "", "", NewsKind.ORIGINATE, 0, 0)
    try:
        return check_licence(replace(base, **values, status=status))
    except BadLicence as error:
        raise click.ClickException(str(error)) from error


@licences.command("list")
@click.argument("tenant_id")
@click.option("--holder", help="Of this registrant only.")
@click.option("--account", help="Used by this account only.")
@click.option("--after", default="", help="Begin behind this licence id.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1))
def licences_list(tenant_id: str, holder: str | None, account: str | None, after: str, limit: int) -> None:
    """List a tenant's licences by id."""
    found = _list(tenant_id, lambda news: news.licences(tenant_id, after, limit + 1, holder, account))
    for each in found[:limit]:
        number = f"  no. {each.licence_no}" if each.licence_no else ""
        sites = f"  on {', '.join(each.domains)}" if each.domains else ""
        click.echo(
            f"{each.licence_id}  {each.status.value}  {each.kind.value}  {each.scheme}{number}  "
            f"{written(each.valid_from)} to {written(each.valid_to)}{sites}  "
            f"accounts: {', '.join(each.accounts) or 'none'}  evidence: {len(each.evidence)}"
        )
    if len(found) > limit:
        say_more(found[limit - 1].licence_id)


def _set_status(tenant_id: str, licence_id: str, status: LicenceStatus, by: By) -> None:
    now_ms = SystemClock().now_ms()
    refused = _with_news(lambda news: news.set_licence_status(tenant_id, licence_id, status, by, now_ms))
    if refused is LicenceRefused.LICENCE_UNKNOWN:
        raise click.ClickException(f"tenant {tenant_id} has no licence {licence_id}")
    if refused is not None:
        raise click.ClickException(_REFUSED[refused])
    click.echo(f"{licence_id}: {status.value}")


@licences.command("revoke")
@click.argument("tenant_id")
@click.argument("licence_id")
@actor_option
@reason_option
def licences_revoke(tenant_id: str, licence_id: str, actor: str, reason: str) -> None:
    """Revoke a licence: no account uses it any more. It is kept, and `put` with its accounts restores it."""
    _set_status(tenant_id, licence_id, LicenceStatus.REVOKED, By(actor, reason))


@licences.command("set-status")
@click.argument("tenant_id")
@click.argument("licence_id")
@click.argument("status", type=click.Choice([status.value for status in _STATUSES]))
@actor_option
@reason_option
def licences_set_status(tenant_id: str, licence_id: str, status: str, actor: str, reason: str) -> None:
    """Suspend a licence, or let it count again. One that was revoked is `put` again with its accounts."""
    _set_status(tenant_id, licence_id, LicenceStatus(status), By(actor, reason))


@licences.command("import-evidence")
@click.argument("tenant_id")
@click.argument("licence_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--trust-txt", "site", metavar="DOMAIN", help="FILE is the trust.txt of this site.")
@click.option("--organisation", is_flag=True, help="FILE is a NewsMediaOrganization record in JSON-LD.")
@actor_option
@reason_option
def licences_import_evidence(
    tenant_id: str, licence_id: str, file: Path, site: str | None, organisation: bool, actor: str, reason: str
) -> None:
    """Add a record to a licence as evidence, and print what fields of a licence it speaks for.

    The record is its author's own word: it changes nothing about the licence. Without such a licence, the fields are
    printed for `licences put`, and nothing is kept.
    """
    if (site is None) != organisation:
        raise click.UsageError("give either --trust-txt DOMAIN or --organisation")
    try:
        data = file.read_bytes()
        found = read_trust_txt(data, site) if site is not None else read_organisation(data)
    except BadEvidence as error:
        raise click.ClickException(f"{file}: {error}") from error
    _show(found)

    by, now_ms = By(actor, reason), SystemClock().now_ms()
    if not _with_news(lambda news: news.add_evidence(tenant_id, licence_id, found.evidence, by, now_ms)):
        raise click.ClickException(f"tenant {tenant_id} has no licence {licence_id}; put one first")
    click.echo(f"{licence_id}: evidence kept")


def _show(found: Proposed) -> None:
    click.echo(f"{found.evidence.kind} of {found.evidence.place}, SHA-256 {found.evidence.sha256}")
    fields = [("--scheme", found.scheme), ("--issuer", found.issuer), ("--licence-no", found.licence_no)]
    fields += [("--valid-from", written(found.valid_from) if found.valid_from is not None else None)]
    fields += [("--valid-to", written(found.valid_to) if found.valid_to is not None else None)]
    fields += [("--domain", name) for name in found.domains]
    for name, value in fields:
        if value is not None:
            click.echo(f"  {name} {value}")


@click.group()
def whitelist() -> None:
    """The sources whose news may be re-published."""


@whitelist.command("import")
@click.argument("tenant_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What this version is called.")
@click.option("--valid-from", type=Moment(), required=True, help="From when it is in force, until the next one is.")
@actor_option
@reason_option
def whitelist_import(tenant_id: str, file: Path, name: str, valid_from: int, actor: str, reason: str) -> None:
    """Add a version from a CSV file with the columns publisher and domain. One bad line, and nothing is imported."""
    data = file.read_bytes()
    try:
        sources = read_csv(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8, at byte {error.start}") from error
    except BadWhitelist as error:
        raise click.ClickException("\n".join([f"{file}: {problem}" for problem in error.problems])) from error
    sha256 = hashlib.sha256(data).hexdigest()
    by, now_ms = By(actor, reason), SystemClock().now_ms()
    version = _with_news(
        lambda news: news.put_whitelist(tenant_id, name, valid_from, sources, sha256, by, now_ms),
    )
    click.echo(f"version {version}: {counted(len(sources), 'source')}, in force from {written(valid_from)}")


@whitelist.command("list")
@click.argument("tenant_id")
def whitelist_list(tenant_id: str) -> None:
    """List the versions; a star marks the one in force."""
    versions = _list(tenant_id, lambda news: news.versions(tenant_id))
    current = in_force([(each.version, each.valid_from) for each in versions], SystemClock().now_ms())
    for each in versions:
        star = "*" if each.version == current else " "
        click.echo(f"{star} {each.version}  {written(each.valid_from)}  {each.name}  SHA-256 {each.sha256}")


@whitelist.command("check")
@click.argument("tenant_id")
@click.option("--url", help="The address of an article.")
@click.option("--publisher", help="The name of its publisher.")
@click.option("--at", "at_ms", type=Moment(), help="At this time.  [default: now]")
def whitelist_check(tenant_id: str, url: str | None, publisher: str | None, at_ms: int | None) -> None:
    """Say whether a source is listed, in which version. Status 1 if it is not."""
    if not url and not publisher:
        raise click.UsageError("give --url, --publisher or both")
    moment = SystemClock().now_ms() if at_ms is None else at_ms

    if url and "://" not in url:
        raise click.UsageError(f"--url: https:// is missing; give https://{url}")

    async def look(news: SqlNews) -> tuple[Whitelist | None, Article | None]:
        version = in_force([(each.version, each.valid_from) for each in await news.versions(tenant_id)], moment)
        found = await news.whitelist(tenant_id, version) if version is not None else None
        return found, await siteless_article(news, tenant_id, found, url, publisher) if found is not None else None

    found, article = _with_news(look)
    if found is None:
        raise click.ClickException("no version is in force at that time")
    siteless = found.siteless(publisher) if publisher else None
    if (listed := found.publisher(url, publisher)) is not None:
        beside = ", without a site: for pages whose imported article names it" if siteless and not url else ""
        click.echo(f"{listed}: listed in version {found.version}{beside}")
    elif article is not None:
        click.echo(f"{found.siteless(article.publisher)}: listed in version {found.version}, by that page's article")
    elif siteless:
        why = f"{siteless} is listed without a site, and no article imported for that page names it"
        raise click.ClickException(f"not listed in version {found.version}: {why}")
    else:
        raise click.ClickException(f"not listed in version {found.version}")


@click.group()
def articles() -> None:
    """Articles of listed sources, which re-published texts are compared with."""


@articles.command("import")
@click.argument("tenant_id")
@click.argument("file", type=click.File("rb"))
@actor_option
@reason_option
def articles_import(tenant_id: str, file: IO[bytes], actor: str, reason: str) -> None:
    """Add articles, or replace those at the same addresses: one JSON object a line with url, publisher, title, text,
    published_at and, if it has one, author. FILE may be - for standard input.

    A bad line is named and passed over; the status is then 1.
    """
    by, bad, count = By(actor, reason), 0, 0

    async def put(news: SqlNews) -> None:
        nonlocal bad, count
        batch: list[Article] = []
        for number, line in _lines(file):
            try:
                batch.append(read_article(line))
            except BadArticle as error:
                bad += 1
                click.echo(f"line {number}, {error}", err=True)
            if len(batch) == _BATCH:
                await news.put_articles(tenant_id, batch, by, SystemClock().now_ms())
                count, batch = count + len(batch), []
        await news.put_articles(tenant_id, batch, by, SystemClock().now_ms())
        count += len(batch)

    _with_news(put)
    click.echo(f"{counted(count, 'article')}, {counted(bad, 'bad line')}")
    if bad:
        raise SystemExit(1)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers. Of one that is too long only the beginning is given, which is no article."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(_LONGEST_LINE)):
            line = line[:100]
        if line.strip():
            yield number, line
