"""Names in Redis that gateways, matcher and followers share."""

from django.conf import settings

REPLY_TTL_S = 60


def reply_key(session: str) -> str:
    """List on which a gateway's session awaits its replies."""
    return f"{settings.MATCHING_QUEUE}:reply:{session}"


def head_channel() -> str:
    """Pub/sub channel that carries the journal's new head. A hint: who hears nothing polls."""
    return f"{settings.MATCHING_QUEUE}:head"
