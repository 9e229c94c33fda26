"""Check digits of the numbers that registrants are known by. A number that passes is well formed, and proves nobody's
identity: whose it is, a verification finds out.

python-stdnum checks what it checks rightly. Unified Social Credit Codes are checked here, because it wants their first
eight characters to be digits; the standard has letters in the first two, for registration authorities of which some
are written so (A, N, Y). Of resident identity numbers it checks form, check digit and date of birth, but not the place:
it refuses a number whose county is younger than its holder, though numbers name the county of registration (it refuses
an example of the standard itself).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from stdnum import lei
from stdnum.cn import ric
from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength, ValidationError
from stdnum.util import isdigits

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100-2015: no I, O, S, V, Z. A character's value is its place."""
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
"""Powers of 3, modulo 31 (GB 32100-2015, table 2)."""
_USCC: Final = re.compile(f"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}")
_RESIDENT: Final = re.compile("[0-9]{17}[0-9X]")
_SEPARATORS: Final = str.maketrans("", "", " -")


def problem_of(field: str, value: str) -> str | None:
    """What is wrong with a number, and what to give instead; None if nothing is, or if ``field`` has no check digits.

    ``field`` is ``uscc`` (Unified Social Credit Code, GB 32100-2015), ``resident_id`` (Chinese resident identity
    number, GB 11643-1999), ``id_number`` (of any document; checked as a resident identity number if it has the form of
    one: 17 digits, and a digit or X), ``lei`` (ISO 17442) or ``vat`` (VAT number of a member state of the European
    Union, or of Northern Ireland). Spaces, hyphens and the case of letters do not matter. The value is never in the
    text: it may lead to a person.
    """
    check = _CHECKS.get(field)
    problem = None if check is None else check(value)
    return None if problem is None else f"{field}: {problem}"


def vat_in_full(number: str) -> str:
    """The form that all spellings of a VAT number share: with the zeros that some leave out (Belgium, the Netherlands),
    and with one code for Greece, which has two. What is no VAT number stays as it is."""
    one = f"gr{number[2:]}" if number[:2].lower() == "el" else number
    return vat.compact(one).lower() if vat.is_valid(one) else number


def _uscc(value: str) -> str | None:
    code = value.translate(_SEPARATORS).upper()
    if len(code) != 18:
        return "give all 18 characters of the unified social credit code"
    if not _USCC.fullmatch(code):
        return (
            "not a unified social credit code: characters 3 to 8 are digits, and I, O, S, V and Z are in none; copy it "
            "from the licence"
        )
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(code[:17], _WEIGHTS, strict=True))
    if _ALPHABET[-total % 31] != code[17]:
        # Some codes given out before the standard was in force (Fujian, 2015) are in use, and do not follow it.
        return (
            "the check character does not fit, so a character is mistyped; copy the code from the licence. If it does "
            "have this one, from before the standard, leave it out: a person must review it"
        )
    return None


def _resident_id(number: str) -> None:
    """As `stdnum.cn.ric.validate`, but for the place."""
    number = ric.compact(number)
    if len(number) != 18:
        raise InvalidLength
    if not isdigits(number[:17]):
        raise InvalidFormat
    if number[17] != ric.calc_check_digit(number):
        raise InvalidChecksum
    ric.get_birth_date(number)


def _by_library(validate: Callable[[str], object], name: str, length: str, form: str) -> Callable[[str], str | None]:
    """The check that a module of python-stdnum makes, in our words; its own may quote the number."""

    def check(value: str) -> str | None:
        try:
            validate(value.translate(_SEPARATORS))
        except InvalidLength:
            return f"give all {length} of the {name}"
        except InvalidChecksum:
            return f"the check digits do not fit, so a character is mistyped; copy the {name} from its document"
        except InvalidFormat:
            return f"not a {name}: {form}"
        except ValidationError:
            return f"a part of it is not one that the {name} can have; copy it from its document"
        return None

    return check


_check_resident = _by_library(_resident_id, "resident identity number", "18 characters", "17 digits, then a digit or X")


def _id_number(value: str) -> str | None:
    return _check_resident(value) if _RESIDENT.fullmatch(value.translate(_SEPARATORS).upper()) else None


_CHECKS: Final[dict[str, Callable[[str], str | None]]] = {
    "uscc": _uscc,
    "resident_id": _check_resident,
    "id_number": _id_number,
    "lei": _by_library(lei.validate, "legal entity identifier", "20 characters", "18 letters or digits, then 2 digits"),
    "vat": _by_library(
        vat.validate, "EU VAT number", "characters", "give it with its country's code, such as DE or XI, in front"
    ),
}
