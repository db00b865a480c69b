"""Trade with a key of your own: make it, announce it, register it on the chain from your wallet, sign an order.

    PROVEX_URL=http://127.0.0.1:8000 PROVEX_KEY=… PROVEX_SECRET=… CHAIN_RPC_URL=http://127.0.0.1:8002 \
        WALLET_KEY=0x… KEY_FILE=rollup.key python docs/examples/self_custody.py

Run it from the repository: rollup/client signs. The API key needs the permissions read, trade and withdraw. WALLET_KEY
is the private key of an address that has gas and the contract's fee for a registration. KEY_FILE is made when it is
not there; it never leaves this machine, and who loses it can only leave by the contract. Started again, it goes on
where it was.

Beside `make run`: an account that money was paid to has a key of the exchange already, so take one without, and give
the address of WALLET_KEY gas. The account's money comes when the key is registered, which the first start does.

    manage.py demo_account carol --json
    curl localhost:8002 -H 'Content-Type: application/json' --data \\
        '{"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": ["0x…", "0xde0b6b3a7640000"]}'
    python docs/examples/self_custody.py
    manage.py demo_account carol --balance USDT=1000
    python docs/examples/self_custody.py
"""

import os
import secrets
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rollup.client import Exchange, Refused, Signer
from rollup.client.chain import Wallet


def secret_key(path: Path) -> bytes:
    """The 32 secret bytes, made once."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return bytes.fromhex(path.read_text())


def register(exchange: Exchange, secret: bytes, rpc_url: str, wallet_key: str) -> None:
    """Announce the key to the exchange, then register it on the chain, and wait until the exchange has read that."""
    terms = exchange.terms()
    signer, wallet = Signer(secret, terms), Wallet(rpc_url, wallet_key, terms)
    exchange.link(signer.link(wallet.address))
    wallet.register(signer.public)
    while exchange.terms()["nonce"] is None:
        time.sleep(1)


def main() -> None:
    env = os.environ
    exchange = Exchange(env["PROVEX_URL"], env["PROVEX_KEY"], env["PROVEX_SECRET"])
    secret = secret_key(Path(env.get("KEY_FILE", "rollup.key")))
    if exchange.terms()["nonce"] is None:
        register(exchange, secret, env["CHAIN_RPC_URL"], env["WALLET_KEY"])
    terms = exchange.terms()
    print(f"account {terms['account']} is number {terms['linked']['number']} of {terms['contract']}")
    signer = Signer(secret, terms)
    last = exchange.request("GET", "/api/v1/markets/BTC-USDT/ticker")["last"]
    price = str(int(last.split(".")[0]) * 9 // 10)  # it waits a tenth below the last price
    order = exchange.place(signer.order(market="BTC-USDT", side="buy", price=price, size="0.001"))
    print(f"order {order['id']} is {order['status']}")


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        raise SystemExit(str(refused)) from None
