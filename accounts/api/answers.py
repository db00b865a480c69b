"""Answers to public reads, kept for a moment as bytes, in each web process."""

import threading
import time
from collections import OrderedDict
from typing import Final

BYTES_MAX: Final = 16 * 1024 * 1024
# What an entry costs besides its body: address, tuple, dict.
OVERHEAD_BYTES: Final = 400


class Answers:
    """By path with query, as sent. Those used last stay: nobody pushes out what is asked all the time."""

    def __init__(self) -> None:
        # Until when each is good, and its body.
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, address: str) -> bytes | None:
        """The answer, while it is good."""
        with self._lock:
            kept = self._kept.get(address)
            if kept is None:
                return None
            if kept[0] <= time.monotonic():
                self._drop(address)
                return None
            self._kept.move_to_end(address)
            return kept[1]

    def keep(self, address: str, body: bytes, good_s: float) -> None:
        """Keep an answer for so many seconds; the ones not used for longest make room."""
        size = _size(address, body)
        if size > BYTES_MAX // 16:
            return
        with self._lock:
            self._drop(address)
            self._kept[address] = (time.monotonic() + good_s, body)
            self._size += size
            while self._size > BYTES_MAX:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _drop(self, address: str) -> None:
        kept = self._kept.pop(address, None)
        if kept is not None:
            self._size -= _size(address, kept[1])


def _size(address: str, body: bytes) -> int:
    return len(address) + len(body) + OVERHEAD_BYTES
