"""WebSockets, served by uvicorn (manage.py sockets)."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  needs Django set up first

from orders.routing import websocket_urlpatterns  # noqa: E402
from orders.sockets.app import http, lifespan  # noqa: E402

application = ProtocolTypeRouter({"websocket": URLRouter(websocket_urlpatterns), "http": http, "lifespan": lifespan})
