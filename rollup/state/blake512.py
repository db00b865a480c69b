"""BLAKE-512, the SHA-3 finalist (not BLAKE2), from which circomlib's EdDSA derives keys and nonces.

The standard library has only its successor. Source: J.-P. Aumasson, L. Henzen, W. Meier, R. C.-W. Phan, "SHA-3
proposal BLAKE", version 1.3. Messages here are short; speed does not matter.
"""

from typing import Final

_MASK: Final = 2**64 - 1
_ROUNDS: Final = 16
_BLOCK_BYTES: Final = 128

_INITIAL: Final = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
# The first digits of pi.
_CONSTANTS: Final = (
    0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89,
    0x452821E638D01377, 0xBE5466CF34E90C6C, 0xC0AC29B7C97C50DD, 0x3F84D5B5B5470917,
    0x9216D5D98979FB1B, 0xD1310BA698DFB5AC, 0x2FFD72DBD01ADFB7, 0xB8E1AFED6A267E96,
    0xBA7C9045F12C7F99, 0x24A19947B3916CF7, 0x0801F2E2858EFC16, 0x636920D871574E69,
)  # fmt: skip
_ORDER: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
# The columns, then the diagonals, of the state of 4 by 4.
_QUARTERS: Final = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


def blake512(message: bytes) -> bytes:
    """The 64 bytes of BLAKE-512, without salt."""
    chain = list(_INITIAL)
    bits = len(message) * 8
    # One 1 bit, zeros, a 1 bit just before the 128 bits of the length.
    zeros = -(len(message) + 18) % _BLOCK_BYTES
    padding = b"\x81" if (len(message) + 17) % _BLOCK_BYTES == 0 else b"\x80" + bytes(zeros) + b"\x01"
    padded = message + padding + bits.to_bytes(16, "big")
    for start in range(0, len(padded), _BLOCK_BYTES):
        # The counter is of message bits hashed so far; a block of nothing but padding counts as 0.
        counted = min(bits, (start + _BLOCK_BYTES) * 8) if start * 8 < bits else 0
        _compress(chain, padded[start : start + _BLOCK_BYTES], counted)
    return b"".join(word.to_bytes(8, "big") for word in chain)


def _compress(chain: list[int], block: bytes, counted: int) -> None:
    words = [int.from_bytes(block[at : at + 8], "big") for at in range(0, _BLOCK_BYTES, 8)]
    low, high = counted & _MASK, counted >> 64
    state = chain + list(_CONSTANTS[:8])
    for index, part in ((12, low), (13, low), (14, high), (15, high)):
        state[index] ^= part
    for round_number in range(_ROUNDS):
        order = _ORDER[round_number % len(_ORDER)]
        for step, quarter in enumerate(_QUARTERS):
            _mix(state, quarter, words, order[2 * step], order[2 * step + 1])
    for index in range(8):
        chain[index] ^= state[index] ^ state[index + 8]


def _mix(state: list[int], quarter: tuple[int, int, int, int], words: list[int], first: int, second: int) -> None:
    a, b, c, d = quarter
    for word, constant, turn_d, turn_b in ((first, second, 32, 25), (second, first, 16, 11)):
        state[a] = (state[a] + state[b] + (words[word] ^ _CONSTANTS[constant])) & _MASK
        state[d] = _turn(state[d] ^ state[a], turn_d)
        state[c] = (state[c] + state[d]) & _MASK
        state[b] = _turn(state[b] ^ state[c], turn_b)


def _turn(word: int, bits: int) -> int:
    return (word >> bits | word << (64 - bits)) & _MASK
