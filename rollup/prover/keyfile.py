"""What lies inside a proving key as groth16py saves it: the circuit's witness program, and its constraints.

The package runs the program itself, by an interpreter that takes twice as long as the proof (wasmtime: under a
second), and gives neither out; so they are read from the file. Layout of its version 0.2.0: the key, then the program
with its length before it, then a byte (0: it has constraints), the numbers of signals, of public ones and of
constraints, and these.
"""

from typing import Final

_WASM: Final = b"\0asm\x01\0\0\0"
_NUMBER_BYTES: Final = 8


class UnknownKeyFile(ValueError):
    """The file is not laid out as it should be: another version of groth16py?"""


def program_in(key: bytes) -> bytes:
    """The circuit's WebAssembly program."""
    start = _program_start(key)
    return key[start : start + _number(key, start - _NUMBER_BYTES)]


def constraint_count(key: bytes) -> int:
    """How many constraints the circuit has."""
    start = _program_start(key)
    return _number(key, start + _number(key, start - _NUMBER_BYTES) + 1 + 2 * _NUMBER_BYTES)


def _program_start(key: bytes) -> int:
    start = key.find(_WASM)
    if start < _NUMBER_BYTES or start + _number(key, start - _NUMBER_BYTES) + 3 * _NUMBER_BYTES > len(key):
        raise UnknownKeyFile("no witness program in it")
    return start


def _number(key: bytes, at: int) -> int:
    return int.from_bytes(key[at : at + _NUMBER_BYTES], "little")
