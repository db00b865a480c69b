"""Query strings, read strictly: a filter that is misspelt must not mean "everything"."""

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.request import Request

from accounts.api import paging
from accounts.problems import Problem

Readers = Mapping[str, Callable[[str], Any]]
TIME_MS_MAX = 9_000_000_000_000


def read_query(request: Request, readers: Readers) -> dict[str, Any]:
    """The query's values by name; None for those not given. Raises Problem with `errors`."""
    values: dict[str, Any] = dict.fromkeys(readers)
    for name, texts in request.query_params.lists():
        reader = readers.get(name)
        if reader is None:
            raise _invalid(name, "no such parameter")
        if len(texts) > 1:
            raise _invalid(name, "given twice")
        try:
            values[name] = reader(texts[0])
        except ValueError as error:
            raise _invalid(name, str(error)) from None
    return values


def _invalid(name: str, sentence: str) -> Problem:
    name = name[:64]
    return Problem("invalid_request", f"{name}: {sentence}", errors={name: sentence})


def integer(least: int, most: int) -> Callable[[str], int]:
    """A reader of plain digits within bounds."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most:
            return int(text)
        raise ValueError(f"an integer from {least} to {most}")

    return read


def one_of(values: Mapping[str, Any]) -> Callable[[str], Any]:
    """A reader of one of the names, giving its value."""

    def read(text: str) -> Any:
        if text in values:
            return values[text]
        raise ValueError(f"one of {', '.join(values)}")

    return read


def text(most: int = 64) -> Callable[[str], str]:
    """A reader of any short text, which something else judges."""

    def read(given: str) -> str:
        if 1 <= len(given) <= most and given.isascii() and given.isprintable():
            return given
        raise ValueError(f"1 to {most} characters of ASCII")

    return read


limit = integer(1, paging.LIMIT_MAX)
time_ms = integer(0, TIME_MS_MAX)
cursor = paging.decode_cursor
PAGE: Readers = {"limit": limit, "cursor": cursor}
