"""What a transaction offers for its gas: at first, and instead of an offer that the chain does not take. Wei a gas.

Pure integers. A node replaces a waiting transaction only by one of the same nonce that offers a tenth more of both,
some an eighth; so an eighth it is.
"""

from typing import Final, NamedTuple

# The word by which reasons say that a transaction offers too little.
TOO_LOW: Final = "fee_too_low"
# New offers are old ones times 9 / 8, rounded up.
DEARER: Final = (9, 8)
# An offer stands for several blocks, each of which may ask an eighth more than the last.
BASE_FEES: Final = 2


class Asked(NamedTuple):
    """What the next block takes of everybody, and what its maker is said to expect beside it."""

    base_wei: int
    tip_wei: int


class Offer(NamedTuple):
    """What a transaction pays at most, the base fee included, and what of it at most beside the base fee."""

    max_wei: int
    tip_wei: int

    def is_enough(self, asked: Asked) -> bool:
        """Whether the next block may have the transaction."""
        return self.max_wei >= asked.base_wei


def first_offer(asked: Asked, *, most_wei: int) -> Offer | None:
    """What a new transaction offers; None while the chain asks more than `most_wei`."""
    if asked.base_wei > most_wei:
        return None
    max_wei = min(BASE_FEES * asked.base_wei + asked.tip_wei, most_wei)
    return Offer(max_wei, min(asked.tip_wei, max_wei))


def dearer_offer(old: Offer, asked: Asked, *, most_wei: int) -> Offer | None:
    """What takes the place of an offer and can be taken; None when that would be more than `most_wei`."""
    max_wei = min(max(_dearer(old.max_wei), BASE_FEES * asked.base_wei + asked.tip_wei), most_wei)
    tip_wei = max(_dearer(old.tip_wei), min(asked.tip_wei, max_wei))
    if max_wei < max(_dearer(old.max_wei), asked.base_wei, tip_wei):
        return None
    return Offer(max_wei, tip_wei)


def _dearer(wei: int) -> int:
    times, parts = DEARER
    return max(-(-wei * times // parts), wei + 1)
