"""The order lists that this process placed last: a cancel right behind its list need not wait for the read model."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orders import selectors
from orders.models import Order
from orders.placed import OrderState, PlacedList

LISTS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class NamedList:
    """What a cancel must know of a list, with its legs as they were when somebody looked."""

    id: int
    market_id: int
    kind: int
    client_id: str
    orders: Sequence[Order | OrderState]


_recent: OrderedDict[tuple[int, int | str], NamedList] = OrderedDict()
_lock = threading.Lock()


def keep(made: PlacedList) -> None:
    """Remember a list by its id and by its client's."""
    named = NamedList(made.id, made.market_id, made.kind, made.client_id, [leg.order for leg in made.orders])
    with _lock:
        for name in (made.id, made.client_id):
            _recent[made.account_id, name] = named
            _recent.move_to_end((made.account_id, name))
        while len(_recent) > 2 * LISTS_MAX:
            _recent.popitem(last=False)


def find(account_id: int, list_id: int, client_id: str) -> NamedList | None:
    """A list by its id if above 0, else the latest of that client id; None if neither this process nor the rows do."""
    with _lock:
        recent = _recent.get((account_id, list_id or client_id))
    row = selectors.find_list(account_id=account_id, list_id=list_id, client_id=client_id)
    if row is None or (recent is not None and recent.id >= row.pk):
        return recent
    (stored,) = selectors.with_orders([row])
    return NamedList(stored.id, stored.market_id, stored.kind, stored.client_id, stored.orders)
