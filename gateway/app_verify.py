"""The wiring of verification, for the gateway and for commands."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from gateway.adapters.aliyun import aliyun_checker
from gateway.adapters.masters import open_master
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.providers_file import endpoints, read_providers
from gateway.adapters.sql import SqlStore
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.ports import Clock
from gateway.settings import Settings
from gateway.verify import Fields, Verify, fields_of


async def open_verify(settings: Settings, store: SqlStore, clock: Clock, stack: AsyncExitStack) -> Verify | None:
    """The verification of registrants, if there are providers for it. Raises `ProvidersError`, and `KeysError` where
    one is to be asked and there is no master key to read with what it is asked."""
    if settings.providers_file is None:
        return None
    providers = read_providers(settings.providers_file, os.environ)
    checkers = {each.name: aliyun_checker(each, os.environ, clock) for each in providers if each.kind == "aliyun"}
    fields: Fields | None = None
    if checkers:
        master = await stack.enter_async_context(open_master(settings.kms, settings.keys_file))
        fields = fields_of(SqlPersonal(store.database, PersonalKeys(master)), clock)
    for checker in checkers.values():
        stack.push_async_callback(checker.close)
    return Verify(
        kept=SqlVerifications(store.database),
        providers=providers,
        endpoints=endpoints(providers, os.environ),
        checkers=checkers,
        fields=fields,
        clock=clock,
    )
