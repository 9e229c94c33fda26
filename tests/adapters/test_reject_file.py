"""Rejects are on the disk when the chunk is committed, and those of a chunk that was not are cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.reject_file import RejectFile
from gateway.adapters.rows_file import FileError
from gateway.core.register_rows import Problem

ONE, TWO = Problem(3, "state", "is none of active, closed"), Problem(9, "", "is not UTF-8")
HEADER = "line,field,reason\n"
FIRST = f'{HEADER}3,state,"is none of active, closed"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rejects.csv"


def test_it_is_there_once_something_was_rejected(path: Path) -> None:
    with RejectFile.open(path, 0) as rejects:
        assert not path.exists()
        assert rejects.keep([ONE]) == len(FIRST)
        assert path.read_text() == FIRST
        assert rejects.keep([TWO]) == len(FIRST) + len("9,,is not UTF-8\n")
    assert path.read_text() == FIRST + "9,,is not UTF-8\n"


def test_what_was_not_committed_is_cut_off(path: Path) -> None:
    with RejectFile.open(path, 0) as rejects:
        committed = rejects.keep([ONE])
        rejects.keep([TWO, TWO])
    with RejectFile.open(path, committed) as rejects:
        rejects.keep([TWO])
    assert path.read_text() == FIRST + "9,,is not UTF-8\n"
    with RejectFile.open(path, committed):
        pass
    assert path.read_text() == FIRST


def test_an_import_that_finds_another_at_work_leaves_its_rejects(path: Path) -> None:
    with RejectFile.open(path, 0) as working:
        working.keep([ONE])  # for a chunk that is about to be committed
        with pytest.raises(RuntimeError), RejectFile.open(path, 0):
            raise RuntimeError("taken in by another command")
        assert path.read_text() == FIRST


def test_one_that_is_begun_again_is_empty(path: Path) -> None:
    for before in (f"{HEADER}7,,of another import", HEADER[:5], ""):
        path.write_text(before)
        with RejectFile.open(path, 0) as rejects:
            rejects.keep([ONE])
        assert path.read_text() == FIRST


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.write_text("account_id,registrant_id\na,p\n")
    with pytest.raises(FileError, match="is no file of rejects"), RejectFile.open(path, 0):
        pass
    assert path.read_text() == "account_id,registrant_id\na,p\n"


def test_one_that_lost_rejects_is_not_gone_on_with(path: Path) -> None:
    path.write_text(HEADER)
    with pytest.raises(FileError, match="has lost rejects"), RejectFile.open(path, 100):
        pass
    path.unlink()
    with pytest.raises(FileError, match="has lost rejects"), RejectFile.open(path, 100):
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with RejectFile.open(tmp_path / "none" / "rejects.csv", 0) as rejects, pytest.raises(FileError, match="written"):
        rejects.keep([ONE])
