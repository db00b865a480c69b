"""Kinds of API keys: a shared secret, or a public key whose private half never left its owner.

hmac signs with hex HMAC-SHA256. ed25519 and rsa (PKCS#1 v1.5 with SHA-256) sign in base64.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from accounts.problems import Problem

HMAC: Final = "hmac"
ED25519: Final = "ed25519"
RSA: Final = "rsa"
KINDS: Final = (HMAC, ED25519, RSA)
PEM_LENGTH_MAX: Final = 4_096
RSA_BITS: Final = range(2_048, 4_097)

PublicKey = Ed25519PublicKey | RSAPublicKey


def read_public_key(pem: str) -> tuple[str, str]:
    """The kind of a public key in PEM, and the key written the one way we keep it. Raises Problem invalid_request."""
    try:
        key = load_public_key(pem)
    except (ValueError, UnsupportedAlgorithm, TypeError):
        raise Problem("invalid_request", "public_key is not an Ed25519 or RSA public key in PEM") from None
    if isinstance(key, RSAPublicKey) and key.key_size not in RSA_BITS:
        raise Problem("invalid_request", "an RSA key has 2048 to 4096 bits")
    kept = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return (RSA if isinstance(key, RSAPublicKey) else ED25519), kept


def load_public_key(pem: str) -> PublicKey:
    """The key of a PEM. Raises ValueError, UnsupportedAlgorithm."""
    if len(pem) > PEM_LENGTH_MAX or "PRIVATE" in pem:
        raise ValueError("not a public key")
    key = load_pem_public_key(pem.strip().encode())
    if not isinstance(key, (Ed25519PublicKey, RSAPublicKey)):
        raise ValueError("neither Ed25519 nor RSA")
    return key


def hmac_hex(secret: str, message: bytes) -> str:
    """Lower-case hex HMAC-SHA256."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def verified(secret: str, public_key: PublicKey | None, message: bytes, signature: str) -> str:
    """What names this signed message once and for all, if the signature is right; empty if it is not.

    With a public key the text of a signature can be written in more than one way, so the message names itself.
    """
    if public_key is None:
        expected = hmac_hex(secret, message)
        # Compared as bytes: a signature may hold any character, and compare_digest takes only ASCII text.
        return expected if hmac.compare_digest(expected.encode(), signature.lower().encode(errors="replace")) else ""
    try:
        given = base64.b64decode(signature, validate=True)
        if isinstance(public_key, RSAPublicKey):
            public_key.verify(given, message, PKCS1v15(), hashes.SHA256())
        else:
            public_key.verify(given, message)
    except (InvalidSignature, binascii.Error, ValueError):
        return ""
    return hashlib.sha256(message).hexdigest()
