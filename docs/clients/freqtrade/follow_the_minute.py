"""A freqtrade strategy that trades often: it buys after a minute that rose and sells after one that fell.

It shows that orders, fills, stops on the exchange and candles work. It is not meant to earn anything.
"""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class FollowTheMinute(IStrategy):
    """In after a rising minute, out after a falling one or after two; a stop rests on the exchange meanwhile."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    startup_candle_count = 2
    process_only_new_candles = False
    # Any profit of 0.1% at once; after two minutes at any price.
    minimal_roi = {"0": 0.001, "2": -1}
    stoploss = -0.03
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
    }
    order_time_in_force = {"entry": "GTC", "exit": "GTC"}

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """The change of the close from one minute to the next."""
        dataframe["change"] = dataframe["close"].diff()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Buy after a minute that did not fall."""
        dataframe.loc[dataframe["change"] >= 0, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Sell after one that fell."""
        dataframe.loc[dataframe["change"] < 0, "exit_long"] = 1
        return dataframe
