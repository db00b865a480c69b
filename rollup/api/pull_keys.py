"""Proving keys for provers on other machines, with their token: what there is, and its files in parts.

A part is a whole answer of bounded size, so however slow the other end reads, no thread and no file is held for it.
"""

import re
from typing import Final

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import answer
from accounts.api.openapi import documented
from accounts.problems import Problem
from rollup.api import schema, shapes
from rollup.api.pull import ProverView
from rollup.prover import sharing

_RANGE: Final = re.compile(r"bytes=([0-9]{1,15})-[0-9]{0,15}", re.ASCII)


class KeysView(ProverView):
    """/prover/keys"""

    @documented(
        "List the proving key's files", answer=schema.SharedKeys, tags=["provers"], parameters=[schema.TOKEN],
        operation="prover_keys_list",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Of the circuit that blocks are proven with; `fingerprint` is the sha256 of the key that verifies proofs."""
        return list_keys(request, settings.ROLLUP_PARAMETERS)


class KeyFileView(ProverView):
    """/prover/keys/{sha256}"""

    @documented(
        "Fetch a part of such a file", answer=OpenApiTypes.BINARY, status=206, media="application/octet-stream",
        tags=["provers"], parameters=[schema.TOKEN, schema.RANGE],
    )  # fmt: skip
    def get(self, request: Request, sha256: str) -> HttpResponse:
        """From the byte that Range names, 4 MiB at most whatever its end; Content-Range says which bytes they are."""
        return read_part(request, settings.ROLLUP_PARAMETERS, sha256)


def list_keys(request: Request, circuit: str) -> HttpResponse:
    """What there is of a circuit. Raises Problem keys_not_ready; no_chain where nobody will ever make them."""
    query.read_query(request, {})
    shared = sharing.shared_keys(circuit)
    if shared is None:
        raise Problem("keys_not_ready" if settings.CHAIN_RPC_URL else "no_chain")
    return answer(shapes.shared_keys_json(shared))


def read_part(request: Request, circuit: str, sha256: str) -> HttpResponse:
    """The part of a circuit's file that Range names. Raises Problem invalid_range, unknown_key_file."""
    query.read_query(request, {})
    asked = _RANGE.fullmatch(request.META.get("HTTP_RANGE", ""))
    if asked is None:
        raise Problem("invalid_range")
    start = int(asked[1])
    found = sharing.read_part(circuit, sha256, start)
    if found is None:
        raise Problem("unknown_key_file")
    part, size = found
    if not part:
        raise Problem("invalid_range", headers={"Content-Range": f"bytes */{size}"})
    where = f"bytes {start}-{start + len(part) - 1}/{size}"
    return HttpResponse(part, status=206, content_type="application/octet-stream", headers={"Content-Range": where})
