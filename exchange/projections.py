"""The projections of the exchange, by name."""

from collections.abc import Callable
from typing import Final

import orders.projection
import wallets.projection
from matching.projection import Projection

PROJECTIONS: Final[dict[str, Callable[[], Projection]]] = {
    orders.projection.NAME: orders.projection.make_projection,
    wallets.projection.NAME: wallets.projection.make_projection,
}
