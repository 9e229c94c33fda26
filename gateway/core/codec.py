"""The stored form of messages, facts, accounts and cases: one JSON form for each value, and back.

Fields stand in the order of their definition, and one that has its default is left out. So equal values give equal
bytes, a hash of the bytes stands for the value, and a field added later with a default changes no old bytes and makes
no old row unreadable. Fields that this version does not know are ignored.

The writers raise ValueError for what JSON cannot carry (a lone surrogate). The readers raise ValueError for bytes that
are not such a value; the text never quotes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gateway.core.model import Account, Case, Facts, Message

V = TypeVar("V")

_encoder = msgspec.json.Encoder()
_body_encoder = msgspec.json.Encoder(order="deterministic")
_message = msgspec.json.Decoder(Message)
_account = msgspec.json.Decoder(Account)
_facts = msgspec.json.Decoder(Facts)
_case = msgspec.json.Decoder(Case)


def encode_message(message: Message) -> bytes:
    """A message as it is kept; it carries message text, so it goes nowhere but the store."""
    return _encoder.encode(message)


def decode_message(data: bytes | str) -> Message:
    """The inverse of `encode_message`."""
    return _read(_message, data)


def encode_account(account: Account) -> bytes:
    """An account with its registrant, news authorisations and sanctions."""
    return _encoder.encode(account)


def decode_account(data: bytes | str) -> Account:
    """The inverse of `encode_account`."""
    return _read(_account, data)


def encode_facts(facts: Facts) -> bytes:
    """The facts of one moment."""
    return _encoder.encode(facts)


def decode_facts(data: bytes | str) -> Facts:
    """The inverse of `encode_facts`."""
    return _read(_facts, data)


def encode_case(case: Case) -> bytes:
    """A decision with all it came from; its SHA-256 is the ``case_hash`` of audit rows."""
    return _encoder.encode(case)


def decode_case(data: bytes | str) -> Case:
    """The inverse of `encode_case`."""
    return _read(_case, data)


def encode_body(row: Mapping[str, Any]) -> str:
    """The body of an audit row, its keys in order."""
    return _body_encoder.encode(row).decode()


def _read(decoder: msgspec.json.Decoder[V], data: bytes | str) -> V:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("not a stored value") from None
