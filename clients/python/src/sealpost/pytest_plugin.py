"""Fixtures for pytest, which finds them once the package is installed."""

import os
from typing import Any, Iterator, Mapping, Optional

import pytest

from .lab import Lab
from .start import start


@pytest.fixture(scope="session")
def sealpost_config() -> Optional[Mapping[str, Any]]:
    """The configuration of the lab that the tests start. Define a fixture with this name in conftest.py to change it."""
    return None


@pytest.fixture(scope="session")
def sealpost_lab(sealpost_config: Optional[Mapping[str, Any]]) -> Iterator[Lab]:
    """The lab of the session: the one at SEALPOST_URL, or else a process that ends with the session."""
    with Lab() if os.environ.get("SEALPOST_URL") else start(sealpost_config) as lab:
        yield lab


@pytest.fixture
def lab(sealpost_lab: Lab) -> Lab:
    """The lab, without messages, sessions and faults of earlier tests."""
    sealpost_lab.reset()
    return sealpost_lab
