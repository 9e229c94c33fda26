"""The names under which classifiers tell accounts apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gateway.adapters.authors import Authors
from gateway.adapters.keys import FileSealer, new_keys
from gateway.core.model import Message


def by(tenant_id: str, account_id: str) -> Message:
    return Message(tenant_id, account_id, "native", ("hello",), "0" * 64)


def test_the_same_account_has_the_same_name_and_no_other_has_it() -> None:
    authors = Authors()
    assert authors(by("t1", "a")) == authors(by("t1", "a"))
    assert len({authors(by(*of)) for of in (("t1", "a"), ("t1", "b"), ("t2", "a"), ("t1a", ""), ("t", "1a"))}) == 5
    assert len(authors(by("t1", "a"))) == 16


def test_a_message_of_no_account_has_no_author() -> None:
    assert Authors()(by("t1", "")) == ""


def test_with_a_key_nobody_can_compute_it_from_the_account(tmp_path: Path) -> None:
    names = []
    for file in ("one.json", "two.json"):
        new_keys(tmp_path / file)
        authors = Authors(FileSealer(tmp_path / file, "authors").index)
        assert authors(by("t1", "a")) == authors(by("t1", "a"))
        names.append(authors(by("t1", "a")))
        assert names[-1] not in FileSealer(tmp_path / file).index("t1\0a")
    assert len({*names, Authors()(by("t1", "a"))}) == 3
    assert hashlib.sha256(b"t1\0a").hexdigest()[:16] not in names
