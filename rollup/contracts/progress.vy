# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title How far the exchange is: the root of its state, and what changes with every block
@license Apache-2.0
@dev Of the rollup (rollup.vy). Four numbers share one word of storage, so that a block pays for one.
"""

struct Position:
    # Of the last block.
    number: uint256
    timestamp: uint256
    # The queue's first entry that no block has taken; and how many of the taken ones are deposits and keys.
    next_entry: uint256
    counted: uint256

BITS: constant(uint256) = 64
MASK: constant(uint256) = 2**64 - 1

# State as of the last block.
root: public(uint256)
packed: uint256


@deploy
def __init__(root: uint256):
    self.root = root
    self._put(Position(number=0, timestamp=0, next_entry=1, counted=0))


@external
@view
def block_number() -> uint256:
    return self._position().number


@external
@view
def timestamp() -> uint256:
    return self._position().timestamp


@external
@view
def next_entry() -> uint256:
    return self._position().next_entry


@internal
@view
def _position() -> Position:
    packed: uint256 = self.packed
    return Position(
        number=packed & MASK, timestamp=(packed >> BITS) & MASK, next_entry=(packed >> 2 * BITS) & MASK,
        counted=packed >> 3 * BITS,
    )


@internal
def _put(position: Position):
    # Times are the chain's, the others count what was paid for one by one: none comes near to 2^64.
    self.packed = (
        position.number | (position.timestamp << BITS) | (position.next_entry << 2 * BITS)
        | (position.counted << 3 * BITS)
    )
