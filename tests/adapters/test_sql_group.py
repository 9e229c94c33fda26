"""Group commit, and what becomes of a batch that fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from gateway.adapters.sql.group import Group
from gateway.adapters.sql.writer import Conflict, Outcomes, RowRefused, write_batch
from gateway.adapters.sql.writes import Write, insert, update
from gateway.core.model import MessageState
from gateway.core.records import Owner
from gateway.ports import Fault, LeaseLost, StoreUnavailable
from tests.contract.samples import change, entry

OWNER = Owner(0, 1)


@dataclass(frozen=True)
class Item:
    name: str
    size: int = 1


class Gate:
    """Writes batches when told to, and remembers them."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()

    async def write(self, items: list[Item]) -> list[str | Fault]:
        self.batches.append([item.name for item in items])
        self.began.set()
        await self.go.wait()
        if any(item.name == "crash" for item in items):
            raise ValueError("not expected")
        return [LeaseLost("lost") if item.name == "lost" else item.name.upper() for item in items]


async def test_what_queues_during_a_batch_is_the_next_one() -> None:
    gate = Gate()
    group = Group(gate.write)
    first = group.put(Item("a"))
    await gate.began.wait()
    rest = [group.put(Item(name)) for name in "bcd"]
    gate.go.set()
    assert await asyncio.gather(first, *rest) == ["A", "B", "C", "D"]
    assert gate.batches == [["a"], ["b", "c", "d"]]
    await group.close()


async def test_batches_are_counted_where_they_belong() -> None:
    gate = Gate()
    gate.go.set()
    registry = CollectorRegistry()
    lookups = Histogram("lookups", "Look-ups.", registry=registry)
    group = Group(gate.write, sizes=lookups)
    before = REGISTRY.get_sample_value("gateway_group_commit_count")
    await asyncio.gather(*[group.put(Item(name)) for name in "abc"])
    await group.close()
    assert registry.get_sample_value("lookups_sum") == 3
    assert REGISTRY.get_sample_value("gateway_group_commit_count") == before


async def test_a_batch_has_a_largest_number_and_a_largest_size() -> None:
    gate = Gate()
    gate.go.set()
    group = Group(gate.write, limit=2, limit_bytes=10)
    sizes = {"a": 1, "b": 1, "c": 1, "d": 20, "e": 5, "f": 6, "g": 4}
    await asyncio.gather(*[group.put(Item(name, size)) for name, size in sizes.items()])
    assert gate.batches == [["a", "b"], ["c"], ["d"], ["e"], ["f", "g"]]
    await group.close()


async def test_beyond_its_bound_the_queue_refuses_at_once() -> None:
    gate = Gate()
    group = Group(gate.write, queue=2)
    first = group.put(Item("a"))
    await gate.began.wait()
    waiting = [group.put(Item(name)) for name in "bc"]
    with pytest.raises(StoreUnavailable):
        group.put(Item("d"))
    gate.go.set()
    assert await asyncio.gather(first, *waiting) == ["A", "B", "C"]
    await group.close()


async def test_each_caller_gets_its_own_result() -> None:
    gate = Gate()
    gate.go.set()
    group = Group(gate.write)
    results = await asyncio.gather(*[group.put(Item(name)) for name in ("a", "lost", "b")], return_exceptions=True)
    assert [type(result) for result in results] == [str, LeaseLost, str]
    await group.close()


async def test_what_is_cancelled_while_it_queues_is_dropped_and_later_is_written() -> None:
    gate = Gate()
    group = Group(gate.write)
    running = group.put(Item("a"))
    await gate.began.wait()
    queued, last = group.put(Item("b")), group.put(Item("c"))
    running.cancel()
    queued.cancel()
    gate.go.set()
    assert await last == "C"
    assert gate.batches == [["a"], ["c"]]
    await group.close()


async def test_a_writer_that_fails_fails_its_batch_only() -> None:
    gate = Gate()
    gate.go.set()
    group = Group(gate.write)
    results = await asyncio.gather(group.put(Item("a")), group.put(Item("crash")), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
    assert results[0] is not results[1]
    assert await group.put(Item("b")) == "B"
    await group.close()


async def test_closing_writes_what_waits_and_takes_nothing_more() -> None:
    gate = Gate()
    gate.go.set()
    group = Group(gate.write)
    waiting = [group.put(Item(name)) for name in "abc"]
    await group.close()
    assert [future.result() for future in waiting] == ["A", "B", "C"]
    with pytest.raises(StoreUnavailable):
        group.put(Item("d"))


class ScriptedSession:
    """Refuses transactions with a bad message in them, conflicts as often as told, and keeps what it wrote."""

    def __init__(self, bad: set[str] = frozenset(), conflicts: int = 0, gone: bool = False) -> None:  # type: ignore[assignment]
        self.bad, self.conflicts, self.gone = bad, conflicts, gone
        self.written: list[list[str]] = []
        self.tries = 0

    async def transaction(self, writes: list[Write]) -> Outcomes:
        self.tries += 1
        if self.gone:
            raise StoreUnavailable("gone")
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("deadlock")
        ids = [write.message_id for write in writes]
        if not self.bad.isdisjoint(ids):
            raise RowRefused("bad row")
        self.written.append(ids)
        return [True] * len(writes)

    async def warm(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


async def test_bad_rows_are_found_by_halving() -> None:
    writes: list[Write] = [insert(OWNER, entry()) for _ in range(512)]
    session = ScriptedSession(bad={writes[100].message_id, writes[511].message_id})
    outcomes = await write_batch(session, writes)
    failed = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, StoreUnavailable)]
    assert failed == [100, 511]
    good = [write.message_id for n, write in enumerate(writes) if n not in failed]
    assert [message_id for ids in session.written for message_id in ids] == good
    assert session.tries < 45


async def test_a_conflict_is_tried_again_but_not_for_ever() -> None:
    writes: list[Write] = [insert(OWNER, entry()) for _ in range(3)]
    session = ScriptedSession(conflicts=2)
    assert await write_batch(session, writes) == [True, True, True]
    session = ScriptedSession(conflicts=1000)
    outcomes = await write_batch(session, writes)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    assert session.tries < 10


async def test_without_a_database_each_caller_gets_a_fault_of_its_own() -> None:
    outcomes = await write_batch(ScriptedSession(gone=True), [insert(OWNER, entry()) for _ in range(3)])
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3


async def test_one_message_is_written_once_a_transaction() -> None:
    one, two = entry(MessageState.QUEUED), entry()
    take = change(one, MessageState.QUEUED, MessageState.FORWARDING)
    done = change(one, MessageState.FORWARDING, MessageState.PUBLISHED)
    session = ScriptedSession()
    await write_batch(session, [insert(OWNER, one), insert(OWNER, two), update(OWNER, take), update(OWNER, done)])
    assert session.written == [[one.message_id, two.message_id], [one.message_id], [one.message_id]]
