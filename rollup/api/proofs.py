"""Proofs of blocks and of balances, for everybody: what they speak of is published on the chain anyway."""

from functools import lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PublicView, answer
from accounts.api.openapi import CURSOR, LIMIT, documented
from accounts.api.paging import LIMIT_DEFAULT, encode_cursor
from accounts.problems import Problem
from rollup import explorer, proving, selectors
from rollup.api import schema, shapes
from rollup.prover import apart, keys
from wallets import selectors as wallets


class ProofsView(PublicView):
    """/proofs"""

    cache_s: ClassVar = 0.5

    @documented(
        "List proofs", answer=schema.ProofPage, parameters=[LIMIT, CURSOR], tags=["rollup"], operation="proofs_list"
    )
    def get(self, request: Request) -> HttpResponse:
        """Of blocks, newest first."""
        asked = query.read_query(request, query.PAGE)
        limit = asked["limit"] or LIMIT_DEFAULT
        blocks = explorer.list_blocks(before=asked["cursor"], limit=limit, is_proven=True)
        return answer(
            {
                "proofs": [shapes.proof_json(block.task) for block in blocks],
                "next_cursor": encode_cursor(blocks[-1].number) if len(blocks) == limit else None,
            }
        )


class ProofView(PublicView):
    """/proofs/{block}"""

    cache_s: ClassVar = 1.0

    @documented("Fetch a proof", answer=schema.ProofBody, tags=["rollup"])
    def get(self, request: Request, block: int) -> HttpResponse:
        """With public inputs and verification key, in the form of snarkjs, so that anybody can verify it."""
        query.read_query(request, {})
        found = explorer.get_block(block)
        if found.task.proof is None:
            raise Problem("not_proven")
        circuit = settings.ROLLUP_PARAMETERS
        return answer(shapes.whole_proof_json(found, proving.expected(found), circuit, _verification_key(circuit)))


class BalanceProofView(PublicView):
    """/l2/accounts/{number}/proof"""

    @documented("Prove a balance", answer=schema.BalanceProofBody, parameters=[schema.ASSET], tags=["rollup"])
    def get(self, request: Request, number: int) -> HttpResponse:
        """Merkle paths from a balance to the root that the contract has since the newest final block."""
        asked = query.read_query(request, {"asset": query.text(32)})
        if asked["asset"] is None:
            raise Problem("invalid_request", "asset: which one?", errors={"asset": "required"})
        asset = wallets.get_asset(code=asked["asset"])
        if not selectors.block_number("final"):
            raise Problem("no_final_block")
        try:
            proof = selectors.balance_proof(number, asset.id)
        except selectors.UnknownAccount as error:
            raise Problem("unknown_l2_account", str(error)) from None
        return answer(shapes.balance_proof_json(proof, asset.code, explorer.get_block(proof.block)))


def _verification_key(circuit: str) -> dict[str, Any] | None:
    files = keys.find(circuit)
    return None if files is None else _read_key(circuit, files.fingerprint)


@lru_cache(maxsize=2)
def _read_key(circuit: str, fingerprint: str) -> dict[str, Any]:
    return apart.verification_key(circuit)
