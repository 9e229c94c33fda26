"""The only wiring, with the modules `gateway.app_...`: opens the adapters in order, hands them to what
needs them, and closes them in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from gateway import metrics, takedowns, tracing
from gateway.adapters.cached import CachedRegistry
from gateway.adapters.clock import SystemClock
from gateway.adapters.fetching import Fetcher, FetchLimits
from gateway.adapters.holder import is_dead, this_holder
from gateway.adapters.kafka.events import KafkaEvents
from gateway.adapters.keys import FileSealer, audit_key
from gateway.adapters.listeners_file import read_listeners
from gateway.adapters.masters import open_master
from gateway.adapters.origin import HttpOrigin
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.pictures import WebPictures
from gateway.adapters.policy_file import PolicyFile
from gateway.adapters.sealed_upstream import SealedUpstream
from gateway.adapters.sources import CachedSources
from gateway.adapters.sql import (
    ChangeListener,
    QueuePart,
    SqlFollower,
    SqlOperators,
    SqlOrders,
    SqlQueue,
    SqlRegistrar,
    SqlSanctions,
    SqlStore,
    SqlTakedowns,
    TakedownPart,
    is_sqlite,
    open_store,
)
from gateway.adapters.sql.appeals import SqlAppeals
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.notices import SqlNotices
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.report_appeals import ReportAppeals
from gateway.adapters.sql.reports import PURPOSE as REPORTS
from gateway.adapters.sql.reports import SqlReports
from gateway.adapters.sql.statements import SqlStatements, StatementsPart
from gateway.adapters.sql.telling import NoticesPart
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.adapters.takedowns import HttpTakedowns
from gateway.adapters.upstream import HttpUpstream, UpstreamLimits
from gateway.adapters.watched_upstream import WatchedUpstream
from gateway.adapters.webhooks import HttpWebhooks, notify_limits
from gateway.app_classifiers import Judge, open_classifiers, patience
from gateway.app_console import open_console
from gateway.app_verify import open_verify
from gateway.appealing import Appealing
from gateway.core.quota import HoldQuota
from gateway.examine import Examine
from gateway.held import HeldMessages
from gateway.http import (
    admin,
    api,
    appeal_page,
    console,
    identity,
    moderations,
    ops,
    own_accounts,
    pages,
    report_api,
    report_pages,
    statements,
    wechat_check,
    wechat_tokens,
)
from gateway.http.admin.desk import Desk
from gateway.http.appeal_page import token_of
from gateway.http.budget import STRANGERS, Budget
from gateway.http.faults import HANDLERS
from gateway.http.health import Checks, Component, Reports, starting
from gateway.http.intercept import Gateway, Listeners, Service
from gateway.http.openapi import document
from gateway.http.platforms import Moderate
from gateway.http.proxy import Proxy
from gateway.http.rate import Rate
from gateway.http.reporting import BODY_BUDGET, Reporting
from gateway.http.storable import STORABLE
from gateway.identify import Identify
from gateway.lease import take_slot
from gateway.perform import Perform
from gateway.platforms.listeners import Listener
from gateway.ports import Clock, Upstream
from gateway.publish import Publish
from gateway.reporting import erase_reports, measure_reports
from gateway.review import Review
from gateway.settings import Settings
from gateway.settings_strangers import StrangersSettings
from gateway.upkeep import News, Upkeep, is_first, measure_holds, plan, plan_verification
from gateway.warming import Warming

log = logging.getLogger(__name__)

_YOUNG_OBJECTS = 20_000
_STORE_SECONDS = 5.0
"""A statement, and a wait for a lock, take no longer; where leases are short, no longer than a quarter of one."""


def create_app(settings: Settings, judge: Judge | None = None) -> FastAPI:
    """The gateway as an ASGI application. ``judge`` is the in-process classifiers' code, needed unless the settings
    name a Kafka cluster. Opening it raises `PolicyError` or `StoreUnavailable`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(app, settings, judge, stack)
            # What lives until the end need not be looked at by every collection.
            gc.collect()
            gc.freeze()
            # Nearly all that a request leaves behind is freed by counting references; circles can wait.
            gc.set_threshold(_YOUNG_OBJECTS)
            yield
            app.state.draining = True
            metrics.READY.set(0)

    app = Gateway(
        title="Moderation gateway",
        version="1",
        description="Answers allow, hold or block for each publish request of a public account.",
        lifespan=lifespan,
        redirect_slashes=False,  # it would lead to the address that the Host header names
        openapi_url=None,  # it would be made anew for each request
        docs_url=None,  # the framework's pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.draining = False
    app.state.listeners = None
    app.state.verify = None
    app.state.takedowns = None
    app.state.statements = None
    app.state.desk = None
    app.state.management_port = settings.management_port
    app.state.document, app.state.exposition = ops.Document(app), ops.Exposition()
    app.state.reports = Reports()
    app.state.page_budget = appeal_page.page_budget()
    app.state.webhook_budget = identity.webhook_budget()
    app.state.token_budget, app.state.sign_in_budget = Budget(STRANGERS), Budget(STRANGERS)
    app.state.components = [Component("start", True, starting)]
    for plain in (ops, pages, wechat_tokens, wechat_check, moderations):
        app.include_router(plain.router)
    app.state.console_parts = console.PARTS
    own = [each.router for each in (api, own_accounts, identity, statements, appeal_page, report_api, report_pages)]
    parts = [part.router for part in console.PARTS] if settings.console.enabled else []
    for router in (*own, *admin.ROUTERS, *parts):
        app.include_router(router, dependencies=STORABLE)
    for error, answer in HANDLERS.items():
        app.add_exception_handler(error, answer)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


async def _open(app: FastAPI, settings: Settings, judge: Judge | None, stack: AsyncExitStack) -> None:
    clock = SystemClock()
    if settings.trace_endpoint is not None:
        exporter = tracing.otlp(settings.trace_endpoint)
        stack.callback(tracing.configure("gateway", exporter, settings.trace_ratio).shutdown)
    store, register = await stack.enter_async_context(
        open_store(
            settings.database_url,
            min(_STORE_SECONDS, settings.lease_seconds / 4),
            audit_key=audit_key(settings.keys_file),
        )
    )
    policy = PolicyFile(settings.policy_file, store, clock)
    await policy.load()

    slots = settings.kafka.partitions if settings.kafka.bootstrap_servers else settings.slots
    ttl_ms = int(settings.lease_seconds * 1000)
    lease = await take_slot(
        store, clock, this_holder(), is_dead, slots, ttl_ms=ttl_ms, margin_ms=int(settings.upstream_seconds * 1000)
    )
    stack.push_async_callback(lease.release)

    registry = CachedRegistry(register, clock, settings.cache_size, settings.cache_trust_ms)
    news = SqlNews(store.database)
    sources = CachedSources(news, clock, settings.cache_trust_ms)
    webhooks = HttpWebhooks(notify_limits(settings.notify))
    stack.callback(webhooks.close)
    sealer = FileSealer(settings.keys_file) if settings.keys_file else None
    if off := settings.off_without_keys():
        log.warning("no key file: GATEWAY_KEYS_FILE is not set", {"off": ", ".join(off)})
    classifiers, asked = await open_classifiers(settings, judge, lease, clock, stack)
    events: KafkaEvents | None = None
    if settings.kafka.bootstrap_servers:
        events = KafkaEvents(settings.kafka)
        stack.push_async_callback(events.stop)
    native = HttpUpstream(UpstreamLimits(connections=settings.upstream_connections, total=settings.upstream_seconds))
    stack.push_async_callback(native.close)
    pictures = _pictures(settings, sealer, clock, stack)
    listeners = read_listeners(settings.listeners_file) if settings.listeners_file else ()
    origin = HttpOrigin()
    stack.push_async_callback(origin.close)
    upstream: Upstream = native
    named = {listener.name: listener for listener in listeners}
    remover = HttpTakedowns(origin, named)
    stack.push_async_callback(remover.close)
    if sealer is not None:
        upstream = SealedUpstream(native, origin, sealer, named, settings.upstream_seconds)
    watched = WatchedUpstream(upstream, clock)

    perform = Perform(store, watched, clock, lease)
    review = Review(
        registry=registry,
        classifiers=classifiers,
        store=store,
        perform=perform,
        policy=policy.current,
        clock=clock,
        ask_again_ms=settings.ask_again_ms,
        sources=sources,
        pictures=pictures,
    )
    classifiers.on_late(review.late)
    quota = HoldQuota(settings.holds.number, settings.holds.bytes)
    await measure_holds(store, quota)
    publish = Publish(
        registry=registry,
        classifiers=classifiers,
        store=store,
        perform=perform,
        policy=policy.current,
        clock=clock,
        limit=settings.max_in_flight,
        sources=sources,
        pictures=pictures,
        quota=quota,
    )
    stack.push_async_callback(perform.settle_last)
    verify = await open_verify(settings, store, clock, stack)
    registry_changed = asyncio.Event()
    listener = None
    if not is_sqlite(settings.database_url):
        listener = ChangeListener(settings.database_url, registry_changed.set)
        stack.push_async_callback(listener.close)
    held = HeldMessages(
        queue=SqlQueue(store.database), store=store, registry=registry, policy=policy.current, clock=clock
    )
    upkeep = Upkeep(on_lease_lost=lambda: os.kill(os.getpid(), signal.SIGTERM))
    stack.push_async_callback(upkeep.stop)
    if listener is not None:
        upkeep.every(1.0, "registry listener", listener.keep)
    stated = SqlStatements(store.database)
    # A key of its own purpose: requests are sealed all day, and a token opens nothing but its appeal.
    seals = FileSealer(settings.keys_file, "appeals") if settings.keys_file else None
    appealing = Appealing(
        statements=stated,
        appeals=SqlAppeals(store.database, seals),
        store=store,
        registry=registry,
        policy=lambda: policy.current().policy.appeals,
        clock=clock,
        holds=lambda: policy.current().policy.holds,
    )
    sanctions = SqlSanctions(store.database, policy.current)
    follower = SqlFollower(
        store.database,
        [
            QueuePart(store.database, lambda: policy.current().policy.holds),
            TakedownPart(store.database),
            sanctions,
            StatementsPart(store.database),
            ReportAppeals(),
            NoticesPart(store.database, lambda: policy.current().policy.appeals),
        ],
    )
    plan(
        upkeep,
        store=store,
        clock=clock,
        lease=lease,
        lease_seconds=settings.lease_seconds,
        perform=perform,
        review=review,
        refresh_registry=registry.refresh,
        registry_changed=registry_changed,
        reload_policy=policy.reload,
        publish=publish,
        events=events,
        news=News(
            sources.refresh,
            news,
            lambda: policy.current().policy.news.warn_days,
            SqlNotices(store.database),
            webhooks,
        ),
        follower=follower,
        held=held,
        appealing=appealing,
        sanctions=sanctions,
    )
    upkeep.every(5.0, "hold quotas", lambda: measure_holds(store, quota))
    takedowns.plan(upkeep, SqlOrders(store.database), remover, clock)
    if verify is not None:
        plan_verification(upkeep, verify, lambda: is_first(store, lease))
    reports = _reports(settings, store, clock, listeners)
    upkeep.every(5.0, "report gauges", lambda: measure_reports(reports, clock))
    upkeep.every(60.0, "reports", lambda: erase_reports(reports, clock, policy.current))
    app.state.verify = verify
    budget = Budget(settings.body_budget)
    if sealer is not None:
        moderate = Moderate(
            publish=publish,
            registry=registry,
            identify=Identify(store, origin, sealer, clock, settings.cache_size),
            references=store,
            sealer=sealer,
            origin=origin,
            clock=clock,
            read_seconds=settings.body_read_seconds,
            asks=_rate(settings.strangers, settings.strangers.asks),
            holds=_rate(settings.strangers, settings.strangers.holds),
            # Each as large as the native API's, which neither of them uses up.
            budget=Budget(settings.body_budget),
            strangers=Budget(settings.body_budget),
        )
        app.state.listeners = Listeners(listeners, Proxy(origin, moderate, moderate.note))
    app.state.examine = Examine(
        classifiers=classifiers, policy=policy.current, clock=clock, limit=settings.max_in_flight
    )
    app.state.wechat_tokens = wechat_tokens.Tokens(sealer, clock) if sealer is not None else None
    app.state.store = store
    app.state.takedowns = SqlTakedowns(store.database)
    app.state.reload_policy = policy.reload
    warming = Warming(asked, policy.current, clock, patience(settings))
    upkeep.every(2.0, "warming", warming.ask)
    upkeep.every(1.0, "answers", asked.look)
    app.state.components = Checks(
        warming=warming,
        answering=asked,
        store=store,
        lease=lease,
        classifiers=classifiers,
        perform=perform,
        upkeep=upkeep,
        registry_trusted=registry.trusted,
        policy=policy.current,
        policy_problem=lambda: policy.problem,
        upstreams_failing=lambda: watched.failing,
        off_without_keys=settings.off_without_keys(),
    ).components()
    app.state.desk = desk = Desk(
        registrar=SqlRegistrar(store.database),
        operators=SqlOperators(store.database),
        personal=await _personal(settings, store, stack),
        verifications=SqlVerifications(store.database),
        news=news,
        takedowns=app.state.takedowns,
        verify=verify,
        held=held,
        appealing=appealing,
        appeal_token=(lambda statement_id: token_of(seals, statement_id)) if seals is not None else None,
        sanctions=sanctions,
        store=store,
        registry=registry,
        policy=policy.current,
        clock=clock,
        budget=budget,
        file_limit=settings.body_limit,
        read_seconds=settings.body_read_seconds,
        reports=reports,
    )
    given = settings.reports
    app.state.reporting = Reporting(
        reports=reports,
        registry=registry,
        policy=policy.current,
        clock=clock,
        rate=Rate(given.number, given.seconds, None, given.clients),
        totals=Rate(given.total, given.seconds, None, given.clients),
        looks=Rate(given.looks, given.seconds, None, given.clients),
        trusted=given.networks,
        budget=Budget(BODY_BUDGET),
        read_seconds=settings.body_read_seconds,
    )
    app.state.statements = stated
    app.state.console = open_console(settings, app, store, policy, desk, upkeep, stack)
    app.state.service = Service(publish, registry, settings.body_limit, settings.body_read_seconds, budget)
    await store.warm()
    await warming.run()
    metrics.READY.set(1)
    metrics.STARTED_SECONDS.set(clock.now_ms() / 1000)


def _rate(given: StrangersSettings, number: int) -> Rate:
    return Rate(number, given.seconds, number * given.together, given.clients)


async def _personal(settings: Settings, store: SqlStore, stack: AsyncExitStack) -> SqlPersonal | None:
    """Registrants' personal data; None where the settings name no master key."""
    if not settings.kms.url and settings.keys_file is None:
        return None
    master = await stack.enter_async_context(open_master(settings.kms, settings.keys_file))
    return SqlPersonal(store.database, PersonalKeys(master))


def _reports(settings: Settings, store: SqlStore, clock: Clock, listeners: Sequence[Listener]) -> SqlReports:
    # Of a purpose of its own: what strangers make this gateway seal uses up nothing of another key.
    sealer = FileSealer(settings.keys_file, REPORTS) if settings.keys_file else None
    platforms = sorted({listener.map.name for listener in listeners})
    return SqlReports(store.database, sealer, clock.new_id, platforms)


def _pictures(settings: Settings, sealer: FileSealer | None, clock: Clock, stack: AsyncExitStack) -> WebPictures:
    given = settings.pictures
    fetcher = Fetcher(
        FetchLimits(
            http=given.http,
            ports=given.ports,
            private_hosts=given.trusted,
            seconds=given.seconds,
            size=given.limit,
            at_once=given.at_once,
            per_host=given.per_host,
        )
    )
    stack.callback(fetcher.close)
    return WebPictures(fetcher, sealer, clock, given.budget)
