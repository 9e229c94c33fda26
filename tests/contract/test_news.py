"""The promises of `gateway.ports.NewsRegister` about licences, and of `Notices`, kept in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from msgspec.structs import replace

from gateway.adapters.sql import open_store
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.notices import SqlNotices
from gateway.core.audit import LICENCE, NOTICE
from gateway.core.model import (
    Account,
    AccountState,
    NewsAuthorisation,
    NewsKind,
)
from gateway.core.news import Evidence, Licence, LicenceStatus
from gateway.core.registration import By
from gateway.ports import LicenceRefused, StoreUnavailable
from tests.contract.newsroom import BY, EVIDENCE, HOLDER, LICENCE_1, OTHER, Office


def authorisation(licence: Licence = LICENCE_1, active: bool = True) -> NewsAuthorisation:
    """What the hot path is to see of a licence."""
    return NewsAuthorisation(
        licence.scheme,
        licence.kind,
        licence.valid_from,
        licence.valid_to,
        active,
        licence.licence_id,
        licence.domains,
    )


async def test_a_licence_reads_back_whole(office: Office) -> None:
    assert await office.news.licence("t1", "lic-1") is None
    assert await office.news.put_licence("t1", LICENCE_1, BY, 5) is None
    assert await office.news.licence("t1", "lic-1") == LICENCE_1
    assert await office.news.licence("t2", "lic-1") is None
    bare = Licence("lic-2", "canary-holder", "manual", NewsKind.HOST, 1, 2)
    assert await office.news.put_licence("t1", bare, BY, 5) is None
    assert await office.news.licence("t1", "lic-2") == bare


async def test_evidence_brings_no_licence_back_that_is_revoked_meanwhile(office: Office) -> None:
    more = Evidence("NewsMediaOrganization", "news.example", "b" * 64)
    assert not await office.news.add_evidence("t1", "lic-1", more, BY, 5)
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    revoke = office.news.set_licence_status("t1", "lic-1", LicenceStatus.REVOKED, BY, 6)
    added, refused = await asyncio.gather(office.news.add_evidence("t1", "lic-1", more, BY, 6), revoke)
    assert (added, refused) == (True, None)
    assert await office.news.add_evidence("t1", "lic-1", more, BY, 7)
    found = await office.news.licence("t1", "lic-1")
    assert found == replace(LICENCE_1, accounts=(), status=LicenceStatus.REVOKED, evidence=(EVIDENCE, more))
    assert await office.seen("acc-1") == ()
    assert not await office.news.add_evidence("t2", "lic-1", more, BY, 7)


async def test_the_accounts_of_a_licence_use_it_at_once(office: Office) -> None:
    before, _ = await office.register.changes(0)
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    assert [await office.seen(each) for each in ("acc-1", "acc-2", "acc-3")] == [(authorisation(),)] * 2 + [()]
    _, changed = await office.register.changes(before)
    assert sorted(changed) == [("t1", "acc-1"), ("t1", "acc-2")]


async def test_a_changed_licence_stands_for_its_new_accounts_only(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    before, _ = await office.register.changes(0)
    changed = replace(LICENCE_1, accounts=("acc-2", "acc-3"), valid_to=2_000, domains=(), kind=NewsKind.REPUBLISH)
    await office.news.put_licence("t1", changed, BY, 6)
    assert await office.news.licence("t1", "lic-1") == changed
    assert [await office.seen(each) for each in ("acc-1", "acc-2", "acc-3")] == [(), *[(authorisation(changed),)] * 2]
    _, names = await office.register.changes(before)
    assert {name for _, name in names} == {"acc-1", "acc-2", "acc-3"}


async def test_an_account_may_use_several_licences(office: Office) -> None:
    own = NewsAuthorisation("manual", NewsKind.REPUBLISH, 0, 50)
    await office.register.put_account("t1", Account("acc-1", AccountState.ACTIVE, HOLDER, (own,)), "test", 0)
    second = replace(LICENCE_1, licence_id="lic-2", scheme="cn_licence")
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    await office.news.put_licence("t1", second, BY, 5)
    assert await office.seen("acc-1") == (own, authorisation(), authorisation(second))
    assert [each.licence_id for each in await office.news.licences("t1", "", 10, account="acc-1")] == ["lic-1", "lic-2"]


async def test_what_a_licence_gives_is_not_the_accounts_to_change(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    own = NewsAuthorisation("manual", NewsKind.REPUBLISH, 0, 50)
    for news in ((own,), (), (own, authorisation(), authorisation(replace(LICENCE_1, licence_id="made-up")))):
        await office.register.put_account("t1", Account("acc-1", AccountState.SUSPENDED, HOLDER, news), "test", 0)
        assert await office.seen("acc-1") == ((own, authorisation()) if news else (authorisation(),))


async def test_an_account_that_changes_hands_leaves_the_licence(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    await office.register.put_account("t1", Account("acc-1", AccountState.ACTIVE, OTHER), "test", 0)
    await office.register.put_account("t1", Account("acc-2", AccountState.ACTIVE), "test", 0)
    assert await office.seen("acc-1") == await office.seen("acc-2") == ()


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        (replace(LICENCE_1, holder="nobody"), LicenceRefused.HOLDER_UNKNOWN),
        (replace(LICENCE_1, accounts=("acc-1", "acc-9")), LicenceRefused.ACCOUNT_NOT_HOLDERS),
        (replace(LICENCE_1, accounts=("acc-404",)), LicenceRefused.ACCOUNT_NOT_HOLDERS),
    ],
)
async def test_what_is_refused_leaves_nothing_behind(office: Office, licence: Licence, refused: LicenceRefused) -> None:
    before = await office.register.changes(0)
    assert await office.news.put_licence("t1", licence, BY, 5) is refused
    assert await office.news.licence("t1", "lic-1") is None
    assert await office.register.changes(0) == before
    assert await office.acts() == []


@pytest.mark.parametrize("licence", [replace(LICENCE_1, issuer="a\x00b"), replace(LICENCE_1, licence_no="\ud800")])
async def test_text_that_no_database_takes_is_a_fault(office: Office, licence: Licence) -> None:
    with pytest.raises(StoreUnavailable):
        await office.news.put_licence("t1", licence, BY, 5)


async def test_licences_are_listed_by_id(office: Office) -> None:
    for name in ("b", "a", "C"):
        await office.news.put_licence("t1", replace(LICENCE_1, licence_id=name, accounts=()), BY, 5)
    theirs = replace(LICENCE_1, licence_id="d", holder="canary-other", accounts=("acc-9",))
    await office.news.put_licence("t1", theirs, BY, 5)

    async def listed(after: str = "", limit: int = 10, holder: str | None = None) -> list[str]:
        return [each.licence_id for each in await office.news.licences("t1", after, limit, holder)]

    assert await listed() == ["C", "a", "b", "d"]
    assert await listed("C", 2) == ["a", "b"]
    assert await listed(holder="canary-other") == ["d"]
    assert await office.news.licences("t2", "", 10) == []


async def test_a_suspended_licence_does_not_count_and_a_revoked_one_is_gone(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    unknown = await office.news.set_licence_status("t1", "lic-2", LicenceStatus.SUSPENDED, BY, 6)
    assert unknown is LicenceRefused.LICENCE_UNKNOWN

    assert not await office.news.set_licence_status("t1", "lic-1", LicenceStatus.SUSPENDED, BY, 6)
    assert await office.seen("acc-1") == (authorisation(active=False),)
    assert await office.news.licence("t1", "lic-1") == replace(LICENCE_1, status=LicenceStatus.SUSPENDED)

    assert not await office.news.set_licence_status("t1", "lic-1", LicenceStatus.ACTIVE, BY, 7)
    assert await office.seen("acc-1") == (authorisation(),)

    before, _ = await office.register.changes(0)
    assert not await office.news.set_licence_status("t1", "lic-1", LicenceStatus.REVOKED, BY, 8)
    assert await office.seen("acc-1") == ()
    assert len((await office.register.changes(before))[1]) == 2
    assert await office.news.licence("t1", "lic-1") == replace(LICENCE_1, status=LicenceStatus.REVOKED, accounts=())


async def test_a_licence_that_stays_as_it_is_is_not_written(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    before = await office.register.changes(0), await office.rows()
    turned = replace(LICENCE_1, accounts=LICENCE_1.accounts[::-1])
    assert await office.news.put_licence("t1", turned, BY, 6) is None
    assert await office.news.set_licence_status("t1", "lic-1", LicenceStatus.ACTIVE, BY, 6) is None
    assert (await office.register.changes(0), await office.rows()) == before


async def test_a_revoked_licence_is_put_again_and_not_set_active(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    assert await office.news.set_licence_status("t1", "lic-1", LicenceStatus.REVOKED, BY, 6) is None
    before = await office.register.changes(0), await office.rows()
    for status, told in (
        (LicenceStatus.ACTIVE, LicenceRefused.LICENCE_REVOKED),
        (LicenceStatus.SUSPENDED, LicenceRefused.LICENCE_REVOKED),
        (LicenceStatus.REVOKED, None),
    ):
        assert await office.news.set_licence_status("t1", "lic-1", status, BY, 7) is told
    assert (await office.register.changes(0), await office.rows()) == before
    await office.news.put_licence("t1", LICENCE_1, BY, 8)
    assert await office.news.licence("t1", "lic-1") == LICENCE_1


async def test_every_write_is_in_the_history_of_what_it_is_about(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    await office.news.set_licence_status("t1", "lic-1", LicenceStatus.SUSPENDED, By("Second"), 6)
    for subject in ("licence:lic-1", "registrant:canary-holder", "account:acc-1", "account:acc-2"):
        acts = await office.acts(subject)
        assert [act["act"] for act in acts] == ["PutLicence", "SetLicenceStatus"]
        assert [(act["actor"], act["reason"]) for act in acts] == [("Keeper", "asked by letter 7"), ("Second", "")]
    assert await office.acts("account:acc-3") == []
    assert "canary" not in "".join([row.body for row in await office.rows()])


async def test_a_licence_warns_once_and_ends_once(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    assert await office.news.end_licences(800, 100, 10) == 0
    assert await office.news.end_licences(900, 100, 10) == 1
    assert await office.news.end_licences(901, 100, 10) == 0
    assert await office.news.end_licences(999, 100, 10) == 0
    assert await office.news.end_licences(1_000, 100, 10) == 1
    assert await office.news.end_licences(2_000, 100, 10) == 0
    ended = await office.news.licence("t1", "lic-1")
    assert ended == replace(LICENCE_1, status=LicenceStatus.ENDED)
    # It stays beside the account, so that its author is told that it ended.
    assert await office.seen("acc-1") == (authorisation(),)

    rows = [row for row in await office.rows() if row.kind == LICENCE]
    bodies = [orjson.loads(row.body) for row in rows]
    assert [(body["act"], body["licence_id"], row.at_ms) for body, row in zip(bodies, rows, strict=True)] == [
        ("WarnLicence", "lic-1", 900),
        ("EndLicence", "lic-1", 1_000),
    ]
    sent = await office.notices.claim(5_000, 10, 10)
    assert [(each.notice.kind, each.notice.subject, each.notice.created_ms) for each in sent] == [
        ("licence.ending", "lic-1", 900),
        ("licence.ended", "lic-1", 1_000),
    ]
    assert orjson.loads(sent[0].notice.body) == {
        "type": "licence.ending",
        "timestamp": "1970-01-01T00:00:00.900+00:00",
        "data": {
            "tenant_id": "t1",
            "licence_id": "lic-1",
            "scheme": "jti",
            "kind": "originate",
            "valid_to": "1970-01-01T00:00:01.000+00:00",
            "accounts": ["acc-1", "acc-2"],
        },
    }


async def test_a_renewed_licence_warns_again(office: Office) -> None:
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    assert await office.news.end_licences(950, 100, 10) == 1
    await office.news.put_licence("t1", LICENCE_1, BY, 951)
    assert await office.news.end_licences(952, 100, 10) == 0
    await office.news.put_licence("t1", replace(LICENCE_1, valid_to=3_000), BY, 953)
    assert await office.news.end_licences(1_000, 100, 10) == 0
    assert await office.news.end_licences(2_900, 100, 10) == 1
    assert len(await office.notices.claim(5_000, 10, 10)) == 2


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
async def test_what_does_not_count_does_not_end(office: Office, status: LicenceStatus) -> None:
    await office.news.put_licence("t1", replace(LICENCE_1, status=status), BY, 5)
    assert await office.news.end_licences(950, 100, 10) == 0
    assert await office.news.end_licences(1_000, 100, 10) == 0


async def test_of_many_processes_one_warns(office: Office, office_url: str) -> None:
    for number in range(5):
        await office.news.put_licence("t1", replace(LICENCE_1, licence_id=f"lic-{number}"), BY, 5)
    async with open_store(office_url) as (store, _):
        both = (office.news, SqlNews(store.database))
        done = await asyncio.gather(*[each.end_licences(950, 100, 3) for each in both * 3])
    assert sum(done) == 5
    assert len([row for row in await office.rows() if row.kind == LICENCE]) == 5


async def test_a_tenant_that_wants_no_notices_gets_none(office: Office) -> None:
    await office.news.put_licence("t2", replace(LICENCE_1, accounts=("acc-1",)), BY, 5)
    assert await office.news.end_licences(1_000, 100, 10) == 1
    assert await office.notices.claim(5_000, 10, 10) == []
    assert [row.kind for row in await office.rows()].count(LICENCE) == 1


async def two_notices(office: Office) -> None:
    """Let two notices wait, from 900 and 1000 on."""
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    await office.news.end_licences(900, 100, 10)
    await office.news.end_licences(1_000, 100, 10)


async def test_a_notice_is_with_one_process_at_a_time(office: Office, office_url: str) -> None:
    await two_notices(office)
    async with open_store(office_url) as (store, _):
        second = SqlNotices(store.database)
        assert await office.notices.claim(899, 50, 10) == []
        taken = await asyncio.gather(office.notices.claim(1_000, 50, 1), second.claim(1_000, 50, 1))
        ids = [each.notice.notice_id for part in taken for each in part]
        rest = await second.claim(1_000, 50, 10)
        ids += [each.notice.notice_id for each in rest]
        assert len(ids) == len(set(ids)) == 2
        assert await second.claim(1_049, 50, 10) == []
        again = await second.claim(1_050, 50, 10)
        assert [each.notice.attempts for each in again] == [2, 2]
        assert {(each.url, each.secret_env) for each in again} == {("https://one.example/notices", "SECRET")}


async def test_a_delivered_notice_is_done(office: Office) -> None:
    await two_notices(office)
    first, second = await office.notices.claim(1_000, 50, 10)
    await office.notices.delivered(first.notice, 1_001)
    [again] = await office.notices.claim(9_000, 50, 10)
    assert again.notice.notice_id == second.notice.notice_id


async def test_a_notice_is_put_off_by_who_has_it(office: Office) -> None:
    await two_notices(office)
    first, second = await office.notices.claim(1_000, 50, 10)
    await office.notices.delivered(second.notice, 1_001)
    await office.notices.put_off(first.notice, 2_000)
    await office.notices.put_off(second.notice, 1_002)
    assert await office.notices.claim(1_999, 50, 10) == []
    [again] = await office.notices.claim(2_000, 50, 10)
    await office.notices.put_off(first.notice, 1_000)  # by a process that is late
    assert await office.notices.claim(2_049, 50, 10) == []
    assert again.notice.attempts == 2


async def test_a_notice_given_up_is_on_record(office: Office) -> None:
    await two_notices(office)
    [first, _] = await office.notices.claim(1_000, 50, 10)
    await office.notices.given_up(first.notice, 1_001)
    await office.notices.given_up(first.notice, 1_002)
    [row] = [row for row in await office.rows() if row.kind == NOTICE]
    assert orjson.loads(row.body)["notice_id"] == first.notice.notice_id
    assert len(await office.notices.claim(9_000, 50, 10)) == 1
