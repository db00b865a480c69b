"""Addresses of the chain as people write them."""

import re
from typing import Final

from accounts.problems import Problem

HEX: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def read_address(text: str) -> int:
    """The number that an address stands for. Raises Problem invalid_address.

    One in mixed case must have the right checksum (EIP-55): then a typing error is found. Nobody owns address 0.
    """
    if not HEX.fullmatch(text):
        raise Problem("invalid_address", "an address is 0x and 40 hexadecimal digits")
    number = int(text, 16)
    if not number:
        raise Problem("invalid_address", "nobody owns address 0")
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and text != write_address(number):
        raise Problem("invalid_address", "its checksum is wrong: look for a typing error")
    return number


def write_address(number: int) -> str:
    """The address of a number, with its checksum."""
    # Takes its time to import, and most processes never need it.
    from eth_utils import to_checksum_address

    return str(to_checksum_address(number.to_bytes(20, "big")))
