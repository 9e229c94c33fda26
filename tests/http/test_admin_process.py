"""A whole gateway process serves the register's keepers with what its settings name."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway.adapters.key_file import new_keys
from gateway.adapters.sql import SqlOperators, SqlStore
from gateway.app import create_app
from gateway.core.operators import Operator, Role
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.http.requests import hash_key
from gateway.settings import Settings
from tests.http import judging
from tests.http.documented import Documented

PROVIDERS = "providers: [{name: staff, kind: manual, framework: eidas, level: high, valid_days: 30, tenants: [t1]}]"
WHY = {"reason": "ticket 12"}
ACCOUNT = {"account_id": "acc-1", "registrant_id": "r-1", "name": "Example News", **WHY}
LICENCE = {"holder": "r-1", "scheme": "manual", "kind": "originate", "valid_from": 0, "accounts": ["acc-1"], **WHY}


@pytest.mark.parametrize("whole", [True, False])
async def test_from_a_registrant_to_an_account_that_may_publish_news(tmp_path: Path, whole: bool) -> None:
    new_keys(tmp_path / "keys.json")
    (tmp_path / "providers.yaml").write_text(PROVIDERS, encoding="utf-8")
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db",
        keys_file=tmp_path / "keys.json" if whole else None,
        providers_file=tmp_path / "providers.yaml" if whole else None,
    )
    app = create_app(settings, judging.shipped())
    async with app.router.lifespan_context(app):
        store: SqlStore = app.state.store
        await store.register.put_tenant(Tenant("t1", "One", "https://one.example/"), hash_key("app"), "test", 0)
        await SqlOperators(store.database).add(Operator("Ann", Role.ADMIN), hash_key("ann"), By("test", "test"), 0)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://gateway/v1/admin/tenants/t1",
            headers={"Authorization": "Bearer ann"},
            event_hooks={"response": [Documented().check]},
        ) as ann:
            person = {"registrant_id": "r-1", "kind": "person", "personal": {"legal_name": "Example Holder"}, **WHY}
            kept = await ann.post("/registrants", json=person)
            if not whole:
                assert (kept.status_code, kept.json()["code"]) == (503, "keys_unavailable")
                return
            assert kept.status_code == 201
            assert (await ann.post("/accounts", json=ACCOUNT)).status_code == 201
            begun = await ann.post("/registrants/r-1/verifications", json={"provider": "staff", **WHY})
            path = f"/verifications/{begun.json()['verification_id']}:review"
            assert (await ann.post(path, json={"approve": True, **WHY})).json()["state"] == "verified"
            assert (await ann.put("/licences/l-1", json={**LICENCE, "valid_to": 2**50})).status_code == 200
            told = await ann.post("/registrants/r-1:reveal", json=WHY)
            assert told.json() == {"personal": {"legal_name": "Example Holder"}}
            own = await ann.get("http://gateway/v1/accounts/acc-1", headers={"Authorization": "Bearer app"})
    assert (own.json()["decision"], own.json()["reasons"]) == ("allow", [])
    assert (own.json()["label"]["news"], own.json()["registrant"]["verified"]) == ("originate", True)
