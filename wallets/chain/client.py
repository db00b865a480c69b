"""The connection to the chain: what it says up to the confirmed head, and the three steps of a transaction.

Whoever must not send twice prepares a transaction, commits its bytes, and then broadcasts them as often as needed:
their nonce lets them be mined once. Nothing here keeps anything.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction

from wallets.chain.fees import TOO_LOW, Asked, Offer, first_offer
from wallets.models import ChainDeployment

# The library takes a second and some 40 MB, and pages, which only need names of this module, talk to no chain.
if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract
    from web3.contract.contract import ContractFunction
    from web3.exceptions import ContractLogicError
    from web3.types import HexStr, RPCEndpoint, TxParams

TIMEOUT_S: Final = 10.0
RECEIPT_S_MAX: Final = 60.0
RECEIPT_POLL_S: Final = 0.05
# The state may change between the estimate and the block.
GAS_MARGIN_PERCENT: Final = 20
# What nodes say of a transaction that they have, or that was mined.
KNOWN: Final = ("already known", "already imported", "nonce too low", "known transaction")
# What they say of one that offers less for its gas than they ask.
PRICE: Final = ("max fee per gas less than", "underpriced", "feecap too low")
NO_GAS: Final = "no_gas"
# In advisory locks: our senders of transactions, by a hash of their address.
_LOCK_SPACE: Final = 0x50565843


class ChainUnreachable(Exception):
    """The chain does not answer, or not sensibly. Trying again later is right."""


class ChainRefused(Exception):
    """The chain would not take the transaction; `reason` is the contract's word, or no_gas. Nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reverted(ChainRefused):
    """The contract refuses the call; `reason` is its word, like stale_root."""


class OutOfGas(ChainRefused):
    """The sender cannot pay for the transaction; `reason` is no_gas."""


class FeeTooLow(ChainRefused):
    """The chain asks more for gas than is offered, or may be; `reason` begins with fee_too_low."""


class SignedTransaction(NamedTuple):
    """A transaction ready to leave; `sender` and `hash` as text, `raw` are the bytes to broadcast."""

    sender: str
    nonce: int
    hash: str
    raw: bytes
    offer: Offer


class Receipt(NamedTuple):
    """What became of a mined transaction; `status` False: it reverted, and changed nothing but the nonce."""

    status: bool
    block_number: int
    block_hash: str
    gas_used: int


class Event(NamedTuple):
    """An event of the rollup's contract; in `args` integers, and addresses as text with checksum."""

    name: str
    args: dict[str, Any]
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class Chain:
    """A chain as one node tells it. `contract`: whose events are read; None before the first deployment."""

    def __init__(self, web3: "Web3", contract: "Contract | None" = None) -> None:
        self.web3 = web3
        self.contract = contract

    def chain_id(self) -> int:
        """The chain's number. Raises ChainUnreachable, as all here do."""
        with _reaching():
            return self.web3.eth.chain_id

    def head(self) -> int:
        """The number of the last block."""
        with _reaching():
            return self.web3.eth.block_number

    def confirmed_head(self) -> int:
        """The number of the last block that may be acted on; -1 if there is none yet.

        As many blocks as configured stand on it, itself included, and on a development chain it has been kept.
        """
        confirmed = self.head() - settings.CHAIN_CONFIRMATIONS + 1
        if settings.CHAIN_KEPT_FILE:
            confirmed = min(confirmed, _kept(Path(settings.CHAIN_KEPT_FILE)))
        return max(confirmed, -1)

    def block_hash(self, number: int) -> str | None:
        """A block's hash; None if the chain is not that long."""
        with _reaching():
            from web3.exceptions import BlockNotFound

            try:
                return _text(self.web3.eth.get_block(number)["hash"])
            except BlockNotFound:
                return None

    def block_time_s(self, number: int) -> int:
        """When a block was made, in seconds since the epoch."""
        with _reaching():
            return int(self.web3.eth.get_block(number)["timestamp"])

    def nonce(self, address: str, *, at_block: int | None = None) -> int:
        """How many transactions of an address were mined, as of a block or of the head."""
        with _reaching():
            return self.web3.eth.get_transaction_count(_address(address), "latest" if at_block is None else at_block)

    def balance(self, address: str) -> int:
        """What an address can pay gas with, in wei."""
        with _reaching():
            return self.web3.eth.get_balance(_address(address))

    def asked(self) -> Asked:
        """What the next block asks for gas."""
        with _reaching():
            base_fees = self.web3.eth.fee_history(1, "latest").get("baseFeePerGas")
            if not base_fees:
                raise ChainUnreachable("the node does not say what a block asks for gas (eth_feeHistory)")
            return Asked(int(base_fees[-1]), int(self.web3.eth.max_priority_fee))

    def has_code(self, address: str) -> bool:
        """Whether there is a contract at an address."""
        with _reaching():
            return bool(self.web3.eth.get_code(_address(address)))

    def at(self, address: str, abi: Any) -> "Contract":
        """The contract at an address; nothing is asked of the chain."""
        return self.web3.eth.contract(address=_address(address), abi=abi)

    def call(self, function: "ContractFunction", *, at_block: int | None = None) -> Any:
        """What a contract's view says as of a block, or of the head. Raises Reverted."""
        with _reaching():
            return function.call(block_identifier="latest" if at_block is None else at_block)

    def events(self, from_block: int, to_block: int) -> list[Event]:
        """The rollup contract's events in a range of blocks, both ends included, in the chain's order."""
        assert self.contract is not None, "no contract is deployed"
        known: Any = self.contract.events
        by_topic = {bytes.fromhex(event().topic.removeprefix("0x")): event() for event in known}
        with _reaching():
            logs = self.web3.eth.get_logs(
                {"address": self.contract.address, "fromBlock": from_block, "toBlock": to_block}
            )
            found = []
            for log in logs:
                event = by_topic[bytes(log["topics"][0])].process_log(log)
                found.append(
                    Event(
                        event["event"], dict(event["args"]), event["blockNumber"], _text(event["blockHash"]),
                        _text(event["transactionHash"]), event["logIndex"],
                    )
                )  # fmt: skip
        return sorted(found, key=lambda event: (event.block_number, event.log_index))

    def ask(self, method: str, *parameters: Any) -> Any:
        """What the node answers to a method of its own, like those of a development chain."""
        with _reaching():
            answer = self.web3.provider.make_request(cast("RPCEndpoint", method), parameters)
        if "error" in answer:
            raise ChainRefused(str(answer["error"]))
        return answer["result"]

    def calldata(self, tx_hash: str) -> bytes:
        """What a mined transaction was called with."""
        with _reaching():
            return bytes(self.web3.eth.get_transaction(cast("HexStr", tx_hash))["input"])

    def knows(self, tx_hash: str) -> bool:
        """Whether the node has a transaction, mined or not."""
        with _reaching():
            from web3.exceptions import TransactionNotFound

            try:
                self.web3.eth.get_transaction(cast("HexStr", tx_hash))
            except TransactionNotFound:
                return False
        return True

    def prepare(
        self, key: "LocalAccount", call: "ContractFunction | Any", *, value: int = 0, nonce: int | None = None
    ) -> SignedTransaction:
        """Sign a call (or a contract's constructor), with the sender's next nonce if none is given; nothing leaves.

        Raises Reverted when the contract would refuse it, OutOfGas, FeeTooLow when the chain asks more than
        CHAIN_FEE_WEI_MAX. See `sending` for who may call it when.
        """
        offer = first_offer(self.asked(), most_wei=settings.CHAIN_FEE_WEI_MAX)
        if offer is None:
            raise too_dear()
        with _reaching():
            if nonce is None:
                nonce = self.web3.eth.get_transaction_count(key.address, "pending")
            frame = cast("TxParams", {"from": key.address, "value": value, "nonce": nonce})
            gas = call.estimate_gas(frame)
            terms = cast("TxParams", {"gas": gas + gas * GAS_MARGIN_PERCENT // 100, **_offered(offer)})
            built = call.build_transaction(frame | terms)
        return self._sign(key, cast(dict[str, Any], built))

    def sign_again(self, key: "LocalAccount", raw: bytes, offer: Offer) -> SignedTransaction:
        """The same call at the same nonce with another offer; nothing leaves. Raises OutOfGas."""
        return self._sign(key, _content(raw) | _offered(offer))

    def _sign(self, key: "LocalAccount", content: dict[str, Any]) -> SignedTransaction:
        # An estimate does not look at what the gas itself costs.
        if self.balance(key.address) < content["gas"] * content["maxFeePerGas"] + content["value"]:
            raise OutOfGas(NO_GAS)
        return read_signed(bytes(key.sign_transaction(content).raw_transaction))

    def broadcast(self, raw: bytes) -> None:
        """Hand a signed transaction to the chain; one that it has, or whose nonce is used, is no error.

        Raises OutOfGas, FeeTooLow, ChainRefused.
        """
        try:
            with _reaching():
                self.web3.eth.send_raw_transaction(raw)
        except ChainRefused as error:
            if any(word in error.reason.lower() for word in PRICE):
                raise FeeTooLow(f"{TOO_LOW}: {error.reason}") from error
            if not any(word in error.reason.lower() for word in KNOWN):
                raise

    def receipt(self, tx_hash: str) -> Receipt | None:
        """What became of a transaction; None while it is not mined."""
        with _reaching():
            from web3.exceptions import TransactionNotFound

            try:
                found = self.web3.eth.get_transaction_receipt(cast("HexStr", tx_hash))
            except TransactionNotFound:
                return None
        return Receipt(bool(found["status"]), found["blockNumber"], _text(found["blockHash"]), found["gasUsed"])

    def send(self, key: "LocalAccount", call: "ContractFunction | Any", *, value: int = 0) -> Receipt:
        """Sign, send and wait until it is mined. For what may be done twice, or is looked at again: after a crash
        nobody knows whether it left. Raises Reverted, OutOfGas, ChainUnreachable also when it is not mined in time.
        """
        with sending(key.address):
            signed = self.prepare(key, call, value=value)
            self.broadcast(signed.raw)
        return self.wait(signed.hash)

    def deploy(self, key: "LocalAccount", *, abi: list[dict[str, Any]], bytecode: str, args: tuple[Any, ...]) -> str:
        """Deploy a contract and return its address."""
        factory = self.web3.eth.contract(abi=abi, bytecode=cast("HexStr", bytecode))
        with sending(key.address):
            signed = self.prepare(key, factory.constructor(*args))
            self.broadcast(signed.raw)
        self.wait(signed.hash)
        with _reaching():
            address = self.web3.eth.get_transaction_receipt(cast("HexStr", signed.hash))["contractAddress"]
        assert address is not None
        return str(address)

    def wait(self, tx_hash: str) -> Receipt:
        """Wait until a transaction is mined. Raises Reverted, ChainUnreachable when it is not mined in time."""
        begun = time.monotonic()
        while (found := self.receipt(tx_hash)) is None:
            if time.monotonic() - begun > RECEIPT_S_MAX:
                raise ChainUnreachable(f"{tx_hash} was not mined within {RECEIPT_S_MAX:g} s")
            time.sleep(RECEIPT_POLL_S)
        if not found.status:
            raise Reverted(f"{tx_hash} reverted in block {found.block_number}")
        return found


def read_signed(raw: bytes) -> SignedTransaction:
    """What the bytes of a signed transaction say."""
    from eth_account import Account
    from eth_utils import keccak

    content = _content(raw)
    offer = Offer(content["maxFeePerGas"], content["maxPriorityFeePerGas"])
    return SignedTransaction(Account.recover_transaction(raw), content["nonce"], _text(keccak(raw)), raw, offer)


def too_dear() -> FeeTooLow:
    """Why nothing is sent while what the chain would take is more than may be offered."""
    most_wei = settings.CHAIN_FEE_WEI_MAX
    return FeeTooLow(f"{TOO_LOW}: waiting, since the chain asks more than CHAIN_FEE_WEI_MAX ({most_wei} wei a gas)")


@contextmanager
def sending(address: str) -> Iterator[None]:
    """Hold the nonces of an address: between `prepare` and `broadcast` nobody else of ours may take the next one.

    In a transaction of the database, whose end lets go of it; one that is open already goes on to its own end.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            lock = int(address, 16) % 2**31
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, lock])
        yield


def connect() -> Chain:
    """The configured chain, with the latest deployment's contract if there is one. Nothing is asked of it yet."""
    web3 = _web3(settings.CHAIN_RPC_URL)
    row = ChainDeployment.objects.order_by("-id").first()
    if row is None:
        return Chain(web3)
    return Chain(web3, web3.eth.contract(address=_address(row.address), abi=row.abi))


@cache
def _web3(url: str) -> "Web3":
    from web3 import HTTPProvider, Web3

    # It repeats requests by itself otherwise, and would hide for long that the chain is away.
    provider = HTTPProvider(url, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=None)
    return Web3(provider)


@contextmanager
def _reaching() -> Iterator[None]:
    """Turn what may happen on the way into our own errors."""
    import requests
    from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError

    try:
        yield
    except ContractLogicError as error:
        raise Reverted(_reason(error)) from error
    except (BlockNotFound, TransactionNotFound):
        raise
    except Web3RPCError as error:
        text = str((error.rpc_response or {}).get("error", {}).get("message", error))
        if "insufficient funds" in text.lower():
            raise OutOfGas(NO_GAS) from error
        raise ChainRefused(text) from error
    except (Web3Exception, requests.RequestException, OSError, ValueError) as error:
        raise ChainUnreachable(f"{type(error).__name__}: {error}"[:300]) from error


def _reason(error: "ContractLogicError") -> str:
    text = str(error.message or error)
    return text.removeprefix("execution reverted: ").strip() or "reverted"


def _kept(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1


def _address(text: str) -> "ChecksumAddress":
    from eth_utils import to_checksum_address

    return to_checksum_address(text)


def _content(raw: bytes) -> dict[str, Any]:
    """A signed transaction without its signature."""
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    content = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return {name: value for name, value in content.items() if name not in {"v", "r", "s"}}


def _offered(offer: Offer) -> dict[str, int]:
    return {"maxFeePerGas": offer.max_wei, "maxPriorityFeePerGas": offer.tip_wei}


def _text(value: bytes) -> str:
    return "0x" + bytes(value).hex()
