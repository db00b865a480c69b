"""What API views stand on. A view parses, makes one call into the domain, and shapes the answer."""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import gate, limits
from accounts.api.authentication import SAFE_METHODS, BrowserSession, SignedRequest, client_ip
from accounts.api.codec import OnlyJson, read_json
from accounts.api.errors import exception_handler
from accounts.auth import Caller
from accounts.limits import Allowance
from accounts.models import READ, TRADE
from accounts.problems import Problem


class ApiView(APIView):
    """JSON in, JSON or a problem out; counts requests."""

    # For the OpenAPI document only; bodies are read by `json_object` and written by `answer`.
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = OnlyJson
    metadata_class = None
    allowance: Allowance | None = None
    _body: dict[str, Any] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A method that is not there is told before anything is asked of the caller."""
        if not hasattr(self, (request.method or "").lower()):
            raise MethodNotAllowed(request.method or "")

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: DRF would work out Allow for every answer, which only a 405 needs."""
        return {}

    def json_object(self) -> dict[str, Any]:
        """The body, which must be a JSON object; no body is an empty one. Read once.

        Raises Problem unsupported_media_type, malformed_json, invalid_request.
        """
        if self._body is None:
            body = read_json(self.request)
            if not isinstance(body, dict):
                raise Problem("invalid_request", "the body is not a JSON object")
            self._body = body
        return self._body

    def get_exception_handler(self) -> Any:
        """Problems, whatever happens."""
        return exception_handler

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add where the caller stands with its limits."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.allowance is not None and "RateLimit-Limit" not in response:
            for name, value in self.allowance.headers().items():
                response[name] = value
        return response


class PublicView(ApiView):
    """Read by anybody; requests are counted by address."""

    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the request."""
        super().initial(request, *args, **kwargs)
        self.allowance = limits.take_public(client_ip(request))


class PrivateView(ApiView):
    """For an account: by a signed request or a browser's session, with the permission the method needs."""

    authentication_classes = [SignedRequest, BrowserSession]
    read_permission = READ
    write_permission = TRADE
    caller: Caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who is it, may they, how often, and for writes: was this very request received before."""
        super().initial(request, *args, **kwargs)
        try:
            caller = cast("Caller | None", request.auth)
            if caller is None:
                raise Problem("not_authenticated")
        except Problem:
            # Guessing keys is counted by address, before anything else is told.
            limits.take_public(client_ip(request))
            raise
        self.caller = caller
        if request.method in SAFE_METHODS:
            caller.require(self.read_permission)
            self.allowance = limits.take(f"account {caller.account_id}", limits.limit_of(caller.tier, "requests"))
        else:
            caller.require(self.write_permission)
            self.allowance = gate.admit(caller, units=self.units(request))

    def units(self, request: Request) -> int:
        """How much a write counts against the limit of orders."""
        return 1


def answer(data: Mapping[str, Any], *, status: int = 200, sequence: int | None = None) -> HttpResponse:
    """A JSON response; `sequence` is the journal's up to which the data is true.

    Django's own response, encoded here: DRF's would pass through templates and content negotiation, for one format.
    """
    response = raw(orjson.dumps(data), status=status)
    if sequence is not None:
        response.headers["X-Sequence"] = str(sequence)
    return response


def raw(body: bytes, *, status: int = 200) -> HttpResponse:
    """JSON that is encoded already."""
    return HttpResponse(body, status=status, content_type="application/json")
