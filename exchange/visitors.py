"""Who may see the inside: how the exchange is, in detail."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def is_local(request: HttpRequest) -> bool:
    """Whether it comes from this very machine, and not through a proxy on it."""
    address = request.META.get("REMOTE_ADDR", "")
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback or address == settings.HOST
    except ValueError:
        return False


def is_staff(request: HttpRequest) -> bool:
    """Whether an operator is signed in."""
    return bool(request.user.is_active and request.user.is_staff)
