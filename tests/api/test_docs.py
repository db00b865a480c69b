"""The OpenAPI document, its page, and the example of docs/api.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.patience import PATIENCE_S

DOC = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()


def test_the_example_of_the_documentation_runs(alice):
    (code,) = re.findall(r"```python\n(.*?)```", DOC, re.S)
    env = os.environ | {
        "PROVEX_URL": alice.stack.base_url, "PROVEX_KEY": alice.key, "PROVEX_SECRET": alice.secret,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert re.fullmatch(r"\d+ open \[\]", first)
    assert second == "canceled"
    assert len([line for line in code.splitlines() if line.strip()]) <= 25


@pytest.mark.django_db
def test_the_page_asks_no_other_site(client):
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert not re.search(r"(src|href)=\"(https?:)?//", page.content.decode())
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    for address in re.findall(r"src=\"(/static[^\"]+)\"", page.content.decode()):
        assert client.get(address).status_code == 200, address


@pytest.mark.django_db
def test_every_address_is_documented(client):
    from django.urls import get_resolver

    document = client.get("/api/v1/schema").json()
    roots = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == "api/v1/"]
    undocumented = {"schema", "docs"}
    served = set()
    for part in [part for root in roots for part in root.url_patterns]:
        for pattern in getattr(part, "url_patterns", [part]):
            if pattern.name not in undocumented:
                served.add("/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)))
    assert set(document["paths"]) == served
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert "default" in operation["responses"], (method, path)
    assert {
        path.removeprefix("/api/v1") for path in re.findall(r"`(?:GET|POST|PATCH|DELETE) (/[a-z/{}_-]+)`", DOC)
    } <= {re.sub(r"\{\w+_id\}", "{id}", path.removeprefix("/api/v1")) for path in served}


def test_the_document_says_nothing_twice_or_vaguely(tmp_path):
    """A warning of its generator is a name that two things share, or a field without a type."""
    call_command("spectacular", file=str(tmp_path / "openapi.yml"), validate=True, fail_on_warn=True)
