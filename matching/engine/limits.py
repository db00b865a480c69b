"""How much one command may set off, so that none keeps all others waiting (docs/protocol.md, sections 6 to 8)."""

# Resting orders that a taker meets at most; every shown part of an iceberg counts.
MEETINGS = 10_000
# Orders, with all their parts, in the levels that a fill-or-kill order needs: it has to look at them all beforehand.
FILL_OR_KILL = 1_000
# Orders of a market's queue that take their turn in one go, and the trades after which none does any more.
TURNS = 100
TURN_TRADES = 1_000
# Things that are due and run with one command, and the events after which none does any more.
DUE = 1_000
DUE_EVENTS = 10_000
# Events of commands that run together, after which the rest of them is refused: see Engine.apply_all.
BATCH_EVENTS = 20_000
