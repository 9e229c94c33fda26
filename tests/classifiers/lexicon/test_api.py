"""/lexicon on the ops endpoint, over HTTP: who may do what, and what each body is answered."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from classifiers import catalogue
from classifiers.health import Health
from classifiers.lexicon.api import LARGEST, lexicon_page
from classifiers.lexicon.source import Source
from classifiers.main import pages
from classifiers.ops import serve_ops
from classifiers.settings import Settings

TOKEN = "a-token-of-twenty-signs"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}
ONE, TWO = b"alpha\tspam\t0.4\n", "beta\tspam\t0.3\n傻逼\tharassment\t0.4\n".encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "terms.tsv"
    path.write_bytes(ONE)
    return path


@pytest.fixture
def source(file: Path) -> Source:
    return Source(str(file))


@pytest.fixture
def port(source: Source) -> Iterator[int]:
    with serve_ops("127.0.0.1", 0, Health(), {"/lexicon": lexicon_page(source, TOKEN)}) as port:
        yield port


def call(
    port: int, method: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, "/lexicon", body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.getheaders())
    finally:
        connection.close()


def test_get_tells_the_version_and_the_terms_of_each_category(port: int, source: Source) -> None:
    status, told, headers = call(port, "GET")
    assert status == 200
    assert told == {"version": source.current().version, "terms": 1, "categories": {"spam": 1}}
    assert headers["Content-Type"] == "application/json"


def test_put_takes_the_terms_into_use_and_keeps_them(port: int, source: Source, file: Path) -> None:
    before = call(port, "GET")[1]["version"]
    status, told, _ = call(port, "PUT", TWO, ALLOWED)
    assert status == 200
    assert told["version"] == source.current().version != before
    assert told["categories"] == {"harassment": 1, "spam": 1}
    assert call(port, "GET")[1] == told
    assert file.read_bytes() == TWO


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \xff\xfe",
        TOKEN,
    ],
)
def test_put_without_the_token_is_401_and_changes_nothing(port: int, file: Path, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    status, _, answered = call(port, "PUT", TWO * 10_000, headers)
    assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    assert file.read_bytes() == ONE


def test_put_is_404_when_no_token_is_set(source: Source, file: Path) -> None:
    with serve_ops("127.0.0.1", 0, Health(), {"/lexicon": lexicon_page(source, None)}) as port:
        assert call(port, "PUT", TWO, ALLOWED)[0] == 404
        assert call(port, "GET")[0] == 200
    assert file.read_bytes() == ONE


def test_bad_terms_are_422_with_every_problem(port: int, source: Source, file: Path) -> None:
    before = source.current().version
    status, told, _ = call(port, "PUT", b"a\tspam\t0.5\ngood\tspam\t0.5\nbad\tspam\t7\n", ALLOWED)
    assert status == 422
    assert [problem.partition(": ")[0] for problem in told["problems"]] == [f"{file}:1:1", f"{file}:3:3"]
    assert (source.current().version, file.read_bytes()) == (before, ONE)
    for body in (b"", b"\xff"):
        assert call(port, "PUT", body, ALLOWED)[0] == 422


def test_without_a_file_that_can_be_written_put_is_409(port: int, file: Path) -> None:
    with serve_ops("127.0.0.1", 0, Health(), {"/lexicon": lexicon_page(Source(), TOKEN)}) as other:
        status, told, _ = call(other, "PUT", TWO, ALLOWED)
        assert (status, "no terms file is configured" in told["error"]) == (409, True)
    file.unlink()
    file.parent.rmdir()
    status, told, _ = call(port, "PUT", TWO, ALLOWED)
    assert (status, "cannot be written" in told["error"]) == (409, True)


def test_a_write_that_fails_is_503_and_the_old_terms_stay(tmp_path: Path) -> None:
    file = tmp_path / ("n" * 251 + ".tsv")  # no room in a name for that of the new file beside it
    file.write_bytes(ONE)
    source = Source(str(file))
    before = source.current().version
    with serve_ops("127.0.0.1", 0, Health(), {"/lexicon": lexicon_page(source, TOKEN)}) as port:
        assert call(port, "PUT", TWO, ALLOWED)[0] == 503
    assert (source.current().version, file.read_bytes()) == (before, ONE)


def test_the_body_is_bounded_and_its_length_known(port: int, file: Path) -> None:
    assert call(port, "PUT", None, {**ALLOWED, "Content-Length": str(LARGEST + 1)})[0] == 413
    assert call(port, "PUT", None, {**ALLOWED, "Content-Length": "1" * 40})[0] == 413
    assert call(port, "PUT", None, {**ALLOWED, "Content-Length": "-1"})[0] == 411
    assert call(port, "PUT", b"", {**ALLOWED, "Transfer-Encoding": "chunked"})[0] == 411
    assert file.read_bytes() == ONE


def test_other_methods_are_405(port: int) -> None:
    status, _, headers = call(port, "POST", TWO, ALLOWED)
    assert (status, headers["Allow"]) == (405, "GET, PUT")


def test_the_worker_has_the_page_when_it_runs_the_classifier(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLASSIFIERS_LEXICON", str(file))
    monkeypatch.setenv("CLASSIFIERS_LEXICON_TOKEN", TOKEN)
    settings = Settings()
    assert TOKEN not in repr(settings)
    classifiers = catalogue.load(settings.names, lexicon=settings.lexicon)
    with serve_ops("127.0.0.1", 0, Health(), pages(classifiers, settings)) as port:
        assert call(port, "PUT", TWO, ALLOWED)[0] == 200
    assert file.read_bytes() == TWO
    assert pages(catalogue.load(("constant",)), settings) == {}


def test_a_token_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("", "short"):
        monkeypatch.setenv("CLASSIFIERS_LEXICON_TOKEN", token)
        with pytest.raises(ValidationError, match="lexicon_token"):
            Settings()
