"""The projections of the exchange, by name."""

from collections.abc import Callable
from typing import Final

import orders.projection
import rollup.projection
import rollup.verification
import wallets.projection
from matching.projection import Projection
from matching.rebuild import Progress, rebuild

PROJECTIONS: Final[dict[str, Callable[[], Projection]]] = {
    orders.projection.NAME: orders.projection.make_projection,
    wallets.projection.NAME: wallets.projection.make_projection,
    rollup.projection.NAME: rollup.projection.make_projection,
}


def rebuild_by_name(name: str, progress: Progress) -> int:
    """Make a projection anew from the journal; the sequence it is at. Raises matching.rebuild.AlreadyRunning."""
    if name == rollup.projection.NAME:
        # Its blocks are not its own to make anew: they are proven instead.
        return rollup.verification.rebuild(rollup.projection.make_part(), progress=progress)
    return rebuild(PROJECTIONS[name](), progress=progress)
