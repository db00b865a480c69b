"""Settings, entry points and the embedded servers."""

from exchange.celery import app as celery_app

__all__ = ["celery_app"]
