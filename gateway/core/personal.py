"""What the register keeps of a person or an organisation, encrypted: the fields, what is wrong with a value, and the
form in which values are compared.

Nothing here is ever logged, and no text made here holds a value: a problem names the field and the remedy.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

from gateway.core.check_digits import vat_in_full
from gateway.core.lookalikes import INVISIBLE, LATIN

Check = Callable[[str, str], str | None]
"""Says what is wrong with the value of a field (check digits, say) without quoting it; None when nothing is."""


class Compared(StrEnum):
    """How two values of a field are held to be the same."""

    NAME = "name"
    IDENTIFIER = "identifier"
    PHONE = "phone"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``limit`` is in characters; one that is ``compared`` has a blind index, and can be looked up by."""

    limit: int
    compared: Compared | None = None


FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "legal_name": Field(300, Compared.NAME),
        "id_number": Field(64, Compared.IDENTIFIER),
        "uscc": Field(32, Compared.IDENTIFIER),
        "lei": Field(32, Compared.IDENTIFIER),
        "vat": Field(32, Compared.IDENTIFIER),
        "birthdate": Field(40),
        "phone": Field(40, Compared.PHONE),
        "email": Field(254, Compared.EMAIL),
        "address": Field(1000),
        "representative": Field(300),
        "proof_of_authority": Field(2000),
        "claims": Field(65_536),
    }
)
"""All fields. ``claims`` is the JSON text of verified claims (OpenID Connect for Identity Assurance 1.0); the names of
an organisation's are DOMAIN's: ``legal_name``, ``uscc|lei|vat``, ``representative``, ``proof_of_authority``."""

INDEXED: Final = tuple(name for name, field in FIELDS.items() if field.compared)
"""The fields that a registrant can be found by."""
IDENTIFIERS: Final = tuple(name for name, field in FIELDS.items() if field.compared is Compared.IDENTIFIER)
"""The fields whose value belongs to one registrant only: they bar one from registering again."""
PROVEN: Final = ("legal_name", *IDENTIFIERS, "birthdate", "representative", "proof_of_authority")
"""The fields that a verification proves (name, document, owner): it starts again when one of them changes."""

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE: Final = re.compile(r"\+?[\d\s().\-/]+")
_PHONE_DIGITS: Final = range(5, 16)
"""The shortest numbers in use, and the longest that E.164 (section 6.2.1) permits."""
_LINES: Final = frozenset({"address", "proof_of_authority", "claims"})
"""Fields that may have several lines."""
_UNKNOWN: Final = frozenset({"Co", "Cn"})
"""Unicode categories of characters that have a meaning only where they come from: rare ones in names, mostly."""


def normalised(field: str, value: str) -> str:
    """The form of a value under which it is found again, whatever case, width, spaces and separators it came in.

    Empty when nothing of it counts (a name of dots only), and such a value has no index. A phone number keeps its
    country code as given: none is guessed, so a number with and one without are two. Raises `KeyError` for a field
    that is not compared.
    """
    compared = FIELDS[field].compared
    match compared:
        case None:
            raise KeyError(field)
        case Compared.NAME:
            # NFKC again: folding may leave what is not normal.
            return unicodedata.normalize("NFKC", "".join(filter(_counts, _folded(value))))
        case Compared.IDENTIFIER:
            plain = unicodedata.normalize("NFKC", _identifier(_folded(value)))
            return vat_in_full(plain) if field == "vat" else plain
        case Compared.PHONE:
            digits = "".join(str(digit) for c in value if (digit := unicodedata.digit(c, None)) is not None)
            return digits.removeprefix("00")
        case Compared.EMAIL:
            return _folded(value).strip()
        case _:
            assert_never(compared)


def _folded(value: str) -> str:
    if value.isascii():
        return value.lower()
    return unicodedata.normalize("NFKC", value).casefold().translate(INVISIBLE)


def _identifier(folded: str) -> str:
    """Letters and digits only, in the alphabet in which most are typed: a mark more, or a letter that looks the same,
    makes no other number of a document."""
    if folded.isascii():
        return "".join(filter(str.isalnum, folded))
    return "".join([str(unicodedata.decimal(c, c)) for c in folded.translate(LATIN) if c.isalnum()])


def _counts(character: str) -> bool:
    """Letters, their marks, numbers, and what may be one."""
    if character.isascii():
        return character.isalnum()
    category = unicodedata.category(character)
    return category[0] in "LMN" or category in _UNKNOWN


def is_changed(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether something that a verification proves is not as it was. Another spelling of the same is no change."""
    return any(_proven(name, before) != _proven(name, now) for name in PROVEN)


def _proven(name: str, fields: Mapping[str, str]) -> str | None:
    value = fields.get(name)
    return value if value is None or FIELDS[name].compared is None else normalised(name, value)


def quoted(text: str, fields: Mapping[str, str]) -> str | None:
    """The field whose value stands in a text that is kept in the open; None when none does. A value of fewer than
    four letters and digits is not looked for: it would be found in any text."""
    open_text = normalised("legal_name", text)
    for name, value in fields.items():
        hidden = normalised("legal_name", value)
        wide = not hidden.isascii()  # two characters of Chinese are a name
        if len(hidden) >= (2 if wide else 4) and hidden in open_text:
            return name
    return None


def problems(fields: Mapping[str, str], check: Check = lambda _field, _value: None) -> list[str]:
    """What must be put right before these fields can be kept, a sentence each; none when they can.

    ``check`` sees each value that is well-formed otherwise. A field that is not known is told by its place: its name
    may be a value that went astray.
    """
    found = [] if fields else [f"no fields; known are {', '.join(FIELDS)}"]
    for place, (name, value) in enumerate(fields.items(), start=1):
        field = FIELDS.get(name)
        if field is None:
            found.append(f"field {place} is not known; known are {', '.join(FIELDS)}")
            continue
        text = next(_wrong(name, field, value), None) or check(name, value)
        if text is not None:
            found.append(f"{name}: {text.removeprefix(f'{name}: ')}")
    return found


def _wrong(name: str, field: Field, value: str) -> Iterator[str]:
    if not value.strip():
        yield "is empty; leave it out, or give it"
    if len(value) > field.limit:
        yield f"has more than {field.limit} characters; shorten it"
    lines = "\n\r\t" if name in _LINES else ""
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in lines for c in value):
        yield "holds control characters or halves of characters; remove them"
    if field.compared in (Compared.NAME, Compared.IDENTIFIER) and not normalised(name, value):
        yield "holds no letter or digit; give it as it is written in the document"
    if name in _FORMS:
        yield from _FORMS[name](value)


def _birthdate(value: str) -> Iterator[str]:
    try:
        if date.fromisoformat(value).isoformat() == value:
            return
    except ValueError:
        pass
    yield "is not a date of the calendar; give it as YYYY-MM-DD"


def _email(value: str) -> Iterator[str]:
    if not _EMAIL.fullmatch(value.strip()):
        yield "is not an e-mail address; give it as name@domain"


def _phone(value: str) -> Iterator[str]:
    if not _PHONE.fullmatch(value.strip()) or len(normalised("phone", value)) not in _PHONE_DIGITS:
        yield "is not a telephone number; give 5 to 15 digits, best with + and the country code in front"


def _claims(value: str) -> Iterator[str]:
    try:
        if isinstance(json.loads(value), dict):
            return
    except (ValueError, RecursionError):
        pass
    yield "is not a JSON object; give the verified claims as the provider sent them"


_FORMS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "birthdate": _birthdate,
    "email": _email,
    "phone": _phone,
    "claims": _claims,
}
