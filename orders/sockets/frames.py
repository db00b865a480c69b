"""Requests as they come and replies as they go. A request that cannot be read raises Problem."""

from dataclasses import dataclass
from typing import Any

import orjson

from accounts.problems import Problem
from orders.sockets.limits import ID_LENGTH_MAX, ID_MAX

Id = str | int | None


@dataclass(slots=True)
class Request:
    """One request: the client's id, what to do, and the whole message for its other members."""

    id: Id
    op: str
    message: dict[str, Any]


class Unreadable(Exception):
    """No request at all. `problem` is what to answer, `id` the client's id if that could be read."""

    def __init__(self, problem: Problem, id: Id = None) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.id = id


def read_request(text: str) -> Request:
    """A text frame as a request. Raises Unreadable."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(Problem("malformed_json", str(error))) from None
    if type(message) is not dict:
        raise Unreadable(Problem("invalid_request", "a request is a JSON object"))
    id = message.get("id")
    if not (
        id is None
        or (type(id) is str and len(id) <= ID_LENGTH_MAX)
        or (type(id) is int and -ID_MAX < id < ID_MAX)
    ):  # fmt: skip
        raise Unreadable(Problem("invalid_request", "id is a string of at most 64 characters or an integer"))
    op = message.get("op")
    if type(op) is not str:
        raise Unreadable(Problem("invalid_request", "op is missing or no string"), id)
    return Request(id, op, message)


def check_members(request: Request, allowed: frozenset[str]) -> None:
    """Raises Problem invalid_request for members that the op does not have: a typo must not go unnoticed."""
    unknown = request.message.keys() - allowed - {"op", "id"}
    if unknown:
        raise Problem("invalid_request", f"{sorted(unknown)[0][:ID_LENGTH_MAX]}: no such member")


def text_member(request: Request, name: str) -> str:
    """A member that must be a string. Raises Problem invalid_request."""
    value = request.message.get(name)
    if type(value) is not str:
        raise Problem("invalid_request", f"{name} is missing or no string")
    return value


def ok(request: Request, result: Any) -> str:
    """The reply to a request that went well."""
    return orjson.dumps({"id": request.id, "op": request.op, "status": "ok", "result": result}).decode()


def refused(id: Id, op: str | None, problem: Problem) -> str:
    """The reply to a request that did not."""
    return orjson.dumps({"id": id, "op": op, "status": "error", "error": problem.document()}).decode()
