"""Python's collector of cyclic garbage, in processes that serve requests or follow the journal."""

import gc
from typing import Final

# So many more objects made than freed, before it looks. A batch of 500 orders makes some thousands, all of which are
# freed without it; by default that made it go through all of the process's objects again after a handful of batches.
YOUNG_MAX: Final = 50_000


def settle() -> None:
    """Said once, when the process is ready: what is loaded by now stays, and need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *gc.get_threshold()[1:])
