"""The short way of API requests: past sessions, CSP and the rest, which pages need and programs pay for.

Stands first in MIDDLEWARE. What API paths do need happens here: the size of the body, one answer for an
unknown address, two headers, metrics, and a cache of public reads for a moment, as bytes.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, get_resolver
from prometheus_client import Histogram

from accounts import limits, outcome
from accounts.api import errors
from accounts.api.answers import Answers
from accounts.api.authentication import client_ip
from accounts.binance import errors as binance
from accounts.problems import Problem

PREFIXES = ("/api/", "/sapi/")
# Where errors are told as clients of Binance know them.
BINANCE = ("/api/v3/", "/sapi/")
# Pages for people: they need the headers and files of the long way.
PAGES = ("/api/v1/docs",)

METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
SECONDS = Histogram(
    "provex_api_seconds", "Time to answer an API request", ["view", "method", "status"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)  # fmt: skip


class ApiLane:
    """Middleware that answers API requests itself and passes everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        # Views say for how long by `cache_s`.
        self.answers = Answers()
        self.matches: dict[str, ResolverMatch] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer an API request, or pass the request on."""
        path = request.path_info
        if not path.startswith(PREFIXES) or path.startswith(PAGES):
            return self.get_response(request)
        started = time.perf_counter()
        outcome.begin()
        try:
            view, response = self._answer(request)
        except Exception as error:
            view, response = "none", _refusal(path, error)
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        # A refusal is an answer; what is an error of ours was logged with its trace. Django's handler asks for this.
        response._has_been_logged = True  # type: ignore[attr-defined]
        # Without it the server would send in chunks.
        response["Content-Length"] = str(len(response.content))
        # Clients choose the method's text; each label would be kept for ever.
        method = request.method if request.method in METHODS else "other"
        SECONDS.labels(view, method, response.status_code).observe(time.perf_counter() - started)
        return response

    def _answer(self, request: HttpRequest) -> tuple[str, HttpResponse]:
        if request.method == "GET":
            cached = self.answers.get(request.get_full_path())
            if cached is not None:
                allowance = limits.take_public(client_ip(request))
                return "cached", HttpResponse(cached, content_type="application/json", headers=allowance.headers())
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise Problem("length_required")
        if _declared_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise Problem("body_too_large")
        match = self._match(request.path_info)
        request.resolver_match = match
        response = match.func(request, *match.args, **match.kwargs)
        if callable(getattr(response, "render", None)):
            response = response.render()
        cache_s = getattr(getattr(match.func, "cls", None), "cache_s", 0)
        if cache_s and request.method == "GET" and response.status_code == 200:
            self.answers.keep(request.get_full_path(), response.content, cache_s)
        return match.url_name or "unnamed", response

    def _match(self, path: str) -> ResolverMatch:
        match = self.matches.get(path)
        if match is None:
            try:
                match = get_resolver().resolve(path)
            except Resolver404:
                raise Problem("not_found") from None
            # Addresses without a parameter: few, and most of the traffic.
            if not match.kwargs:
                self.matches[path] = match
        return match


def _refusal(path: str, error: Exception) -> HttpResponse:
    problem = errors.problem_of(error)
    if path.startswith(BINANCE):
        return binance.response_of(binance.refusal_of(problem))
    return errors.response_of(problem)


def _declared_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    # A length that is no number is left to the server in front, which refuses it.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
