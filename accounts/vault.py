"""Secrets at rest: encrypted with the first of settings.ENCRYPTION_KEYS, decrypted with any of them."""

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(secret: str) -> bytes:
    """The secret as a Fernet token."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode())


def decrypt(token: bytes) -> str:
    """The secret behind a token. Raises cryptography.fernet.InvalidToken if no key opens it."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(bytes(token)).decode()
