# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The queue: deposits, keys and exits on their way into a block, in order
@license Apache-2.0
@dev Of the rollup (rollup.vy). A chain of hashes: each entry's word has the hash of all up to it, so a block that takes
     some is compared once, with the last one it takes, and nothing is emptied.
"""

import administration
import progress

uses: administration
uses: progress

event Queued:
    index: indexed(uint256)
    kind: uint256
    account: indexed(uint256)
    token: uint256
    amount: uint256
    x: uint256
    y: uint256

# An entry's kind is the op of the slot that takes it.
DEPOSIT: constant(uint256) = 7
SET_KEY: constant(uint256) = 8
FORCED_EXIT: constant(uint256) = 9

# Of a slot's first word, what the entry has as well: op, account, token and amount; the amount of an exit is not known
# before its block.
KEPT: constant(uint256) = 2**140 - 1
KEPT_OF_EXIT: constant(uint256) = 2**44 - 1

TIME_MASK: constant(uint256) = 2**40 - 1
HASH_MASK: constant(uint256) = max_value(uint256) - TIME_MASK
BITS: constant(uint256) = 128
LENGTH_MASK: constant(uint256) = 2**128 - 1

# Deposits and keys that may wait; exits are never held up.
PENDING_MAX: public(immutable(uint256))

# index -> hash of the chain up to this entry, without its last 40 bits | time of its arrival, 0 once it was given back.
entries: public(HashMap[uint256, uint256])
# Entries there ever were | how many of them are deposits and keys.
packed: uint256


@deploy
def __init__(pending_max: uint256):
    assert pending_max > 0, "nothing_may_wait"
    PENDING_MAX = pending_max


@external
@view
def queue_length() -> uint256:
    return self.packed & LENGTH_MASK


@external
@view
def pending() -> uint256:
    return (self.packed >> BITS) - progress._position().counted


@internal
def _enqueue(kind: uint256, account: uint256, token: uint256, amount: uint256, x: uint256, y: uint256) -> uint256:
    administration._check_not_frozen()
    packed: uint256 = self.packed
    index: uint256 = (packed & LENGTH_MASK) + 1
    counted: uint256 = packed >> BITS
    if kind != FORCED_EXIT:
        counted += 1
        assert counted - progress._position().counted <= PENDING_MAX, "too_many_pending"
    self.packed = index | (counted << BITS)
    link: uint256 = self._link(self._link_at(index - 1), self._word(kind, account, token, amount), x, y)
    self.entries[index] = link | block.timestamp
    log Queued(index=index, kind=kind, account=account, token=token, amount=amount, x=x, y=y)
    return index


@internal
@view
def _link_at(index: uint256) -> uint256:
    # What the chain goes on from: the hash, and nothing of the time. 0 before the first entry and behind the last.
    return self.entries[index] & HASH_MASK


@internal
@view
def _check_is(index: uint256, link: uint256):
    # 216 bits of a hash are never 0, which is what stands behind the last entry.
    assert self._link_at(index) == link, "not_the_next_entry"


@internal
@view
def _arrival(index: uint256) -> uint256:
    # 0 for what is not there, and for what was given back.
    return self.entries[index] & TIME_MASK


@internal
def _give_back(index: uint256, kind: uint256, account: uint256, token: uint256, amount: uint256):
    # Its hash stays, by which the entries behind it are checked.
    link: uint256 = self._link(self._link_at(index - 1), self._word(kind, account, token, amount), 0, 0)
    assert self._link_at(index) == link, "not_that_entry"
    assert self._arrival(index) != 0, "given_back"
    self.entries[index] = link


@internal
@pure
def _word(kind: uint256, account: uint256, token: uint256, amount: uint256) -> uint256:
    # Ranged, so that no other numbers make the same word.
    assert account < 2**24 and token < 2**8 and amount < 2**96, "out_of_range"
    return kind | (account << 4) | (token << 28) | (amount << 44)


@internal
@pure
def _link(previous: uint256, word: uint256, x: uint256, y: uint256) -> uint256:
    # 216 bits of the hash, ample against collisions; the time of arrival takes the place of the others.
    return convert(keccak256(abi_encode(previous, word, x, y)), uint256) & HASH_MASK
