"""JSON in. Bodies are small trees of text, integers, true, false and null; amounts are text."""

from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from accounts.problems import Problem


def read_json(request: Request) -> Any:
    """The body as Python values; an empty one is an empty object.

    Raises Problem unsupported_media_type, malformed_json.

    orjson refuses NaN and makes floats of integers beyond 64 bits, which no field takes.
    """
    body = request.body
    if not body:
        return {}
    if (request.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("unsupported_media_type")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("malformed_json", str(error)) from None


class OnlyJson(BaseContentNegotiation):
    """Answers are JSON whatever Accept says: a client that reads none can do nothing with a 406 either."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """The one parser there is."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """The one renderer there is."""
        return renderers[0], renderers[0].media_type
