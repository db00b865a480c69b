"""allauth's hook at sign-up: a user and its trading account are made together or not at all."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction

from accounts import network, services


class AccountAdapter(DefaultAccountAdapter):
    """Gives whoever signs up a trading account."""

    def get_client_ip(self, request: Any) -> str:
        """Whose attempts allauth counts: the client's, as our own proxies tell it."""
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        return network.client_ip(request.META.get("REMOTE_ADDR", ""), forwarded)

    def save_user(self, request: Any, user: Any, form: Any, commit: bool = True) -> Any:
        """Save the user and, if it is saved at all, its account."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if commit:
                services.create_account(user=user)
        return user
