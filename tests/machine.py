"""What a test needs from the machine."""

import os

import pytest


def need(what: str) -> None:
    """Skip, because the machine lacks something; fail where it was promised."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI promises {what}")
    pytest.skip(f"needs {what}")
