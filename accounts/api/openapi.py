"""What the OpenAPI document needs beyond the views: problems, security schemes, fields of our own.

The serializers here and beside the views describe; reading is done by plain functions (orders/requests.py),
since a serializer costs more than the rest of placing an order. Tests hold both together.
"""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers

from accounts.problems import PROBLEMS

DECIMAL_PATTERN = r"^-?[0-9]+(\.[0-9]+)?$"


@extend_schema_field({"type": "string", "pattern": DECIMAL_PATTERN, "maxLength": 60, "example": "0.015"})
class DecimalText(serializers.CharField):
    """An amount or a price."""


@extend_schema_field({"type": "integer", "format": "int64", "description": "Milliseconds since the epoch."})
class Milliseconds(serializers.IntegerField):
    """A time."""


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.ChoiceField(choices=sorted(PROBLEMS))
    errors = serializers.DictField(  # type: ignore[assignment]  # the document's member has the name of DRF's property
        child=serializers.CharField(), required=False, help_text="By field, what is wrong."
    )
    sequence = serializers.IntegerField(required=False, help_text="Of the refused command in the journal.")
    request_id = serializers.CharField(required=False)
    time = Milliseconds(required=False, help_text="The exchange's clock.")


LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100})
CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before.")
MIN_SEQUENCE = OpenApiParameter(
    "X-Min-Sequence", OpenApiTypes.INT64, OpenApiParameter.HEADER,
    description="Wait up to 250 ms until the answer is true as of this sequence; X-Sequence tells how far it is.",
)  # fmt: skip


def documented(
    summary: str, *, answer: Any, status: int = 200, body: Any = None, parameters: Sequence[OpenApiParameter] = (),
    tags: Sequence[str] = (), operation: str | None = None, media: str = "application/json",
) -> Callable[[Any], Any]:  # fmt: skip
    """Describe one method of a view. Every method may answer with a problem."""
    return extend_schema(
        summary=summary, request=body, parameters=list(parameters), tags=list(tags) or None, operation_id=operation,
        responses={(status, media): answer, ("default", "application/problem+json"): ProblemSerializer},
    )  # fmt: skip


class SignedRequestScheme(OpenApiAuthenticationExtension):
    """The signature's headers."""

    target_class = "accounts.api.authentication.SignedRequest"
    name = ["key", "timestamp", "signature"]

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Three headers that go together."""
        described = {
            "PVX-KEY": "The API key.",
            "PVX-TIMESTAMP": "Milliseconds since the epoch.",
            "PVX-SIGN": "Hex HMAC-SHA256 of `timestamp\\nMETHOD\\npath?query\\nbody` under the secret; docs/api.md.",
        }
        return [
            {"type": "apiKey", "in": "header", "name": name, "description": text} for name, text in described.items()
        ]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        """All three at once."""
        return {name: [] for name in self.name}


class BrowserSessionScheme(OpenApiAuthenticationExtension):
    """The session cookie."""

    target_class = "accounts.api.authentication.BrowserSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> Any:
        """A cookie; writes need X-CSRFToken too."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Writes need X-CSRFToken too."}
