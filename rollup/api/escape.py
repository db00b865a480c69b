"""Keys for escapes, for everybody: with keys made elsewhere no contract takes a proof.

Whoever fetches them while the exchange is well needs nothing of it when it is gone (`manage.py escape`).
"""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from accounts.api.base import PublicView
from accounts.api.openapi import documented
from rollup.api import pull_keys, schema
from rollup.prover.circuits import EXIT_PREFIX


class EscapeKeysView(PublicView):
    """/escape/keys"""

    @documented(
        "List the files of the key for escapes", answer=schema.SharedKeys, tags=["rollup"],
        operation="escape_keys_list",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Of the circuit whose proofs the contract pays after a freeze. Fetch them before you need them."""
        return pull_keys.list_keys(request, EXIT_PREFIX + settings.ROLLUP_PARAMETERS)


class EscapeKeyFileView(PublicView):
    """/escape/keys/{sha256}"""

    @documented(
        "Fetch a part of such a file", answer=OpenApiTypes.BINARY, status=206, media="application/octet-stream",
        tags=["rollup"], parameters=[schema.RANGE],
    )  # fmt: skip
    def get(self, request: Request, sha256: str) -> HttpResponse:
        """From the byte that Range names, 4 MiB at most whatever its end; Content-Range says which bytes they are."""
        return pull_keys.read_part(request, EXIT_PREFIX + settings.ROLLUP_PARAMETERS, sha256)
