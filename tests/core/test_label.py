"""What readers are shown of an account that may publish news."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.core.label import news_label
from gateway.core.model import Account, AccountState, NewsAuthorisation, NewsKind

AT_MS = 1000
ACTIVE = Account("acc-1", AccountState.ACTIVE)


def licence(kind: NewsKind, valid_to: int = AT_MS + 1, valid_from: int = 0, active: bool = True) -> NewsAuthorisation:
    """An authorisation in force unless something else is said."""
    return NewsAuthorisation("manual", kind, valid_from, valid_to, active)


ORIGINATE, REPUBLISH, HOST = licence(NewsKind.ORIGINATE), licence(NewsKind.REPUBLISH), licence(NewsKind.HOST)
LONGER = licence(NewsKind.REPUBLISH, AT_MS + 2)


@pytest.mark.parametrize(
    ("news", "shown"),
    [
        ((), None),
        ((HOST,), None),
        ((REPUBLISH,), REPUBLISH),
        ((HOST, REPUBLISH, ORIGINATE), ORIGINATE),
        ((LONGER, ORIGINATE), ORIGINATE),
        ((LONGER, REPUBLISH), LONGER),
        ((REPUBLISH, LONGER), LONGER),
        ((licence(NewsKind.ORIGINATE, valid_to=AT_MS),), None),
        ((licence(NewsKind.ORIGINATE, valid_from=AT_MS),), licence(NewsKind.ORIGINATE, valid_from=AT_MS)),
        ((licence(NewsKind.ORIGINATE, valid_from=AT_MS + 1, valid_to=AT_MS + 2),), None),
        ((licence(NewsKind.ORIGINATE, active=False), REPUBLISH), REPUBLISH),
    ],
)
def test_the_label_tells_of_what_permits_most_and_lasts_longest(
    news: tuple[NewsAuthorisation, ...], shown: NewsAuthorisation | None
) -> None:
    assert news_label(replace(ACTIVE, news=news), AT_MS) == shown


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"state": AccountState.SUSPENDED}, False),
        ({"state": AccountState.CLOSED}, False),
        ({"term_ends_at": AT_MS}, False),
        ({"term_ends_at": AT_MS + 1}, True),
    ],
)
def test_who_may_publish_nothing_has_no_label(change: dict[str, object], shown: bool) -> None:
    account = replace(replace(ACTIVE, news=(ORIGINATE,)), **change)
    assert (news_label(account, AT_MS) is not None) is shown
