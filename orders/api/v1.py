"""All of /api/v1/: the addresses of every app below, the OpenAPI document and its page."""

from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

# The page's own script writes style attributes; scripts stay our own files.
_page = csp_update({"style-src": "'unsafe-inline'"})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("wallets.api.urls")),
    path("", include("orders.api.urls")),
    path("schema", SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("docs", _page, name="docs"),
]
