"""Memory of resting orders and the time to dump and load them: `python -m benchmarks.engine_memory N` prints JSON."""

import gc
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.tapes import MID, START_US, opening
from matching.engine import Engine
from matching.engine import commands as c


def resident_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def measure(orders: int) -> dict[str, float]:
    """Fill a book with `orders` orders of 1,000 accounts, each with a client id of 36 characters."""
    engine = Engine()
    for command in opening():
        engine.apply(command, START_US)
    random = Random(1)
    gc.collect()
    gc.disable()
    before = resident_bytes()
    for number in range(orders):
        side = number % 2
        away = random.randint(1, 50_000)
        command = c.place(
            account=random.randint(1, 1_000), market=1, side=side, price=MID + (away if side else -away),
            size=random.randint(1_000, 1_000_000), client_id=f"{number:08d}-0000-4000-8000-{number:012d}",
            fingerprint=random.getrandbits(63),
        )  # fmt: skip
        # Through JSON, so that nothing is shared but what the matcher would share, too.
        engine.apply(json.loads(json.dumps(command)), START_US + 10 * number)
    grown = resident_bytes() - before

    dump, dump_s = timed(engine.dump)
    text = json.dumps(dump)
    _, hash_s = timed(engine.state_hash)
    loaded, load_s = timed(lambda: Engine.load(json.loads(text)))
    assert loaded.state_hash() == engine.state_hash()
    return {
        "bytes_per_order": grown / orders,
        "dump_s": dump_s,
        "megabytes": len(text) / 1e6,
        "hash_s": hash_s,
        "load_s": load_s,
    }


def timed(work: Any) -> tuple[Any, float]:
    """What a piece of work returns, and its CPU seconds."""
    begun = time.process_time()
    result = work()
    return result, time.process_time() - begun


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
