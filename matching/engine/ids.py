"""A set of integers that come nearly in order, kept as ranges: ids are remembered for ever in little memory."""

from bisect import bisect_right
from collections.abc import Sequence


class IdRanges:
    """Ids ever taken. Adding the next id is O(1); a range costs two integers however long it is."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: Sequence[Sequence[int]] = ()) -> None:
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]

    def __contains__(self, id: int) -> bool:
        index = bisect_right(self._starts, id) - 1
        return index >= 0 and id <= self._ends[index]

    def add(self, id: int) -> None:
        """Take an id that is not in the set."""
        starts, ends = self._starts, self._ends
        index = bisect_right(starts, id)
        joins_left = index > 0 and ends[index - 1] == id - 1
        joins_right = index < len(starts) and starts[index] == id + 1
        if joins_left and joins_right:
            ends[index - 1] = ends[index]
            del starts[index], ends[index]
        elif joins_left:
            ends[index - 1] = id
        elif joins_right:
            starts[index] = id
        else:
            starts.insert(index, id)
            ends.insert(index, id)

    def dump(self) -> list[list[int]]:
        """The ranges as [first, last], rising."""
        return [[start, end] for start, end in zip(self._starts, self._ends, strict=True)]
