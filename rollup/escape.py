"""Out of a frozen rollup without the exchange: the state from the chain's calldata, a proof, the contract's call.

Needs a node, the contract's address and the keys of the circuit for escapes, which the exchange hands to everybody
while it is there. Neither its database nor its journal is looked at.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from eth_account import Account
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import ContractLogicError
from web3.types import FilterParams

from rollup.client.calls import Reverted, contract, function, send
from rollup.prover.circuits import EXIT_PREFIX
from rollup.prover.proving import Proof, Prover
from rollup.prover.samples import sample_inputs
from rollup.state.exits import exit_inputs
from rollup.state.ledger import Ledger
from rollup.state.parameters import PARAMETERS, Parameters
from rollup.state.published import HEADER_WORDS, WORDS_PER_SLOT, apply_block

# Nodes answer for so many of the chain's blocks at a time.
SPAN: Final = 5_000
SELECTOR_BYTES, WORD_BYTES = 4, 32


ROLLUP: Final = [
    function("root", "", "uint256", "view"),
    function("escape_verifier", "", "address", "view"),
    function("escape", "uint256 uint256 uint256 uint256[8]"),
]
VERIFIER: Final = [function("verifyProof", "uint256[2] uint256[2][2] uint256[2] uint256[4]", "bool", "view")]
SUBMITTED: Final = "BlockSubmitted(uint256,uint256,uint256,uint256,uint256,uint256)"


class CannotEscape(Exception):
    """The text says why not, or not yet."""


class Escape(NamedTuple):
    """The arguments of the contract's `escape`: `amount` in atoms, `proof` as eight numbers."""

    account: int
    token: int
    amount: int
    proof: list[int]


class Frozen:
    """A rollup's contract at a node. `parameters`: the name of those it was deployed with."""

    def __init__(self, web3: Web3, address: str, parameters: str) -> None:
        self._web3 = web3
        self._parameters: Parameters = PARAMETERS[parameters]
        self._rollup = contract(web3, address, ROLLUP)

    def root(self, block: int | None = None) -> int:
        """The contract's, as of a block of the chain or of the head."""
        found: int = self._rollup.functions.root().call(block_identifier="latest" if block is None else block)
        return found

    def takes_keys(self, prover: Prover) -> bool:
        """Whether the contract's verifier takes proofs by these keys: told by one of a state that never was."""
        verifier = contract(self._web3, self._rollup.functions.escape_verifier().call(), VERIFIER)
        proof = prover.prove(sample_inputs(EXIT_PREFIX + self._parameters.name))
        try:
            return bool(verifier.functions.verifyProof(*_points(proof), proof.public).call())
        except ContractLogicError:
            return False

    def state(self, *, from_block: int = 0) -> Ledger:
        """All accounts as of the contract's root, from the calldata of its blocks.

        CannotEscape if they lead to another root; NotPublishedSo where they do not follow on each other.
        """
        ledger = Ledger(self._parameters, domain=0)
        head = self._web3.eth.block_number
        for tx_hash in self._submissions(from_block, head):
            apply_block(ledger, self._data(bytes(self._web3.eth.get_transaction(tx_hash)["input"])))
        if ledger.root != (root := self.root(head)):
            raise CannotEscape(f"the blocks lead to {ledger.root:#x}, and the contract has {root:#x}")
        return ledger

    def escape(self, prover: Prover, ledger: Ledger, account: int, token: int) -> Escape:
        """The proof of what an account has. CannotEscape if that is nothing, or there is no such account or token."""
        try:
            inputs = exit_inputs(ledger, account, token)
        except IndexError as error:
            raise CannotEscape(str(error)) from error
        if not inputs["amount"]:
            raise CannotEscape(f"account {account} has nothing of token {token}")
        return Escape(account, token, inputs["amount"], prover.prove(inputs).points)

    def send(self, escape: Escape, private_key: str) -> str:
        """Have the contract credit the account's owner, paying the gas with any key; the transaction's hash.

        CannotEscape with the contract's word if it refuses: not_frozen, escaped, wrong_proof.
        """
        try:
            return send(self._web3, Account.from_key(private_key), self._rollup.functions.escape(*escape))
        except Reverted as reverted:
            raise CannotEscape(str(reverted)) from reverted

    def _submissions(self, from_block: int, head: int) -> Iterator[HexBytes]:
        topic = Web3.keccak(text=SUBMITTED).to_0x_hex()
        for start in range(from_block, head + 1, SPAN):
            asked: FilterParams = {
                "address": self._rollup.address, "topics": [topic], "fromBlock": start,
                "toBlock": min(start + SPAN - 1, head),
            }  # fmt: skip
            for log in self._web3.eth.get_logs(asked):
                yield log["transactionHash"]

    def _data(self, called: bytes) -> list[int]:
        # The data come first in submit_block's arguments, all of them words.
        count = HEADER_WORDS + WORDS_PER_SLOT * self._parameters.slots
        words = range(SELECTOR_BYTES, SELECTOR_BYTES + count * WORD_BYTES, WORD_BYTES)
        return [int.from_bytes(called[at : at + WORD_BYTES], "big") for at in words]


def _points(proof: Proof) -> tuple[list[int], list[list[int]], list[int]]:
    a, b, c = proof.points[:2], proof.points[2:6], proof.points[6:]
    return a, [b[:2], b[2:]], c
