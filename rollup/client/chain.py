"""A user's own address on the chain: registers a key with the rollup's contract, pays in, and sees what arrived.

What Signer is for the exchange, this is for the contract. It needs web3, and a node.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3
from web3.contract.contract import ContractFunction

from rollup.client.calls import Reverted, contract, function, send
from rollup.state.published import slot_words
from rollup.state.slots import FORCED_EXIT, WITHDRAW

__all__ = ["Reverted", "Wallet"]

OP_MASK: Final = 15
ROLLUP: Final = [
    function("register", "uint256 uint256 address", "uint256", "payable"),
    function("registration_fee", "", "uint256", "view"),
    function("deposit", "uint256 uint256 uint256", "uint256"),
    function("claim", "uint256 uint256[2][] uint256[]"),
]
TOKEN: Final = [
    function("approve", "address uint256", "bool"),
    function("allowance", "address address", "uint256", "view"),
    function("balanceOf", "address", "uint256", "view"),
]


class Wallet:
    """An address, by its private key, at a node; `terms` as for Signer say which contract and which tokens."""

    def __init__(self, url: str, private_key: str | bytes, terms: Mapping[str, Any]) -> None:
        self._web3 = Web3(HTTPProvider(url))
        self._key: LocalAccount = Account.from_key(private_key)
        self._rollup = contract(self._web3, terms["contract"], ROLLUP)
        self._tokens = {token["asset"]: token for token in terms["tokens"]}
        self.address: str = self._key.address

    def register(self, key: tuple[int, int]) -> str:
        """Register a key (Signer.public) that was announced with this address as its owner; the transaction's hash.

        The exchange gives the account its number when the transaction is confirmed. Raises Reverted.
        """
        call = self._rollup.functions.register(*key, self.address)
        return self._send(call, value_wei=self._rollup.functions.registration_fee().call())

    def deposit(self, *, number: int, asset: str, amount: str) -> str:
        """Pay into the account with this number of the contract; the transaction's hash. Raises Reverted.

        ValueError for less than an atom.
        """
        known = self._tokens[asset]
        atoms = Fraction(amount) * 10 ** known["scale"]
        if atoms.denominator != 1:
            raise ValueError(f"{asset} has {known['scale']} decimals")
        token = contract(self._web3, known["address"], TOKEN)
        if token.functions.allowance(self.address, self._rollup.address).call() < atoms:
            self._send(token.functions.approve(self._rollup.address, atoms.numerator))
        return self._send(self._rollup.functions.deposit(number, known["token"], atoms.numerator))

    def claim(self, block: Mapping[str, Any]) -> str | None:
        """Have paid out what a final block (GET /api/v1/blocks/NUMBER) brought this address; the transaction's hash.

        Nobody else is needed for it. None when there is nothing. Raises Reverted, nothing_to_claim if all was paid.
        """
        slots = slot_words([int(word) for word in block["data"]])
        listed = [(word, third) for word, _, third in slots if word & OP_MASK in (WITHDRAW, FORCED_EXIT)]
        owned = int(self.address, 16)
        mine = [at for at, (word, third) in enumerate(listed) if (word & OP_MASK, third) == (WITHDRAW, owned)]
        return self._send(self._rollup.functions.claim(block["number"], listed, mine)) if mine else None

    def balance(self, asset: str, *, of: str | None = None) -> int:
        """What an address, else this one, has of an asset outside of the exchange, in atoms."""
        token = contract(self._web3, self._tokens[asset]["address"], TOKEN)
        found: int = token.functions.balanceOf(Web3.to_checksum_address(of or self.address)).call()
        return found

    def _send(self, call: ContractFunction, *, value_wei: int = 0) -> str:
        return send(self._web3, self._key, call, value_wei=value_wei)
