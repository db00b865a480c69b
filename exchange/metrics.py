"""/metrics for Prometheus: what this process counted, and the state of the whole, as `provex_…` gauges.

Answers the loopback only, or whoever has METRICS_TOKEN; anybody else finds nothing here.
"""

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector

from exchange import health, visitors
from rollup import metrics as rollup


class State(Collector):
    """The checks of /health/ready as numbers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        well = GaugeMetricFamily("provex_check_ok", "1 if the check of /health/ready is well", labels=["check"])
        figures = GaugeMetricFamily("provex_check_figure", "A figure of a check", labels=["check", "figure"])
        for name, check in health.run_checks().items():
            well.add_metric([name], int(check.ok))
            for figure, value in check.figures.items():
                figures.add_metric([name, figure], value)
        yield well
        yield figures
        yield from rollup.gauges()


def export(request: HttpRequest) -> HttpResponse:
    """The text that Prometheus scrapes."""
    if not _may_read(request):
        raise Http404
    counted: CollectorRegistry = REGISTRY
    if settings.PROMETHEUS_MULTIPROC_DIR:
        # Several workers serve one port; each keeps its counts in files, and they are added up here.
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted, path=settings.PROMETHEUS_MULTIPROC_DIR)
    state = CollectorRegistry()
    state.register(State())
    return HttpResponse(generate_latest(counted) + generate_latest(state), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN:
        return secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # Behind a proxy every address is the proxy's: set METRICS_TOKEN there.
    return visitors.is_local(request)
