"""Fields of JSON objects from outside, read strictly, one plain function each.

REST bodies and socket messages use them. One walk over the fields instead of a serializer: a batch brings
500 orders at a time.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from accounts.problems import Problem

DECIMAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
DECIMAL_LENGTH_MAX: Final = 60
# So many faults are told in `errors`, so many in the sentence.
ERRORS_MAX: Final = 20
ERRORS_IN_DETAIL: Final = 5

Readers = Mapping[str, Callable[[Any], Any]]


class Refused(Exception):
    """A field is not what it should be; the sentence says what it should be. `code` names a narrower problem."""

    def __init__(self, sentence: str, code: str = "invalid_request") -> None:
        super().__init__(sentence)
        self.code = code


def text_of(pattern: re.Pattern[str], sentence: str) -> Callable[[Any], str]:
    """A reader of text that matches whole."""

    def read(value: Any) -> str:
        if type(value) is not str or not pattern.fullmatch(value):
            raise Refused(sentence)
        return value

    return read


def one_of(values: Mapping[str, int]) -> Callable[[Any], int]:
    """A reader of one of the names, giving its number."""
    sentence = f"one of {', '.join(values)}"

    def read(value: Any) -> int:
        number = values.get(value) if type(value) is str else None
        if number is None:
            raise Refused(sentence)
        return number

    return read


def integer(least: int, most: int) -> Callable[[Any], int]:
    """A reader of integers within bounds."""

    def read(value: Any) -> int:
        # bool is an int in Python; JSON's true is not 1.
        if type(value) is not int or not least <= value <= most:
            raise Refused(f"an integer from {least} to {most}")
        return value

    return read


def flag(value: Any) -> bool:
    """Reads true and false."""
    if type(value) is not bool:
        raise Refused("true or false")
    return value


def items(least: int, most: int) -> Callable[[Any], list[Any]]:
    """A reader of arrays of so many items, whatever they are."""

    def read(value: Any) -> list[Any]:
        if type(value) is not list or not least <= len(value) <= most:
            raise Refused(f"an array of {least} to {most} items")
        return value

    return read


def decimal(value: Any) -> str:
    """Reads a plain decimal number as text; its market or asset says later what it counts."""
    if type(value) is not str:
        raise Refused("a decimal number as a string, like '0.015'")
    if len(value) > DECIMAL_LENGTH_MAX or not DECIMAL.fullmatch(value):
        raise Refused("a plain decimal number of at most 60 characters, like '0.015'", "invalid_number")
    return value


def read_fields(body: Any, readers: Readers, *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a JSON object; null is as good as missing.

    Raises Problem with `errors` by field: invalid_request, or invalid_number if nothing else is wrong.
    """
    if not isinstance(body, dict):
        raise Problem("invalid_request", "not a JSON object")
    fields: dict[str, Any] = {}
    errors: dict[str, str] = {}
    codes = set()
    for name, value in body.items():
        reader = readers.get(name)
        if reader is None:
            errors[name[:64]] = "no such field"
            codes.add("invalid_request")
        elif value is not None:
            try:
                fields[name] = reader(value)
            except Refused as refused:
                errors[name] = str(refused)
                codes.add(refused.code)
    for name in required:
        if name not in fields and name not in errors:
            errors[name] = "missing"
            codes.add("invalid_request")
    if errors:
        code = "invalid_number" if codes == {"invalid_number"} else "invalid_request"
        told = list(errors.items())
        detail = "; ".join(f"{name}: {sentence}" for name, sentence in told[:ERRORS_IN_DETAIL])
        raise Problem(code, detail, errors=dict(told[:ERRORS_MAX]))
    return fields
