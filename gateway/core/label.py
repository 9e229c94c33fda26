"""What readers are shown of an account that may publish news (2014 provisions on instant messaging, article 7)."""

from __future__ import annotations

from typing import Final

from gateway.core.model import Account, AccountState, NewsAuthorisation, NewsKind

_LABELLED: Final = (NewsKind.ORIGINATE, NewsKind.REPUBLISH)
"""The kinds that are shown, the one that permits more first. To host others' news is no label of one's own."""


def news_label(account: Account, at_ms: int) -> NewsAuthorisation | None:
    """The authorisation that the label at a moment (unix ms) tells of: what permits most, and of those the one that
    ends last. None for an account that may publish no news, or nothing at all."""
    if account.state is not AccountState.ACTIVE:
        return None
    if account.term_ends_at is not None and account.term_ends_at <= at_ms:
        return None
    in_force = [one for one in account.news if one.active and one.valid_from <= at_ms < one.valid_to]
    for kind in _LABELLED:
        if found := [one for one in in_force if one.kind is kind]:
            return max(found, key=lambda one: one.valid_to)
    return None
