"""``multipart/form-data`` (RFC 7578), read in one way or not at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from gateway.platforms.call import BadRequest

MAX_PARTS = 200
_DISPOSITION = re.compile(r'form-data((?:; ?[a-z*]+=(?:"[^"\x00-\x1f]*"|[^\s";,]+))+)', re.IGNORECASE)
_OPTION = re.compile(r'; ?([a-z*]+)=(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)
_CONTENT_TYPE = re.compile(
    r"""multipart/form-data[ \t]*;[ \t]*boundary=
    (?: ([0-9A-Za-z'+_.-]{1,70}) | "([0-9A-Za-z'()+_,\-./:=?\ ]{0,69}[0-9A-Za-z'()+_,\-./:=?])" )""",
    re.IGNORECASE | re.VERBOSE,
)
_FIELD_TYPE = re.compile(r'(?:text/plain|application/json)(?:[ \t]*;[ \t]*charset=("?)utf-?8\1)?', re.IGNORECASE)
"""What a field may be: some servers read one of another type as a body of its own."""
_KNOWN = {"Content-Disposition", "Content-Type", "Content-Length", "Content-Transfer-Encoding"}
_FILENAME = ("filename", "filename*")


@dataclass(frozen=True, slots=True)
class File:
    """A part that is a file. ``sha256`` (hex) is of its bytes."""

    name: str
    filename: str
    content_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a multipart body holds."""

    fields: dict[str, str]
    files: tuple[File, ...]


def boundary(content_type: str) -> str:
    """What parts the parts. Raises `BadRequest` for a Content-Type that has anything else, or it in another form."""
    match = _CONTENT_TYPE.fullmatch(content_type)
    if match is None:
        raise BadRequest(("header content-type", "send multipart/form-data; boundary=..., and nothing else"))
    return match[1] or match[2]


def read_parts(body: bytes, boundary: str) -> Parts:
    """The fields and files of a body.

    Raises `BadRequest` for anything that parsers are known to read in different ways: a name given twice, headers
    given twice or unknown, parts in parts, an encoding of a part, a text that is not UTF-8, text around the parts.
    """
    delimiter = f"--{boundary}".encode()
    if not body.startswith(delimiter + b"\r\n") or not body.removesuffix(b"\r\n").endswith(b"\r\n" + delimiter + b"--"):
        raise BadRequest(("body", "a multipart body starts and ends with its boundary"))
    fields: dict[str, str] = {}
    files: list[File] = []
    segments = _segments(body, boundary)
    # Parsers differ in what else they take for a delimiter: a bare line feed before it, white space behind it, a part
    # behind the closing one. So the boundary stands nowhere but before each part and at the end.
    if body.count(delimiter) != len(segments) + 1:
        raise BadRequest(("body", "the boundary stands inside of a part or behind the closing one; choose another"))
    for segment, data in segments:
        name, filename = _disposition(segment)
        if name in fields or any(name == file.name for file in files):
            raise BadRequest((name, "this field is given twice"))
        if name.lower() == "_charset_":
            raise BadRequest((name, "only UTF-8 is read"))
        kind = _checked_type(segment, name)
        if filename is None:
            if not _FIELD_TYPE.fullmatch(segment.header("Content-Type", "text/plain")):
                raise BadRequest((name, "a field without a filename is text/plain or application/json, in UTF-8"))
            fields[name] = _text(data, name)
        else:
            files.append(File(name, filename, kind or "application/octet-stream", hashlib.sha256(data).hexdigest()))
    return Parts(fields, tuple(files))


def file_of(body: bytes, content_type: str | None) -> File:
    """A body that is one file, which has no name."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return File("body", "", kind or "application/octet-stream", hashlib.sha256(body).hexdigest())


def uploads(body: bytes, content_type: str, wanted: Collection[str]) -> dict[str, bytes]:
    """The bytes of the files in a body, by their SHA-256 (hex): those ``wanted``. A body that is not multipart is one
    file itself. Raises `BadRequest` for a multipart body that `read_parts` does not take."""
    found: dict[str, bytes] = {}
    multipart = content_type.lower().startswith("multipart/")
    pieces = [data for _, data in _segments(body, boundary(content_type))] if multipart else [body]
    for data in pieces:
        digest = hashlib.sha256(data).hexdigest()
        if digest in wanted:
            found[digest] = data
    return found


def _segments(body: bytes, boundary: str) -> list[tuple[MultipartSegment, bytes]]:
    found: list[tuple[MultipartSegment, bytes]] = []
    pieces: list[bytes] = []
    try:
        with PushMultipartParser(boundary, len(body), max_segment_count=MAX_PARTS, strict=True) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    pieces = []
                    segment = event
                elif event:
                    pieces.append(bytes(event))
                else:
                    found.append((segment, b"".join(pieces)))
    except MultipartError as error:
        raise BadRequest(("body", f"not valid multipart/form-data: {error}")) from error
    return found


def _disposition(segment: MultipartSegment) -> tuple[str, str | None]:
    names = [name for name, _ in segment.headerlist]
    if len(set(names)) != len(names) or not _KNOWN.issuperset(names):
        raise BadRequest(("body", "a part has a header that is unknown or given twice"))
    value = segment.header("Content-Disposition", "")
    if not (match := _DISPOSITION.fullmatch(value)):
        raise BadRequest(("body", "a part's Content-Disposition is not of the usual form"))
    options: dict[str, str] = {}
    for found in _OPTION.finditer(match[1]):
        key = found[1].lower()
        if key in options or key not in ("name", *_FILENAME):
            raise BadRequest(("body", f"Content-Disposition: {key} is unknown or given twice"))
        options[key] = found[2] if found[2] is not None else found[3]
    name = options.get("name", "")
    if not name or "\\" in name or "%" in name:
        raise BadRequest(("body", "a part has no name, or one that can be read in two ways"))
    given = [options[key] for key in _FILENAME if key in options]
    if len(given) > 1:
        raise BadRequest((name, "give one of filename and filename*"))
    if given == [""]:
        raise BadRequest((name, "a filename that is empty: some servers take the part for a text"))
    return name, segment.filename if "filename" in options else (given[0] if given else None)


def _checked_type(segment: MultipartSegment, name: str) -> str | None:
    kind: str | None = segment.content_type
    if "multipart/" in segment.header("Content-Type", "").lower():
        raise BadRequest((name, "a part must not have parts"))
    if (segment.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise BadRequest((name, "only UTF-8 is read"))
    if segment.header("Content-Transfer-Encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        raise BadRequest((name, "a part must not be encoded"))
    return kind


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest((name, "not UTF-8")) from error
