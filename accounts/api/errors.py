"""Every exception of an API view becomes a problem document (RFC 9457). Nothing leaves as a stack trace."""

import logging
import uuid
from typing import Any

import orjson
import redis
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from psycopg_pool import PoolTimeout
from rest_framework import exceptions

from accounts import outcome
from accounts.problems import Problem
from matching.gateway import GatewayError

logger = logging.getLogger(__name__)
PROBLEM_JSON = "application/problem+json"

# First match counts, so narrow classes come before wide ones.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (RequestDataTooBig, "body_too_large"),
    (exceptions.ParseError, "malformed_json"),
    (exceptions.NotAuthenticated, "not_authenticated"),
    (exceptions.AuthenticationFailed, "not_authenticated"),
    (exceptions.PermissionDenied, "permission_denied"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.NotFound, "not_found"),
    (Http404, "not_found"),
    (BadRequest, "invalid_request"),
    (SuspiciousOperation, "invalid_request"),
    (UnreadablePostError, "overloaded"),  # it came too slowly, or its sender is gone
    (DataError, "invalid_request"),  # text that PostgreSQL cannot hold, NUL above all
    (OperationalError, "unavailable"),
    (InterfaceError, "unavailable"),
    (PoolTimeout, "unavailable"),
    (redis.RedisError, "unavailable"),
)


def problem_of(error: BaseException) -> Problem:
    """The problem an exception stands for; what nobody expected is logged and told by its request_id only.

    Of a request whose commands were executed nothing says that they were not.
    """
    problem = _problem_of(error)
    return outcome.told_after(problem) if outcome.is_answered() else problem


def _problem_of(error: BaseException) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, GatewayError):
        return Problem(error.code, headers={"Retry-After": "1"} if error.code == "overloaded" else None)
    for kind, code in _CODES:
        if isinstance(error, kind):
            if code == "unavailable":
                logger.warning("unavailable: %s", error)
            return Problem(code)
    request_id = uuid.uuid4().hex
    logger.error("internal error %s", request_id, exc_info=error)
    return Problem("internal_error", request_id=request_id)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's hook: the problem as a response."""
    response = response_of(problem_of(error))
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def response_of(problem: Problem) -> HttpResponse:
    """The problem document as a response."""
    response = HttpResponse(orjson.dumps(problem.document()), status=problem.status, content_type=PROBLEM_JSON)
    for name, value in problem.headers.items():
        response[name] = value
    if problem.status == 401:
        response["WWW-Authenticate"] = "PVX-HMAC-SHA256"
    return response
