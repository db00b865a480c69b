"""`python -m exchange.anvil`: fetch anvil now, and say where it is."""

import os
import sys

from exchange import anvil

try:
    sys.stdout.write(f"{anvil.program(os.environ)}\n")
except anvil.AnvilMissing as error:
    sys.exit(str(error))
