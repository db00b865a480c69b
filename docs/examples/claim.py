"""Have everything paid out that the rollup's contract owes an address, with nothing but a node: no exchange is asked.

    pip install web3
    WALLET_KEY=0x… python claim.py http://localhost:8002 CONTRACT ADDRESS [FIRST_BLOCK]

What a block of the rollup pays out is in the calldata that it was submitted with. This reads all of them from the
chain's FIRST_BLOCK on, finds what is ADDRESS's, and claims what was not paid yet: withdrawals to it, exits of accounts
that it owns, then bonds and escapes. WALLET_KEY is the private key of any address that has gas: what is claimed goes to
whom it belongs.
"""

import os
import sys
from collections.abc import Iterator

from eth_account import Account
from eth_typing import ChecksumAddress
from web3 import HTTPProvider, Web3

WITHDRAW, EXIT = 6, 9
COIN, TOKENS = 0, 256
HEAD, TAIL = 5, 9  # words of the calldata before the slots, and after them
SPAN = 5_000
SUBMITTED = Web3.keccak(text="BlockSubmitted(uint256,uint256,uint256,uint256,uint256,uint256)")


def function(name: str, inputs: str, output: str = "") -> dict[str, object]:
    kinds = [{"name": "", "type": kind} for kind in inputs.split()]
    outputs = [{"name": "", "type": output}] if output else []
    mutability = "view" if output else "nonpayable"
    return {"type": "function", "name": name, "stateMutability": mutability, "inputs": kinds, "outputs": outputs}


ABI = [
    function("payouts_of", "uint256", "uint256"),
    function("owner_of", "uint256", "address"),
    function("token_address", "uint256", "address"),
    function("claimable", "address uint256", "uint256"),
    function("claim", "uint256 uint256[2][] uint256[]"),
    function("collect", "address uint256"),
]


def blocks(web3: Web3, contract: ChecksumAddress, first: int) -> Iterator[tuple[int, list[list[int]]]]:
    """Each block's number and payouts: the first and third words of its withdrawals and exits."""
    head = web3.eth.block_number
    for start in range(first, head + 1, SPAN):
        end = min(start + SPAN - 1, head)
        for log in web3.eth.get_logs({"address": contract, "fromBlock": start, "toBlock": end, "topics": [SUBMITTED]}):
            data = bytes(web3.eth.get_transaction(log["transactionHash"])["input"])[4:]
            words = [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)][HEAD:-TAIL]
            slots = [words[at : at + 3] for at in range(0, len(words), 3)]
            yield int.from_bytes(log["topics"][1], "big"), [[w, r] for w, _, r in slots if w & 15 in (WITHDRAW, EXIT)]


def main() -> None:
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    web3 = Web3(HTTPProvider(sys.argv[1]))
    contract = web3.eth.contract(address=Web3.to_checksum_address(sys.argv[2]), abi=ABI)
    mine, key = Web3.to_checksum_address(sys.argv[3]), Account.from_key(os.environ["WALLET_KEY"])
    views = contract.functions

    def is_mine(word: int, recipient: int) -> bool:
        if word & 15 == WITHDRAW:
            return recipient == int(mine, 16)
        return bool(views.owner_of(word >> 4 & 2**24 - 1).call() == mine)

    def send(call: object, what: str) -> None:
        built = call.build_transaction(  # type: ignore[attr-defined]
            {"from": key.address, "nonce": web3.eth.get_transaction_count(key.address)}
        )
        sent = web3.eth.send_raw_transaction(key.sign_transaction(built).raw_transaction)
        if not web3.eth.wait_for_transaction_receipt(sent)["status"]:
            sys.exit(f"{what}: the transaction {sent.to_0x_hex()} failed")
        print(what)

    for number, payouts in blocks(web3, contract.address, int(sys.argv[4]) if len(sys.argv) > 4 else 0):
        paid = views.payouts_of(number).call() if payouts else 0
        due = [at for at, payout in enumerate(payouts) if not paid >> at & 1 and is_mine(*payout)]
        if due:
            send(views.claim(number, payouts, due), f"block {number}: claimed {len(due)} of {len(payouts)} payouts")
    for token in [COIN, *(at for at in range(1, TOKENS) if int(views.token_address(at).call(), 16))]:
        if amount := views.claimable(mine, token).call():
            send(views.collect(mine, token), f"collected {amount} of token {token}")


if __name__ == "__main__":
    main()
