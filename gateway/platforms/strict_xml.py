"""XML as it must be for all parsers to agree: elements and texts, and no declarations that change them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate, errors

from gateway.platforms.call import BadRequest
from gateway.platforms.strict_json import MAX_DEPTH, MAX_VALUES


def read_xml(body: bytes) -> Any:
    """An XML document as the JSON that selectors read: an element is a key, with its text as the value.

    An element with attributes or children is an object: attributes are ``@name``, text beside them is ``#text``, and
    children of one name are a list. Raises `BadRequest` for what is not well-formed UTF-8 or says that it is in another
    encoding (some parsers would read other words in the same bytes), for a document type (its entities would hide
    text, or blow it up), and for more than `MAX_DEPTH` levels or `MAX_VALUES` values.
    """
    reader = _Reader()
    parser = ParserCreate("utf-8")
    parser.buffer_text = True
    parser.XmlDeclHandler = reader.check_declaration
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    parser.CommentHandler = reader.add_comment
    try:
        parser.Parse(body, True)
    except ExpatError as error:
        problem = errors.messages.get(error.code, "it cannot be read")
        raise BadRequest(
            ("body", f"not well-formed XML: {problem}: line {error.lineno}, column {error.offset}")
        ) from error
    return reader.root


@dataclass(slots=True)
class _Element:
    """An element that is open, and what was read in it."""

    inside: dict[str, Any]
    texts: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def value(self) -> Any:
        text = "".join(self.texts)
        if self.comments:
            self.inside["#comment"] = "".join(self.comments)
        if not self.inside:
            return "" if text.isspace() else text
        if text and not text.isspace():
            self.inside["#text"] = text
        return self.inside


class _Reader:
    """Builds the value as the parser meets elements and texts."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open = [_Element(self.root)]
        self._values = 0

    def check_declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise BadRequest(("body", f"XML declared as {encoding[:40]}; send UTF-8"))

    def refuse_document_type(self, *_: object) -> None:
        raise BadRequest(("body", "XML with a document type; send it without"))

    def start(self, _name: str, attributes: dict[str, str]) -> None:
        self._values += 1 + len(attributes)
        if self._values > MAX_VALUES:
            raise BadRequest(("body", f"more than {MAX_VALUES} values"))
        if len(self._open) > MAX_DEPTH:
            raise BadRequest(("body", f"nested deeper than {MAX_DEPTH} levels"))
        self._open.append(_Element({f"@{key}": value for key, value in attributes.items()}))

    def add_text(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def add_comment(self, text: str) -> None:
        self._open[-1].comments.append(text)

    def end(self, name: str) -> None:
        value = self._open.pop().value()
        around = self._open[-1].inside
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]
