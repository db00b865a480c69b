"""Fixtures of the contracts' tests."""

from tests.devchain import chain, deployed, dev_chain  # noqa: F401  fixtures
