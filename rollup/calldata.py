"""The arguments of the contract's submit_block, from a block's data and back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

HEAD: Final = 5
WORDS_PER_SLOT: Final = 3


def submit_arguments(data: Sequence[int], h: int, points: Sequence[int]) -> tuple[Any, ...]:
    """(head, slots, h, proof) for submit_block, from all words of a block's data."""
    body = data[HEAD:]
    slots = [list(body[at : at + WORDS_PER_SLOT]) for at in range(0, len(body), WORDS_PER_SLOT)]
    return list(data[:HEAD]), slots, h, list(points)


def data_of(arguments: Mapping[str, Any]) -> list[int]:
    """All words of a block's data, from the arguments of a submit_block as the contract's ABI decodes them."""
    return [*arguments["head"], *(word for slot in arguments["slots"] for word in slot)]
