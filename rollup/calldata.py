"""The arguments of the contract's submit_block, from a block's data and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from rollup.state.published import HEADER_WORDS, slot_words


def submit_arguments(data: Sequence[int], h: int, points: Sequence[int]) -> tuple[Any, ...]:
    """(head, slots, h, proof) for submit_block, from all words of a block's data."""
    return list(data[:HEADER_WORDS]), [list(slot) for slot in slot_words(data)], h, list(points)


def data_of(arguments: Mapping[str, Any]) -> list[int]:
    """All words of a block's data, from the arguments of a submit_block as the contract's ABI decodes them."""
    return [*arguments["head"], *(word for slot in arguments["slots"] for word in slot)]
