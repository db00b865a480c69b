"""Admin of money: everything to look at, nothing to edit."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from accounts.admin import operator_of
from accounts.problems import Problem
from matching.gateway import GatewayError
from matching.money import format_atoms
from matching.readonly import BoundedPaginator, ReadOnlyAdmin, time_text
from wallets import operators, selectors
from wallets.chain import admin as chain_admin
from wallets.models import Asset, Balance, Deposit, InternalTransfer, LedgerEntry, Withdrawal

PER_PAGE = 100

# Registers its pages; Django only looks for this module.
__all__ = ["chain_admin"]


_assets: dict[int, Asset] = {}


def amount_text(atoms: int, asset_id: int) -> str:
    """Like "0.5 BTC"; atoms where the asset is not known yet."""
    if asset_id not in _assets:
        # An asset never changes, so what was read once stays true.
        _assets.update({asset.id: asset for asset in selectors.list_assets()})
    asset = _assets.get(asset_id)
    return f"{format_atoms(atoms, asset.scale)} {asset.code}" if asset else f"{atoms} of asset {asset_id}"


class MoneyAdmin(ReadOnlyAdmin):
    """Rows with an amount of an asset."""

    @admin.display(description="amount")
    def coins(self, row: Any) -> str:
        """The amount in coins."""
        return amount_text(row.amount, row.asset_id)


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    """Assets, and from here the balances: Django's admin cannot list rows with a key of two columns."""

    list_display = ("id", "code", "scale")
    change_list_template = "admin/wallets/asset/change_list.html"

    def get_urls(self) -> list[Any]:
        """One more page."""
        page = self.admin_site.admin_view(self.balances)
        return [path("balances/", page, name="wallets_asset_balances"), *super().get_urls()]

    def balances(self, request: HttpRequest) -> HttpResponse:
        """Balances of one account, or of all."""
        if not request.user.has_perm("wallets.view_balance"):
            raise PermissionDenied
        rows = Balance.objects.order_by("account_id", "asset_id")
        account = request.GET.get("account", "").strip()
        if account:
            is_id = account.isascii() and account.isdigit() and len(account) < 19
            rows = rows.filter(account_id=int(account)) if is_id else rows.none()
        page = BoundedPaginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        table = [
            (
                row.account_id,
                amount_text(row.available, row.asset_id),
                amount_text(row.held, row.asset_id),
                row.sequence,
            )
            for row in page
        ]
        context = self.admin_site.each_context(request) | {
            "title": "Balances", "opts": self.opts, "page": page, "rows": table, "filter_value": account,
            "headings": ("Account", "Available", "Held", "Sequence"), "filter_name": "account",
        }  # fmt: skip
        return TemplateResponse(request, "admin/table.html", context)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(MoneyAdmin):
    """Every leg of every posting."""

    list_display = ("id", "time", "account_id", "kind", "coins", "reference", "sequence", "ordinal")
    list_filter = ("kind",)
    search_fields = ("=account_id", "=sequence")
    search_help_text = "An account or a sequence"
    ordering = ("-id",)

    @admin.display(description="time (UTC)")
    def time(self, entry: LedgerEntry) -> str:
        """Of its command."""
        return time_text(entry.time_us)


class MovementAdmin(MoneyAdmin):
    """What movements of money share."""

    list_filter = ("status",)
    ordering = ("-id",)


@admin.register(Deposit)
class DepositAdmin(MovementAdmin):
    """Money that came in."""

    list_display = ("id", "source", "index", "account_id", "coins", "status", "code", "sequence", "created_at")
    search_fields = ("=account_id", "reference")


@admin.register(Withdrawal)
class WithdrawalAdmin(MovementAdmin):
    """Money that goes out: taken by an operator first, then sent, then completed here; or refused and given back.

    With a chain, to complete one is to approve it: the contract pays it out.
    """

    actions = ("take", "complete", "refuse")

    list_display = (
        "id", "account_id", "coins", "network", "address", "address_tag", "status", "l1_status", "l2_block", "code",
        "sequence", "created_at",
    )  # fmt: skip
    search_fields = ("=account_id", "reference")

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Who may change withdrawals sends their commands."""
        return request.user.has_perm("wallets.change_withdrawal")

    @admin.action(description="Take, to carry them out", permissions=["command"])
    def take(self, request: HttpRequest, queryset: QuerySet[Withdrawal]) -> None:
        """From now on their owners cannot cancel them."""
        self._do(request, queryset, operators.take_withdrawal)

    @admin.action(description="Complete: they have left, or the chain shall pay them out", permissions=["command"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Withdrawal]) -> None:
        """What was held is gone."""
        self._do(request, queryset, operators.complete_withdrawal)

    @admin.action(description="Refuse, and give back", permissions=["command"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[Withdrawal]) -> None:
        """What was held is available again."""
        self._do(request, queryset, operators.refuse_withdrawal)

    def _do(
        self, request: HttpRequest, queryset: QuerySet[Withdrawal], change: Callable[..., Withdrawal]
    ) -> None:  # fmt: skip
        for withdrawal in queryset:
            try:
                row = change(withdrawal=withdrawal, by=operator_of(request))
                messages.success(request, f"Withdrawal {row.pk} is {row.status}.")
            except (Problem, GatewayError) as error:
                messages.error(request, f"Withdrawal {withdrawal.pk}: {error}")


@admin.register(InternalTransfer)
class InternalTransferAdmin(MovementAdmin):
    """Money between accounts."""

    list_display = ("id", "from_account_id", "to_account_id", "coins", "status", "code", "sequence", "created_at")
    search_fields = ("=from_account_id", "=to_account_id", "reference")
