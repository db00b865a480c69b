"""A user announces a key of his own: only who has it can, once, for one account."""

from typing import Any

import pytest

from rollup.client import Exchange, Refused, Signer
from rollup.state.eddsa import public_key
from tests.rollup.signed.conftest import OWNER, ChainStack, User

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("signed")]


@pytest.fixture(scope="module")
def newcomer(stack: ChainStack, users: dict[str, User]) -> Exchange:
    """Somebody whose account is not in the rollup."""
    made: Any = stack.account("dave")
    return Exchange(stack.base_url, str(made["key"]), str(made["secret"]))


def refused(exchange: Exchange, body: dict[str, Any]) -> str:
    """The code it is refused with; the account stays where it is."""
    before = exchange.terms()["linked"]
    with pytest.raises(Refused) as caught:
        exchange.link(body)
    assert exchange.terms()["linked"] == before
    return caught.value.code


def test_a_key_is_announced(newcomer: Exchange, alice: User) -> None:
    terms = newcomer.terms()
    assert (terms["linked"], terms["nonce"], terms["order_ids"]) == (None, None, [])
    secret = b"\x55" * 32
    body = Signer(secret, terms).link(OWNER)
    other = "0x" + "11" * 20
    stolen = Signer(b"\x66" * 32, terms).link(OWNER) | dict(zip("xy", map(str, public_key(secret)), strict=True))
    for wrong, code in (
        (stolen, "bad_signature"),
        (Signer(secret, terms | {"account": alice.account}).link(OWNER), "bad_signature"),
        (Signer(secret, terms | {"domain": str(1 << 160)}).link(OWNER), "bad_signature"),
        (body | {"owner": other}, "bad_signature"),
        (body | {"owner": "0x12"}, "invalid_address"),
        (body | {"x": "0", "y": "1"}, "bad_signature"),
        (body | {"x": str(int(body["x"]) + 1)}, "bad_signature"),
        (body | {"x": "nothing"}, "invalid_request"),
        ({}, "invalid_request"),
    ):
        assert refused(newcomer, wrong) == code
    linked = newcomer.link(body)
    assert (linked["custody"], linked["number"], linked["status"]) == ("user", None, "wanted")
    assert (linked["x"], linked["owner"]) == (body["x"], OWNER)
    # Once more, or another key, as long as nothing was registered.
    again = newcomer.link(Signer(b"\x56" * 32, terms).link(OWNER))
    assert again["x"] != linked["x"]


def test_who_has_a_number_keeps_it(alice: User) -> None:
    assert refused(alice.exchange, alice.signer().link(OWNER)) == "account_registered"
