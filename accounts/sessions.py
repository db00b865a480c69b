"""Browser sessions: Django's in the database, whose keys are looked at before the database is."""

import re
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions

# What our own keys look like. Anything else is nobody's: some of it, NUL above all, the database would refuse.
KEY = re.compile(r"[a-z0-9]{8,64}", re.ASCII)


class SessionStore(DatabaseSessions):
    """settings.SESSION_ENGINE"""

    def _validate_session_key(self, key: Any) -> bool:
        return isinstance(key, str) and KEY.fullmatch(key) is not None
