"""Scenario backend for order entry over a socket: requests go through the trader's own socket, reads as over REST."""

from typing import Any

from tests.api.dsl_http import HttpDriver
from tests.api.operator import Operator
from tests.sockets.client import Client


class SocketDriver(HttpDriver):
    """HttpDriver whose traders write over WebSocket."""

    def __init__(self, base_url: str, socket_url: str, operator: Operator, market: int) -> None:
        super().__init__(base_url, operator, market)
        self.socket_url = socket_url
        self.sockets: dict[str, Client] = {}

    def close(self) -> None:
        for client in self.sockets.values():
            client.socket.close()
        super().close()

    def socket(self, who: str) -> Client:
        if who not in self.sockets:
            trader = self.trader(who)
            self.sockets[who] = Client(self.socket_url)
            self.sockets[who].auth({"key": trader.key, "secret": trader.secret})
        return self.sockets[who]

    def ask(self, who: str, op: str, params: dict[str, Any]) -> tuple[dict[str, Any], str]:
        reply = self.socket(who).ask(op, params=params)
        return (reply["result"], "") if reply["status"] == "ok" else ({}, reply["error"]["code"])
