"""The master key does the same from a file and in a key management system."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.adapters.key_file import LOOK_SECONDS, add_key, new_keys
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.transit import Transit, TransitMasterKey
from gateway.ports import Fault, MasterKey, Unopened
from tests.transit import TransitServer

PERSON = {"legal_name": "Canary Example", "id_number": "11010519491231002X", "phone": "+86 10 5555 0100"}


@dataclass
class Place:
    """A master key, another one that has nothing to do with it, and what happens to the first."""

    master: MasterKey
    other: MasterKey
    rotate: Callable[[], object]


@pytest.fixture(params=["file", "transit"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each kind of master key."""
    if request.param == "file":
        first, second, seconds = tmp_path / "first.json", tmp_path / "second.json", [0.0]
        new_keys(first)
        new_keys(second)

        def rotate() -> None:
            add_key(first)
            seconds[0] += LOOK_SECONDS

        yield Place(FileMasterKey(first, lambda: seconds[0]), FileMasterKey(second), rotate)
        return
    (tmp_path / "token").write_text("s.contract\n")
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(TransitServer()) for _ in range(2)]
        masters = [TransitMasterKey(Transit(server.url, tmp_path / "token")) for server in servers]
        for master in masters:
            stack.push_async_callback(master.close)
        yield Place(masters[0], masters[1], servers[0].keys["registrants"].rotate)


async def test_each_key_unwraps_in_its_own_context_only(place: Place) -> None:
    keys = [(os.urandom(32), f"t1/r{number}") for number in range(3)]
    wrapped = await place.master.wrap(keys)

    assert await place.master.unwrap([(w, context) for w, (_, context) in zip(wrapped, keys, strict=True)]) == [
        key for key, _ in keys
    ]
    for context in ("t1/r1", "t2/r0", ""):
        with pytest.raises(Unopened):
            await place.master.unwrap([(wrapped[0], context)])
        assert await place.master.rewrap([(wrapped[0], context)]) == [None]


async def test_another_master_key_unwraps_nothing(place: Place) -> None:
    [wrapped] = await place.master.wrap([(b"k" * 32, "t1/r1")])

    with pytest.raises(Unopened):
        await place.other.unwrap([(wrapped, "t1/r1")])


@pytest.mark.parametrize("junk", [b"", b"\x01", b"vault:v1:AAAA", b"\xff\xfe", b"vault:v9:AAAA"])
async def test_what_was_never_wrapped_is_a_fault(place: Place, junk: bytes) -> None:
    with pytest.raises(Unopened):
        await place.master.unwrap([(junk, "t1/r1")])


async def test_what_no_key_opens_keeps_no_other_from_being_wrapped_anew(place: Place) -> None:
    [foreign] = await place.other.wrap([(b"f" * 32, "t1/r2")])
    [old] = await place.master.wrap([(b"k" * 32, "t1/r1")])
    place.rotate()
    mark = await place.master.mark()

    given = [(foreign, "t1/r2"), (old, "t1/r1"), (b"", "t1/r3"), (b"\xff\xfe", "t1/r4")]
    first, new, *others = await place.master.rewrap(given)
    assert (first, others) == (None, [None, None])
    assert new is not None
    assert new.startswith(mark)
    assert await place.master.rewrap(given[:1]) == [None]


async def test_the_index_key_is_told_from_another(place: Place) -> None:
    one, same, other = PersonalKeys(place.master), PersonalKeys(place.master), PersonalKeys(place.other)
    place.rotate()
    assert await one.index_key() == await same.index_key() != await other.index_key()
    [sealed] = await same.seal("t1", [("r1", {"address": "1 Example Street"})])
    assert sealed.index_key == await one.index_key()


async def test_a_rotation_is_taken_up_and_old_keys_still_unwrap(place: Place) -> None:
    old_mark = await place.master.mark()
    [old] = await place.master.wrap([(b"k" * 32, "t1/r1")])
    place.rotate()
    mark = await place.master.mark()
    [new] = await place.master.wrap([(b"k" * 32, "t1/r1")])
    [again] = await place.master.rewrap([(old, "t1/r1")])

    assert old.startswith(old_mark)
    assert not old.startswith(mark)
    assert new.startswith(mark)
    assert again is not None
    assert again.startswith(mark)
    for wrapped in (old, new, again):
        assert wrapped is not None
        assert await place.master.unwrap([(wrapped, "t1/r1")]) == [b"k" * 32]


async def test_a_digest_stays_through_rotations_and_is_nothing_without_the_key(place: Place) -> None:
    [first, second] = await place.master.digests(["one", "two"])
    place.rotate()

    assert await place.master.digests(["two", "one"]) == [second, first]
    assert first != second
    assert len(first) == 64
    assert int(first, 16) >= 0
    assert await place.other.digests(["one"]) != [first]


async def test_nothing_asked_is_nothing_answered(place: Place) -> None:
    assert await place.master.wrap([]) == []
    assert await place.master.digests([]) == []


async def test_more_than_one_request_takes_keeps_its_order(place: Place) -> None:
    keys = [(os.urandom(32), f"t1/r{number}") for number in range(2500)]
    wrapped = await place.master.wrap(keys)

    assert await place.master.unwrap([(w, context) for w, (_, context) in zip(wrapped, keys, strict=True)]) == [
        key for key, _ in keys
    ]


async def test_a_person_is_sealed_under_a_key_of_its_own(place: Place) -> None:
    keys = PersonalKeys(place.master)
    one, two = await keys.seal("t1", [("r1", PERSON), ("r2", PERSON)])

    assert await keys.open("t1", "r1", one.wrapped, one.fields) == PERSON
    assert await keys.open("t1", "r1", one.wrapped, one.fields, ["phone", "vat"]) == {"phone": PERSON["phone"]}
    assert one.index == two.index
    assert one.index == tuple(await keys.digests("t1", PERSON))
    assert {digest for _, digest in one.index}.isdisjoint(digest for _, digest in await keys.digests("t2", PERSON))
    for place_of in (("t1", "r2", one.wrapped, one.fields), ("t2", "r1", one.wrapped, one.fields)):
        with pytest.raises(Fault):
            await keys.open(*place_of)
    for wrapped, fields in ((one.wrapped, two.fields), (two.wrapped, one.fields), (one.wrapped, b"junk")):
        with pytest.raises(Fault):
            await keys.open("t1", "r1", wrapped, fields)


async def test_a_person_opens_after_its_key_was_wrapped_anew(place: Place) -> None:
    keys = PersonalKeys(place.master)
    [sealed] = await keys.seal("t1", [("r1", PERSON)])
    place.rotate()
    [wrapped] = await keys.rewrap("t1", [("r1", sealed.wrapped)])

    assert wrapped is not None
    assert await keys.open("t1", "r1", wrapped, sealed.fields) == PERSON
