"""The wiring of the web console, a part of `gateway.app`'s."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from fastapi import FastAPI

from gateway.adapters.oidc import OidcClient, OidcProvider
from gateway.adapters.passwords import Argon2Passwords
from gateway.adapters.policy_file import PolicyFile
from gateway.adapters.sql import SqlStore
from gateway.adapters.sql.audit_search import SqlAuditSearch
from gateway.adapters.sql.sanction_trial import SqlTrial
from gateway.adapters.sql.sessions import SqlSessions
from gateway.core.sessions import Lifetimes, Tries
from gateway.http.admin.desk import Desk
from gateway.http.console import Console
from gateway.http.console.pulse import EVERY_SECONDS, Pulse
from gateway.settings import Settings
from gateway.upkeep import Upkeep


def open_console(
    settings: Settings,
    app: FastAPI,
    store: SqlStore,
    policy: PolicyFile,
    desk: Desk,
    upkeep: Upkeep,
    stack: AsyncExitStack,
) -> Console:
    """What the web console is served with; its sessions are swept, and its charts fed, from now on."""
    given, oidc = settings.console, settings.oidc
    passwords = Argon2Passwords()
    stack.callback(passwords.close)
    provider: OidcProvider | None = None
    if oidc.issuer:
        redirect, secret = f"{given.origin}/console/sign-in/oidc/return", os.environ.get(oidc.secret_env)
        provider = OidcProvider(OidcClient(oidc.issuer, oidc.client_id, secret, redirect, oidc.claim, oidc.scope))
        stack.push_async_callback(provider.close)
    sessions, pulse = SqlSessions(store.database), Pulse(desk.clock)
    lifetimes = Lifetimes(int(given.idle_minutes * 60_000), int(given.hours * 3_600_000))
    tries = Tries(given.tries_per_name, given.tries_per_address, given.tries_per_name_anywhere)

    async def tenants() -> list[str]:
        return [each.tenant_id for each in await store.register.tenants()]

    upkeep.every(EVERY_SECONDS, "pulse", pulse.sample)
    upkeep.every(60.0, "console sessions", lambda: sessions.sweep(lifetimes, tries, desk.clock.now_ms()))
    return Console(
        desk=desk,
        sessions=sessions,
        passwords=passwords,
        audit=SqlAuditSearch(store.database),
        pulse=pulse,
        lifetimes=lifetimes,
        components=lambda: app.state.components,
        tenants=tenants,
        history=lambda tenant_id, from_ms: SqlTrial(store.database, tenant_id, from_ms),
        policy_problems=lambda: policy.problems,
        identity=provider,
        identity_label=oidc.label,
        origin=given.origin,
        tries=tries,
        proxies=given.proxies,
    )
