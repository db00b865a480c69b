"""Parameters, read as strictly as this dialect does it and with its words for each fault.

They come as a query string, a form, or (on sockets) a JSON object, and are text until a reader has judged them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from accounts.binance.errors import Refusal

Reader = Callable[[str, str], Any]
Fields = Mapping[str, Reader]
# Those that say who asks; each endpoint takes them beside its own.
SIGNED: Final = ("timestamp", "recvWindow", "signature")
PARAMETERS_MAX: Final = 100
VALUE_LENGTH_MAX: Final = 4_000

INTEGER_RANGE: Final = "^[0-9]{1,20}$"
DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID_RANGE: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
SYMBOL_RANGE: Final = "^[A-Z0-9-_.]{1,20}$"
SYMBOLS_RANGE: Final = '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,99}\\]$'
_INTEGER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}", re.ASCII)
_SYMBOL: Final = re.compile(r"[A-Z0-9_.-]{1,20}", re.ASCII)
_SYMBOLS: Final = re.compile(r'\["[A-Z0-9_.-]{1,20}"(?:,"[A-Z0-9_.-]{1,20}"){0,99}\]', re.ASCII)
INTEGER_MAX: Final = 2**63 - 1


def parse(query: str, body: str = "") -> dict[str, str]:
    """The parameters of a query string and a form; what stands in both is taken from the query.

    Raises Refusal -1101 for a name given twice in either.
    """
    values = _parse(body) if body else {}
    if query:
        values.update(_parse(query))
    return values


def _parse(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            # Base64 in a signature that was not escaped: a plus stands for itself there.
            name, value = unquote_plus(name), unquote(value) if name == "signature" else unquote_plus(value)
        if name in values:
            raise Refusal(-1101, "Duplicate values for a parameter detected.")
        if len(values) >= PARAMETERS_MAX:
            raise Refusal(-1101, "Too many parameters sent for this endpoint.")
        values[name] = value
    return values


def of_json(params: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a socket's request: there numbers may be numbers, and lists are lists.

    Raises Refusal -1100 for anything else.
    """
    values: dict[str, str] = {}
    for name, value in params.items():
        if not name.isprintable():
            raise Refusal(-1100, "Illegal characters found in a parameter's name.")
        if isinstance(value, bool):
            values[name] = "true" if value else "false"
        elif isinstance(value, (str, int)):
            values[name] = str(value)
        elif isinstance(value, float):
            values[name] = format(Decimal(repr(value)), "f")
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            values[name] = "[" + ",".join(f'"{item}"' for item in value) + "]"
        else:
            raise Refusal(-1100, f"Illegal characters found in parameter '{name[:64]}'.")
    return values


def read(
    values: Mapping[str, str], fields: Fields, required: Iterable[str] = (), *, signed: bool = False
) -> dict[str, Any]:
    """The values of an endpoint's fields by name; those not given are missing.

    Raises Refusal: -1101 or -1104 for names that are not the endpoint's, -1102 for a missing one, -1105 for an
    empty one, and what the readers raise.
    """
    known = len(SIGNED) if signed else 0
    read_count = 0
    found: dict[str, Any] = {}
    for name, text in values.items():
        reader = fields.get(name)
        if reader is None:
            if signed and name in SIGNED:
                read_count += 1
            continue
        read_count += 1
        if not text:
            raise Refusal(-1105, f"Parameter '{name}' was empty.")
        found[name] = reader(name, text)
    for name in required:
        if name not in found:
            raise missing(name)
    if read_count < len(values):
        most, sent = len(fields) + known, len(values)
        if sent > most:
            raise Refusal(-1101, f"Too many parameters; expected '{most}' and received '{sent}'.")
        raise Refusal(
            -1104, f"Not all sent parameters were read; read '{read_count}' parameter(s) but was sent '{sent}'."
        )
    return found


def missing(name: str) -> Refusal:
    """A mandatory parameter is not there."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def neither(one: str, other: str) -> Refusal:
    """One of two is needed, and none was given."""
    return Refusal(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def not_required(name: str) -> Refusal:
    """A parameter that does not go with the others."""
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def invalid(name: str) -> Refusal:
    """A value outside of what is allowed."""
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def illegal(name: str, legal: str) -> Refusal:
    """Characters that the parameter cannot have."""
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


# --- readers: (name, text) -> value


def text(name: str, given: str) -> str:
    """Anything printable."""
    if len(given) > VALUE_LENGTH_MAX or not given.isprintable():
        raise illegal(name, "printable characters")
    return given


def symbol(name: str, given: str) -> str:
    """The form of a symbol; whether there is such a one is asked later."""
    if not _SYMBOL.fullmatch(given):
        raise illegal(name, SYMBOL_RANGE)
    return given


def symbols(name: str, given: str) -> list[str]:
    """A JSON array of symbols. Raises Refusal -1100, -1151."""
    if not _SYMBOLS.fullmatch(given):
        raise illegal(name, SYMBOLS_RANGE)
    found = [quoted[1:-1] for quoted in given[1:-1].split(",")]
    if len(set(found)) < len(found):
        raise Refusal(-1151, "Symbol is present multiple times in the list.")
    return found


def client_id(name: str, given: str) -> str:
    """An order's id as its client calls it."""
    if not _CLIENT_ID.fullmatch(given):
        raise illegal(name, CLIENT_ID_RANGE)
    return given


def decimal(name: str, given: str) -> str:
    """A plain decimal number, as text."""
    if not _DECIMAL.fullmatch(given):
        raise illegal(name, DECIMAL_RANGE)
    return given


def flag(name: str, given: str) -> bool:
    """true or false."""
    lowered = given.lower()
    if lowered not in {"true", "false"}:
        raise illegal(name, "^(true|false)$")
    return lowered == "true"


def integer(least: int = 0, most: int = INTEGER_MAX) -> Reader:
    """A reader of integers within bounds."""

    def read_integer(name: str, given: str) -> int:
        if not _INTEGER.fullmatch(given):
            raise illegal(name, INTEGER_RANGE)
        number = int(given)
        if number > INTEGER_MAX:
            raise Refusal(-1108, f"Parameter '{name}' overflowed.")
        if not least <= number <= most:
            raise invalid(name)
        return number

    return read_integer


def up_to(most: int) -> Reader:
    """A reader of a count of at least one that is cut to the most there is: a limit."""
    exact = integer(1)

    def read_limit(name: str, given: str) -> int:
        return int(min(exact(name, given), most))

    return read_limit


def one_of(values: Mapping[str, Any], refusal: Callable[[str], Refusal] = invalid) -> Reader:
    """A reader of one of the names, giving its value."""

    def read_one(name: str, given: str) -> Any:
        if given not in values:
            raise refusal(name)
        return values[given]

    return read_one


def milliseconds(name: str, given: str) -> int:
    """A time in milliseconds; one in microseconds is taken too."""
    number = int(integer()(name, given))
    return number // 1_000 if number >= 10**14 else number


def window_us(given: str | None) -> int:
    """recvWindow in µs; it may have three decimals. Raises Refusal -1100, -1131."""
    if given is None:
        return 5_000_000
    try:
        milli = Decimal(decimal("recvWindow", given))
    except InvalidOperation:
        raise illegal("recvWindow", DECIMAL_RANGE) from None
    if milli > 60_000:
        raise Refusal(-1131, "recvWindow must be less than 60000")
    return int(milli * 1_000)
