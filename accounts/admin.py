"""Admin of accounts: who trades, their API keys, and what operators did."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from accounts import network, operators, services
from accounts.models import Account, ApiKey, AuditEntry
from accounts.operators import Operator
from accounts.problems import Problem
from matching.gateway import GatewayError
from matching.readonly import ReadOnlyAdmin

TIER_MAX = 1_000


def operator_of(request: HttpRequest) -> Operator:
    """Who asks, for the audit."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    ip = network.client_ip(request.META.get("REMOTE_ADDR", ""), forwarded)
    assert request.user.pk is not None, "the admin lets nobody else in"
    return Operator(user_id=request.user.pk, ip=ip or None)


class FeeTierForm(forms.Form):
    """A fee tier."""

    tier = forms.IntegerField(
        min_value=0, max_value=TIER_MAX, help_text="0 pays most; a tier beyond a market's table uses its last row."
    )


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Trading accounts; a fee tier is set by a command."""

    list_display = ("id", "name", "user", "is_system", "rate_tier", "created_at")
    list_filter = ("is_system", "rate_tier")
    search_fields = ("=id", "name", "user__username")
    list_select_related = ("user",)
    change_form_template = "admin/accounts/account/change_form.html"

    def get_urls(self) -> list[Any]:
        """One more page."""
        page = self.admin_site.admin_view(self.fee_tier)
        return [path("<int:account_id>/fee-tier/", page, name="accounts_account_fee_tier"), *super().get_urls()]

    def fee_tier(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Ask for a tier and send the command."""
        if not request.user.has_perm("accounts.change_account"):
            raise PermissionDenied
        account = get_object_or_404(Account, pk=account_id)
        form = FeeTierForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            tier = form.cleaned_data["tier"]
            try:
                result = operators.set_fee_tier(account=account, tier=tier, by=operator_of(request))
            except (Problem, GatewayError) as error:
                messages.error(request, str(error))
            else:
                messages.success(request, f"{account} is in fee tier {tier}, sequence {result.sequence}.")
                return HttpResponseRedirect(reverse("admin:accounts_account_change", args=[account.pk]))
        context = self.admin_site.each_context(request) | {
            "title": f"Fee tier of {account}", "form": form, "opts": self.opts, "original": account,
        }  # fmt: skip
        return TemplateResponse(request, "admin/command_form.html", context)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys: to look at and to revoke. Secrets are shown to nobody."""

    list_display = ("key", "account", "label", "permissions", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("key", "label", "account__name", "=account__id")
    list_select_related = ("account",)
    exclude = ("encrypted_secret",)
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change keys may revoke them."""
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description="Revoke selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Each with its audit row."""
        for row in queryset.select_related("account"):
            try:
                by = operator_of(request)
                services.revoke_api_key(account=row.account, key=row.key, actor_id=by.user_id, ip=by.ip)
                messages.success(request, f"Key {row.key} is revoked.")
            except Problem as problem:
                messages.error(request, f"{row.key}: {problem.detail}")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, newest first."""

    list_display = ("at", "actor", "action", "subject", "outcome", "sequence", "account", "ip")
    list_filter = ("action",)
    search_fields = ("subject", "action", "actor__username")
    list_select_related = ("actor", "account")
    ordering = ("-id",)

    @admin.display
    def outcome(self, entry: AuditEntry) -> str:
        """What became of a command."""
        return entry.detail.get("code") or entry.detail.get("outcome", "")

    @admin.display
    def sequence(self, entry: AuditEntry) -> Any:
        """The result's sequence."""
        return entry.detail.get("sequence", "")
