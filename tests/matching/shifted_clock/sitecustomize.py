"""For processes with this directory in PYTHONPATH: their wall clock is off by the seconds in the file SHIFT_FILE.

So one process of a test has another clock than PostgreSQL, as a machine of its own would have.
"""

import os
import time
from pathlib import Path

_real_ns = time.time_ns
_file = Path(os.environ["SHIFT_FILE"])


def _time_ns() -> int:
    seconds = int(_file.read_text() or "0") if _file.exists() else 0
    return _real_ns() + seconds * 1_000_000_000


time.time_ns = _time_ns
