"""What the contract's events say, kept as rows. Told twice, they change nothing."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from accounts import services as accounts
from wallets import selectors
from wallets.chain import payouts, transactions
from wallets.chain.client import Chain, Event
from wallets.chain.deployment import Deployment
from wallets.chain.payouts import Payout
from wallets.models import (
    L1_SOURCE,
    ChainWatch,
    Claim,
    Deposit,
    L2Account,
    QueueEntry,
    TestFunding,
)

log = logging.getLogger(__name__)

# The contract's kinds of entries are the ops of the slots that take them.
KINDS: Final = {7: QueueEntry.Kind.DEPOSIT, 8: QueueEntry.Kind.SET_KEY, 9: QueueEntry.Kind.EXIT}


class EventRefused(RuntimeError):
    """An event that cannot be; the message says why. Nothing behind it is read."""


def read_payouts(chain: Chain, deployment: Deployment, found: Iterable[Event]) -> dict[int, list[Payout]]:
    """The payouts of each L2 block that these events say was submitted, from its calldata.

    Raises ChainUnreachable, EventRefused.
    """
    from eth_abi.exceptions import DecodingError
    from web3.exceptions import Web3Exception

    paid_out = {}
    for event in found:
        if event.name != "BlockSubmitted":
            continue
        calldata = chain.calldata(event.tx_hash)
        try:
            _, arguments = deployment.rollup.decode_function_input(calldata)
            paid_out[event.args["number"]] = payouts.payouts_of(arguments)
        except (DecodingError, Web3Exception, KeyError) as error:
            raise EventRefused(f"block {event.args['number']} is not in the calldata of {event.tx_hash}") from error
    return paid_out


def keep_all(found: list[Event], paid_out: Mapping[int, Sequence[Payout]], watch: ChainWatch) -> None:
    """Keep events of some blocks, in the chain's order; `watch` learns of L2 blocks. Raises EventRefused.

    `paid_out` has the payouts of each L2 block that was submitted there.
    """
    transactions.note_mined({event.tx_hash: event.block_number for event in found})
    # An account's first entry comes right before its registration: who it is must be known first.
    for event in found:
        if event.name == "Registered":
            _registered(event)
    for event in found:
        match event.name:
            case "Queued":
                _queued(event)
            case "OwnerLinked":
                L2Account.objects.filter(number=event.args["account"]).update(owner=event.args["owner"])
            case "BlockSubmitted":
                watch.l2_block = event.args["number"]
                payouts.keep(watch.l2_block, paid_out[watch.l2_block])
            case "Claimed":
                _claimed(event)


def _registered(event: Event) -> None:
    number, owner = event.args["account"], event.args["owner"]
    if L2Account.objects.filter(number=number).exists():
        return
    content = {"number": number, "status": L2Account.Status.REGISTERED}
    waiting = L2Account.objects.exclude(status=L2Account.Status.REGISTERED).filter(number=None)
    row = waiting.filter(x=event.args["x"], y=event.args["y"], owner=owner).order_by("account_id").first()
    if row is not None:
        L2Account.objects.filter(pk=row.pk).update(**content)
        return
    # Anybody may register; what is paid in then belongs to an account here, or the queue would stand still.
    account = accounts.create_account(name=f"rollup {number} {event.tx_hash[:18]}", is_system=False)
    L2Account.objects.create(
        account_id=account.pk, custody=0, x=event.args["x"], y=event.args["y"], owner=owner, **content
    )  # fmt: skip
    log.info("account %s of the rollup was registered by somebody: it is account %s here", number, account.pk)


def _queued(event: Event) -> None:
    args = event.args
    known = QueueEntry.objects.filter(pk=args["index"]).first()
    if known is not None:
        if (known.tx_hash, known.block_hash) != (event.tx_hash, event.block_hash):
            raise EventRefused(f"entry {args['index']} was read as {known.tx_hash} before, now as {event.tx_hash}")
        return
    account = L2Account.objects.filter(number=args["account"]).first()
    kind = KINDS.get(args["kind"])
    last = QueueEntry.objects.order_by("-index").values_list("index", flat=True).first() or 0
    if kind is None or account is None or args["index"] != last + 1:
        raise EventRefused(f"entry {args['index']} after {last}: kind {args['kind']} of account {args['account']}")
    content: dict[str, Any] = {}
    if kind == QueueEntry.Kind.SET_KEY:
        content = _new_key(account, args["x"], args["y"])
    else:
        if args["token"] not in {asset.id for asset in selectors.list_assets()}:
            raise EventRefused(f"entry {args['index']} is of token {args['token']}, which is no asset")
        content = {"asset_id": args["token"]}
    if kind == QueueEntry.Kind.DEPOSIT:
        content["amount"] = args["amount"]
        Deposit.objects.create(
            source=L1_SOURCE, index=args["index"], account_id=account.account_id, asset_id=args["token"],
            amount=args["amount"],
        )  # fmt: skip
    entry = QueueEntry.objects.create(
        index=args["index"], kind=kind, number=account.number or 0, account_id=account.account_id,
        tx_hash=event.tx_hash, block=event.block_number, block_hash=event.block_hash, **content,
    )  # fmt: skip
    if kind == QueueEntry.Kind.DEPOSIT:
        # One transaction may be for one funding only.
        TestFunding.objects.filter(transaction__hash=event.tx_hash, entry=None).update(
            entry=entry, status=TestFunding.Status.QUEUED, code=""
        )


def _new_key(account: L2Account, x: int, y: int) -> dict[str, Any]:
    """What a set_key entry says; a key that is not the exchange's is its user's, from then on."""
    if (account.x, account.y) != (x, y):
        account.x, account.y, account.custody = x, y, 0
    # Account 0 is never registered: its first key makes it an account like others.
    account.status = L2Account.Status.REGISTERED
    account.save(update_fields=["x", "y", "custody", "status", "updated_at"])
    return {"x": x, "y": y, "custody": account.custody}


def _claimed(event: Event) -> None:
    args = event.args
    # A payout is claimed once; after a reorg perhaps by another transaction.
    Claim.objects.update_or_create(
        l2_block=args["number"], position=args["position"],
        defaults={
            "tx_hash": event.tx_hash, "log_index": event.log_index, "recipient": int(args["recipient"], 16),
            "asset_id": args["token"], "amount": args["amount"],
        },
    )  # fmt: skip
