"""An export as files: whole or not there, gone on with after an interruption, and never more in memory than a page."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.adapters.batch_files import BatchFiles
from gateway.adapters.rows_file import FileError
from gateway.core.dsa import LeftOut, left_out, record
from gateway.core.dsa_batch import wrong
from gateway.core.dsa_rules import Transparency
from gateway.core.statement import Restriction, Statement
from gateway.core.yearly import bounds
from gateway.exporting import Exported, RecordRefused, export
from gateway.ports import StoreUnavailable
from tests.statements import ListReader, statement, year_of

RULES = Transparency()
YEAR = year_of(2025, 1000)
TOLD = [each for each in YEAR if left_out(each, RULES) is None]


async def exported(directory: Path, reader: ListReader | None = None) -> Exported:
    files = BatchFiles(directory, "s")
    done = await export(reader or ListReader(YEAR), RULES, "t1", *bounds(2025), files.keep)
    files.end(done.batches)
    return done


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(directory.iterdir())}


async def test_batches_of_a_hundred(tmp_path: Path) -> None:
    done = await exported(tmp_path)
    assert (done.records, done.batches, done.written) == (len(TOLD), -(-len(TOLD) // 100), done.batches)
    assert done.left_out.total() == len(YEAR) - len(TOLD)
    assert set(done.left_out) == set(LeftOut)
    seen: set[str] = set()
    sizes: list[int] = []
    for name, body in contents(tmp_path).items():
        assert name == f"s_{len(sizes) + 1:05d}.json"
        assert list(wrong(body, seen)) == []
        sizes.append(len(msgspec.json.decode(body)["statements"]))
    assert sizes == [100] * (len(TOLD) // 100) + [len(TOLD) % 100]
    assert seen == {each.statement_id for each in TOLD}


async def test_the_same_again_writes_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    await exported(tmp_path / "a")
    before = contents(tmp_path / "a")
    assert (await exported(tmp_path / "a")).written == 0
    await exported(tmp_path / "b", ListReader(list(reversed(YEAR))))
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == before


class Dying(ListReader):
    """Is away after some pages."""

    pages = 1

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        if self.pages == 0:
            raise StoreUnavailable("gone")
        self.pages -= 1
        return await super().between(tenant_id, from_ms, to_ms, after, limit)


async def test_it_goes_on_after_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await exported(tmp_path / "a", Dying(YEAR))
    kept = contents(tmp_path / "a")
    assert 0 < len(kept) < 8
    (tmp_path / "a" / f"s_{len(kept) + 1:05d}.json.part").write_bytes(b'{"stat')  # died within a write
    done = await exported(tmp_path / "a")
    assert done.written == done.batches - len(kept)
    await exported(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


async def test_files_of_another_export_are_not_touched(tmp_path: Path) -> None:
    await exported(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(FileError, match="tells of other statements than this export; give an empty directory"):
        await exported(tmp_path, ListReader(YEAR[1:]))
    with pytest.raises(FileError, match="is not of this export, which has 1 files"):
        await exported(tmp_path, ListReader(TOLD[:100]))
    assert contents(tmp_path) == before


async def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot be written: "):
        await exported(tmp_path / "file")


async def test_a_record_that_breaks_a_rule_is_named_and_not_written(tmp_path: Path) -> None:
    rules = Transparency.model_construct(**{**dict(RULES), "territorial_scope": ("US",)})
    files = BatchFiles(tmp_path, "s")
    with pytest.raises(RecordRefused, match=r"statement '0{32}': territorial_scope: there is no such value"):
        await export(ListReader([statement()]), rules, "t1", *bounds(2025), files.keep)
    assert contents(tmp_path) == {}


async def test_only_the_tenant_and_the_interval_are_told(tmp_path: Path) -> None:
    first, last = bounds(2025)
    kept = [
        statement(statement_id="a", starts_ms=first - 1),
        statement(statement_id="b", starts_ms=first),
        statement(statement_id="c", starts_ms=last - 1),
        statement(statement_id="d", starts_ms=last),
        statement(statement_id="e", tenant_id="t2"),
        statement(statement_id="f", restriction=Restriction.WARN),
    ]
    await exported(tmp_path, ListReader(kept))
    [body] = contents(tmp_path).values()
    assert [each["puid"] for each in msgspec.json.decode(body)["statements"]] == ["b", "c"]


class Endless(ListReader):
    """Makes statements as they are asked for."""

    def __init__(self, count: int) -> None:
        super().__init__(())
        self._left = count

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        page = min(limit, self._left)
        self._left -= page
        return [statement(statement_id=f"{10**9 - self._left - number:012d}") for number in range(page)]


async def test_a_large_export_is_held_in_pages() -> None:
    kept = 0

    def keep(_number: int, records: Sequence[Mapping[str, Any]]) -> bool:
        nonlocal kept
        kept += len(records)
        return True

    tracemalloc.start()
    try:
        await export(Endless(6000), RULES, "t1", *bounds(2025), keep)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept == 6000
    assert peak < 2_500_000  # all of the records take ten times as much


def test_a_file_that_does_not_fit_is_not_there(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FileError, match=r"s_00001\.json cannot be written: OSError"):
            BatchFiles(tmp_path, "s").keep(1, [record(statement(), RULES) or {}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("*.json"))
