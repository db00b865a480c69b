"""What operators do to markets: rules, fees and states, as commands through the gateway with an audit row each."""

from dataclasses import asdict, dataclass

from accounts import operators
from accounts.operators import Operator
from matching.engine import commands
from matching.gateway import Result
from orders import selectors

# The operator's next page should show what was done; a projector that is down must not keep the operator.
PROJECTED_WITHIN_MS = 2_000


@dataclass(frozen=True, slots=True)
class MarketRules:
    """A market as the engine takes it: sizes in lots, prices in ticks, min_notional in quote atoms."""

    market: int
    symbol: str
    base: int
    quote: int
    lot_atoms: int
    unit: int
    min_lots: int
    max_lots: int
    min_notional: int
    band_ppm: int
    breaker_ppm: int
    breaker_window_us: int
    halt_us: int
    reopen_us: int
    max_orders: int
    reference_price: int
    fees: tuple[tuple[int, int], ...]


def set_market_state(*, market_id: int, symbol: str, state: str, by: Operator) -> Result:
    """Open, halt or restrict a market: one of commands.STATES. Raises Problem and GatewayError."""
    command = commands.state(market=market_id, state=state)
    result = operators.send(command, action="market.state", subject=f"{symbol} {state}", by=by)
    selectors.wait_for_sequence(result.sequence, timeout_ms=PROJECTED_WITHIN_MS)
    return result


def set_market_rules(*, rules: MarketRules, by: Operator) -> Result:
    """Create a market, or give an existing one these rules and fees. Raises Problem and GatewayError."""
    result = operators.send(commands.market(**asdict(rules)), action="market.rules", subject=rules.symbol, by=by)
    selectors.wait_for_sequence(result.sequence, timeout_ms=PROJECTED_WITHIN_MS)
    return result
