"""Calls of contracts by somebody's own key, at a node: their ABI in few words, and a transaction that is waited for."""

from typing import Any, Final, cast

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.exceptions import ContractLogicError
from web3.types import TxParams, Wei

# Transactions on a busy chain take minutes.
MINED_S_MAX: Final = 600
POLL_S: Final = 0.1


class Reverted(Exception):
    """The contract refuses a call; the text is its word, like key_off_curve."""


def function(name: str, inputs: str, outputs: str = "", mutability: str = "nonpayable") -> dict[str, Any]:
    """A function for an ABI; its types are told with blanks between them."""
    return {
        "type": "function", "name": name, "stateMutability": mutability,
        "inputs": [{"name": "", "type": kind} for kind in inputs.split()],
        "outputs": [{"name": "", "type": kind} for kind in outputs.split()],
    }  # fmt: skip


def contract(web3: Web3, address: str, abi: list[dict[str, Any]]) -> Contract:
    """The contract at an address, in any case of its letters."""
    return web3.eth.contract(address=Web3.to_checksum_address(address), abi=abi)


def send(web3: Web3, key: LocalAccount, call: ContractFunction, *, value_wei: int = 0) -> str:
    """Sign a call, send it, and wait until it is mined; the transaction's hash. Raises Reverted."""
    nonce = web3.eth.get_transaction_count(key.address, "pending")
    frame: TxParams = {"from": key.address, "nonce": nonce, "value": Wei(value_wei)}
    try:
        built = call.build_transaction(frame)
    except ContractLogicError as error:
        raise Reverted(str(error.message).removeprefix("execution reverted: ")) from error
    sent = web3.eth.send_raw_transaction(key.sign_transaction(cast(dict[str, Any], built)).raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=MINED_S_MAX, poll_latency=POLL_S)
    if not receipt["status"]:
        raise Reverted(f"{sent.to_0x_hex()} failed in block {receipt['blockNumber']}")
    return sent.to_0x_hex()
