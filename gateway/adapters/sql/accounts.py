"""From rows to accounts."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import and_, select

from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.tables import accounts, authorisations, registrants, sanctions
from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)

ACCOUNTS: Final = (
    select(
        accounts.c.account_id,
        accounts.c.state,
        accounts.c.private,
        accounts.c.account_class,
        accounts.c.term_ends_at,
        registrants.c.registrant_id,
        registrants.c.kind.label("person_kind"),
        registrants.c.state.label("person_state"),
        registrants.c.framework,
        registrants.c.level,
        registrants.c.expires_at,
        authorisations.c.position.label("news"),
        authorisations.c.scheme,
        authorisations.c.kind,
        authorisations.c.valid_from,
        authorisations.c.valid_to,
        authorisations.c.active,
        authorisations.c.licence_id,
        authorisations.c.domains,
        sanctions.c.position.label("sanction"),
        sanctions.c.degree,
        sanctions.c.starts_at,
        sanctions.c.ends_at,
        sanctions.c.sanction_id,
    )
    .join_from(
        accounts,
        registrants,
        and_(registrants.c.tenant_id == accounts.c.tenant_id, registrants.c.registrant_id == accounts.c.registrant_id),
        isouter=True,
    )
    .join(
        authorisations,
        and_(authorisations.c.tenant_id == accounts.c.tenant_id, authorisations.c.account_id == accounts.c.account_id),
        isouter=True,
    )
    .join(
        sanctions,
        and_(sanctions.c.tenant_id == accounts.c.tenant_id, sanctions.c.account_id == accounts.c.account_id),
        isouter=True,
    )
    .order_by(accounts.c.account_id, authorisations.c.position, sanctions.c.position)
)
"""Accounts with all that belongs to them, in one statement, so that all is of one moment. Every authorisation comes
with every sanction; both are few."""


def account_of(rows: list[AnyRow]) -> Account:
    """The account that these rows of `ACCOUNTS` are about."""
    first = rows[0]
    news = {
        row.news: NewsAuthorisation(
            row.scheme,
            NewsKind(row.kind),
            row.valid_from,
            row.valid_to,
            row.active,
            row.licence_id,
            tuple(json.loads(row.domains)),
        )
        for row in rows
        if row.news is not None
    }
    given = {
        row.sanction: Sanction(Degree(row.degree), row.starts_at, row.ends_at, row.sanction_id)
        for row in rows
        if row.sanction is not None
    }
    return Account(
        account_id=first.account_id,
        state=AccountState(first.state),
        registrant=None
        if first.registrant_id is None
        else Registrant(
            registrant_id=first.registrant_id,
            kind=RegistrantKind(first.person_kind),
            state=VerificationState(first.person_state),
            framework=first.framework,
            level=first.level,
            expires_at=first.expires_at,
        ),
        news=tuple(news.values()),
        sanctions=tuple(given.values()),
        private=first.private,
        account_class=first.account_class,
        term_ends_at=first.term_ends_at,
    )
