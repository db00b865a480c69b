"""JSON in and out. Bodies are small trees of text, integers, true, false and null; amounts are text."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from accounts.problems import Problem


class JsonParser(BaseParser):
    """Reads a JSON body. orjson refuses NaN and makes floats of integers beyond 64 bits, which no field takes."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as Python values. Raises Problem malformed_json."""
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise Problem("malformed_json", str(error)) from None


class OnlyJson(BaseContentNegotiation):
    """Answers are JSON whatever Accept says: a client that reads none can do nothing with a 406 either."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """The JSON parser for application/json with any parameters, else none, which makes a 415."""
        content_type = request.content_type.partition(";")[0].strip().lower()
        return parsers[0] if content_type == "application/json" else None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """The one renderer there is."""
        return renderers[0], renderers[0].media_type
