"""Acts on accounts: a table of what each leads to, and what holds for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    Sanction,
    Suspension,
    VerificationState,
)
from gateway.core.policy import Registration
from gateway.core.registration import (
    DAY_MS,
    WORDING,
    Act,
    AgreePrivate,
    Around,
    Bars,
    Change,
    ChangeAccount,
    CloseAccount,
    CreateAccount,
    Privacy,
    PrivateProposal,
    Refused,
    RenewAccount,
    ReopenAccount,
    SuspendAccount,
    carry_out,
    fold_name,
    fulfilled,
    is_same_person,
    name_digest,
)

ACTIVE, SUSPENDED, CLOSED = AccountState.ACTIVE, AccountState.SUSPENDED, AccountState.CLOSED
PERSON = Registrant("p-1", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high")
FIRM = Registrant("f-1", RegistrantKind.ORGANISATION, VerificationState.CREATED)
ERASED = replace(PERSON, state=VerificationState.REDACTED)
RULES = Registration(
    max_accounts={RegistrantKind.PERSON: 1, RegistrantKind.ORGANISATION: 2}, name_bar_days=10, registrant_bar_days=20
)
AT_MS = 1000


def account(state: AccountState = ACTIVE, term_ends_at: int | None = None, *sanctions: Sanction) -> Account:
    """An account with something in every field."""
    news = (NewsAuthorisation("manual", NewsKind.ORIGINATE, 0, 5),)
    return Account("acc-1", state, PERSON, news, sanctions, False, "shop", term_ends_at)


NEW = CreateAccount("acc-1", "p-1", "Name", "desk", 5, private=True)
FRESH = Account("acc-1", ACTIVE, PERSON, account_class="desk", term_ends_at=5)
PROPOSAL = PrivateProposal("Ann", "ticket 1", AT_MS)


@pytest.mark.parametrize(
    ("act", "around", "expected"),
    [
        (NEW, Around(registrant=PERSON), Change(FRESH, "Name", privacy=Privacy.PROPOSED)),
        (replace(NEW, private=False), Around(registrant=PERSON), Change(FRESH, "Name")),
        (
            NEW,
            Around(registrant=FIRM, open_accounts=1),
            Change(replace(FRESH, registrant=FIRM), "Name", privacy=Privacy.PROPOSED),
        ),
        (NEW, Around(registrant=PERSON, open_accounts=1), Refused.TOO_MANY_ACCOUNTS),
        (NEW, Around(registrant=FIRM, open_accounts=2), Refused.TOO_MANY_ACCOUNTS),
        (NEW, Around(registrant=FIRM, open_accounts=9), Refused.TOO_MANY_ACCOUNTS),
        (NEW, Around(), Refused.REGISTRANT_UNKNOWN),
        (NEW, Around(registrant=ERASED), Refused.REGISTRANT_ERASED),
        (NEW, Around(registrant=PERSON, name_barred=True), Refused.NAME_BARRED),
        (NEW, Around(registrant=PERSON, registrant_barred=True), Refused.REGISTRANT_BARRED),
        (NEW, Around(account(CLOSED), "Name", PERSON), Refused.ACCOUNT_EXISTS),
        (replace(NEW, account_id="?a"), Around(registrant=PERSON), Refused.ACCOUNT_ID),
        (replace(NEW, account_id=""), Around(registrant=PERSON), Refused.ACCOUNT_ID),
    ],
)
def test_creating(act: Act, around: Around, expected: Change | Refused) -> None:
    assert carry_out(act, around, RULES, AT_MS) == expected


NAME_BAR, REGISTRANT_BAR = AT_MS + 10 * DAY_MS, AT_MS + 20 * DAY_MS


@pytest.mark.parametrize(
    ("act", "state", "name", "expected"),
    [
        (CloseAccount("acc-1"), ACTIVE, "Name", (CLOSED, Bars(NAME_BAR, None))),
        (CloseAccount("acc-1"), SUSPENDED, "Name", (CLOSED, Bars(NAME_BAR, None))),
        (CloseAccount("acc-1"), ACTIVE, None, (CLOSED, Bars())),
        (CloseAccount("acc-1", violation=True), ACTIVE, "Name", (CLOSED, Bars(NAME_BAR, REGISTRANT_BAR))),
        (CloseAccount("acc-1", violation=True), ACTIVE, None, (CLOSED, Bars(None, REGISTRANT_BAR))),
        (CloseAccount("acc-1", violation=True), CLOSED, "Name", (CLOSED, Bars(None, REGISTRANT_BAR))),
        (CloseAccount("acc-1"), CLOSED, "Name", Refused.ACCOUNT_CLOSED),
        (SuspendAccount("acc-1"), ACTIVE, "Name", (SUSPENDED, Bars())),
        (SuspendAccount("acc-1"), SUSPENDED, "Name", (SUSPENDED, Bars())),
        (SuspendAccount("acc-1"), CLOSED, "Name", Refused.ACCOUNT_CLOSED),
        (ReopenAccount("acc-1"), SUSPENDED, "Name", (ACTIVE, Bars())),
        (ReopenAccount("acc-1"), CLOSED, "Name", (ACTIVE, Bars(0, 0))),
        (ReopenAccount("acc-1"), ACTIVE, "Name", Refused.ACCOUNT_ACTIVE),
    ],
)
def test_changing_the_state(
    act: Act, state: AccountState, name: str | None, expected: tuple[AccountState, Bars] | Refused
) -> None:
    before = account(state)
    if not isinstance(expected, Refused):
        result: object = Change(replace(before, state=expected[0]), name, expected[1])
    else:
        result = expected
    assert carry_out(act, Around(before, name), RULES, AT_MS) == result


def test_a_violation_said_twice_bars_once() -> None:
    before = account(CLOSED)
    violated = CloseAccount("acc-1", violation=True)
    assert carry_out(violated, Around(before, "Name", bar_stands=True), RULES, AT_MS) == Change(before, "Name")
    nobodys = replace(before, registrant=None)
    assert carry_out(violated, Around(nobodys, "Name"), RULES, AT_MS) == Change(nobodys, "Name")


@pytest.mark.parametrize(
    ("state", "open_accounts", "refused"),
    [(CLOSED, 0, False), (CLOSED, 1, True), (CLOSED, 2, True), (SUSPENDED, 1, False)],
)
def test_reopening_stays_within_the_cap(state: AccountState, open_accounts: int, refused: bool) -> None:
    around = Around(account(state), None, open_accounts=open_accounts)
    result = carry_out(ReopenAccount("acc-1"), around, RULES, AT_MS)
    assert (result is Refused.TOO_MANY_ACCOUNTS) is refused


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (CLOSED, Refused.REGISTRANT_ERASED),
        (SUSPENDED, Refused.REGISTRANT_ERASED),
        (ACTIVE, Refused.ACCOUNT_ACTIVE),
    ],
)
def test_an_account_of_an_erased_registrant_stays_closed(state: AccountState, refused: Refused) -> None:
    around = Around(replace(account(state), registrant=ERASED, private=True), None)
    assert carry_out(ReopenAccount("acc-1"), around, RULES, AT_MS) is refused


@pytest.mark.parametrize(
    ("ends", "asked", "later"),
    [
        (AT_MS + 5, AT_MS + 6, True),
        (AT_MS + 5, AT_MS + 5, False),
        (AT_MS + 5, AT_MS + 4, False),
        (AT_MS - 5, AT_MS + 1, True),
        (AT_MS - 5, AT_MS, False),
        (AT_MS - 5, AT_MS - 4, False),
    ],
)
def test_a_renewed_term_ends_later_and_not_in_the_past(ends: int | None, asked: int, later: bool) -> None:
    before = account(ACTIVE, ends)
    result = carry_out(RenewAccount("acc-1", asked), Around(before, "Name"), RULES, AT_MS)
    assert result == (Change(replace(before, term_ends_at=asked), "Name") if later else Refused.TERM_NOT_LATER)


def test_what_has_no_end_is_not_renewed() -> None:
    around = Around(account(ACTIVE, None), "Name")
    assert carry_out(RenewAccount("acc-1", AT_MS + 5), around, RULES, AT_MS) is Refused.TERM_ENDLESS
    assert WORDING[Refused.TERM_ENDLESS].startswith("term_ends_at: the account has no end")


@pytest.mark.parametrize("degree", list(Degree))
@pytest.mark.parametrize(
    ("starts_at", "ends_at", "in_force"),
    [(0, None, True), (AT_MS, None, True), (0, AT_MS + 1, True), (0, AT_MS, False), (AT_MS + 1, None, False)],
)
def test_a_sanction_in_force_suspends_renewal(
    degree: Degree, starts_at: int, ends_at: int | None, in_force: bool
) -> None:
    before = account(ACTIVE, AT_MS + 5, Sanction(Degree.WARN, 0), Sanction(degree, starts_at, ends_at))
    result = carry_out(RenewAccount("acc-1", AT_MS + 6), Around(before), RULES, AT_MS)
    assert (result is Refused.RENEWAL_SUSPENDED) is (degree is Degree.SUSPEND_RENEWAL and in_force)
    updates = RULES.with_suspension(Suspension.UPDATES)
    assert isinstance(carry_out(RenewAccount("acc-1", AT_MS + 6), Around(before), updates, AT_MS), Change)
    assert RULES.suspension is Suspension.RENEWAL


@pytest.mark.parametrize(
    ("act", "name_barred", "expected"),
    [
        (ChangeAccount("acc-1"), False, ("Name", "shop", False)),
        (ChangeAccount("acc-1", name="Other"), False, ("Other", "shop", False)),
        (ChangeAccount("acc-1", name="Other"), True, None),
        (ChangeAccount("acc-1", account_class="desk"), False, ("Name", "desk", False)),
        (ChangeAccount("acc-1", private=True), False, ("Name", "shop", True)),
        (ChangeAccount("acc-1", "Other", "desk", True), False, ("Other", "desk", True)),
    ],
)
def test_changing_what_is_said_of_an_account(
    act: Act, name_barred: bool, expected: tuple[str, str, bool] | None
) -> None:
    """Name and class are changed at once, privacy is only proposed."""
    before = account(SUSPENDED)
    result = carry_out(act, Around(before, "Name", name_barred=name_barred), RULES, AT_MS)
    if expected is None:
        assert result is Refused.NAME_BARRED
    else:
        name, account_class, private = expected
        privacy = Privacy.PROPOSED if private else None
        assert result == Change(replace(before, account_class=account_class), name, privacy=privacy)


@pytest.mark.parametrize(
    ("act", "private", "proposal", "by_proposer", "expected"),
    [
        (ChangeAccount("acc-1", private=True), False, None, False, (False, Privacy.PROPOSED)),
        (ChangeAccount("acc-1", private=True), False, PROPOSAL, False, (False, None)),
        (ChangeAccount("acc-1", private=True), False, PROPOSAL, True, (False, None)),
        (ChangeAccount("acc-1", private=True), True, None, False, (True, None)),
        (ChangeAccount("acc-1", private=False), False, PROPOSAL, True, (False, Privacy.WITHDRAWN)),
        (ChangeAccount("acc-1", private=False), False, PROPOSAL, False, (False, Privacy.WITHDRAWN)),
        (ChangeAccount("acc-1", private=False), True, None, False, (False, None)),
        (ChangeAccount("acc-1", name="Other"), True, None, False, (True, None)),
        (ChangeAccount("acc-1", name="Other"), False, PROPOSAL, True, (False, None)),
        (AgreePrivate("acc-1"), False, PROPOSAL, False, (True, Privacy.AGREED)),
        (AgreePrivate("acc-1"), False, PROPOSAL, True, Refused.SAME_PERSON),
        (AgreePrivate("acc-1"), False, None, False, Refused.NOT_PROPOSED),
        (AgreePrivate("acc-1"), True, None, False, Refused.NOT_PROPOSED),
    ],
)
def test_an_account_becomes_private_when_two_people_want_it(
    act: Act,
    private: bool,
    proposal: PrivateProposal | None,
    by_proposer: bool,
    expected: tuple[bool, Privacy | None] | Refused,
) -> None:
    around = Around(replace(account(), private=private), "Name", proposal=proposal, by_proposer=by_proposer)
    result = carry_out(act, around, RULES, AT_MS)
    if isinstance(expected, Refused):
        assert result is expected
    else:
        assert isinstance(result, Change)
        assert (result.account.private, result.privacy) == expected


@pytest.mark.parametrize(
    ("act", "kept", "name", "same"),
    [
        (NEW, FRESH, "Name", True),
        (NEW, FRESH, None, False),
        (NEW, replace(FRESH, state=CLOSED), "Name", False),
        (NEW, replace(FRESH, registrant=FIRM), "Name", False),
        (NEW, replace(FRESH, registrant=None), "Name", False),
        (NEW, replace(FRESH, account_class="shop"), "Name", False),
        (NEW, replace(FRESH, term_ends_at=6), "Name", False),
        (CloseAccount("acc-1"), account(CLOSED), None, True),
        (CloseAccount("acc-1", violation=True), account(CLOSED), None, False),
        (CloseAccount("acc-1"), account(SUSPENDED), None, False),
        (SuspendAccount("acc-1"), account(SUSPENDED), None, True),
        (SuspendAccount("acc-1"), account(CLOSED), None, False),
        (ReopenAccount("acc-1"), account(ACTIVE), None, True),
        (ReopenAccount("acc-1"), account(SUSPENDED), None, False),
        (RenewAccount("acc-1", 7), account(ACTIVE, 7), None, True),
        (RenewAccount("acc-1", 7), account(ACTIVE, 8), None, False),
        (RenewAccount("acc-1", 7), account(ACTIVE), None, False),
        (RenewAccount("acc-1", 7), account(CLOSED, 7), None, False),
        (ChangeAccount("acc-1", "Name"), account(ACTIVE), "Name", False),
    ],
)
def test_an_act_that_is_done_already(act: Act, kept: Account, name: str | None, same: bool) -> None:
    assert fulfilled(act, kept, name, PROPOSAL) is same


def test_what_is_done_already_has_the_privacy_that_was_asked_for() -> None:
    private = replace(FRESH, private=True)
    assert [fulfilled(NEW, FRESH, "Name", None), fulfilled(NEW, private, "Name", None)] == [False, True]
    public = replace(NEW, private=False)
    assert [fulfilled(public, FRESH, "Name", None), fulfilled(public, FRESH, "Name", PROPOSAL)] == [True, False]
    assert [fulfilled(AgreePrivate("acc-1"), one, None, None) for one in (FRESH, private)] == [False, True]


@pytest.mark.parametrize(("other", "same"), [("Ann", True), (" aNN ", True), ("Anna", False), ("", False)])
def test_a_name_of_an_operator_is_one_persons(other: str, same: bool) -> None:
    assert is_same_person("Ann", other) is same


states = st.sampled_from(list(AccountState))
times = st.integers(0, 3 * AT_MS)
sanctions = st.builds(Sanction, st.sampled_from(list(Degree)), times, st.none() | times)
registrants = st.sampled_from([PERSON, FIRM])
accounts = st.builds(
    Account,
    account_id=st.just("acc-1"),
    state=states,
    registrant=st.none() | registrants,
    sanctions=st.lists(sanctions, max_size=3).map(tuple),
    private=st.booleans(),
    term_ends_at=st.none() | times,
)
names = st.none() | st.text(max_size=5)
arounds = st.builds(
    Around,
    account=st.none() | accounts,
    name=names,
    registrant=st.none() | registrants,
    open_accounts=st.integers(0, 3),
    name_barred=st.booleans(),
    registrant_barred=st.booleans(),
    bar_stands=st.booleans(),
    proposal=st.none() | st.just(PROPOSAL),
    by_proposer=st.booleans(),
)
ids = st.sampled_from(["acc-1", "?acc", ""])
acts = st.one_of(
    st.builds(CreateAccount, ids, st.just("p-1"), names, private=st.booleans(), term_ends_at=st.none() | times),
    st.builds(CloseAccount, ids, st.booleans()),
    st.builds(SuspendAccount, ids),
    st.builds(ReopenAccount, ids),
    st.builds(RenewAccount, ids, times),
    st.builds(ChangeAccount, ids, names, st.none() | st.just("desk"), st.none() | st.booleans()),
    st.builds(AgreePrivate, ids),
)


@given(acts, arounds, times)
def test_what_holds_for_every_act(act: Act, around: Around, at_ms: int) -> None:
    result = carry_out(act, around, RULES, at_ms)
    if isinstance(result, Refused):
        assert WORDING[result].split(":")[0] in {"account_id", "registrant_id", "name", "term_ends_at"}
        return
    before, after = around.account, result.account
    if before is None:
        assert isinstance(act, CreateAccount)
        assert around.open_accounts < RULES.max_accounts[PERSON.kind] or after.registrant == FIRM
        assert (around.name_barred, around.registrant_barred) == (False, False)
        return
    # An act is about one account: never another registrant, authorisation or sanction, and no shorter term.
    assert (
        replace(
            after,
            state=before.state,
            private=before.private,
            account_class=before.account_class,
            term_ends_at=before.term_ends_at,
        )
        == before
    )
    violated = isinstance(act, CloseAccount) and act.violation
    assert before.state is not CLOSED or isinstance(act, ReopenAccount) or (violated and after == before)
    if after.term_ends_at != before.term_ends_at:
        assert isinstance(act, RenewAccount)
        assert before.term_ends_at is not None
        assert after.term_ends_at is not None
        assert after.term_ends_at > max(before.term_ends_at, at_ms)
    if after.private and not before.private:
        assert isinstance(act, AgreePrivate)
        assert around.proposal is not None
        assert not around.by_proposer
    if result.bars != Bars():
        assert (after.state is CLOSED) is isinstance(act, CloseAccount)
    # Done once more, it is either refused or changes nothing; and never refused where the wish is fulfilled anyway.
    settled = {None: around.proposal, Privacy.PROPOSED: PROPOSAL, Privacy.AGREED: None, Privacy.WITHDRAWN: None}
    proposal = settled[result.privacy]
    again = carry_out(act, replace(around, account=after, name=result.name, proposal=proposal), RULES, at_ms)
    assert fulfilled(act, after, result.name, proposal) or not isinstance(again, Refused)


def test_every_refusal_has_words() -> None:
    assert set(WORDING) == set(Refused)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The News", "the news", True),
        ("The News", "TheNews!", True),
        ("The News", "Ｔｈｅ　Ｎｅｗｓ", True),
        ("Straße", "STRASSE", True),
        ("The News", "The\u200bNews", True),
        ("The News", "The\u3164News", True),
        ("The News", "The News\u1160", True),
        ("The News", "Th\u0435 N\u0435ws", True),
        ("ACME", "\u0391\u0421\u041c\u0395", True),
        ("Новости", "новости", True),
        ("Новости", "Новость", False),
        ("\u3164", "\u1160", True),
        ("每日新闻", "每日 · 新闻", True),
        ("가", "\u1100!\u1161", True),
        ("每日新闻", "每日新聞", False),
        ("The News", "The New", False),
        ("!!", "??", False),
        ("!!", "!!", True),
    ],
)
def test_names_that_readers_take_for_the_same(one: str, other: str, same: bool) -> None:
    assert (name_digest(one) == name_digest(other)) is same


@given(st.text())
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)
