"""Work for provers on other machines: they pull it, with a token, and hold nothing that would be missed."""

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PublicView, answer
from accounts.api.openapi import documented
from accounts.problems import Problem
from rollup import proving
from rollup.api import schema, shapes

WORKER_CHARACTERS_MAX = 100
PROOF_MS_MAX = 2**31 - 1
POINTS = 8
POINT_DIGITS_MAX = 78


class ProverView(PublicView):
    """For whoever has one of settings.PROVER_TOKENS; counted by address like all that comes without an account."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask for the token. Raises Problem invalid_token."""
        super().initial(request, *args, **kwargs)
        given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").encode()
        # All are compared, so that the time taken tells nothing.
        if not sum(secrets.compare_digest(given, token.encode()) for token in settings.PROVER_TOKENS):
            raise Problem("invalid_token")


class LeaseView(ProverView):
    """/prover/lease"""

    @documented(
        "Lease a block to prove", body=schema.LeaseRequest, answer=schema.LeaseAnswer, tags=["provers"],
        parameters=[schema.TOKEN],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """The oldest block that nobody proves; `task` is null when there is none."""
        query.read_query(request, {})
        body = _read(self.json_object(), "worker")
        worker = body["worker"]
        is_name = isinstance(worker, str) and 1 <= len(worker) <= WORKER_CHARACTERS_MAX and worker.isprintable()
        if not is_name:
            raise _invalid("worker", f"a name of 1 to {WORKER_CHARACTERS_MAX} characters")
        lease = proving.lease(worker=worker, is_ours=False)
        return answer({"task": None if lease is None else shapes.lease_json(lease)})


class RenewView(ProverView):
    """/prover/tasks/{block}/renew"""

    @documented(
        "Keep a lease", body=schema.RenewRequest, answer=schema.Taken, tags=["provers"], parameters=[schema.TOKEN]
    )
    def post(self, request: Request, block: int) -> HttpResponse:
        """The worker is alive and still at it."""
        query.read_query(request, {})
        number = _lease_number(block, _read(self.json_object(), "lease"))
        proving.renew(block=block, number=number)
        return answer({"block": block, "status": "renewed"})


class ReleaseView(ProverView):
    """/prover/tasks/{block}/release"""

    @documented(
        "Hand a block back", body=schema.RenewRequest, answer=schema.Taken, tags=["provers"], parameters=[schema.TOKEN]
    )
    def post(self, request: Request, block: int) -> HttpResponse:
        """The worker stops: the next one gets the block at once."""
        query.read_query(request, {})
        number = _lease_number(block, _read(self.json_object(), "lease"))
        proving.hand_back(block=block, number=number)
        return answer({"block": block, "status": "released"})


class TaskProofView(ProverView):
    """/prover/tasks/{block}/proof"""

    @documented(
        "Deliver a proof", body=schema.ProofRequest, answer=schema.Taken, tags=["provers"], parameters=[schema.TOKEN]
    )
    def post(self, request: Request, block: int) -> HttpResponse:
        """It is verified against exactly the public inputs that follow from the block's data."""
        query.read_query(request, {})
        body = _read(self.json_object(), "lease", "proof", "proof_ms")
        points, proof_ms = body["proof"], body["proof_ms"]
        is_proof = isinstance(points, list) and len(points) == POINTS and all(_is_number(point) for point in points)
        if not is_proof:
            raise _invalid("proof", f"{POINTS} integers as decimal text")
        if isinstance(proof_ms, bool) or not isinstance(proof_ms, int) or not 0 <= proof_ms <= PROOF_MS_MAX:
            raise _invalid("proof_ms", "milliseconds, an integer")
        number = _lease_number(block, body)
        proving.deliver(block=block, number=number, points=[int(point) for point in points], proof_ms=proof_ms)
        return answer({"block": block, "status": "proved"})


def _read(body: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in body.keys() - set(names):
        raise _invalid(name[:64], "no such field")
    for name in names:
        if name not in body:
            raise _invalid(name, "required")
    return body


def _lease_number(block: int, body: dict[str, Any]) -> int:
    """Of a lease that was given to a machine elsewhere. Raises Problem lease_lost too."""
    number = body["lease"]
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < 2**31:
        raise _invalid("lease", "the number of a lease")
    proving.check_outside(block=block, number=number)
    return number


def _is_number(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= POINT_DIGITS_MAX


def _invalid(name: str, sentence: str) -> Problem:
    return Problem("invalid_request", f"{name}: {sentence}", errors={name: sentence})
