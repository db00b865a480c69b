"""The matching engine: a pure function of state, command and time (docs/protocol.md)."""

from matching.engine.engine import Engine
from matching.engine.invariants import InvalidState
from matching.engine.state import ENGINE_VERSION, NEVER

__all__ = ["ENGINE_VERSION", "NEVER", "Engine", "InvalidState"]
