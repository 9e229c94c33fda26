"""What is left of a message whose author was erased. Pure.

Its decisions, reasons and hashes stay, and so does the audit chain; nothing that somebody wrote or showed does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson
from msgspec.structs import replace

from gateway.core.audit import REGISTRY
from gateway.core.model import Media, Message
from gateway.core.records import AuditRow

ERASED: Final = "erased"
"""The doubt that marks an erased message: nobody can judge it again."""
ACT: Final = "EraseMessages"
"""The act whose audit rows name the messages that were erased."""


def without_content(message: Message) -> Message:
    """The message without its texts, media and target. What kinds of content it had stays: statements tell it."""
    return replace(
        message,
        texts=("",) if message.texts else (),
        media=tuple([Media(each.content_type) for each in message.media]),
        target=None,
        repost_of=None,
        declared_topic=None,
        doubts=tuple(dict.fromkeys([*message.doubts, ERASED])),
    )


def is_erased(message: Message) -> bool:
    """Whether a message is what an erasure leaves of one."""
    return ERASED in message.doubts and message == without_content(message)


def erased_messages(rows: Iterable[AuditRow]) -> frozenset[str]:
    """The messages that the audit chain says were erased."""
    acts = [orjson.loads(row.body) for row in rows if row.kind == REGISTRY and ACT in row.body]
    return frozenset([name for act in acts if act.get("act") == ACT for name in act["messages"]])
