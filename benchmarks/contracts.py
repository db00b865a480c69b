"""Contracts: gas of a settled block, of the ways in and out, by real transactions on anvil.

The verifier and the proofs are real; the circuit proves only the binding of a block's data (the rest of it costs no
gas), so that keys for any shape of block are made within seconds.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
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

Row = tuple[str, str, str]

PORT: Final = 28545
OWNER: Final = Web3.to_checksum_address("0x" + "0a" * 20)
AMOUNT: Final = 10**9
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
        receipt = self.web3.eth.wait_for_transaction_receipt(call.transact({"from": OWNER, "value": value}))
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


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    root = Path(tempfile.mkdtemp(prefix="b", dir=private_tmp()))
    chain = DevChain(root / "chain", PORT, anvil.program(os.environ))
    chain.start()
    try:
        chain.rpc("anvil_setBalance", OWNER, hex(10**24))
        chain.rpc("anvil_impersonateAccount", OWNER)
        web3 = Web3(HTTPProvider(chain.url))
        return _rows(Bound(web3, root, TINY), Bound(web3, root, DEV))
    finally:
        chain.stop()
        shutil.rmtree(root, ignore_errors=True)


def _rows(tiny: Bound, dev: Bound) -> list[Row]:
    rows: list[Row] = []
    count = DEV.slots
    registering = dev.send(dev.rollup.functions.register(*_key(1), OWNER))
    others = [list(_key(at)) for at in range(2, count + 1)]
    batch = dev.send(dev.rollup.functions.register_many(others, OWNER))
    nets = [Slot(NET, 1, (1, 2), (AMOUNT * at + 7, AMOUNT + at), (1, 0), (at, 2 * at), nonce=at) for at in range(count)]
    set_keys = [Slot(SET_KEY, at, new_key=_key(at), nonce=at << 32) for at in range(1, count + 1)]
    dev.submit(set_keys)  # the first block sets what is zero at a deployment
    depositing = [dev.send(dev.rollup.functions.deposit(1, 1, AMOUNT)) for _ in range(2 * count)][-1]
    deposits = [Slot(DEPOSIT, 1, (1, 0), (AMOUNT, 0))] * count
    asking = [dev.send(dev.rollup.functions.request_exit(at, 1), EXIT_BOND_WEI) for at in range(1, count + 1)][-1]
    shapes: list[tuple[str, Callable[[], list[Slot]]]] = [
        ("16 nets", lambda: nets),
        ("16 deposits", lambda: deposits),
        ("8 nets, 8 deposits", lambda: nets[:8] + deposits[:8]),
        ("8 deposits, 8 exits", lambda: deposits[:8] + _exits(range(1, 9))),
        ("8 exits", lambda: _exits(range(9, 17))),
        ("16 withdrawals to new recipients", lambda: _withdrawals(count)),
    ]
    for what, slots in shapes:
        used, calldata = dev.submit(slots())
        target = "<= 300,000" if what.endswith("nets") else ""
        rows.append((f"dev block of {what}: gas, without its calldata", f"{used - calldata:,} ({used:,} with)", target))
    tiny.submit(nets[:4])
    small, large = tiny.submit(nets[:4]), dev.submit(nets)
    word = (large[0] - large[1] - small[0] + small[1]) / (3 * (DEV.slots - TINY.slots))
    rows.append(("gas of one more word of data, without its calldata", f"{word:.0f}", "<= 150"))
    rows.append(("gas a slot of a dev block of 16 nets, with all", f"{large[0] / DEV.slots:,.0f}", ""))
    rows += [
        ("registration", f"{registering:,}", ""),
        ("registration in a batch, each", f"{batch / (count - 1):,.0f}", ""),
        ("deposit", f"{depositing:,}", ""),
        ("asking for an exit", f"{asking:,}", ""),
        ("claim", f"{dev.send(dev.rollup.functions.claim(_recipient(0), 1)):,}", ""),
    ]
    return rows


def _exits(accounts: Sequence[int]) -> list[Slot]:
    return [Slot(FORCED_EXIT, account, (1, 0), (1_000, 0)) for account in accounts]


def _withdrawals(count: int) -> list[Slot]:
    return [Slot(WITHDRAW, 1, (1, 0), (1_000, 0), recipient=int(_recipient(at), 16)) for at in range(count)]


def _recipient(number: int) -> str:
    return Web3.to_checksum_address((2**159 + number).to_bytes(20, "big"))


def _key(number: int) -> Point:
    return multiply(BASE, number)


def _binding(place: Path, count: int) -> tuple[Any, str]:
    """A proving key for the binding of `count` words, and the source of its verifier."""
    path = place / f"binding{count}.circom"
    path.write_text(
        f'pragma circom 2.1.6;\n\ninclude "block.circom";\n\ncomponent main {{public [gamma]}} = Binding({count});\n'
    )
    key, verifying = groth16py.setup_circom(str(path), [str(SOURCES), str(groth16py.circomlib_path(2))])
    return key, verifying.to_vyper()
