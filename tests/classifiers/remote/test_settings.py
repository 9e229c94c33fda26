"""The remote classifier's settings: where from, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.catalogue import load
from classifiers.plugins import ClassifierError
from classifiers.remote.classifier import RemoteClassifier
from classifiers.remote.settings import load_settings

PREFIX = "CLASSIFIERS_REMOTE_"
SECRET = "sk-do-not-show-me"


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}URL", "https://moderations.example")


@pytest.mark.parametrize(
    "given", ["https://a.example", "https://a.example/", "https://a.example/v1", "https://a.example/v1/"]
)
def test_the_address_is_taken_with_and_without_version(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(f"{PREFIX}URL", given)
    assert load_settings().url == "https://a.example"


def test_the_catalogue_loads_it_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}MODEL", "omni")
    classifier = load(["remote"])["remote"]
    assert isinstance(classifier, RemoteClassifier)
    assert classifier.version == "remote-1-omni"


def test_without_an_address_the_catalogue_says_which_setting_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{PREFIX}URL")
    with pytest.raises(ClassifierError, match="CLASSIFIERS_CLASSIFIERS: CLASSIFIERS_REMOTE_URL is not set; give the"):
        load(["text", "remote"], setting="CLASSIFIERS_CLASSIFIERS")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("URL", "moderations.example", "give http://HOST or https://HOST"),
        ("URL", "ftp://moderations.example", "give http://HOST or https://HOST"),
        ("URL", "https://a.example:port", "give http://HOST or https://HOST"),
        ("URL", "https://a.example/ b", "give http://HOST or https://HOST"),
        ("URL", f"https://me:{SECRET}@a.example", "leave out user, password, query and fragment"),
        ("URL", f"https://a.example/?key={SECRET}", "leave out user, password, query and fragment"),
        ("KEY", f"{SECRET}\n", "give visible ASCII characters without spaces"),
        ("KEY", "", "give visible ASCII characters without spaces"),
        ("SECONDS", "0", "greater than 0"),
        ("CONCURRENCY", "0", "greater than or equal to 1"),
        ("FLAGGED", "2", "less than or equal to 1"),
    ],
)
def test_a_bad_one_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ClassifierError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{PREFIX}{name}: ")
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate", encoding="utf-8")
    for name in ("bad.pem", "none.pem"):
        monkeypatch.setenv(f"{PREFIX}SSL_CAFILE", str(tmp_path / name))
        with pytest.raises(ClassifierError, match=f"REMOTE_SSL_CAFILE: .*{name} cannot be used .*give a PEM"):
            RemoteClassifier()
