"""Encrypts registrants' fields, each registrant under a data key of its own: without that key nothing of it opens.

A field is sealed with AES-256-GCM under the data key, with a random nonce of 96 bits, for its tenant, registrant and
name: moved to another place it does not open. The data key is wrapped by the master key and kept beside the fields,
and nowhere else: deleting the row destroys it, and erases the person from every backup whose master key is gone too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.key_file import KeysError, NotOpened
from gateway.core.personal import INDEXED, normalised
from gateway.ports import MasterKey

_INDEX_KEY = "the index key of registrants"
"""No text that a digest is made of: those begin with a number, see `_indexed`."""
_KEY = 32
_NONCE = 12
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """What is written of one registrant: the wrapped data key, the sealed fields, and (field, digest) for look-ups;
    ``index_key`` tells the key of those digests from any other."""

    registrant_id: str
    wrapped: bytes
    fields: bytes
    index: tuple[tuple[str, str], ...]
    index_key: str


class PersonalKeys:
    """Seals, opens and indexes the fields of registrants. Raises `Fault` when the master key cannot be used."""

    def __init__(self, master: MasterKey) -> None:
        self.master = master
        self._index_key: str | None = None

    async def index_key(self) -> str:
        """What tells the key of the digests from any other: the digest of a text of its own. Asked for once."""
        if self._index_key is None:
            [self._index_key] = await self.master.digests([_INDEX_KEY])
        return self._index_key

    async def seal(self, tenant_id: str, people: Sequence[tuple[str, Mapping[str, str]]]) -> list[SealedPerson]:
        """Seal the fields of many registrants, each given with its id, under new data keys."""
        keys: list[tuple[bytes, str]] = []
        blobs: list[bytes] = []
        texts: list[str] = []
        names: list[list[str]] = []
        for registrant_id, fields in people:
            whose = _whose(tenant_id, registrant_id)
            chance = os.urandom(_KEY + _NONCE * len(fields))
            key = chance[:_KEY]
            cipher = AESGCM(key)
            sealed = {}
            at = _KEY
            for name, value in fields.items():
                nonce = chance[at : at + _NONCE]
                at += _NONCE
                sealed[name] = nonce + cipher.encrypt(nonce, value.encode(), f"{whose}/{name}".encode())
            blobs.append(_encode(sealed))
            keys.append((key, whose))
            pairs = _indexed(tenant_id, fields)
            names.append([name for name, _ in pairs])
            texts.extend([text for _, text in pairs])
        wrapped = await self.master.wrap(keys)
        digests, index_key = iter(await self.master.digests(texts)), await self.index_key()
        return [
            SealedPerson(registrant_id, key, blob, tuple([(name, next(digests)) for name in indexed]), index_key)
            for (registrant_id, _), key, blob, indexed in zip(people, wrapped, blobs, names, strict=True)
        ]

    async def open(
        self, tenant_id: str, registrant_id: str, wrapped: bytes, fields: bytes, wanted: Iterable[str] | None = None
    ) -> dict[str, str]:
        """The fields of a registrant, only those ``wanted`` if any are named. Raises `NotOpened` for what was sealed
        for another one, under another key, or was changed since."""
        whose, none = _whose(tenant_id, registrant_id), f"no key here opens what is kept of {registrant_id!r}"
        try:
            [key] = await self.master.unwrap([(wrapped, whose)])
        except NotOpened as error:
            raise NotOpened(f"{none}: {error}") from error
        try:
            cipher = AESGCM(key)
            sealed = _decode(fields)
            names = sealed if wanted is None else [name for name in wanted if name in sealed]
            return {
                name: cipher.decrypt(sealed[name][:_NONCE], sealed[name][_NONCE:], f"{whose}/{name}".encode()).decode()
                for name in names
            }
        except (InvalidTag, ValueError) as error:
            raise NotOpened(f"{none}: sealed for another registrant, or under another key") from error

    async def rewrap(self, tenant_id: str, wrapped: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """Wrap registrants' data keys, each given with the registrant's id, under the newest master key; None for what
        no key opens."""
        return await self.master.rewrap([(key, _whose(tenant_id, registrant_id)) for registrant_id, key in wrapped])

    async def digests(self, tenant_id: str, fields: Mapping[str, str]) -> list[tuple[str, str]]:
        """The digest of each of these fields that registrants are found by."""
        pairs = _indexed(tenant_id, fields)
        found = await self.master.digests([text for _, text in pairs])
        return [(name, digest) for (name, _), digest in zip(pairs, found, strict=True)]


def names_of(fields: bytes) -> list[str]:
    """The names of sealed fields, which are not sealed themselves. Raises `KeysError` for what is no such map."""
    try:
        return sorted(_decode(fields))
    except ValueError as error:
        raise KeysError("not the fields of a registrant") from error


def _whose(tenant_id: str, registrant_id: str) -> str:
    """Tenant and registrant in one text, with lengths: neither can run into the other."""
    return f"{len(tenant_id)}:{tenant_id}/{len(registrant_id)}:{registrant_id}"


def _indexed(tenant_id: str, fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each indexed field with the text that its digest is made of: nobody else's tenant, and no other field, has it."""
    return [
        (name, f"{len(tenant_id)}:{tenant_id}/{name}/{text}")
        for name in INDEXED
        if name in fields and (text := normalised(name, fields[name]))
    ]
