"""`policy check`, and settings that are none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

import gateway
from tests.cli.conftest import Office
from tests.policies import POLICY, policy


def test_a_valid_file_is_told_its_version(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY, encoding="utf-8")
    result = office.run("policy", "check", str(file))
    assert (result.exit_code, result.output) == (0, f"{file}: valid, version {policy().version}\n")


def test_every_problem_is_told_with_line_and_field_and_status_2(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    broken = POLICY.replace("deadline_ms: 800", "deadline_ms: 1").replace("  threshold: 0.8", "  threshold: 8")
    file.write_text(broken, encoding="utf-8")
    result = office.run("policy", "check", str(file))
    assert result.exit_code == 2
    line = broken.splitlines().index("  threshold: 8") + 1
    first, second = result.output.splitlines()
    assert first.startswith(f"{file}: line 1: deadline_ms: ")
    assert second.startswith(f"{file}: line {line}: news.threshold: ")


@pytest.mark.parametrize("text", ["{", "a: !unheard-of 1\n", "? [a]\n: 1\n", None])
def test_what_cannot_be_read_is_told_without_a_traceback(office: Office, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "policy.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    result = office.run("policy", "check", str(file))
    assert result.exit_code == 2
    assert result.output.startswith(f"{file}: " + ("line 1: " if text is not None else "no such file\n"))


@pytest.mark.parametrize(("name", "value"), [("GATEWAY_DATABSE_URL", "sqlite://"), ("GATEWAY_MAX_IN_FLIGHT", "many")])
def test_a_setting_that_is_none_ends_every_command(
    office: Office, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    for words in (("holds", "list"), ("audit", "verify"), ("serve",)):
        result = office.run(*words)
        assert result.exit_code == 1
        assert name in result.output
        assert "Traceback" not in result.output


def test_a_server_with_a_broken_policy_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("deadline_ms: 1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--port", "0"],
        env={**os.environ, "GATEWAY_POLICY_FILE": str(file)},
        cwd=Path(gateway.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{file}: line 1: deadline_ms" in done.stderr


def test_the_openapi_document_is_printed(office: Office) -> None:
    result = office.run("openapi")
    assert result.exit_code == 0
    assert "/v1/messages" in orjson.loads(result.output)["paths"]
