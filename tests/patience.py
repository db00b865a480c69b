"""How long a test waits for what must happen.

Nothing here measures time: a limit only ends the wait for what never comes, on a machine that may be slow and busy.
"""

PATIENCE_S = 300.0
