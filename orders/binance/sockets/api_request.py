"""Requests of /ws-api/v3 as they come, and their answers as they go."""

import json
from dataclasses import dataclass
from typing import Any, Final

import orjson

from accounts.binance import errors, params
from accounts.binance.errors import Refusal, refuse

Id = int | str | None
ID_TEXT_MAX: Final = 64
ID_MAX: Final = 2**63
METHOD_LENGTH_MAX: Final = 64
VERSION: Final = "v3/"


@dataclass(slots=True)
class ApiRequest:
    """One request: the client's id, the method, its parameters as text, and whether the answer tells of limits."""

    id: Id
    method: str
    values: dict[str, str]
    wants_limits: bool = True


class Unreadable(Exception):
    """No request at all; `id` is the client's if that could be read."""

    def __init__(self, refusal: Refusal, id: Id = None) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.id = id


class _Decimal(str):
    """A number with decimals, as the text it came as."""

    __slots__ = ()


def read_request(text: str | None) -> ApiRequest:
    """A text frame as a request. Raises Unreadable."""
    if text is None:
        raise Unreadable(refuse(errors.MALFORMED))
    try:
        # Numbers with decimals stay the text that was signed.
        message: Any = json.loads(text, parse_float=_Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable(Refusal(-1135, "Invalid JSON Request")) from None
    if type(message) is not dict:
        raise Unreadable(Refusal(-1135, "Invalid JSON Request"))
    id = message.get("id")
    if not (
        id is None
        or (type(id) is int and -ID_MAX <= id < ID_MAX)
        or (type(id) is str and len(id) <= ID_TEXT_MAX and id.isprintable())
    ):
        raise Unreadable(Refusal(-1135, "Invalid 'id' in JSON request; expected an integer, string or null."))
    method, given = message.get("method"), message.get("params", {})
    if type(method) is not str or not 1 <= len(method) <= METHOD_LENGTH_MAX:
        raise Unreadable(Refusal(-1135, "Invalid 'method' in JSON request."), id)
    if type(given) is not dict or message.keys() - {"id", "method", "params"}:
        raise Unreadable(Refusal(-1135, "Invalid 'params' in JSON request."), id)
    if len(given) > params.PARAMETERS_MAX:
        raise Unreadable(Refusal(-1101, "Too many parameters sent for this endpoint."), id)
    try:
        values = params.of_json(given)
        wants_limits = params.flag("returnRateLimits", values.get("returnRateLimits", "true"))
    except Refusal as refusal:
        raise Unreadable(refusal, id) from None
    return ApiRequest(id, method.removeprefix(VERSION), values, wants_limits)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def signed_text(values: dict[str, str]) -> bytes:
    """What a request's signature is over: all parameters but it, by name."""
    return "&".join(
        f"{name}={value}" for name, value in sorted(values.items()) if name != "signature"
    ).encode("utf-8", "surrogatepass")  # fmt: skip


def answer(id: Id, result: Any, limits: list[dict[str, Any]] | None) -> str:
    """The answer to a request that went well; `result` is JSON already, or can be written as such."""
    body = result if isinstance(result, bytes) else orjson.dumps(result)
    return (b'{"id":%b,"status":200,"result":%b%b}' % (orjson.dumps(id), body, _limits(limits))).decode()


def refusal(id: Id, refused: Refusal, limits: list[dict[str, Any]] | None) -> str:
    """The answer to a request that did not."""
    body = orjson.dumps(refused.document())
    return (b'{"id":%b,"status":%d,"error":%b%b}' % (orjson.dumps(id), refused.status, body, _limits(limits))).decode()


def _limits(limits: list[dict[str, Any]] | None) -> bytes:
    return b"" if limits is None else b',"rateLimits":' + orjson.dumps(limits)
