"""The rollup's figures for Prometheus, and what /health/ready says of provers and settlement."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily

from rollup import alarm, explorer
from rollup.models import Block, ProvingTask
from wallets.chain.fees import TOO_LOW

# A block that is not final after so long is late, on any chain: provers or settlement stand still.
UNSETTLED_S_MAX: Final = 900

_GAUGES: Final = (
    ("unproven_blocks", "Sealed blocks without a proof"),
    ("unproven_slots", "Their slots"),
    ("unproven_s", "Seconds since the oldest of them was sealed"),
    ("unsettled_blocks", "Blocks that are not final"),
    ("unsettled_slots", "Their slots"),
    ("unsettled_s", "Seconds since the oldest of them was sealed"),
    ("failed_blocks", "Blocks that an operator must look at"),
)
_AVERAGES: Final = (
    ("proof_ms", "Milliseconds to prove a block, of the last ones"),
    ("gas_per_slot", "Gas for a slot, of the last final blocks"),
    ("final_s", "Seconds from sealing to final, of the last blocks"),
)


def gauges() -> Iterator[GaugeMetricFamily]:
    """`provex_rollup_…`; none where there is no chain."""
    if not settings.CHAIN_RPC_URL:
        return
    backlog, recent = explorer.backlog(), explorer.recent()
    for name, text in _GAUGES:
        yield GaugeMetricFamily(f"provex_rollup_{name}", text, value=getattr(backlog, name))
    for name, text in _AVERAGES:
        if (value := getattr(recent, name)) is not None:
            yield GaugeMetricFamily(f"provex_rollup_{name}", text, value=value)
    waits = int(bool(explorer.trouble()))
    yield GaugeMetricFamily("provex_rollup_trouble", "1 while a block has a reason to wait", value=waits)
    dear = int(TOO_LOW in explorer.trouble())
    yield GaugeMetricFamily(
        "provex_rollup_fee_too_low", "1 while the oldest block's transaction is too cheap", value=dear
    )
    wrong = int(bool(alarm.reason()))
    yield GaugeMetricFamily("provex_rollup_state_wrong", "1 while the state manager refuses to go on", value=wrong)
    refused = sum(ProvingTask.objects.exclude(status=ProvingTask.Status.PROVED).values_list("refused", flat=True))
    yield GaugeMetricFamily("provex_rollup_refused", "Attempts that failed, of blocks not proven yet", value=refused)
    final = Block.objects.filter(status=Block.Status.FINAL).order_by("-number").values_list("number", flat=True).first()
    yield GaugeMetricFamily("provex_rollup_final_block", "The newest final block", value=final or 0)


def check() -> tuple[bool, str, dict[str, int]]:
    """Whether blocks come to the chain; a sentence for people; figures."""
    backlog = explorer.backlog()
    figures = {name: getattr(backlog, name) for name, _ in _GAUGES}
    stopped = alarm.reason()
    if stopped:
        return False, f"the state manager stands still: {stopped}", figures
    if trouble := explorer.trouble():
        return False, trouble, figures
    if backlog.unsettled_s > UNSETTLED_S_MAX:
        return False, f"the oldest block that is not final was sealed {backlog.unsettled_s} s ago", figures
    return True, f"{backlog.unproven_blocks} blocks to prove, {backlog.unsettled_blocks} to be final", figures
