"""Ending at once when told to, with a word to whoever counts on us.

Proving is one call into foreign code that takes seconds to minutes, during which Python runs no signal's handler. The
number of a signal is written to a pipe at once all the same, and a thread that reads it ends the process: nothing that
a prover holds would be missed.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger(__name__)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_last_word: list[Callable[[], None]] = []


def on_signals() -> None:
    """From now on SIGTERM and SIGINT end this process at once. To be called by the main thread."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    # Of a signal without a handler of Python's the pipe hears nothing, and that of SIGINT would end what holds a block.
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_wait, args=(reading,), name="leaving", daemon=True).start()


@contextmanager
def holding(last_word: Callable[[], None]) -> Iterator[None]:
    """Have this said before the process ends, while the block lasts."""
    _last_word.append(last_word)
    try:
        yield
    finally:
        _last_word.remove(last_word)


def _wait(reading: int) -> None:
    while True:
        if set(os.read(reading, 64)) & set(_SIGNALS):
            try:
                for last_word in list(_last_word):
                    last_word()
            except Exception as error:  # whatever it was about ends by itself
                logger.warning("left without a word: %s", error)
            finally:
                os._exit(0)
