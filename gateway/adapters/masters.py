"""The master key that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.adapters.key_file import KeysError
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.transit import Transit, TransitMasterKey
from gateway.ports import MasterKey
from gateway.settings import KmsSettings


@asynccontextmanager
async def open_master(kms: KmsSettings, keys_file: Path | None) -> AsyncIterator[MasterKey]:
    """The one in the key management system if there is one, else that of the key file. Raises `KeysError`."""
    if kms.url and kms.token_file is not None:
        transit = TransitMasterKey(Transit(kms.url, kms.token_file, kms.key, kms.mount, kms.namespace, kms.seconds))
        try:
            yield transit
        finally:
            await transit.close()
    elif keys_file is not None:
        yield FileMasterKey(keys_file)
    else:
        raise KeysError(
            "no master key: set GATEWAY_KEYS_FILE to a file made with `gateway keys new`, or GATEWAY_KMS__URL and "
            "GATEWAY_KMS__TOKEN_FILE"
        )
