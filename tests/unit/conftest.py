"""What the tests of `photod init` have in the place of a machine."""

from pathlib import Path

import pytest

from photod.setup.place import system_place


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of /etc, on a machine without systemd, where this is root."""
    place = system_place(tmp_path / "etc")
    monkeypatch.setattr("photod.setup.command.system_place", lambda: place)
    monkeypatch.setattr("photod.setup.command.CACHE", tmp_path / "cache")
    monkeypatch.setattr("photod.setup.command.os.geteuid", lambda: 0)
    for module in ("command", "steps"):
        monkeypatch.setattr(f"photod.setup.{module}.is_booted", lambda: False)
    return place.etc
