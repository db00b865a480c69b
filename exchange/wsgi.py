"""Pages and REST, served by granian."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")

django = get_wsgi_application()

from exchange.bodies import guard  # noqa: E402  needs Django set up first

application = guard(django, threads=int(os.environ.get("WEB_THREADS", "32")))
