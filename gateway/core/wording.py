"""What a validation error says to people: what to give, in the words of the rest of the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ID: Final = r"^[^\x00-\x1f\x7f-\x9f/]+$"
"""What ids are made of. Not of slashes: one could not be told from the path around it. Nor of control characters: they
would act on the terminal of whoever lists them."""

_WORDS: Final = {
    "missing": "this field is required",
    "extra_forbidden": "there is no such field",
    "string_type": "give a string",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "float_type": "give a number",
    "float_parsing": "give a number",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "dict_type": "give an object",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "list_type": "give a list",
    "tuple_type": "give a list",
    "string_too_short": "give at least {min_length} characters",
    "string_too_long": "give at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "give at least {min_length}",
    "too_long": "give at most {max_length}",
    "greater_than": "give more than {gt}",
    "greater_than_equal": "give {ge} or more",
    "less_than": "give less than {lt}",
    "less_than_equal": "give {le} or less",
    "enum": "give {expected}",
    "literal_error": "give {expected}",
    "value_error": "{error}",
}


def told(error: Mapping[str, Any]) -> str:
    """The message of one of ``ValidationError.errors()``. A kind without words of its own keeps the library's."""
    if error["type"] == "string_pattern_mismatch" and str(error["ctx"]["pattern"]).startswith(ID):
        return "give an id without slashes and control characters"
    words = _WORDS.get(error["type"])
    return str(error["msg"]) if words is None else words.format(**error.get("ctx", {}))
