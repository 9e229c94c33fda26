"""A provider that is asked, through the whole application: from the encrypted register to the account, and a name
that gets into nothing on the way."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest

from gateway.adapters.keys import new_keys
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import SqlStore
from gateway.adapters.sql.personal import SqlPersonal
from gateway.app import create_app
from gateway.core.audit import breaks
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind
from gateway.core.model import VerificationState as State
from gateway.core.personal_acts import Kept
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.verification import Verification
from gateway.ports import Begun
from gateway.settings import Settings
from gateway.verify import Verify
from tests.adapters.test_aliyun import KEY_ID, SECRET, Vendor
from tests.http import judging
from tests.http.identity_site import dump_text
from tests.http.recorder import recorder

BY = By("ops-1", "ticket 7")
FIELDS = {"legal_name": "Quetzal Canary Press", "uscc": "91350100M000100Y43", "representative": "Canary Holder Quetzal"}


async def test_what_the_register_has_is_compared_and_another_name_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("T_SECRET", SECRET)
    monkeypatch.setenv("T_ID", KEY_ID)
    new_keys(tmp_path / "keys.json")
    vendor = Vendor()
    async with recorder(vendor) as server:
        (tmp_path / "providers.yaml").write_text(
            "providers:\n  - {name: cn, kind: aliyun, secret_env: [T_SECRET], client_env: T_ID, framework: "
            f'cn_real_name, level: verified, tenants: [t1], endpoint: "http://{server.netloc}"}}\n'
        )
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db",
            providers_file=tmp_path / "providers.yaml",
            keys_file=tmp_path / "keys.json",
        )
        app = create_app(settings, judging.shipped())
        async with app.router.lifespan_context(app):
            store: SqlStore = app.state.store
            verify: Verify = app.state.verify
            personal = SqlPersonal(store.database, PersonalKeys(FileMasterKey(tmp_path / "keys.json")))
            register = store.register
            await register.put_tenant(Tenant("t1", "One", "https://one.example/"), "key", "test", 0)
            firm = Registrant("r1", RegistrantKind.ORGANISATION, State.CREATED)
            await register.put_account("t1", Account("a1", AccountState.ACTIVE, firm), "test", 0)

            async def state() -> State:
                account = await register.account("t1", "a1")
                assert account is not None
                assert account.registrant is not None
                return account.registrant.state

            async def begin() -> Verification:
                begun = await verify.start("t1", "r1", "cn", None, BY)
                assert isinstance(begun, Begun)
                return begun.verification

            first = await begin()
            assert first.state is State.NEEDS_INPUT  # nothing is kept of it yet
            assert await personal.put("t1", "r1", FIELDS, BY, 1) == Kept(restarted=False)
            assert await begin() == first
            again = await verify.submit_again("t1", first.verification_id, BY)
            assert isinstance(again, Verification)
            assert again.state is State.VERIFIED
            assert vendor.asked[-1]["EntName"] == FIELDS["legal_name"]

            await personal.put("t1", "r1", {**FIELDS, "legal_name": "Quetzal Canary Media"}, BY, 2)
            assert await state() is State.CANCELED
            vendor.result = {"BizCode": "2"}
            await begin()
            assert await state() is State.DECLINED

            assert list(breaks([row async for row in store.audit()], await store.heads())) == []
            for shown in (await dump_text(store), caplog.text, generate_latest(REGISTRY).decode()):
                assert "Quetzal" not in shown
                assert "91350100M000100Y43" not in shown
