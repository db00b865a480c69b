"""Pages and REST, served by granian."""

import ctypes
import os
import signal
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")

django = get_wsgi_application()

from django.conf import settings  # noqa: E402  needs Django set up first
from django.core.signals import request_started  # noqa: E402
from django.db import close_old_connections, reset_queries  # noqa: E402

from exchange.bodies import guard  # noqa: E402
from exchange.warming import warm_up  # noqa: E402

# Both cost as much as a signature's check, and find nothing to do: the end of each request closes its connection, in
# its own thread, and queries are only kept with DEBUG.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)

if sys.platform == "linux":
    # The server forks its workers, and one that is killed leaves them behind, with its port: the kernel ends them too.
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

application = guard(django, threads=int(os.environ.get("WEB_THREADS", "32")))
# Each worker imports this before it takes its first connection.
warm_up(application)
