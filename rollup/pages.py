"""What the explorer's pages need to begin with; what moves is asked for again from /api/v1/blocks."""

from typing import Any

from django.conf import settings

from orders import listing
from orders.api.market_shapes import trade_json
from rollup import explorer
from rollup.api import shapes
from rollup.prover import keys
from wallets import selectors as wallets

BLOCKS_SHOWN = 50
TRADES_SHOWN = 100


def block_list() -> dict[str, Any]:
    """The page of all blocks."""
    return {
        "blocks": [shapes.block_json(block) for block in explorer.list_blocks(limit=BLOCKS_SHOWN)],
        "backlog": shapes.backlog_json(explorer.backlog(), explorer.recent(), explorer.trouble()),
        "has_rollup": bool(settings.CHAIN_RPC_URL),
        "keys": _keys(),
    }


def block_page(number: int) -> dict[str, Any]:
    """The page of one block. Raises Problem unknown_block."""
    block = explorer.get_block(number)
    trades = []
    for trade in explorer.trades_of(block, limit=TRADES_SHOWN):
        market = listing.by_id(trade.market_id)
        trades.append(trade_json(trade, market) | {"market": market.symbol})
    return {
        "block": shapes.block_json(block),
        "prover": block.task.worker if block.task.proof is not None else None,
        "attempts": block.task.attempts,
        "slots": [shapes.slot_json(slot) for slot in explorer.readable_slots(block)],
        "trades": trades,
        "words": len(block.data),
        "explorer": settings.CHAIN_EXPLORER_URL,
    }


def custody_page() -> dict[str, Any]:
    """The page of keys of one's own: what can be traded, and paid in."""
    return {
        "symbols": [market.symbol for market in listing.all_markets()],
        "assets": [asset.code for asset in wallets.list_assets()],
        "has_test_funds": bool(settings.CHAIN_RPC_URL and settings.TEST_FUNDS),
    }


def _keys() -> str:
    """What is being done for proving keys that are not there yet; empty when they are."""
    circuit = settings.ROLLUP_PARAMETERS
    if not settings.CHAIN_RPC_URL or keys.is_ready(circuit):
        return ""
    return keys.progress(circuit) or "waiting for a prover to start"
