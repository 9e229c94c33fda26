"""What is sealed opens for the same context only, under every key of the file."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.key_file import LOOK_SECONDS, check_droppable, drop_key, read
from gateway.adapters.keys import FileSealer, KeysError, add_key, mark_of, new_keys


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    new_keys(path)
    return path


@given(data=st.binary(max_size=200), context=st.text(max_size=20), other=st.text(max_size=20))
def test_opens_for_its_own_context_only(file: Path, data: bytes, context: str, other: str) -> None:
    sealer = FileSealer(file)
    sealed = sealer.seal(data, context)

    assert sealer.open(sealed, context) == data
    if other != context:
        with pytest.raises(KeysError):
            sealer.open(sealed, other)


@given(data=st.binary(max_size=50), position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_does_not_open_when_any_bit_was_changed(file: Path, data: bytes, position: int, bit: int) -> None:
    sealer = FileSealer(file)
    sealed = bytearray(sealer.seal(data, "one"))
    sealed[position % len(sealed)] ^= 1 << bit

    with pytest.raises(KeysError):
        sealer.open(bytes(sealed), "one")


@given(data=st.binary(max_size=60))
def test_other_bytes_do_not_open(file: Path, data: bytes) -> None:
    with pytest.raises(KeysError):
        FileSealer(file).open(data, "one")


def test_the_same_is_never_sealed_the_same(file: Path) -> None:
    sealer = FileSealer(file)

    assert sealer.seal(b"data", "one") != sealer.seal(b"data", "one")


def test_what_was_sealed_before_a_key_was_added_still_opens_and_the_new_key_seals(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)
    running = FileSealer(path)
    before = running.seal(b"old", "one")

    name = add_key(path)
    after = FileSealer(path).seal(b"new", "one")

    assert name.encode() in after
    assert FileSealer(path).open(before, "one") == b"old"
    assert running.open(after, "one") == b"new", "a running process finds a key that was added"


def test_the_index_stays_when_a_key_is_added_and_says_nothing_without_the_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    new_keys(first)
    new_keys(second)
    index = FileSealer(first).index("token")

    add_key(first)

    assert FileSealer(first).index("token") == index
    assert FileSealer(first).index("token2") != index
    assert FileSealer(second).index("token") != index


def test_the_file_is_its_owners_only_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeysError, match="is there already"):
        new_keys(path)


def test_a_file_that_others_may_read_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)
    path.chmod(0o640)

    add_key(path)
    drop_key(path, next(iter(read(path).seal)))

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_one_command_at_a_time_changes_the_file(tmp_path: Path) -> None:
    """What another has begun is neither taken over, with the rights that it was made with, nor undone."""
    path, part = tmp_path / "keys.json", tmp_path / "keys.json.part"
    part.touch(0o666)
    with pytest.raises(KeysError, match="another command"):
        new_keys(path)
    part.unlink()
    new_keys(path)
    before = path.read_bytes()
    part.touch(0o666)
    for change in (lambda: add_key(path), lambda: drop_key(path, next(iter(read(path).seal)))):
        with pytest.raises(KeysError, match="another command"):
            change()
    assert path.read_bytes() == before
    assert part.exists()


def test_a_new_key_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    new_keys(tmp_path / "keys.json")
    assert synced == [False, True], "the content, then its name"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"index": "AAAA", "seal": []}', '{"index": "!", "seal": [{"id": "a", "key": "!"}]}'],
)
def test_a_file_that_holds_no_keys_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)

    with pytest.raises(KeysError, match="not a key file"):
        FileSealer(path)


def test_an_absent_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="gateway keys new"):
        FileSealer(tmp_path / "keys.json")


def test_a_key_that_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)
    sealed = FileSealer(path).seal(b"data", "one")
    content = json.loads(path.read_text())
    name = content["seal"][0]["id"]
    content["seal"][0]["id"] = "other"
    path.write_text(json.dumps(content))

    with pytest.raises(KeysError, match=name):
        FileSealer(path).open(sealed, "one")


def test_a_running_process_seals_with_a_key_that_was_added_within_half_a_second(tmp_path: Path) -> None:
    path, seconds = tmp_path / "keys.json", [0.0]
    new_keys(path)
    running = FileSealer(path, now=lambda: seconds[0])
    old = running.mark()
    name = add_key(path)

    seconds[0] = LOOK_SECONDS - 0.01
    assert running.seal(b"data", "one").startswith(old)
    seconds[0] = LOOK_SECONDS
    assert running.seal(b"data", "one").startswith(mark_of(name))
    assert running.mark() == mark_of(name)


def test_a_change_that_cannot_be_read_leaves_the_keys_of_before_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, seconds = tmp_path / "keys.json", [0.0]
    new_keys(path)
    content = path.read_text()
    running = FileSealer(path, now=lambda: seconds[0])
    before = running.seal(b"data", "one")
    path.write_text("half a fi")

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            seconds[0] += LOOK_SECONDS
            assert running.open(running.seal(b"data", "one"), "one") == b"data"
    assert len(caplog.records) == 1
    path.write_text(content)
    name = add_key(path)
    seconds[0] += LOOK_SECONDS

    assert running.mark() == mark_of(name)
    assert running.open(before, "one") == b"data"


def test_what_is_sealed_for_one_purpose_opens_for_no_other(file: Path) -> None:
    sealers = [FileSealer(file), FileSealer(file, "registrants"), FileSealer(file, "others")]
    for sealer in sealers:
        sealed = sealer.seal(b"data", "one")
        assert sealer.open(sealed, "one") == b"data"
        for other in sealers:
            if other is not sealer:
                with pytest.raises(KeysError):
                    other.open(sealed, "one")
    assert len({sealer.index("text") for sealer in sealers}) == 3


def test_a_key_that_was_dropped_opens_nothing_and_the_others_do(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)
    [first] = read(path).seal
    old = FileSealer(path).seal(b"old", "one")
    second = add_key(path)
    new = FileSealer(path).seal(b"new", "one")

    drop_key(path, first)

    assert list(read(path).seal) == [second]
    assert FileSealer(path).open(new, "one") == b"new"
    with pytest.raises(KeysError, match=first):
        FileSealer(path).open(old, "one")
    with pytest.raises(KeysError, match="only key"):
        drop_key(path, second)


def test_a_key_may_be_dropped_once_another_has_sealed_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    new_keys(path)
    [first] = read(path).seal
    with pytest.raises(KeysError, match="is the key that seals; add another first"):
        check_droppable(path, first, 10)
    second = add_key(path)

    with pytest.raises(KeysError, match="has just been changed"):
        check_droppable(path, first, 10)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 11))
    check_droppable(path, first, 10)
    with pytest.raises(KeysError, match=f"has no key other; it has {first}, {second}"):
        check_droppable(path, "other", 10)


def test_another_index_key_is_not_taken_up_by_a_running_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, other = tmp_path / "keys.json", tmp_path / "other.json"
    new_keys(path)
    new_keys(other)
    seconds = [0.0]
    sealer = FileSealer(path, now=lambda: seconds[0])
    index, sealed = sealer.index("one"), sealer.seal(b"data", "here")
    other.replace(path)
    seconds[0] += LOOK_SECONDS

    assert sealer.open(sealed, "here") == b"data"
    assert sealer.index("one") == index
    [record] = caplog.records
    assert "cannot be used" in record.message
