"""Redis keys and channels of market data, in one place for those who write and those who read."""

from typing import Final

SEQUENCE: Final = "md:sequence"  # the last sequence whose messages went out
MARKETS: Final = "md:markets"  # set of symbols
REQUESTS: Final = "md:asked"  # set: accounts whose snapshot somebody waits for
WATCHED: Final = "md:watched"  # sorted set: account -> until when (Unix seconds) somebody listens
RESET: Final = "md:reset"  # channel: whatever you have, get it anew
TICKERS_GROUP: Final = "tickers"  # group of the Channels layer


def book(symbol: str) -> str:
    """Key: the book as of its `sequence`, whole. Its tail holds what came since."""
    return f"md:book:{symbol}"


def book_tail(symbol: str) -> str:
    """Key: list of the envelopes of the updates after the stored book."""
    return f"md:book:{symbol}:tail"


def book_top(symbol: str) -> str:
    """Key: the best levels of the book, small and quick to read."""
    return f"md:top:{symbol}"


def trades(symbol: str) -> str:
    """Key: list of the latest trades as JSON, newest first."""
    return f"md:trades:{symbol}"


def ticker(symbol: str) -> str:
    """Key: the ticker as JSON."""
    return f"md:ticker:{symbol}"


def candle(symbol: str, interval: str) -> str:
    """Key: the current candle, in the envelope of its message."""
    return f"md:candles:{symbol}:{interval}"


def book_topic(symbol: str) -> str:
    """Channel: book updates."""
    return f"md:{symbol}:book"


def trades_topic(symbol: str) -> str:
    """Channel: trades."""
    return f"md:{symbol}:trades"


def candles_topic(symbol: str, interval: str) -> str:
    """Channel: candles of an interval."""
    return f"md:{symbol}:candles:{interval}"


def account_topic(account: int) -> str:
    """Channel: orders, fills and balances of an account."""
    return f"acct:{account}"
