"""One booted systemd with one installed service, for all tests of a run."""

import os
import shutil
from collections.abc import Iterator

import pytest

from machine import need
from systemd_box import Box
from systemd_service import Service


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    if os.geteuid() != 0:
        need("root, to boot a systemd in a container")
    if shutil.which("systemd-nspawn") is None:
        need("systemd-nspawn (package systemd-container)")
    box = Box(tmp_path_factory.mktemp("box"))
    try:
        box.up()
        yield box
    finally:
        box.down()


@pytest.fixture(scope="session")
def service(box: Box) -> Service:
    """photod, installed by `photod init --system` for ann's pictures, and running."""
    service = Service(box)
    service.install()
    return service
