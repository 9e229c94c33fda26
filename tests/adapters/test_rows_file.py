"""Files of rows: both forms, packed or not, read from any line on; what is wrong is told without a word of it."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.rows_file import Batch, FileError, RowsFile
from gateway.core.register_rows import Problem

COLUMNS = ("id", "name", "flag")
Row = tuple[int, str, str, str]


def read(line: int, values: Sequence[str]) -> Row | Problem:
    return (line, values[0], values[1], values[2])


def file_of(path: Path) -> RowsFile[Row]:
    return RowsFile(path, COLUMNS, ("id",), read)


def batches(path: Path, content: bytes, done: int = 0, at_once: int = 3) -> list[Batch[Row]]:
    path.write_bytes(content)
    return list(file_of(path).batches(done, at_once))


def rows(found: list[Batch[Row]]) -> list[Row]:
    return [row for batch in found for row in batch.rows]


def problems(found: list[Batch[Row]]) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for batch in found for problem in batch.problems]


CSV = '\ufeffname,id\r\nOne,1\r\n\r\n"Two, or ""more""",2\r\n三,3'.encode()
JSON = b'{"id": "1", "name": "One"}\n\n{"name": "Two, or \\"more\\"", "id": 2, "flag": true}\n{"id":"3","name":null}\n'


@pytest.mark.parametrize("packed", [False, True])
def test_csv(tmp_path: Path, packed: bool) -> None:
    found = batches(tmp_path / "f", gzip.compress(CSV) if packed else CSV)
    assert rows(found) == [(2, "1", "One", ""), (4, "2", 'Two, or "more"', ""), (5, "3", "三", "")]
    assert [(batch.lines, batch.last) for batch in found] == [(4, False), (5, True)]


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines(tmp_path: Path, packed: bool) -> None:
    found = batches(tmp_path / "f", gzip.compress(JSON) if packed else JSON)
    assert rows(found) == [(1, "1", "One", ""), (3, "2", 'Two, or "more"', "true"), (4, "3", "", "")]
    assert [(batch.lines, batch.last) for batch in found] == [(3, False), (4, True)]


@pytest.mark.parametrize("content", [CSV, JSON])
@pytest.mark.parametrize("done", range(7))
def test_reading_goes_on_behind_any_line(tmp_path: Path, content: bytes, done: int) -> None:
    whole = rows(batches(tmp_path / "f", content, at_once=100))
    assert rows(batches(tmp_path / "f", content, done)) == [row for row in whole if row[0] > done]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "has 1 fields, and the header 2"),
        (b"1,a,b", "has 3 fields, and the header 2"),
        (b'1,"a', "quote"),
        (b'1,"a"b', "quote"),
        (b"1,\xff", "is not UTF-8"),
    ],
)
def test_a_bad_line_spoils_no_other(tmp_path: Path, line: bytes, reason: str) -> None:
    found = batches(tmp_path / "f", b"id,name\n" + line + b"\n2,b\n")
    assert rows(found) == [(3, "2", "b", "")]
    [(number, said)] = problems(found)
    assert number == 2
    assert reason in said


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"id": "2", "nmae": "canary"}', "has a field that is not known: nmae; known are id, name, flag"),
        (b'{"id": "2", "n\\u001b[2J": 1}', "is not known: n\\x1b[2J; known"),
        (b'{"' + b"n" * 50 + b'": 1}', f"is not known: {'n' * 40}...; known"),
        (b'{"id": 1.5}', "neither a text"),
        (b'{"id": ["canary"]}', "neither a text"),
        (b'{"id": "\xff"}', "is not UTF-8"),
        (b'{"id": ' + b'{"canary": ' * 300 + b"1" + b"}" * 301, "neither a text"),
    ],
)
def test_a_bad_object_spoils_no_other(tmp_path: Path, line: bytes, reason: str) -> None:
    found = batches(tmp_path / "f", b'{"id": "1"}\n' + line + b'\n{"id": "3"}\n')
    assert [row[1] for row in rows(found)] == ["1", "3"]
    [(number, said)] = problems(found)
    assert (number, "canary" in said) == (2, False)
    assert reason in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column id"),
        (b"name\nx", "no column id"),
        (b"id,nmae\n1,canary", r"column 2 \(nmae\) is not known; the columns are id, name, flag"),
        (b"id,\x1b[2J\n1,canary", r"column 2 \(\\x1b\[2J\) is not known"),
        (b"id," + b"n" * 50 + b"\n", r"column 2 \(n{40}\.\.\.\) is not known"),
        (b"canary,1\n", "column 1 is not known"),
        (b"id,id\n1,2", r"column 2 \(id\) is there twice"),
        (b"\xff\n", "no CSV header"),
        (b"id\n" + b"x" * (3 << 20), "line 2 has more than"),
        (gzip.compress(b"id\n" + bytes(range(97, 120)) * 99)[:-9], "ends too soon: the gzip data is cut off"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as raised:
        batches(tmp_path / "f", content)
    assert "canary" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for call in (file_of(tmp_path / "f").size, file_of(tmp_path / "f").digest):
        with pytest.raises(FileError, match="cannot be read"):
            call()


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"id\n1"), ("b", b"id\n1"), ("c", b"id\n2")):
        (tmp_path / name).write_bytes(content)
    same, again, other = [file_of(tmp_path / name).digest() for name in "abc"]
    assert same == again != other
    assert file_of(tmp_path / "a").size() == 4


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(st.lists(st.tuples(NAMES.map(lambda name: f"x{name}"), st.text("a,\" '"))))
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "name"), *given])
    found = batches(tmp_path_factory.mktemp("rows") / "f", text.getvalue().encode(), at_once=2)
    assert problems(found) == []
    assert [(row[1], row[2]) for row in rows(found)] == given
