"""Fixtures of the wallets' tests."""

import pytest

from matching import gateway
from tests.patience import PATIENCE_S
from wallets import outbox
from wallets.chain import queue


@pytest.fixture(autouse=True)
def patient_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matcher of a busy machine, or one that has just begun, takes longer to answer than anybody would wait."""
    wait_for_answers(monkeypatch, PATIENCE_S)


def wait_for_answers(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """For so long. A command may be executed, and its row not be judged anew, for longer than any test takes."""
    monkeypatch.setattr(outbox, "DEADLINE_US", 86_400 * 10**6)
    monkeypatch.setattr(queue, "ANSWER_S", seconds)
    for submitting in (outbox.send, gateway.submit):
        monkeypatch.setitem(submitting.__kwdefaults__, "timeout_s", seconds)
