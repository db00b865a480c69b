"""manage.py sockets: serves /ws/v1 on settings.SOCKET_PORT."""

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """uvicorn with its bounds set here. More processes may run on other ports or machines."""

    help = "Serve WebSockets."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.SOCKET_PORT)

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        from orders.sockets.limits import FRAME_BYTES_MAX
        from orders.sockets.protocol import HandshakeProtocol, SocketProtocol

        module, _, name = settings.ASGI_APPLICATION.rpartition(".")
        uvicorn.run(
            f"{module}:{name}",
            host=host,
            port=port,
            loop="uvloop",
            http=HandshakeProtocol,
            ws=SocketProtocol,
            ws_max_size=FRAME_BYTES_MAX,
            # Books compress badly by the message and cost a third of the CPU.
            ws_per_message_deflate=False,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            lifespan="on",
            # accounts.network decides whose X-Forwarded-For counts (TRUSTED_PROXIES).
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            access_log=False,
            # Clients reconnect to the next process; nothing here is worth waiting for.
            timeout_graceful_shutdown=1,
        )
