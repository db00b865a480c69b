"""WebSockets, served by uvicorn."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")

http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  needs Django set up first

application = ProtocolTypeRouter({"http": http})
