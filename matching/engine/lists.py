"""`list`: orders that depend on each other (docs/protocol.md, section 10)."""

from typing import Any

from matching.engine.events import Event
from matching.engine.state import State


def place_list(state: State, command: Any) -> list[Event]:
    """Handle `list`; every list is refused as yet."""
    return [("rejected", "invalid_parameter")]
