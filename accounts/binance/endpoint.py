"""What an address of the dialect does with a request: count its weight, know its sender, read it, run it, tell of it.

Plain functions under the API's lane (accounts/api/lane.py): no framework in between, one domain call in each `run`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse

from accounts import gate, limits
from accounts.api.answers import Answers
from accounts.api.authentication import client_ip
from accounts.auth import Caller
from accounts.binance import auth, errors, params, weights
from accounts.binance.errors import Refusal
from accounts.limits import Allowance
from accounts.models import READ, TRADE, WITHDRAW
from accounts.problems import Problem

PUBLIC: Final = ""
# A key is named, nothing is signed.
KEYED: Final = "key"
PERMISSIONS: Final = (READ, TRADE, WITHDRAW)
METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "DELETE"})


@dataclass(slots=True)
class Call:
    """A request as an endpoint's function sees it; headers it sets go into the answer."""

    values: dict[str, Any]
    _caller: Caller | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """Who asks; only where the endpoint wants a signature."""
        if self._caller is None:
            raise Problem("not_authenticated")
        return self._caller

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter's value."""
        return self.values.get(name, default)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address. `run` gives bytes of JSON, or what can be written as JSON."""

    run: Callable[[Call], Any]
    fields: params.Fields = field(default_factory=dict)
    required: tuple[str, ...] = ()
    # From the parameters as sent, before they are judged.
    weight: int | Callable[[Mapping[str, str]], int] = 1
    # PUBLIC, KEYED, or the permission that a signed request needs.
    access: str = PUBLIC
    # A key of errors.OF_ACTION.
    action: str = ""
    # Goes through accounts.gate: executed once, counted as a write.
    writes: bool = False
    # How many orders a write places.
    places: int = 0
    # Answers may be this old.
    cache_s: float = 0.0


_answers: Final = Answers()


def route(**methods: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """The view of an address, from the endpoints of its methods."""

    def view(request: HttpRequest) -> HttpResponse:
        headers: dict[str, str] = {}
        action = ""
        try:
            endpoint = methods.get(request.method or "")
            if endpoint is None:
                raise Problem("method_not_allowed", headers={"Allow": ", ".join(methods)})
            action = endpoint.action
            body = _answer(request, endpoint, headers)
        except Exception as error:
            response = errors.response_of(errors.refusal_of(error, action))
            for name, value in headers.items():
                response.headers.setdefault(name, value)
            return response
        return HttpResponse(body, content_type="application/json", headers=headers)

    # The lane asks Django for no CSRF cookie: a request is signed, or public.
    view.csrf_exempt = True  # type: ignore[attr-defined]
    view.endpoints = methods  # type: ignore[attr-defined]
    return view


def _answer(request: HttpRequest, endpoint: Endpoint, headers: dict[str, str]) -> bytes:
    meta = request.META
    query = meta.get("QUERY_STRING", "")
    body = request.body.decode("utf-8", "surrogateescape") if request.method in METHODS_WITH_BODY else ""
    values = params.parse(query, body)
    ip = client_ip(request)
    weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(values)
    headers[weights.HEADER] = headers["X-MBX-USED-WEIGHT"] = str(weights.take(ip, weight))
    call = Call({})
    if endpoint.access == PUBLIC:
        if endpoint.cache_s:
            hit = _answers.get(f"{request.path_info}?{query}")
            if hit is not None:
                return hit
    else:
        known = auth.known_key(meta.get("HTTP_X_MBX_APIKEY"), ip)
        if endpoint.access != KEYED:
            call._caller = auth.authenticate(
                known=known, message=auth.signed_text(query, body), signature=values.get("signature"),
                timestamp=values.get("timestamp"), window=values.get("recvWindow"), now_us=time.time_ns() // 1_000,
            )  # fmt: skip
            auth.require(call._caller, endpoint.access)
    call.values = params.read(values, endpoint.fields, endpoint.required, signed=endpoint.access != PUBLIC)
    if endpoint.writes:
        admit(call.caller, headers, places=endpoint.places)
    answer = endpoint.run(call)
    headers.update(call.headers)
    encoded = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    if endpoint.cache_s and endpoint.access == PUBLIC:
        _answers.keep(f"{request.path_info}?{query}", encoded, endpoint.cache_s)
    return encoded


def admit(caller: Caller, headers: dict[str, str], *, places: int = 0) -> Allowance:
    """The last check before a write, as for /api/v1; tells the counts of orders in `headers`.

    Raises Refusal -1015 with 429 beyond the account's limit of orders, Problem invalid_key, signature_replayed.
    """
    try:
        allowance = gate.admit(caller, units=max(1, places), placed=places)
    except Problem as problem:
        raise told_by_gate(problem, caller) from None
    if places:
        headers.update(order_counts(allowance))
    return allowance


def told_by_gate(problem: Problem, caller: Caller) -> Exception:
    """What the gate says, as this dialect says it: -1015 beyond the limit of orders."""
    if problem.code != "rate_limited":
        return problem
    retry_s = int(problem.headers["Retry-After"])
    window = limits.limit_of(caller.tier, "orders").window_s
    span = f"{window} SECOND" if retry_s <= window else "1 DAY"
    return Refusal(
        -1015,
        f"Too many new orders; current limit is {problem.headers['RateLimit-Limit']} orders per {span}.",
        429,
        headers={"Retry-After": str(retry_s)},
    )


def order_counts(allowance: Allowance) -> dict[str, str]:
    """The headers that tell how many orders an account has placed."""
    return {
        "X-MBX-ORDER-COUNT-10S": str(allowance.placed_in_window),
        "X-MBX-ORDER-COUNT-1D": str(allowance.placed_today),
    }


def forget() -> None:
    """Drop the answers kept in this process."""
    _answers.clear()
