"""`platforms list`, `show`, `check` and `try`."""

from __future__ import annotations

from pathlib import Path

from gateway.platforms.shipped import shipped, text_of
from tests.cli.conftest import Office

JSON = ("--header", "content-type: application/json")


def test_the_shipped_ones_are_listed_and_shown(office: Office) -> None:
    listed = office.run("platforms", "list")
    assert [line.split()[0] for line in listed.output.splitlines()] == shipped()
    assert "slack        6 kinds of publish request, 1 other\n" in listed.output
    assert office.run("platforms", "show", "matrix").output == text_of("matrix")
    assert office.run("platforms", "show", "morse").exit_code == 1


def test_files_are_checked(office: Office, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(text_of("generic"), encoding="utf-8")
    bad.write_text(text_of("generic").replace("websockets: refuse", "websockets: perhaps"), encoding="utf-8")
    line = text_of("generic").splitlines().index("websockets: refuse") + 1
    result = office.run("platforms", "check", str(good), str(bad), str(tmp_path / "none.yaml"))
    assert result.exit_code == 2
    first, default, *left, second, third = result.output.splitlines()
    assert first == f"{good}: valid, platform generic, 4 routes"
    assert default.startswith("  requests that are listed nowhere are judged by every string and file in them")
    assert "    GET,PUT,PATCH,DELETE /api/messages/{message}/forward" in left
    assert second.startswith(f"{bad}: line {line}: websockets: ")
    assert third == f"{tmp_path / 'none.yaml'}: no such file"
    assert office.run("platforms", "check", str(good)).exit_code == 0


def test_a_request_is_tried(office: Office, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"chat_id": 5, "text": "hello", "photo": "AgAC"}', encoding="utf-8")
    url = "https://api.telegram.org/bot12:secret/sendPhoto?caption=see"
    result = office.run("platforms", "try", "telegram", "POST", url, *JSON, "--body", f"@{body}")
    assert result.exit_code == 0
    assert "secret" not in result.output
    for line in (
        "route: publish (publish)",
        "  token: ...",
        "  what: Photo",
        "text: 'hello'",
        "text: 'see'",
        "target: 5",
    ):
        assert line in result.output.splitlines()
    assert "credential: found, 9 characters (looked for in path:token)" in result.output
    assert "media: image/jpeg telegram:AgAC" in result.output


def test_a_request_of_ones_own_map_is_tried(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text_of("generic").replace("/api/messages", "/say"), encoding="utf-8")
    known = office.run("platforms", "try", str(file), "POST", "/say/m1/forward", *JSON, "--body", '{"to": "c"}')
    assert "reference: 'm1'" in known.output
    assert "doubt: unknown_reference" in known.output
    assert "credential: none found" in known.output
    assert office.run("platforms", "try", str(file), "POST", "/other").output.startswith("route: unlisted (publish)")
    listed = office.run("platforms", "try", str(file), "GET", "/api/me").output
    assert listed == "route: listed in passes; it goes on unjudged\n"
    refused = office.run("platforms", "try", str(file), "POST", "//say")
    assert (refused.exit_code, refused.output) == (1, "refused: may be read as message\n")
    malformed = office.run("platforms", "try", str(file), "POST", "/say", *JSON, "--body", "{")
    assert (malformed.exit_code, malformed.output.splitlines()[-1].split(":")[:2]) == (1, ["malformed", " body"])


def test_what_cannot_be_tried_is_told_in_a_sentence(office: Office, tmp_path: Path) -> None:
    for words in (
        ("morse", "POST", "/x"),
        ("matrix", "POST", "/x", "--header", "nocolon"),
        ("matrix", "POST", "/x", "--body", f"@{tmp_path / 'none'}"),
    ):
        result = office.run("platforms", "try", *words)
        assert result.exit_code in (1, 2)
        assert "Traceback" not in result.output
