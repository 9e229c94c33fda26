"""Messages out of files: what is one, what is none, and that no line is too long for memory."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.classifying.lines import CHARACTERS, LINE_BYTES, BadLine, Form, Line, Lines


def read(data: bytes, form: Form = "auto") -> list[Line | BadLine]:
    lines = Lines(io.BytesIO(data), form)
    found = list(lines)
    assert lines.position == len(data)
    return found


def test_each_line_is_a_message_and_blank_ones_are_passed_over() -> None:
    assert read("早上好\n\n \t\r\nsecond\r\nlast".encode()) == [Line(1, "早上好"), Line(4, "second"), Line(5, "last")]


def test_json_lines_have_a_text_and_may_have_more() -> None:
    data = b'\n{"text": "a\\nb", "id": 7}\n{"id": 8, "text": ""}\n'
    assert read(data) == [Line(2, "a\nb"), Line(3, "")]


def test_the_first_line_says_what_the_others_are() -> None:
    assert read(b'hello\n{"text": "a"}\n') == [Line(1, "hello"), Line(2, '{"text": "a"}')]
    [first, second] = read(b'{"text": "a"}\nhello\n')
    assert first == Line(1, "a")
    assert isinstance(second, BadLine)


def test_what_they_are_can_be_said() -> None:
    assert read(b'{"text": "a"}', "text") == [Line(1, '{"text": "a"}')]
    [bad] = read(b"hello", "json")
    assert isinstance(bad, BadLine)


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_message() -> None:
    assert read(b'\xef\xbb\xbf{"text": "a"}\n') == [Line(1, "a")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{}", "text: expected a string; write a JSON object with a text"),
        (b'{"text": 7}', "text: expected a string"),
        (b"[]", "text: expected a string"),
        (b'{"text": "a", "text": "b"}', "text: this key is given twice in one object"),
        (b'{"a\\u001b[2J": 1, "a\\u001b[2J": 2}', r"a\x1b[2J: this key is given twice"),
        (b'{"text": "\\ud800"}', "body: not valid JSON"),
        (b'{"text": "\xff"}', "body: not valid JSON"),
        (b'{"text": "' + b"a" * (CHARACTERS + 1) + b'"}', f"text: it is longer than {CHARACTERS} characters; cut it"),
    ],
)
def test_a_line_that_is_no_message_is_told_and_the_next_one_read(line: bytes, said: str) -> None:
    [first, bad, last] = read(b'{"text": "a"}\n' + line + b'\n{"text": "c"}\n')
    assert (first, last) == (Line(1, "a"), Line(3, "c"))
    assert isinstance(bad, BadLine)
    assert bad.number == 2
    assert bad.problem.startswith(said)


def test_what_is_not_utf_8_is_told_with_its_place() -> None:
    assert read(b"a\nb\xff\nc") == [
        Line(1, "a"),
        BadLine(2, "it is not UTF-8 (byte 2); convert the file"),
        Line(3, "c"),
    ]


@pytest.mark.parametrize("more", [1, LINE_BYTES, 3 * LINE_BYTES + 7])
@pytest.mark.parametrize("end", [b"\nlast", b""])
def test_a_line_of_any_length_is_passed_over_in_pieces(more: int, end: bytes) -> None:
    class Watched(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 < size <= LINE_BYTES
            return super().readline(size)

    found = list(Lines(Watched(b"first\n" + b"a" * (LINE_BYTES + more) + end)))
    assert found[0] == Line(1, "first")
    assert found[1] == BadLine(2, f"it is longer than {LINE_BYTES} bytes; cut it into messages")
    assert found[2:] == ([Line(3, "last")] if end else [])


def test_a_line_as_long_as_allowed_is_one() -> None:
    for data in (b" " * (LINE_BYTES - 2) + b"a\n", b" " * (LINE_BYTES - 1) + b"a"):
        [bad] = read(data)
        assert isinstance(bad, BadLine)
        assert "characters" in bad.problem  # too long a text, but no more than one line


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff"))))
def test_what_is_written_as_lines_is_read_as_messages(texts: list[str]) -> None:
    data = "".join([f"{text}\n" for text in texts]).encode()
    found = Lines(io.BytesIO(data), "text")
    expected = [Line(number, text) for number, text in enumerate(texts, 1) if text.encode().strip()]
    assert list(found) == expected
