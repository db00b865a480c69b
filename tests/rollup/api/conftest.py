"""The web process's own views, on rows that real provers and a real state made."""

from typing import Any

import pytest
from django.test import Client

from rollup.models import Block
from tests.rollup.made import Maker
from tests.rollup.provers import prover  # noqa: F401  a fixture
from wallets.models import Asset

TOKEN = "a-token-of-tests"


class Api:
    """Asks for JSON and gives status and body."""

    def __init__(self) -> None:
        self.client = Client()

    def get(self, path: str) -> tuple[int, Any]:
        """A public read."""
        response = self.client.get(f"/api/v1{path}")
        return response.status_code, response.json()

    def post(self, path: str, body: Any, *, token: str | None = TOKEN) -> tuple[int, Any]:
        """What a prover sends."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = self.client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)
        return response.status_code, response.json()


@pytest.fixture
def maker(db: None, redis_client: Any, settings: Any) -> Maker:
    settings.ROLLUP_PARAMETERS = "tiny"
    settings.PROVER_TOKENS = ["another", TOKEN]
    for number, code, scale in ((1, "BTC", 8), (2, "USDT", 6)):
        Asset.objects.create(id=number, code=code, scale=scale)
    return Maker()


@pytest.fixture
def api(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Answers are not kept from one test to the next."""
    from rollup.api.blocks import BlocksView, BlockTradesView, BlockView
    from rollup.api.proofs import ProofsView, ProofView

    for view in (BlocksView, BlockView, BlockTradesView, ProofsView, ProofView):
        monkeypatch.setattr(view, "cache_s", 0)
    return Api()


def finish(block: Block) -> None:
    """As if it were on the chain."""
    Block.objects.filter(number=block.number).update(
        status="final", l1_tx="0x" + "ab" * 32, l1_block=7, gas=400_000, final_at=block.sealed_at
    )
