"""A wallet in the browser (EIP-1193) for tests: signs with its key, asks a real chain, and can be unwilling."""

import json
from typing import Any

from eth_account import Account
from eth_utils import to_checksum_address
from playwright.sync_api import Page

from tests.chain_stack import ChainStack, RpcRefused

DECLINED, UNKNOWN_CHAIN = 4001, 4902
PROVIDER = """
{
  const heard = {};
  window.ethereum = {
    async request(asked) {
      const { result, error } = JSON.parse(await window.askWallet(JSON.stringify(asked)));
      if (error) throw Object.assign(new Error(error.message), error);
      return result;
    },
    on(name, tell) { (heard[name] ??= []).push(tell); },
    tell(name, what) { for (const one of heard[name] ?? []) one(what); },
  };
}
"""


class PageWallet:
    """`declines`: methods that its user says no to; `chain`: another chain than the real one, in hex, when set."""

    def __init__(self, stack: ChainStack, private_key: str) -> None:
        self.stack = stack
        self.key = Account.from_key(private_key)
        self.declines: set[str] = set()
        self.chain: str | None = None
        self.knows_chain = True
        self.sent: list[str] = []

    def install(self, page: Page) -> None:
        """For every page that is loaded from now on."""
        page.expose_function("askWallet", lambda text: json.dumps(self._answer(json.loads(text))))
        page.add_init_script(PROVIDER)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, parameters = asked["method"], asked.get("params", [])
        if method in self.declines:
            return {"error": {"code": DECLINED, "message": "User rejected the request."}}
        try:
            return {"result": self._do(method, parameters)}
        except RpcRefused as refused:
            return {"error": refused.error}

    def _do(self, method: str, parameters: list[Any]) -> Any:
        if method in ("eth_requestAccounts", "eth_accounts"):
            return [self.key.address.lower()]
        if method == "eth_chainId" and self.chain:
            return self.chain
        if method == "wallet_switchEthereumChain":
            if not self.knows_chain:
                raise RpcRefused({"code": UNKNOWN_CHAIN, "message": "Unrecognized chain ID."})
            self.chain = None
            return None
        if method == "eth_sendTransaction":
            return self._send(parameters[0])
        return self.stack.rpc(method, *parameters)

    def _send(self, asked: dict[str, str]) -> str:
        rpc = self.stack.rpc
        address, chain_id = self.key.address, int(rpc("eth_chainId"), 16)
        nonce = int(rpc("eth_getTransactionCount", address, "pending"), 16)
        frame = {"from": address, "to": asked["to"], "data": asked["data"], "value": asked.get("value", "0x0")}
        signed = self.key.sign_transaction(
            {
                "to": to_checksum_address(asked["to"]), "data": asked["data"], "value": int(frame["value"], 16),
                "nonce": nonce, "chainId": chain_id,
                "gas": int(rpc("eth_estimateGas", frame), 16) * 2, "gasPrice": int(rpc("eth_gasPrice"), 16) * 2,
            }
        )  # fmt: skip
        self.sent.append(rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))
        return self.sent[-1]
