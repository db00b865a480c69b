"""For users who hold their own keys: signing, and sending what was signed. Needs no Django and no exchange."""

from rollup.client.exchange import Exchange, Refused
from rollup.client.signer import Signer

__all__ = ["Exchange", "Refused", "Signer"]
