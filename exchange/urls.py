"""Every address of the web process."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from exchange import health, metrics

# Operators sign in where everybody does, under the same limits; the admin's own login page has none.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Provex operators"
admin.site.index_title = "Everything is shown; what can be changed is changed by commands"

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", metrics.export, name="metrics"),
    path("", include("orders.urls")),
    path("", include("rollup.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("orders.api.v1")),
    path("api/v1/", include("rollup.api.urls")),
    path("api/v3/", include("orders.binance.urls")),
    path("sapi/v1/", include("wallets.binance.urls")),
    path("sapi/v1/", include("orders.binance.sapi")),
]
