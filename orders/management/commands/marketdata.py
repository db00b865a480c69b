"""manage.py marketdata: the process that publishes books, trades, tickers, candles and private events."""

import signal
import threading
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from redis.backoff import NoBackoff
from redis.retry import Retry


class Command(BaseCommand):
    """A second one stands by until the first is gone."""

    help = "Follow the journal and publish market data to Redis."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        from matching import collector
        from orders.marketdata.process import MarketData
        from orders.marketdata.single import alone
        from orders.marketdata.tickers import TickerPush

        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        # No retries within the client: a repeated transaction would append its messages twice.
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        with alone(settings.MATCHER_DATABASE_URL, stopped.is_set) as may_run:
            if not may_run:
                return
            push_tickers = TickerPush()
            collector.settle()
            path = settings.VAR_DIR / "marketdata" / "fold.json"
            MarketData(client=client, push_tickers=push_tickers, path=path, stop=stopped.is_set).run()
            push_tickers.close()
