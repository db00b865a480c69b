"""`python -m benchmarks [suite …] [--write]`: measure, print tables, and with --write keep them in docs/performance.md.

A suite is a module of this package with `run() -> list[tuple[what, figure, target]]`; its docstring's first line is
its title. Nothing here passes or fails: a machine that is busy or slow is not a defect of the code.
"""

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
SUITES = ("circuits", "contracts", "engine", "pipeline", "projections", "rest", "sockets", "state")
Row = tuple[str, str, str]


def machine() -> list[str]:
    """What the figures were measured on, and whether somebody else was busy on it."""
    cpu = "unknown processor"
    if (info := Path("/proc/cpuinfo")).exists() and (
        match := re.search(r"^model name\s*: (.*)$", info.read_text(), re.M)
    ):
        cpu = match[1]
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    made_from = commit.stdout.strip() or "none"
    return [
        f"{cpu}, {os.cpu_count()} cores, {memory_gb:.0f} GiB",
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}",
        f"load {os.getloadavg()[0]:.1f} before the run, {time.strftime('%Y-%m-%d')}, commit {made_from}",
    ]


def table(rows: list[Row]) -> str:
    """A Markdown table, aligned so that a terminal shows it as well."""
    cells = [("what", "measured", "target"), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def keep(suite: str, section: str) -> None:
    """Replace the suite's section of the page, or add one."""
    text = PAGE.read_text() if PAGE.exists() else "# Performance\n\nMade by `make bench`.\n"
    begin, end = f"<!-- bench:{suite} -->", f"<!-- /bench:{suite} -->"
    block = f"{begin}\n{section}\n{end}"
    if begin in text:
        text = text[: text.index(begin)] + block + text[text.index(end) + len(end) :]
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    PAGE.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the parts of the exchange.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}; all when none is named")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/performance.md")
    options = parser.parse_args()
    if unknown := sorted(set(options.suites) - set(SUITES)):
        parser.error(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    for suite in options.suites or SUITES:
        module = importlib.import_module(f"benchmarks.{suite}")
        title = (module.__doc__ or suite).strip().splitlines()[0]
        on = machine()
        print(f"\n== {title}", *on, sep="\n   ", flush=True)
        begun = time.monotonic()
        text = table(module.run())
        print(f"\n{text}\n\n   took {time.monotonic() - begun:.0f} s", flush=True)
        if options.write:
            keep(suite, f"## {title}\n\n" + "  \n".join(on) + f"\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
