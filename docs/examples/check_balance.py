"""Check that the rollup's contract commits to a balance, with nothing of the exchange but its answer.

    pip install light-poseidon        # which has wheels for Python 3.11 on Linux
    python check_balance.py http://localhost:8000 ACCOUNT ASSET [http://localhost:8002 CONTRACT]

ACCOUNT is a number of the rollup. With a node's address and the contract's, its root is asked of the chain as well.
The wallet page shows your number and the contract; ASSET is a code such as BTC.
"""

import json
import sys
import urllib.request

from light_poseidon_python import Hasher


def poseidon(elements: list[str]) -> int:
    return int(Hasher(len(elements)).hash_bytes_be([int(one).to_bytes(32, "big") for one in elements]), 16)


def root_of(leaf: int, index: int, path: list[list[str]]) -> int:
    for children in path:
        assert int(children[index % 4]) == leaf, "the path does not lead from this leaf"
        leaf, index = poseidon(children), index // 4
    return leaf


if len(sys.argv) not in (4, 6):
    sys.exit(__doc__)
site, account, asset, *chain = sys.argv[1:]
proof = json.load(urllib.request.urlopen(f"{site}/api/v1/l2/accounts/{account}/proof?asset={asset}"))
balances = root_of(int(proof["balance"]), proof["token"], proof["balance_path"])
leaf = poseidon([*proof["key"], proof["nonce"], str(balances), proof["order_root"]])
assert root_of(leaf, int(account), proof["account_path"]) == int(proof["root"]), "the path leads to another root"
print(f"account {account} has {proof['balance']} atoms of {asset} in the state with root {proof['root']}")
if chain:
    call = [{"to": chain[1], "data": "0xebf0c717"}, hex(proof["l1_block"])]  # root(), when the block had been taken
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": call}).encode()
    request = urllib.request.Request(chain[0], body, {"Content-Type": "application/json"})
    root = int(json.load(urllib.request.urlopen(request))["result"], 16)
    assert root == int(proof["root"]), "the contract has another root"
    print("which is the contract's")
