"""Which browser is taken for browser tests, and what is said when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from deploy.local.chromium import arguments, chromium
from deploy.local.errors import StartFailed


def program(path: Path, script: str = "exit 0") -> Path:
    """A program of that name."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with these programs only, and from which nothing can be downloaded."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def found() -> str:
    """The browser that is taken."""
    with sync_playwright() as playwright:
        return chromium(playwright)


def test_the_one_that_is_named_comes_first(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(elsewhere / "chromium")
    named = program(elsewhere / "other")
    monkeypatch.setenv("CHROMIUM", str(named))
    assert found() == str(named)
    monkeypatch.setenv("CHROMIUM", str(elsewhere / "none"))
    with pytest.raises(StartFailed, match=r"CHROMIUM names .*none, which cannot be executed"):
        found()


def test_then_the_one_on_the_path(elsewhere: Path) -> None:
    chrome = program(elsewhere / "google-chrome")
    assert found() == str(chrome)


def test_then_debians_package_which_root_can_install(elsewhere: Path) -> None:
    chrome = elsewhere / "chromium"
    program(elsewhere / "apt-get", f'[ "$3" = update ] || {{ /bin/cp /bin/true {chrome}; }}')
    assert found() == str(chrome)


@pytest.mark.parametrize("root", [True, False])
def test_without_any_one_sentence_says_what_to_do(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, root: bool) -> None:
    marker = elsewhere / "asked"
    program(elsewhere / "apt-get", f"/bin/touch {marker}; exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    with pytest.raises(StartFailed, match="there is no browser to test with: install Chromium"):
        found()
    assert marker.exists() is root
    assert ("--no-sandbox" in arguments()) is root
