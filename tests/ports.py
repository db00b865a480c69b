"""Ports that tests may listen on, without taking each other's."""

import fcntl
import os
import random
import socket

from exchange.embedded import private_tmp

# Below the ports that the kernel gives to whoever asks for any: no outgoing connection takes one meanwhile.
LOWEST, HIGHEST = 20_000, 32_000
# A lock of one byte for each port, held as long as this process lives.
_claims = os.open(private_tmp() / "ports", os.O_RDWR | os.O_CREAT, 0o600)
_mine: set[int] = set()


def free_ports(count: int = 2) -> tuple[int, ...]:
    """Ports one after the other that nobody listens on, and that no other test process will be given."""
    while True:
        first = random.randrange(LOWEST, HIGHEST - count)
        ports = range(first, first + count)
        if all(map(_is_free, ports)) and _claim(first, count):
            _mine.update(ports)
            return tuple(ports)


def _is_free(port: int) -> bool:
    if port in _mine:
        return False
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _claim(first: int, count: int) -> bool:
    try:
        fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
    except OSError:
        return False
    return True
