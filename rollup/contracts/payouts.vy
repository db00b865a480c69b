# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Payouts: what withdrawals and exits of a block bring their recipients, and whether they had it
@license Apache-2.0
@dev Of the rollup (rollup.vy). A block keeps one word: a hash of the list of its payouts, and a bit for each that was
     paid. Whoever claims presents the list, which everybody can read from the block's data.
"""

import accounts
import parameters
import vault

uses: accounts
uses: vault

event Claimed:
    number: indexed(uint256)
    recipient: indexed(address)
    token: indexed(uint256)
    amount: uint256
    position: uint256

SLOTS: constant(uint256) = parameters.SLOTS
# The op of withdrawals; exits are the other ones.
WITHDRAW: constant(uint256) = 6

PAID_BITS: constant(uint256) = 40
HASH_MASK: constant(uint256) = max_value(uint256) - (2**PAID_BITS - 1)

# What an exit's owner lays down until it is taken, in wei.
EXIT_BOND: public(immutable(uint256))

# Number of a block -> hash of its payouts, without its last 40 bits | a bit for each one that was paid.
payouts_of: public(HashMap[uint256, uint256])


@deploy
def __init__(exit_bond: uint256):
    assert SLOTS <= PAID_BITS, "too_many_slots"
    EXIT_BOND = exit_bond


@external
def claim(number: uint256, listed: DynArray[uint256[2], SLOTS], positions: DynArray[uint256, SLOTS]):
    """
    @notice Pay out what a block brought, whoever calls it: a withdrawal to its recipient, an exit to the account's
            owner, for whom its bond becomes claimable. Those that were paid already are passed over.
    @param number The block.
    @param listed All of its payouts: first and third word of each of its withdrawals and exits, in their order.
    @param positions Which of them to pay, counted from 0.
    """
    kept: uint256 = self.payouts_of[number]
    link: uint256 = 0
    for payout: uint256[2] in listed:
        link = self._link(link, payout[0], payout[1])
    assert kept != 0 and kept & HASH_MASK == link & HASH_MASK, "not_the_payouts"
    paid: uint256 = kept
    for position: uint256 in positions:
        assert position < len(listed), "unknown_position"
        paid |= 1 << position
    assert paid != kept, "nothing_to_claim"
    self.payouts_of[number] = paid
    for position: uint256 in positions:
        if kept & (1 << position) == 0:
            kept |= 1 << position
            self._pay(number, position, listed[position])


@internal
def _commit(number: uint256, link: uint256):
    self.payouts_of[number] = link & HASH_MASK


@internal
@pure
def _link(previous: uint256, word: uint256, recipient: uint256) -> uint256:
    return convert(keccak256(abi_encode(previous, word, recipient)), uint256)


@internal
def _pay(number: uint256, position: uint256, payout: uint256[2]):
    word: uint256 = payout[0]
    token: uint256 = (word >> 28) & (2**8 - 1)
    amount: uint256 = (word >> 44) & (2**96 - 1)
    recipient: address = empty(address)
    if word & 15 == WITHDRAW:
        recipient = convert(convert(payout[1], uint160), address)
    else:
        recipient = accounts.owner_of[(word >> 4) & (2**24 - 1)]
        # Not sent from here: an owner that takes no coins would keep himself from his tokens.
        vault._credit(recipient, vault.COIN, EXIT_BOND)
    vault._release(token, amount)
    log Claimed(number=number, recipient=recipient, token=token, amount=amount, position=position)
    if amount > 0:
        vault._send(recipient, token, amount)
