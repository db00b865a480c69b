"""Reads of accounts and API keys."""

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from accounts.models import Account, ApiKey
from accounts.problems import Problem

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def account_of_user(user: "User") -> Account:
    """The user's main account, the first one made. Raises Problem no_account."""
    account = Account.objects.filter(user=user).order_by("pk").first()
    if account is None:
        raise Problem("no_account")
    return account


def get_account(*, account_id: int | None = None, name: str | None = None, **lookup: Any) -> Account:
    """One account, by id, or by name and what else is given. Raises Account.DoesNotExist."""
    if account_id is not None:
        lookup["pk"] = account_id
    if name is not None:
        lookup["name"] = name
    return Account.objects.get(**lookup)


def find_account(*, account_id: int) -> Account | None:
    """The account of this number, if there is one."""
    return Account.objects.filter(pk=account_id).first()


def list_api_keys(*, account_id: int) -> QuerySet[ApiKey]:
    """The account's keys, revoked ones too, newest first."""
    return ApiKey.objects.filter(account_id=account_id).order_by("-pk")


def get_api_key(*, account_id: int, key: str) -> ApiKey:
    """One key of the account. Raises ApiKey.DoesNotExist."""
    return ApiKey.objects.get(account_id=account_id, key=key)


def account_exists(*, account_id: int) -> bool:
    """Whether there is a trading account of this number."""
    return Account.objects.filter(pk=account_id).exists()
