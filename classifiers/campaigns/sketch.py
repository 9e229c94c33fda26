"""A sketch: what is remembered of a message, and told to other workers. It has no text in it. Pure.

The signature is a MinHash (Broder 1997) of the shingles by `rensa`, of which the lowest byte of each of the values is
kept (b-bit minwise hashing, Li and Koenig 2010): two signatures agree in about as many places as the texts have
shingles in common.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from classifiers.campaigns import shingles
from classifiers.contract import ContractError
from classifiers.normalise import VERSION as VIEW_VERSION

PLACES: Final = 144
"""Places of a signature: one byte each."""
_SEED: Final = 1

VERSION: Final = f"1.{VIEW_VERSION}.{shingles.VERSION}.{RMinHash.ALGORITHM_VERSION}.{PLACES}"
"""Only sketches of the same version can be compared."""

Bytes = npt.NDArray[np.uint8]
Values = npt.NDArray[np.uint32]
_Token = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
MOST_SHINGLES: Final = 65_535


class Sketch(msgspec.Struct, frozen=True, gc=False):
    """One message: whose it is, when it was judged (unix time in milliseconds), how many shingles, which signature.

    ``tenant``, ``author`` and ``message`` are digests; an unknown author is an empty string.
    """

    tenant: _Token
    author: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16})?$")]
    message: _Token
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    size: Annotated[int, msgspec.Meta(ge=1, le=MOST_SHINGLES)]
    signature: Annotated[bytes, msgspec.Meta(min_length=PLACES, max_length=PLACES)]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Sketch])


def token(*names: str) -> str:
    """A digest that stands for these names: 16 hexadecimal digits."""
    return blake2b("\x00".join(names).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def values(of: Collection[str]) -> Values:
    """The MinHash of these shingles, at least one."""
    minhash = RMinHash(PLACES, _SEED)
    minhash.update(of)
    return np.array(minhash.digest(), np.uint32)


def signature(whole: Values) -> bytes:
    """The signature out of a MinHash."""
    return whole.astype(np.uint8).tobytes()


def holders(of: Sequence[str], whole: Values, places: npt.NDArray[np.bool_]) -> list[str]:
    """Which of the shingles gave a MinHash its values at these places: a sample of what two texts share."""
    rows = RMinHash.digest_matrix_from_token_sets([[each] for each in of], PLACES, _SEED).to_rows()
    gave = (np.array(rows, np.uint32)[:, places] == whole[places]).any(axis=1)
    return [each for each, is_so in zip(of, gave, strict=True) if is_so]


def encode(sketches: Sequence[Sketch]) -> bytes:
    """The record value for these sketches."""
    return _encoder.encode(sketches)


def decode(value: bytes) -> list[Sketch]:
    """The sketches in a record value. Raises `ContractError` when it holds anything else."""
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"sketches: {error}") from error
