"""Keys without a secret: which public keys are taken, what is kept, what they verify."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import IntegrityError, transaction

from accounts import keys, kinds, services
from accounts.models import ApiKey
from accounts.problems import Problem

ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(private, message):
    signature = private.sign(message) if private is ED else private.sign(message, PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode()


@pytest.fixture
def account(db):
    keys.forget()
    yield services.create_account(name="kinds")
    keys.forget()


@pytest.mark.parametrize(("private", "kind"), [(ED, "ed25519"), (RSA, "rsa")])
def test_a_public_key_is_kept_and_no_secret(account, private, kind):
    key, secret = services.create_api_key(account=account, permissions=["read"], public_key=f"\n{pem(private)}  ")
    assert secret == ""
    row = ApiKey.objects.get(key=key)
    assert (row.kind, row.public_key, bytes(row.encrypted_secret)) == (kind, pem(private), b"")
    known = keys.find(key)
    assert kinds.verified(known.secret, known.public_key, b"text", signed(private, b"text"))
    assert not kinds.verified(known.secret, known.public_key, b"other", signed(private, b"text"))


@pytest.mark.parametrize("private", [ED, RSA])
def test_two_ways_to_write_a_signature_name_one_message(private):
    """Base64 may end in bits that mean nothing; what was signed once is still once."""
    public = private.public_key()
    signature = signed(private, b"text")
    names = {kinds.verified("", public, b"text", signature)}
    names.add(kinds.verified("", public, b"text", base64.b64encode(base64.b64decode(signature)).decode()))
    assert len(names) == 1
    for wrong in ("", "*", signature[:-4], signature + "AAAA", "ü", "A" * 88):
        assert kinds.verified("", public, b"text", wrong) == ""


@pytest.mark.parametrize(
    "text",
    [
        "x", pem(ED)[:-30], pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        ED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), "A" * 5_000,
    ],
    # The keys are new in every process; the tests' names must not be.
    ids=["letters", "cut off", "elliptic curve", "short RSA", "private", "long"],
)  # fmt: skip
def test_what_is_no_public_key(account, text):
    before = ApiKey.objects.count()
    with pytest.raises(Problem) as caught:
        services.create_api_key(account=account, permissions=["read"], public_key=text)
    assert caught.value.code == "invalid_request"
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("fields", [{"kind": "hmac", "public_key": pem(ED)}, {"kind": "rsa"}, {"kind": "dsa"}])
def test_the_database_holds_kind_and_key_together(account, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(account=account, key="k", permissions=["read"], encrypted_secret=b"", **fields)


def test_a_secret_verifies_its_own_signatures_alone():
    right = kinds.hmac_hex("secret", b"text")
    assert (
        kinds.verified("secret", None, b"text", right)
        == kinds.verified("secret", None, b"text", right.upper())
        == right
    )
    assert kinds.verified("other", None, b"text", right) == ""
    assert kinds.verified("secret", None, b"text", "ü") == ""
