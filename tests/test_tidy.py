"""Style as a test: what a linter does not know, and a reviewer should not have to say."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
APPS = ("exchange", "accounts", "orders", "matching", "wallets", "rollup")
LINES_MAX = 500
CODE = {".py", ".js", ".css", ".html", ".sh"}
# Written by others, or by a program.
NOT_OURS = ("LICENSE", "requirements.lock")


def tracked() -> list[Path]:
    """Files that git knows, or would take: what is ignored is nobody's business."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:  # a tarball without .git
        names = [str(path.relative_to(ROOT)) for app in APPS for path in (ROOT / app).rglob("*.py")]
    else:
        names = listed.stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file() and not name.endswith(NOT_OURS)]


FILES = tracked()
TEXTS = [path for path in FILES if path.suffix in CODE | {".md", ".txt", ".toml", ""} and path.stat().st_size < 1e6]
SOURCES = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in APPS]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def offences(pattern: str, paths: list[Path]) -> list[str]:
    """FILE:LINE of every match."""
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:100]}")
    return found


def calls(path: Path, name: str) -> Iterator[int]:
    """Lines that call the builtin `name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node.lineno


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50
    assert ROOT / "matching" / "engine" / "commands.py" in SOURCES


def test_nothing_is_left_for_later() -> None:
    assert offences(r"\b(TODO|FIXME|HACK)\b", [path for path in TEXTS if path != Path(__file__)]) == []


def test_files_are_short() -> None:
    long = {name_of(path): len(path.read_text().splitlines()) for path in FILES if path.suffix in CODE}
    assert {name: lines for name, lines in long.items() if lines > LINES_MAX} == {}


def test_money_never_meets_a_float() -> None:
    money = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"matching", "wallets", "orders"}]
    # A demo trader's opinion of the price is a float; what it sends is a decimal string.
    exact = [path for path in money if "demo" not in path.parts]
    assert [f"{name_of(path)}:{line}" for path in exact for line in calls(path, "float")] == []


def test_nobody_prints_but_commands() -> None:
    quiet = [path for path in SOURCES if "management" not in path.parts]
    printing = {name_of(path) for path in quiet for _ in calls(path, "print")}
    # The matcher's last words before it refuses to start must not depend on logging.
    assert printing <= {"matching/process.py"}


def test_no_path_of_a_workplace_is_written_down() -> None:
    assert offences(r"/(work|root|home)/[a-z]", [path for path in TEXTS if path != Path(__file__)]) == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_a_reason_and_locked(name: str) -> None:
    lock = {
        re.sub(r"[-_.]+", "-", package).lower(): version
        for package, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.lock").read_text(), re.M)
    }
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith(("#", "-r ")):
            continue
        match = re.fullmatch(r"([\w.-]+)(\[[\w,]+\])?==([^\s;]+)(; python_version [<>=]+ \"3\.\d+\")?\s+# \S.*", line)
        assert match, f"{name}: no NAME==VERSION  # reason: {line}"
        package = re.sub(r"[-_.]+", "-", match[1]).lower()
        # What only another Python needs is in no lock that this one made.
        assert lock.get(package, match[4] and match[3]) == match[3], f"run make lock: {line}"


def test_make_targets_are_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):(.*)$", makefile, re.M)
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert len(targets) >= 7
    assert [target for target, rest in targets if "## " not in rest] == []
    assert phony and set(phony[1].split()) == {target for target, _ in targets}


def test_commands_say_what_they_do() -> None:
    ours = {name: app for name, app in get_commands().items() if app in APPS}
    assert "matcher" in ours
    assert [name for name, app in ours.items() if not load_command_class(app, name).help.strip()] == []


def test_processes_are_in_the_runbook() -> None:
    processes = re.findall(r"^([a-z]+):", (ROOT / "Procfile").read_text(), re.M)
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert len(processes) >= 11
    assert [name for name in processes if f"`{name}`" not in runbook] == []


def test_links_between_documents_lead_somewhere() -> None:
    dead = []
    for path in FILES:
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:|#", target) and not (path.parent / target.partition("#")[0]).exists():
                dead.append(f"{name_of(path)}: {target}")
    assert dead == []


def test_decisions_have_their_four_parts_and_a_number_of_their_own() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [path.name[:4] for path in pages]
    assert len(numbers) == len(set(numbers))
    for path in pages:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. "), name_of(path)
        parts = ["Status: ", "## Context", "## Decision", "## Consequences"]
        assert [part for part in parts if part not in text] == [], name_of(path)
