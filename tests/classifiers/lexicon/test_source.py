"""Terms are exchanged while the process runs: seen within a second, never half, and never for something broken."""

from __future__ import annotations

import gzip
import logging
import os
from pathlib import Path

import pytest

from classifiers import metrics
from classifiers.contract import Opinion, Question
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.lexicon.files import LARGEST, Origin, write
from classifiers.lexicon.source import LOOK_SECONDS, ReadOnly, Source
from classifiers.lexicon.terms import TermError

ONE, TWO = b"alpha\tspam\t0.4\n", b"alpha\tspam\t0.7\nbeta\tspam\t0.3\n"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "terms.tsv"
    path.write_bytes(ONE)
    return path


def spam(classifier: LexiconClassifier) -> tuple[float, str]:
    answer = classifier.judge(Question("e", "m", "t", ("lexicon",), ("alpha",), (), 0))
    assert isinstance(answer, Opinion)
    return {score.category: score.value for score in answer.scores}["spam"], answer.version


def later(source: Source, clock: Clock) -> str:
    """The version in use a second later, when what had to be made is made."""
    clock.now += LOOK_SECONDS
    source.current()
    source.wait()
    return source.current().version


def loads(result: str) -> float:
    return float(metrics.LEXICON_LOADS.labels(result)._value.get())


def test_a_change_is_noticed_within_a_second_and_not_looked_for_before(file: Path, clock: Clock) -> None:
    source = Source(str(file), clock)
    classifier = LexiconClassifier(source=source)
    value, first = spam(classifier)
    assert value == pytest.approx(0.4)
    write(file, TWO)
    clock.now += LOOK_SECONDS / 2
    source.current()
    source.wait()
    assert spam(classifier) == (value, first)
    second = later(source, clock)
    assert second != first
    value, version = spam(classifier)
    assert version == second
    assert value == pytest.approx(0.7)
    assert metrics.LEXICON_TERMS._value.get() == 2


def test_the_old_terms_judge_until_the_new_ones_are_ready(file: Path, clock: Clock) -> None:
    classifier = LexiconClassifier(source=Source(str(file), clock))
    before = spam(classifier)
    file.unlink()
    os.mkfifo(file)
    clock.now += LOOK_SECONDS
    assert spam(classifier) == before
    with file.open("wb") as pipe:  # whoever reads the new terms waits here for their end
        pipe.write(TWO)
        pipe.flush()
        clock.now += LOOK_SECONDS
        assert spam(classifier) == before
    classifier.source.wait()
    assert spam(classifier)[0] == pytest.approx(0.7)


@pytest.mark.parametrize("bad", [b"alpha\tspam\thigh\n", b"", b"\xff\xfe", b"\x1f\x8bno", None], ids=repr)
def test_a_bad_or_lost_file_changes_nothing_and_is_said_and_counted_once(
    file: Path, clock: Clock, bad: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(str(file), clock)
    first, refused = source.current().version, loads("refused")
    if bad is None:
        file.unlink()
    else:
        write(file, bad)
    with caplog.at_level(logging.ERROR):
        assert [later(source, clock) for _ in range(3)] == [first] * 3
    [record] = caplog.records
    assert record.message == "lexicon refused"
    assert vars(record)["problem"].startswith(f"{file}:")
    assert vars(record)["version"] == first
    assert loads("refused") == refused + 1
    write(file, TWO)
    assert later(source, clock) != first


def test_a_bad_or_missing_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(TermError, match=r"none\.tsv:0:0: No such file or directory; give a file that can be read"):
        LexiconClassifier(str(tmp_path / "none.tsv"))
    bad = tmp_path / "bad.tsv"
    bad.write_bytes(b"alpha\tspam\n")
    with pytest.raises(TermError, match=r"bad\.tsv:1:2: 2 column"):
        LexiconClassifier(f"+{bad}")
    with pytest.raises(TermError, match="names no file"):
        LexiconClassifier("+")


def test_a_file_takes_the_place_of_the_shipped_terms_or_stands_beside_them(tmp_path: Path) -> None:
    shipped = Source().current()
    some = next(term for term in shipped.terms if term.category == "spam" and term.near == ())
    file = tmp_path / "own.tsv"
    file.write_text(f"{some.text}\tspam\t0.011\nzzalpha\tspam\t0.4\n", encoding="utf-8")
    alone, beside = Source(str(file)).current(), Source(f"+{file}").current()
    assert len(alone.terms) == 2
    assert len(beside.terms) == len(shipped.terms) + 1
    assert [t.weight for t in beside.terms if (t.text, t.category) == (some.text, "spam")] == [0.011]
    assert len({shipped.version, alone.version, beside.version}) == 3


def test_a_packed_file_is_read_and_one_that_unpacks_without_end_is_not(tmp_path: Path) -> None:
    origin = Origin.of(str(tmp_path / "any.gz"))
    assert [term.text for term in origin.lexicon(gzip.compress(ONE)).terms] == ["alpha"]
    with pytest.raises(TermError, match="more than 67108864 bytes"):
        origin.lexicon(gzip.compress(b"#" * (LARGEST + 1), compresslevel=1))
    with pytest.raises(TermError, match="ends too early"):
        origin.lexicon(gzip.compress(ONE)[:-9])


def test_what_is_not_utf8_is_named_by_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(TermError, match=r"any\.tsv:2:3: not UTF-8"):
        Origin.of(str(tmp_path / "any.tsv")).lexicon(ONE + b"beta\tspam\t\xff\n")


def test_put_writes_the_file_and_takes_it_into_use_at_once(file: Path, clock: Clock) -> None:
    source, other = Source(str(file), clock), Source(str(file), clock)
    file.chmod(0o640)
    loaded = loads("loaded")
    version = source.put(TWO).version
    assert source.current().version == version
    assert file.read_bytes() == TWO
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["terms.tsv"]
    assert later(source, clock) == version
    assert loads("loaded") == loaded + 1, "its own file is not read again"
    assert later(other, clock) == version


def test_put_of_bad_terms_changes_nothing(file: Path, clock: Clock) -> None:
    source = Source(str(file), clock)
    first = source.current().version
    with pytest.raises(TermError):
        source.put(b"alpha\tspam\n")
    assert (source.current().version, file.read_bytes()) == (first, ONE)


def test_put_keeps_a_link_and_needs_a_file(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.tsv"
    link.symlink_to(file)
    Source(str(link)).put(TWO)
    assert link.is_symlink()
    assert file.read_bytes() == TWO
    with pytest.raises(ReadOnly, match="set CLASSIFIERS_LEXICON to FILE or"):
        Source().put(TWO)
