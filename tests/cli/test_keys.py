"""`keys new`: a key file is made once, and never overwritten."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def test_a_key_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    for output in (
        f"{file}: written; set GATEWAY_KEYS_FILE to it, and keep a copy in a safe place\n",
        f"{file}: is there, and stays as it is\n",
    ):
        result = run("keys", "new", "--if-missing", str(file))
        assert (result.exit_code, result.output) == (0, output)
    content = file.read_bytes()
    refused = run("keys", "new", str(file))
    assert (refused.exit_code, "is there already" in refused.output) == (1, True)
    assert file.read_bytes() == content


def test_a_file_that_is_no_key_file_is_not_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    result = run("keys", "new", "--if-missing", str(file))
    assert (result.exit_code, "not a key file" in result.output) == (1, True)
