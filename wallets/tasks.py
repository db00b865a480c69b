"""Background work of wallets."""

from celery import shared_task

from wallets import services


@shared_task(name="wallets.send_pending")
def send_pending() -> None:
    """Send again the movements of money that nobody answered."""
    services.send_pending()
