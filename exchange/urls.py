"""Every address of the web process."""

from django.contrib import admin
from django.urls import include, path

from exchange import health, metrics

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", metrics.export, name="metrics"),
    path("", include("orders.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("orders.api.v1")),
]
