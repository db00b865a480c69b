"""The rollup's contract in process: its real bytecode in py-evm, with people, tokens and a verifier to be told.

Rules other than the proof's are tested with a verifier that says what it is told to; test_proofs.py has real ones.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boa
import pytest
from boa import BoaError
from boa.contracts.abi.abi_contract import ABIContract, ABIContractFactory
from eth.exceptions import Revert
from eth_abi import decode, encode

from rollup import compiling
from rollup.calldata import submit_arguments
from rollup.compiling import Compiled
from rollup.deployment import empty_root
from rollup.state.babyjubjub import BASE, Point, multiply
from rollup.state.parameters import TINY, Parameters
from rollup.state.slots import Slot, words
from wallets.chain.payouts import Payout, of_slots

HERE: Final = Path(__file__).parent
WINDOW_S: Final = 7 * 86_400
TIMELOCK_S: Final = 8 * 86_400
BOND: Final = 10**16
FEE: Final = 10**15
PENDING_MAX: Final = 6
MINIMUM: Final = 100
NO_PROOF: Final = [1] * 8
RICH: Final = 2**97
# Of Solidity's Error(string), which Vyper's reasons come in.
ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")


def key(number: int) -> Point:
    """A key of its own for each number >= 1."""
    return multiply(BASE, number)


def put(code: Compiled, *args: Any, name: str = "contract") -> ABIContract:
    """Deploy compiled code in the process's chain."""
    constructor = next((entry for entry in code.abi if entry["type"] == "constructor"), {"inputs": []})
    arguments = encode([entry["type"] for entry in constructor["inputs"]], args)
    address, _ = boa.env.deploy_code(bytecode=bytes.fromhex(code.bytecode[2:]) + arguments)
    return ABIContractFactory.from_abi_dict(code.abi, name=name).at(address)


def source(name: str, **modules: str) -> Compiled:
    """Compile a contract of these tests."""
    texts = {f"{module}.vy": text for module, text in modules.items()}
    return compiling.compiled((HERE / name).read_text(), modules=texts)


def switch(inputs: int) -> ABIContract:
    """A verifier that says what it is told to, yes at first."""
    return put(source("switch_verifier.vy", inputs=f"INPUTS: constant(uint256) = {inputs}\n"), name="verifier")


@contextmanager
def reverts(reason: str) -> Iterator[None]:
    """See a call refused with exactly this reason; "" for what has none, like a subtraction below zero."""
    with pytest.raises((BoaError, Revert)) as caught:
        yield
    error = caught.value
    # A deployment's own error comes as it is.
    output = error.args[0] if isinstance(error, Revert) else error.call_trace.computation.output
    said = decode(["string"], output[4:])[0] if output[:4] == ERROR_SELECTOR else output.hex()
    assert said == reason


class World:
    """A fresh contract; `owner` administers it, `operator` runs it, `alice` and `bob` are customers."""

    def __init__(self, parameters: Parameters = TINY) -> None:
        self.parameters = parameters
        # By block: what it pays out, as everybody reads it from its data.
        self.payouts: dict[int, list[Payout]] = {}
        self.owner, self.operator, self.alice, self.bob = (boa.env.generate_address() for _ in range(4))
        for person in (self.owner, self.operator, self.alice, self.bob):
            boa.env.set_balance(person, 10**20)
        with boa.env.prank(self.owner):
            self.rollup = put(
                compiling.rollup_contract(parameters), self.operator, empty_root(parameters), WINDOW_S, TIMELOCK_S,
                BOND, PENDING_MAX, FEE, name="rollup",
            )  # fmt: skip
            self.verifier, self.escape_verifier = switch(3), switch(4)
            self.rollup.set_verifiers(self.verifier.address, self.escape_verifier.address)
            self.tokens = {number: self.mintable(f"T{number}") for number in (1, 2)}
            for number, token in self.tokens.items():
                self.rollup.add_token(number, token.address, MINIMUM)
        for token in self.tokens.values():
            self.give(token, self.alice)

    def mintable(self, symbol: str) -> ABIContract:
        """A token whose minter is the owner."""
        return put(compiling.mintable_token(), symbol, symbol, 18, self.owner, name=symbol)

    def give(self, token: ABIContract, person: str, amount: int = RICH) -> None:
        """Tokens for a person, which the rollup may take."""
        with boa.env.prank(self.owner):
            token.mint(person, amount)
        with boa.env.prank(person):
            token.approve(self.rollup.address, 2**256 - 1)

    def by(self, person: str, function: str, *args: Any, value: int = 0) -> Any:
        """Call the rollup as a person."""
        with boa.env.prank(person):
            return getattr(self.rollup, function)(*args, **({"value": value} if value else {}))

    def refused(self, reason: str, person: str, function: str, *args: Any, value: int = 0) -> None:
        """Call the rollup as a person, see it refused for this reason, and nothing changed."""
        before = self.snapshot()
        with reverts(reason):
            self.by(person, function, *args, value=value)
        assert self.snapshot() == before

    def register(self, number: int = 1, person: str | None = None) -> int:
        """Open an account with the key of this number."""
        person = person or self.alice
        return self.by(person, "register", *key(number), person, value=FEE)

    def deposit(self, account: int = 1, token: int = 1, amount: int = 1_000) -> int:
        """Alice pays into an account. Returns the entry's index."""
        return self.by(self.alice, "deposit", account, token, amount)

    def exit(self, account: int = 1, token: int = 1, person: str | None = None) -> int:
        """An account's owner wants out. Returns the entry's index."""
        return self.by(person or self.alice, "request_exit", account, token, value=BOND)

    def data(self, slots: Sequence[Slot] = (), **head: int) -> list[int]:
        """The next block's data, with these slots in front of noops. `head` changes words 0 to 4 by their names."""
        filled = [*slots, *[Slot()] * (self.parameters.slots - len(slots))]
        right = {
            "domain": self.rollup.DOMAIN(), "old_root": self.rollup.root(), "new_root": self.rollup.root() + 1,
            "timestamp": boa.env.timestamp, "number": self.rollup.block_number() + 1,
        }  # fmt: skip
        return [*(right | head).values(), *(word for slot in filled for word in words(slot))]

    def submit(self, *slots: Slot, **head: int) -> None:
        """Submit the next block."""
        number = self.rollup.block_number() + 1
        self.by(self.operator, "submit_block", *submit_arguments(self.data(slots, **head), 7, NO_PROOF))
        self.payouts[number] = of_slots([words(slot) for slot in slots])

    def block_refused(self, reason: str, *slots: Slot, **head: int) -> None:
        """Submit a block, see it refused, and nothing changed."""
        arguments = submit_arguments(self.data(slots, **head), 7, NO_PROOF)
        self.refused(reason, self.operator, "submit_block", *arguments)

    def claim_of(self, *positions: int, number: int | None = None) -> tuple[int, list[list[int]], list[int]]:
        """The arguments that claim these payouts of a block, by default of the last one."""
        number = self.rollup.block_number() if number is None else number
        return number, [list(payout) for payout in self.payouts[number]], list(positions)

    def wait(self, seconds: int) -> None:
        """Time passes."""
        boa.env.time_travel(seconds=seconds)

    def freeze(self) -> None:
        """The exchange, whose queue has an entry waiting, does nothing for too long."""
        self.wait(WINDOW_S + 1)
        self.by(self.bob, "freeze")

    def snapshot(self) -> list[Any]:
        """All that a refused call must leave as it was."""
        rollup = self.rollup
        views = [
            rollup.root(), rollup.block_number(), rollup.timestamp(), rollup.next_account(), rollup.queue_length(),
            rollup.next_entry(), rollup.pending(), rollup.paused(), rollup.is_frozen(), rollup.owner(),
            rollup.pending_owner(), rollup.operator(), rollup.block_verifier(), rollup.escape_verifier(),
            rollup.verifiers_usable_from(), rollup.registration_fee(), boa.env.get_balance(rollup.address),
        ]  # fmt: skip
        views += [rollup.entries(index) for index in range(1, rollup.queue_length() + 2)]
        views += [rollup.payouts_of(number) for number in range(1, rollup.block_number() + 2)]
        views += [rollup.owner_of(account) for account in range(rollup.next_account() + 1)]
        for token in (0, 1, 2, 3):
            views += [rollup.locked(token), rollup.token_address(token)]
            views += [rollup.claimable(person, token) for person in (self.operator, self.alice, self.bob)]
            views += [rollup.pending_exit(1, token), rollup.escaped(1, token)]
        return [*views, *(token.balanceOf(rollup.address) for token in self.tokens.values())]

    def check_backing(self) -> None:
        """The contract holds, to the atom, what it owes: what it has locked and what is claimable."""
        people = (self.owner, self.operator, self.alice, self.bob)
        for number, token in self.tokens.items():
            owed = self.rollup.locked(number) + sum(self.rollup.claimable(person, number) for person in people)
            assert token.balanceOf(self.rollup.address) == owed
