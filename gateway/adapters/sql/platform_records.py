"""What the platforms' requests need remembered: whose a credential is, and what an id stands for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from gateway.adapters.sql.dialect import insert_new, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import credentials, messages, remembered
from gateway.adapters.sql.writes import check_text
from gateway.core import codec
from gateway.core.model import Message
from gateway.ports import StoreUnavailable


class PlatformRecords:
    """The part of the store that is `gateway.ports.Credentials` and `gateway.ports.References`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account_by_credential(self, tenant_id: str, platform: str, index: str, now_ms: int) -> str | None:
        """See `gateway.ports.Credentials`."""
        wanted = select(credentials.c.account_id).where(
            credentials.c.tenant_id == tenant_id,
            credentials.c.platform == platform,
            credentials.c.credential == index,
            or_(credentials.c.expires_ms.is_(None), credentials.c.expires_ms > now_ms),
        )
        async with self._database.reading("credential") as connection:
            found: str | None = await connection.scalar(wanted)
            return found

    async def put_credential(
        self, tenant_id: str, platform: str, index: str, account_id: str, expires_ms: int | None
    ) -> None:
        """See `gateway.ports.Credentials`."""
        check_text(account_id)
        values = {
            "tenant_id": tenant_id,
            "platform": platform,
            "credential": index,
            "account_id": account_id,
            "expires_ms": expires_ms,
        }
        async with self._database.writing("credential") as connection:
            await connection.execute(put(self._database, credentials, values))

    async def remember(self, tenant_id: str, platform: str, references: Sequence[str], message_id: str) -> None:
        """See `gateway.ports.References`."""
        check_text(*references)
        rows = [
            {"tenant_id": tenant_id, "platform": platform, "reference": reference, "message_id": message_id}
            for reference in references
        ]
        async with self._database.writing("reference") as connection:
            await connection.execute(insert_new(self._database, remembered), rows)

    async def recall(self, tenant_id: str, platform: str, reference: str, account_id: str) -> list[Message]:
        """See `gateway.ports.References`."""
        check_text(reference, account_id)
        wanted = (
            select(messages.c.message)
            .join(remembered, remembered.c.message_id == messages.c.id)
            .where(
                remembered.c.tenant_id == tenant_id,
                remembered.c.platform == platform,
                remembered.c.reference == reference,
                messages.c.account_id == account_id,
            )
            .order_by(messages.c.created_ms, messages.c.id)
        )
        async with self._database.reading("reference") as connection:
            rows = (await connection.scalars(wanted)).all()
        try:
            return [codec.decode_message(row) for row in rows]
        except ValueError as error:
            raise StoreUnavailable("a remembered message cannot be read back") from error
