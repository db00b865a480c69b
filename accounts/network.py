"""The address a request came from, seen through proxies we trust."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)


def client_ip(remote_address: str, forwarded_for: str = "") -> str:
    """The last address of the chain that is not one of settings.TRUSTED_PROXIES.

    X-Forwarded-For is read from its end, where our own proxies write; what a client put in front is ignored.
    """
    if not forwarded_for or not settings.TRUSTED_PROXIES:
        return remote_address
    trusted = _networks(tuple(settings.TRUSTED_PROXIES))
    address = remote_address
    for hop in reversed([text.strip() for text in forwarded_for.split(",")]):
        if not _is_in(address, trusted):
            return address
        address = hop
    return address


def is_trusted_proxy(address: str) -> bool:
    """Whether it is one of settings.TRUSTED_PROXIES, which speak for many."""
    return bool(settings.TRUSTED_PROXIES) and _is_in(address, _networks(tuple(settings.TRUSTED_PROXIES)))


def _is_in(text: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


@lru_cache(maxsize=10_000)
def party(address: str) -> str:
    """Whom an address stands for, where callers are counted: itself, or the /64 that one IPv6 subscriber is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))
