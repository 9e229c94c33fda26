"""From a publish request to the message in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any
from urllib.parse import unquote

from gateway.core.model import Media, Message
from gateway.platforms.bodies import with_body
from gateway.platforms.call import Ambiguous, BadRequest, Call
from gateway.platforms.fields import Fields, Found, Place, head_fields, select
from gateway.platforms.html_text import html_texts
from gateway.platforms.markdown_text import markdown_texts
from gateway.platforms.recognise import Match
from gateway.platforms.scalars import MAX_CHARACTERS, is_identifier, words, words_inside
from gateway.platforms.schema import Condition, Doubt, MediaMap, Platform, Route
from gateway.platforms.selectors import Selector
from gateway.platforms.strict_json import MAX_VALUES
from gateway.platforms.views import forwards, views

SEPARATOR = "\x1f"
"""Between values that belong together; no header, path or JSON identifier has it."""
_MAX_JOINED = 100
_MAX_TARGET = 255
_CREDENTIAL = re.compile(r"[!-~]{0,4096}")
_WORD_GAP = re.compile(r"[-_+~]+")
_FEWEST_WORDS = 3
_UNSTORABLE = re.compile(r"[\x00\x1f\ud800-\udfff]")
_IN_BODY = frozenset({"json", "form", "part", "param", "part-json", "param-json", "json-in-json"})


def fields_of(platform: Platform, match: Match, call: Call) -> Fields:
    """Every field of a request. Raises `BadRequest`."""
    route = match.route
    unseen = platform.unseen_keys if route.keys == "known" else frozenset[str]()
    fields = head_fields(call.headers, match.variables, call.query, unseen)
    ignored, fold = route.content_type == "ignored", platform.json_keys == "fold"
    return with_body(fields, call.headers, call.body, route.body, route.untyped, ignored=ignored, fold=fold)


def fields_for(platform: Platform, match: Match, call: Call, selectors: Iterable[Selector]) -> Fields:
    """The fields that these selectors need: the body is parsed only for those that look into it."""
    if any(selector.kind in _IN_BODY for selector in selectors):
        return fields_of(platform, match, call)
    return head_fields(call.headers, match.variables, call.query)


def choose(platform: Platform, match: Match, call: Call) -> Match:
    """The match whose condition holds, now that the body is there. Raises `BadRequest` for a body that cannot be read,
    and `Ambiguous` for a route that goes nowhere."""
    for candidate in (match, *match.others):
        conditions = candidate.route.when
        if conditions:
            fields = fields_for(platform, candidate, call, [condition.where for condition in conditions])
        if all(_holds(condition, fields) for condition in conditions):
            if candidate.route.kind == "refuse":
                raise Ambiguous(f"{candidate.route.id}: what is published here cannot be judged")
            return candidate
    raise AssertionError("the last match has no condition")


def _holds(condition: Condition, fields: Fields) -> bool:
    found = [item.value for item in select(condition.where, fields) if item.value not in ("", False)]
    return any(not condition.equals or (isinstance(value, str) and value in condition.equals) for value in found)


def credential_in_head(platform: Platform, match: Match) -> bool:
    """Whether the credential of this route stands in the head of a request, whatever its body says."""
    alternatives = match.route.account or platform.account
    return not any(selector.kind in _IN_BODY for joined in alternatives for selector in joined)


def credential(platform: Platform, call: Call, match: Match | None) -> str | None:
    """The credential of a request: what the first of the route's, or the platform's, selectors finds.

    Several values that belong together are joined by `SEPARATOR`. Without a match the body is not looked at. Raises
    `BadRequest` for two credentials that differ: which one the platform takes cannot be known.
    """
    if match is None:
        fields = head_fields(call.headers, {}, call.query)
        alternatives = platform.account
    else:
        alternatives = match.route.account or platform.account
        fields = fields_for(platform, match, call, [selector for joined in alternatives for selector in joined])
    found: str | None = None
    first: set[str] = set()
    for joined in alternatives:
        values = joined_values(joined, fields)
        first |= {value.partition(SEPARATOR)[0] for value in values}
        if values and found is None:
            found = values[0]
    if len(first) > 1:
        raise BadRequest(("credential", "two different credentials"))
    if found is not None and any(part != part.strip() for part in found.split(SEPARATOR)):
        raise BadRequest(("credential", "white space around it"))
    return found


def read(
    platform: Platform,
    match: Match,
    call: Call,
    *,
    tenant_id: str,
    account_id: str,
    referenced: Sequence[Message] = (),
) -> Message:
    """The message in a publish request.

    ``referenced`` are the messages behind what `references` gives, one for each that is known; their texts and media
    are judged with this one's, and if one is missing the message is in doubt. Raises `BadRequest`.
    """
    route, fields = match.route, fields_of(platform, match, call)
    taken = _secrets(platform, route, fields) | _identifiers(route, fields)
    doubts: list[str] = [doubt.code for doubt in route.doubts if _is_doubtful(doubt, fields)]
    media = [found for item in route.media for found in _media(platform, item, fields, taken)]
    texts: list[str] = [file.filename for file in fields.parts.files]
    room = _Room()
    _check_files(route, fields)
    visible: list[str] = []
    for selector in route.text:
        texts += _texts(selector, fields, taken, room, visible)
    texts += _whole(visible, texts)
    texts += _in_path(fields, taken)
    media += [Media(file.content_type, sha256=file.sha256) for file in fields.parts.files]
    if len(referenced) != len(_joined_all(route.refs, fields)):
        doubts.append("unknown_reference")
    for other in referenced:
        texts += other.texts
        media += other.media
        doubts += other.doubts
    shown = [text for text in dict.fromkeys(texts) if text and not text.isspace()]
    if len(shown) > MAX_VALUES:
        raise BadRequest(("body", f"more than {MAX_VALUES} texts"))
    return Message(
        tenant_id=tenant_id,
        account_id=account_id,
        platform=platform.name,
        texts=tuple(shown),
        content_hash=content_hash(call),
        media=tuple(dict.fromkeys(media)),
        target=target(route, fields),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _whole(visible: Sequence[str], texts: Sequence[str]) -> list[str]:
    """All visible pieces as a reader sees them, one below the other, where their texts do not stand so already: what
    is said across pieces is said, whatever identifiers and marks stand between them."""
    if len(visible) < 2:
        return []
    whole = "\n".join(visible)
    seen = views(whole)
    # Of two pieces in one line the same row is judged, and a word in two lines is read; of more, it need not be.
    in_line = ["".join(visible)] if len(visible) > 2 else []
    return (seen if len(texts) > len(visible) or len(seen) > 1 else []) + in_line


def _in_path(fields: Fields, taken: set[Place]) -> list[str]:
    """What the path says that is no identifier: some platforms keep it, and show it."""
    found = [Found(("path", name), value) for name, value in fields.variables.items()]
    spoken = [one.value for one in found if one.place not in taken and not is_identifier(one.value)]
    rest = [piece for piece in fields.variables.get("rest", "").split("/") if _is_phrase(piece)]
    return [text for value in spoken for text in words(value)] + [_WORD_GAP.sub(" ", piece) for piece in rest]


def _is_phrase(text: str) -> bool:
    """Whether an identifier is made of words, as ``see-you-at-nine``. No credential is."""
    pieces = _WORD_GAP.split(text)
    return len(pieces) >= _FEWEST_WORDS and all(
        piece.isalpha() and piece in (piece.lower(), piece.title()) and (len(piece) > 1 or piece in "aiuAIU")
        for piece in pieces
    )


def _check_files(route: Route, fields: Fields) -> None:
    """Raises `BadRequest` for a file where a text stands: some servers read it as one."""
    texts = {selector.name for selector in route.text if selector.name and selector.kind != "const"}
    for file in fields.parts.files:
        if file.name in texts:
            raise BadRequest((file.name, "a file, where some servers read a text"))


def content_hash(call: Call) -> str:
    """SHA-256 (hex) of the method, path, query and body, each after its length."""
    return frame_hash([call.method.encode(), call.raw_path, call.query, call.body])


def frame_hash(pieces: Iterable[bytes]) -> str:
    """SHA-256 (hex) of pieces, each after its length in eight bytes, so that no two lists have the same."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.hexdigest()


def references(platform: Platform, match: Match, call: Call) -> tuple[str, ...]:
    """The ids of what else this request publishes, in the form in which `remembered` gives them."""
    refs = match.route.refs
    fields = fields_for(platform, match, call, [selector for joined in refs for selector in joined])
    return tuple(_joined_all(refs, fields))


def idempotency(platform: Platform, match: Match, call: Call) -> str | None:
    """The platform's own key by which a request is safe to repeat, scoped by route and target; 64 hex digits."""
    route = match.route
    if not route.idempotency:
        return None
    needed = [selector for joined in route.idempotency for selector in joined]
    fields = fields_for(platform, match, call, needed if route.target is None else [*needed, route.target])
    values = {value for joined in route.idempotency for value in joined_values(joined, fields)}
    if len(values) != 1:  # of two keys it is not known which one the platform heeds
        return None
    scope = [platform.name, route.id, target(route, fields) or "", *values]
    return frame_hash([text.encode("utf-8", "replace") for text in scope])


def target(route: Route, fields: Fields) -> str | None:
    """Where a message goes, as far as one text can say it. Raises `BadRequest`."""
    if route.target is None:
        return None
    values = [text for found in select(route.target, fields) for text in words(_storable(route.target, found.value))]
    return ",".join(values)[:_MAX_TARGET] or None


def joined_values(joined: Sequence[Selector], fields: Fields) -> list[str]:
    """Every way to choose one value for each selector, joined; none if a selector finds nothing."""
    found = [list(dict.fromkeys(_keys(selector, fields))) for selector in joined]
    return [SEPARATOR.join(values) for values in islice(product(*found), _MAX_JOINED + 1)]


def _joined_all(alternatives: Iterable[Sequence[Selector]], fields: Fields) -> list[str]:
    found = [value for joined in alternatives for value in joined_values(joined, fields)]
    if len(found) > _MAX_JOINED:
        raise BadRequest(("body", f"more than {_MAX_JOINED} references"))
    return list(dict.fromkeys(found))


def _keys(selector: Selector, fields: Fields) -> Iterator[str]:
    """Values as identifiers. False and null stand for nothing, as a flag that is not set."""
    for found in select(selector, fields):
        _storable(selector, found.value)
        if found.value is True:
            yield "true"
        elif isinstance(found.value, str) and found.value.lower() in ("", "false"):
            continue
        else:
            inside = words_inside(found.value) if isinstance(found.value, str) else []  # "[1, 2]" is 1 and 2
            yield from [_storable(selector, text) for text in inside or words(found.value)]


def _storable(selector: Selector, value: Any) -> Any:
    """The value. Raises `BadRequest` for a text that no store keeps as it is, or that could be several in one."""
    if isinstance(value, str) and (len(value) > MAX_CHARACTERS or _UNSTORABLE.search(value)):
        raise BadRequest((selector.source, "a character, or a length, that no identifier has"))
    return value


def _secrets(platform: Platform, route: Route, fields: Fields) -> set[Place]:
    """The places of credentials, which are never judged: what is judged leaves this process."""
    effective = route.account or platform.account
    places: set[Place] = set()
    for joined in (*platform.account, *route.account):
        for selector in joined:
            if selector.kind != "query" and selector.kind not in _IN_BODY:
                continue
            for found in select(selector, fields):
                if joined in effective and not _is_credential(found.value):
                    raise BadRequest((selector.source, "a credential has no white space, and is no list or object"))
                if joined in effective or is_identifier(found.value):
                    places.add(found.place)
    return places


def _is_credential(value: Any) -> bool:
    return isinstance(value, str | int) and bool(_CREDENTIAL.fullmatch(str(value)))


def _identifiers(route: Route, fields: Fields) -> set[Place]:
    """The places of identifiers that no reader sees. What does not look like one is not among them."""
    selectors = [*route.ignore, *[one for joined in (*route.idempotency, *route.refs) for one in joined]]
    if route.target is not None:
        selectors.append(route.target)
    return {found.place for selector in selectors for found in select(selector, fields) if is_identifier(found.value)}


def _is_doubtful(doubt: Doubt, fields: Fields) -> bool:
    found = [item.value for item in select(doubt.when, fields) if item.value is not None]
    if doubt.contains:
        return any(part.lower() in text.lower() for value in found for text in words(value) for part in doubt.contains)
    return any(not doubt.equals or value in doubt.equals for value in found)


def _media(platform: Platform, item: MediaMap, fields: Fields, taken: set[Place]) -> Iterator[Media]:
    """Media by address, or by the platform's own id, written ``platform:id``. Anything else is left to be text."""
    for found in select(item.where, fields, taken):
        value = found.value
        if not isinstance(value, str) or not value or value.startswith("attach://"):
            continue
        if value.startswith(("http://", "https://")):
            yield Media(item.content_type, url=value)  # an address is judged as text as well
        elif is_identifier(value):
            taken.add(found.place)
            yield Media(item.content_type, url=f"{platform.name}:{value}")


class _Room:
    """Bounds the characters of all texts of one message: what is made of them takes longer than to send them."""

    def __init__(self) -> None:
        self._seen: set[tuple[Place, int]] = set()
        self._left = MAX_CHARACTERS

    def take(self, place: Place, index: int, text: str) -> None:
        """Count a text, once however many selectors find it. Raises `BadRequest` when there are too many."""
        if (place, index) in self._seen:
            return
        self._seen.add((place, index))
        self._left -= len(text)
        if self._left < 0:
            field = ".".join(map(str, place[1:])) or str(place[0])
            raise BadRequest(
                (field, f"more than {MAX_CHARACTERS} characters of text in one message; send it in several")
            )


def _texts(selector: Selector, fields: Fields, taken: set[Place], room: _Room, visible: list[str]) -> list[str]:
    """The texts a selector finds; their places are taken afterwards. What a reader is shown of them as one piece is
    added to ``visible``."""
    texts: list[str] = []
    places: list[Place] = []
    is_shown = ("shown", "") in selector.wraps
    for found in select(selector, fields, taken):
        places.append(found.place)
        for index, text in enumerate(words(found.value)):
            room.take(found.place, index, text)
            texts += _unwrapped(selector, text)
            texts += forwards(text)
            if "://" in text and "%" in text:  # what an address says
                texts.append(unquote(text))
            elif _is_phrase(text):
                texts.append(_WORD_GAP.sub(" ", text))
        if is_shown and isinstance(found.value, str) and not _is_address(found.value):
            visible.append(found.value)
    taken.update(places)
    if selector.takes_the_rest:
        taken.update(_containers(selector, fields))
    return texts


def _unwrapped(selector: Selector, text: str) -> list[str]:
    found = [text]
    for wrap, _ in reversed(selector.wraps):
        if wrap == "html":
            found = [line for item in found for line in html_texts(item)]
        elif wrap == "markdown":
            found = [line for item in found for line in markdown_texts(item)]
        elif wrap == "shown":
            found = [line for item in found for line in views(item)]
    return found


def _is_address(value: str) -> bool:
    return "://" in value and is_identifier(value)


def _containers(selector: Selector, fields: Fields) -> Iterator[Place]:
    """The texts that a selector opened, and that need not be read again as they are."""
    if selector.kind == "part-json":
        yield ("part", selector.name)
    elif selector.kind == "param-json":
        names = dict.fromkeys((selector.name, selector.name.casefold()))
        yield from [(kind, name) for kind in ("query", "form", "part", "json") for name in names]
    elif selector.kind == "json-in-json":
        outer = Selector(selector.source, "json", path=selector.outer)
        yield from [found.place for found in select(outer, fields)]
