"""Load on a matcher from real gateway processes, and what must be true afterwards."""

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from matching import defaults, journal
from matching.engine import commands
from matching.verification import verify_journal
from tests.matching.harness import eventually, execute
from tests.patience import PATIENCE_S
from tests.stack import ROOT

SOURCES = (11, 12)  # two gateways
TRADERS = 4
ANSWERS_MIN = 200


def fund_traders() -> None:
    """Enough for every order of the load."""
    batch = []
    for index, account in enumerate((source * 100 + trader for source in SOURCES for trader in range(TRADERS)), 1):
        for asset in (defaults.BTC, defaults.USDT):
            batch.append(
                commands.deposit(
                    source=800 + asset.id, index=index, account=account, asset=asset.id, amount=10**12 * 10**asset.scale
                )
            )
    for result in execute(*batch):
        assert result.events[-1][0] == "deposit", result


class Load:
    """`with Load(...)`: gateways work as long as it is open; then `acknowledged` is what they were told.

    `fill`: make markets in `environment` first, by a process of its own; else the test's own exchange is meant.
    """

    def __init__(self, *, directory: Path, environment: dict[str, str], fill: bool = False) -> None:
        self.fill = fill
        self.directory = directory
        self.environment = environment
        self.acknowledged: list[dict[str, Any]] = []
        self.reports: list[dict[str, int]] = []

    def __enter__(self) -> "Load":
        if self.fill:
            command = [sys.executable, "-m", "tests.matching.load", "fill"]
            subprocess.run(command, cwd=ROOT, env=self.environment, check=True, timeout=PATIENCE_S)
        else:
            fund_traders()
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.matching.load", str(source), str(self._path(source))],
                cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for source in SOURCES
        ]  # fmt: skip
        try:
            self.wait_for_more_answers()
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def wait_for_more_answers(self) -> None:
        """Until every gateway got an answer from now on."""
        before = [self._size(source) for source in SOURCES]
        eventually(
            lambda: all(self._size(source) > size for source, size in zip(SOURCES, before, strict=True)),
            what="the load gets answers",
        )  # fmt: skip

    def _answers(self) -> int:
        return sum(self._path(source).read_text().count("\n") for source in SOURCES)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            # However slow the machine is, there is enough to be compared.
            eventually(lambda: self._answers() > ANSWERS_MIN, what="the load gets answers")
        for process in self._processes:
            if kind is not None:
                process.kill()
            try:
                output, _errors = process.communicate(timeout=2 * PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            if kind is None:
                assert process.returncode == 0
                self.reports.append(json.loads(output))
        if kind is None:
            for source in SOURCES:
                self.acknowledged += map(json.loads, self._path(source).read_text().splitlines())

    def _path(self, source: int) -> Path:
        return self.directory / f"load-{source}.jsonl"

    def _size(self, source: int) -> int:
        path = self._path(source)
        return path.stat().st_size if path.exists() else 0

    def longest_silence_s(self) -> float:
        """Between two answers, to whichever gateway."""
        times = sorted(line["at"] for line in self.acknowledged)
        return max(b - a for a, b in pairwise(times))

    def check(self) -> None:
        """Nothing acknowledged is lost or differs, nothing is there twice, and the journal replays to the same."""
        events: dict[int, list[Any]] = {}
        after = 0
        while batches := journal.read(after=after, limit=64):
            after = batches[-1].last
            for batch in batches:
                events.update(enumerate(batch.events, batch.first))
        assert len(self.acknowledged) > ANSWERS_MIN
        for line in self.acknowledged:
            assert events.get(line["sequence"]) == line["events"], line
        sequences = Counter(line["sequence"] for line in self.acknowledged)
        assert sequences.most_common(1)[0][1] == 1, "two commands were told the same sequence"
        happened = [event for of_one in events.values() for event in of_one]
        for source in SOURCES:
            indexes = [event[2] for event in happened if event[0] == "deposit" and event[1] == source]
            assert indexes == list(range(1, len(indexes) + 1)), "a deposit is missing, double or out of order"
            told = {line["command"][3] for line in self.acknowledged if line["command"][:3] == ["deposit", 0, source]}
            assert told == set(indexes)
        placed = Counter((event[2], event[17]) for event in happened if event[0] == "new")
        assert placed and placed.most_common(1)[0][1] == 1, "an order was executed twice"
        for line in self.acknowledged:
            if line["command"][0] == "place":
                assert placed[line["command"][2], line["command"][17]] == 1, line
                assert line["events"][0][0] in {"new", "duplicate"}, line
        verified = verify_journal()
        assert verified.sequence == after
