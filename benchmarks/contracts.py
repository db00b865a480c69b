"""Contracts: gas of a settled block, of the ways in and out, by real transactions on anvil.

The verifier and the proofs are real; the circuit proves only the binding of a block's data (the rest of it costs no
gas), so that keys for any shape of block are made within seconds.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
django.setup()

import groth16py  # noqa: E402  Django's settings come first
from web3 import HTTPProvider, Web3  # noqa: E402

from exchange import anvil  # noqa: E402
from exchange.devchain import DevChain  # noqa: E402
from exchange.embedded import private_tmp  # noqa: E402
from rollup import compiling  # noqa: E402
from rollup.calldata import submit_arguments  # noqa: E402
from rollup.deployment import EXIT_BOND_WEI, REGISTRATION_FEE_WEI, constructor_arguments  # noqa: E402
from rollup.prover.circuits import SOURCES  # noqa: E402
from rollup.state.babyjubjub import BASE, Point, multiply  # noqa: E402
from rollup.state.binding import commitment, gamma  # noqa: E402
from rollup.state.parameters import DEV, TINY, Parameters  # noqa: E402
from rollup.state.slots import DEPOSIT, FORCED_EXIT, NET, SET_KEY, WITHDRAW, Slot, words  # noqa: E402
from wallets.chain.payouts import of_slots  # noqa: E402

Row = tuple[str, str, str]

PORT: Final = 28545
OWNER: Final = Web3.to_checksum_address("0x" + "0a" * 20)
AMOUNT: Final = 10**9
TARGET: Final = "<= 300,000"
POLL_S: Final = 0.01
GAS_OF_A_BYTE: Final = (4, 16)  # zero, any other


class Bound:
    """A rollup on the chain, and a prover for the binding of its blocks' data."""

    def __init__(self, web3: Web3, place: Path, parameters: Parameters) -> None:
        self.web3, self.parameters = web3, parameters
        self.key, source = _binding(place, 5 + 3 * parameters.slots)
        rollup = compiling.rollup_contract(parameters)
        self.rollup = self._deploy(rollup, *constructor_arguments(parameters, OWNER))
        verifier = self._deploy(compiling.verifier(source))
        self.send(self.rollup.functions.set_verifiers(verifier.address, verifier.address))
        self.token = self._deploy(compiling.mintable_token(), "T", "T", 18, OWNER)
        self.send(self.rollup.functions.add_token(1, self.token.address, 1))
        self.send(self.token.functions.mint(OWNER, 2**90))
        self.send(self.token.functions.approve(self.rollup.address, 2**256 - 1))

    def _deploy(self, code: compiling.Compiled, *arguments: Any) -> Any:
        factory = self.web3.eth.contract(abi=code.abi, bytecode=code.bytecode)
        receipt = self.web3.eth.wait_for_transaction_receipt(factory.constructor(*arguments).transact({"from": OWNER}))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=code.abi)

    def send(self, call: Any, value: int = 0) -> int:
        """The gas that a call used."""
        sent = call.transact({"from": OWNER, "value": value})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=POLL_S)
        assert receipt["status"]
        return receipt["gasUsed"]

    def submit(self, slots: Sequence[Slot]) -> tuple[int, int]:
        """Prove and submit a block of these slots; the gas it used in all, and of that for its calldata."""
        rollup = self.rollup.functions
        filled = [*slots, *[Slot()] * (self.parameters.slots - len(slots))]
        root, now = rollup.root().call(), self.web3.eth.get_block("latest")["timestamp"]
        data = [rollup.DOMAIN().call(), root, root + 1, now, rollup.block_number().call() + 1]
        data += [word for slot in filled for word in words(slot)]
        h = commitment(data)
        point = gamma(self.web3.eth.chain_id, int(self.rollup.address, 16), h, data)
        proof = groth16py.prove(self.key, {"data": data, "gamma": point})
        points = [int.from_bytes(proof[at : at + 32], "big") for at in range(0, 256, 32)]
        call = rollup.submit_block(*submit_arguments(data, h, points))
        calldata = bytes.fromhex(call._encode_transaction_data()[2:])
        return self.send(call), sum(GAS_OF_A_BYTE[byte > 0] for byte in calldata)


@contextmanager
def rollups(port: int) -> Iterator[tuple[Bound, Bound]]:
    """Rollups of the parameters tiny and dev, on a chain of their own."""
    root = Path(tempfile.mkdtemp(prefix="b", dir=private_tmp()))
    chain = DevChain(root / "chain", port, anvil.program(os.environ))
    chain.start()
    try:
        chain.rpc("anvil_setBalance", OWNER, hex(10**24))
        chain.rpc("anvil_impersonateAccount", OWNER)
        web3 = Web3(HTTPProvider(chain.url))
        yield Bound(web3, root, TINY), Bound(web3, root, DEV)
    finally:
        chain.stop()
        shutil.rmtree(root, ignore_errors=True)


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    with rollups(PORT) as (tiny, dev):
        return _rows(tiny, dev)


def _rows(tiny: Bound, dev: Bound) -> list[Row]:
    rows: list[Row] = []
    count, rollup = DEV.slots, dev.rollup.functions
    registering = dev.send(rollup.register(*key(1), OWNER), REGISTRATION_FEE_WEI)
    batch = dev.send(rollup.register_many([list(key(at)) for at in range(2, count + 1)], OWNER))
    dev.submit(set_keys(range(1, count + 1)))  # the first block sets what is zero at a deployment
    depositing = [dev.send(rollup.deposit(1, 1, AMOUNT)) for _ in range(2 * count)][-1]
    accounts = range(1, count + 1)
    asking = [dev.send(rollup.request_exit(at, 1), EXIT_BOND_WEI) for at in accounts][-1]
    paid_out = withdrawals(count)
    # Entries are taken in the order in which they were queued above.
    shapes: list[tuple[str, list[Slot]]] = [
        ("16 nets", nets(count)),
        ("16 deposits", deposits(count)),
        ("8 nets, 8 deposits", nets(8) + deposits(8)),
        ("8 deposits, 8 exits", deposits(8) + exits(accounts[:8])),
        ("8 exits, 8 withdrawals", exits(accounts[8:]) + paid_out[:8]),
        ("16 withdrawals to new recipients", paid_out),
    ]
    for what, slots in shapes:
        used, calldata = dev.submit(slots)
        rows.append((f"dev block of {what}: gas, without its calldata", f"{used - calldata:,} ({used:,} with)", TARGET))
    for account in accounts:
        dev.send(rollup.request_exit(account, 1), EXIT_BOND_WEI)
    used, calldata = dev.submit(exits(accounts))
    what = "16 exits, the worst of all mixes"
    rows.append((f"dev block of {what}: gas, without its calldata", f"{used - calldata:,} ({used:,} with)", TARGET))
    rows.append(("gas of one more word of data, without its calldata", f"{word_gas(tiny, dev):.0f}", "<= 150"))
    used, _ = dev.submit(nets(count))
    rows.append(("gas a slot of a dev block of 16 nets, with all", f"{used / count:,.0f}", ""))
    number = rollup.block_number().call()
    dev.submit(paid_out)
    dev.submit(paid_out[:1])
    listed = [list(payout) for payout in of_slots([words(slot) for slot in paid_out])]
    dev.send(rollup.claim(number + 1, listed, [0]))
    several = dev.send(rollup.claim(number + 1, listed, [*range(1, 9)]))
    rows += [
        ("registration", f"{registering:,}", ""),
        ("registration in a batch, each", f"{batch / (count - 1):,.0f}", ""),
        ("deposit", f"{depositing:,}", ""),
        ("asking for an exit", f"{asking:,}", ""),
        ("claim of a block's only payout", f"{dev.send(rollup.claim(number + 2, listed[:1], [0])):,}", ""),
        ("claim of one of 16", f"{dev.send(rollup.claim(number + 1, listed, [9])):,}", ""),
        ("claim of eight of 16 at once, each", f"{several / 8:,.0f}", ""),
    ]
    return rows


def word_gas(tiny: Bound, dev: Bound) -> float:
    """Gas of one more word of a block's data, without its calldata."""
    for _ in range(2):  # the first block sets what is zero at a deployment
        small, large = tiny.submit(nets(TINY.slots)), dev.submit(nets(DEV.slots))
    return (large[0] - large[1] - small[0] + small[1]) / (3 * (DEV.slots - TINY.slots))


def nets(count: int) -> list[Slot]:
    """Slots that do nothing outside of the state, full of figures."""
    return [Slot(NET, 1, (1, 2), (AMOUNT * at + 7, AMOUNT + at), (1, 0), (at, 2 * at), nonce=at) for at in range(count)]


def set_keys(accounts: Sequence[int]) -> list[Slot]:
    """The keys of new accounts, whose entries have their numbers."""
    return [Slot(SET_KEY, at, new_key=key(at), nonce=at << 32) for at in accounts]


def deposits(count: int) -> list[Slot]:
    """Deposits into account 1."""
    return [Slot(DEPOSIT, 1, (1, 0), (AMOUNT, 0))] * count


def exits(accounts: Sequence[int]) -> list[Slot]:
    """Exits that pay something each."""
    return [Slot(FORCED_EXIT, account, (1, 0), (1_000, 0)) for account in accounts]


def withdrawals(count: int) -> list[Slot]:
    """Withdrawals of account 1, each to another address."""
    return [Slot(WITHDRAW, 1, (1, 0), (1_000, 0), recipient=2**159 + at) for at in range(count)]


def key(number: int) -> Point:
    """A key of its own for each number."""
    return multiply(BASE, number)


def _binding(place: Path, count: int) -> tuple[Any, str]:
    """A proving key for the binding of `count` words, and the source of its verifier."""
    path = place / f"binding{count}.circom"
    path.write_text(
        f'pragma circom 2.1.6;\n\ninclude "block.circom";\n\ncomponent main {{public [gamma]}} = Binding({count});\n'
    )
    key, verifying = groth16py.setup_circom(str(path), [str(SOURCES), str(groth16py.circomlib_path(2))])
    return key, verifying.to_vyper()
