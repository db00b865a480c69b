"""Blocks, for everybody."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PublicView, answer
from accounts.api.openapi import CURSOR, LIMIT, documented
from accounts.api.paging import LIMIT_DEFAULT, encode_cursor, next_cursor
from orders import listing
from orders.api.market_shapes import trade_json
from rollup import explorer
from rollup.api import schema, shapes


class BlocksView(PublicView):
    """/blocks"""

    cache_s: ClassVar = 0.5

    @documented(
        "List blocks", answer=schema.BlockPage, parameters=[LIMIT, CURSOR], tags=["rollup"], operation="blocks_list"
    )
    def get(self, request: Request) -> HttpResponse:
        """Newest first, with what waits for provers and for the chain."""
        asked = query.read_query(request, query.PAGE)
        limit = asked["limit"] or LIMIT_DEFAULT
        blocks = explorer.list_blocks(before=asked["cursor"], limit=limit)
        return answer(
            {
                "blocks": [shapes.block_json(block) for block in blocks],
                "backlog": shapes.backlog_json(explorer.backlog(), explorer.recent(), explorer.trouble()),
                "next_cursor": encode_cursor(blocks[-1].number) if len(blocks) == limit else None,
            }
        )


class BlockView(PublicView):
    """/blocks/{number}"""

    cache_s: ClassVar = 0.5

    @documented("Fetch a block", answer=schema.BlockBody, tags=["rollup"])
    def get(self, request: Request, number: int) -> HttpResponse:
        """With its slots in words, and the words that were published of it."""
        query.read_query(request, {})
        block = explorer.get_block(number)
        slots = [shapes.slot_json(slot) for slot in explorer.readable_slots(block)]
        return answer(shapes.block_json(block) | {"slot_list": slots, "data": block.data, "h": str(block.h)})


class BlockTradesView(PublicView):
    """/blocks/{number}/trades"""

    cache_s: ClassVar = 0.5

    @documented("Trades of a block", answer=schema.BlockTradePage, parameters=[LIMIT, CURSOR], tags=["rollup"])
    def get(self, request: Request, number: int) -> HttpResponse:
        """All trades that the block settles, of all markets, newest first."""
        asked = query.read_query(request, query.PAGE)
        limit = asked["limit"] or LIMIT_DEFAULT
        trades = explorer.trades_of(explorer.get_block(number), before_id=asked["cursor"], limit=limit)
        shaped = []
        for trade in trades:
            market = listing.by_id(trade.market_id)
            shaped.append(trade_json(trade, market) | {"market": market.symbol})
        return answer({"trades": shaped, "next_cursor": next_cursor(trades, limit)})
