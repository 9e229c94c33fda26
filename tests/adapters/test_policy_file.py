"""The policy file: taken up when it changes and is valid; a broken one changes nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from gateway.adapters.memory import MemoryStore
from gateway.adapters.policy_file import PolicyFile, read_policy
from gateway.core.policy import PolicyError, PolicyInForce, parse_policy
from gateway.ports import StoreUnavailable
from tests.fakes import FakeClock
from tests.policies import POLICY

STRICTER = POLICY.replace("deadline_ms: 800", "deadline_ms: 700")


def write(path: Path, content: str | bytes | None) -> None:
    """Give the file this content; None removes it."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


async def look(file: PolicyFile) -> None:
    """Two looks in a row, as a running gateway has them."""
    await file.reload()
    await file.reload()


def loads(result: str) -> float:
    """How often a policy was loaded, or refused."""
    return REGISTRY.get_sample_value("gateway_policy_loads_total", {"result": result}) or 0.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    write(path, POLICY)
    return path


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def file(path: Path, store: MemoryStore) -> PolicyFile:
    file = PolicyFile(path, store, FakeClock())
    await file.load()
    return file


async def test_a_loaded_policy_is_in_force_and_kept_for_replay(file: PolicyFile, store: MemoryStore) -> None:
    assert file.current().text == POLICY
    assert await store.policy(file.current().version) == POLICY


async def test_before_it_is_loaded_there_is_no_policy(path: Path, store: MemoryStore) -> None:
    with pytest.raises(RuntimeError):
        PolicyFile(path, store, FakeClock()).current()


async def test_a_changed_file_is_taken_up_as_a_whole(file: PolicyFile, path: Path, store: MemoryStore) -> None:
    before = file.current()
    write(path, STRICTER)
    await look(file)
    assert before.policy.deadline_ms == 800
    assert file.current().policy.deadline_ms == 700
    assert await store.policy(file.current().version) == STRICTER
    assert await store.policy(before.version) == POLICY


async def test_the_same_content_is_no_change(file: PolicyFile, path: Path) -> None:
    before, loaded = file.current(), loads("loaded")
    write(path, POLICY)
    await look(file)
    assert file.current() is before
    assert loads("loaded") == loaded


@pytest.mark.parametrize(
    "broken",
    [
        POLICY.replace("deadline_ms: 800", "deadline_ms: soon"),
        "{",
        "",
        "a: 2024-13-45\n",
        "a: !unheard-of 1\n",
        "? [a]\n: 1\n",
        "a: &x [*x]\n",
        None,
        b"\xff\xfe",
    ],
)
async def test_a_broken_file_keeps_the_policy_and_says_why(
    file: PolicyFile, path: Path, broken: str | bytes | None
) -> None:
    says = (
        "line "
        if isinstance(broken, str)
        else ("no such file" if broken is None else "cannot be read: it is not UTF-8")
    )
    before, refused = file.current(), loads("refused")
    write(path, broken)
    await look(file)
    await look(file)
    assert file.current() is before
    assert (file.problem or "").startswith(says)
    assert loads("refused") == refused + 1
    assert REGISTRY.get_sample_value("gateway_policy_refused") == 1

    write(path, STRICTER)
    await look(file)
    assert (file.problem, file.current().text) == (None, STRICTER)
    assert REGISTRY.get_sample_value("gateway_policy_refused") == 0


async def test_a_broken_file_that_is_put_back_is_well_again(file: PolicyFile, path: Path) -> None:
    write(path, "{")
    await look(file)
    write(path, POLICY)
    await look(file)
    assert file.problem is None
    assert REGISTRY.get_sample_value("gateway_policy_refused") == 0


async def test_a_broken_file_at_the_start_is_an_error(path: Path, store: MemoryStore) -> None:
    write(path, "deadline_ms: 1\n")
    with pytest.raises(PolicyError):
        await PolicyFile(path, store, FakeClock()).load()


async def test_a_policy_that_cannot_be_kept_is_not_in_force(file: PolicyFile, path: Path, store: MemoryStore) -> None:
    write(path, STRICTER)
    store.down = True
    with pytest.raises(StoreUnavailable):
        await look(file)
    assert file.current().text == POLICY
    assert file.problem == "valid, but the store cannot keep it for replay yet"
    store.down = False
    await look(file)
    assert file.current().text == STRICTER
    assert not file.problem


async def test_a_file_is_told_to_be_good_when_it_decides_and_not_before(path: Path) -> None:
    told: list[str | None] = []

    class AskingStore(MemoryStore):
        async def keep_policy(self, policy: PolicyInForce, now_ms: int) -> None:
            told.append(asked.problem)
            await super().keep_policy(policy, now_ms)

    asked = PolicyFile(path, AskingStore(), FakeClock())
    await asked.load()
    write(path, "{")
    await look(asked)
    write(path, STRICTER)
    await look(asked)
    assert told[0] is None
    assert (told[1] or "").startswith("line 1")
    assert (asked.current().text, asked.problem) == (STRICTER, None)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"^no such file$"):
        read_policy(tmp_path / "none.yaml")


def test_a_read_policy_is_the_parsed_one(path: Path) -> None:
    assert read_policy(path) == parse_policy(POLICY)


async def test_a_file_that_is_being_written_is_not_taken_up(file: PolicyFile, path: Path) -> None:
    for lines in range(5, STRICTER.count("\n")):
        write(path, "\n".join(STRICTER.split("\n")[:lines]) + "\n")
        await file.reload()
        assert file.current().text == POLICY
    write(path, STRICTER)
    await look(file)
    assert file.current().text == STRICTER


SHIPPED = Path("gateway/policy.yaml").read_text()


@settings(max_examples=20)
@given(st.integers(0, len(SHIPPED) - 5))
async def test_a_file_that_was_cut_off_is_not_taken_up(end: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        write(path, SHIPPED)
        store = MemoryStore()
        file = PolicyFile(path, store, FakeClock())
        await file.load()
        write(path, SHIPPED[:end])
        await look(file)
        assert file.current().text == SHIPPED
        assert file.problem
        with pytest.raises(PolicyError):  # nor at the next start
            await PolicyFile(path, store, FakeClock()).load()


async def test_a_section_that_is_gone_must_be_meant(file: PolicyFile, path: Path) -> None:
    more = f"{POLICY}holds: {{expire_hours: 5}}\n"
    write(path, more)
    await look(file)
    write(path, POLICY)
    await look(file)
    assert file.current().text == more
    assert "name it in `without`" in (file.problem or "")
    write(path, f"{POLICY}without: [holds]\n")
    await look(file)
    assert file.problem is None
    assert file.current().policy.holds.expire_hours != 5
