"""What `--json` prints has the very keys that docs/JSON.md lists."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photod.photos import EMBEDDING_DTYPE
from programs import BOUND, FAKED, RunningDaemon, write_config
from waiting import wait_until

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]

DOCUMENT = (Path(__file__).parents[3] / "docs/JSON.md").read_text()
ENTRY = re.compile(r"^- `(\w+) (\S+)`(?: \((.+?)\))?: (.+(?:\n  .+)*)", re.MULTILINE)


def documented(verb: str, *forms: str) -> dict[str, set[str]]:
    """The keys of each place in what a verb prints, such as `folders[]`; those of a form only where it is named."""
    places: dict[str, set[str]] = {}
    for its_verb, place, form, keys in ENTRY.findall(DOCUMENT):
        if its_verb == verb and (not form or form in forms):
            places.setdefault(place, set()).update(re.findall("`(.+?)`", keys))
    assert places
    return places


def printed(value: Any, place: str = "") -> dict[str, set[str]]:
    """The same of what was printed, whose times are numbers."""
    if isinstance(value, list):
        inside = [printed(each, f"{place}[]") for each in value]
    elif not isinstance(value, dict) or place.endswith("device_memory"):
        return {}
    elif place.endswith("model"):
        assert value.keys() == documented("any")["model"]
        return {}
    else:
        times = [each for key, each in value.items() if re.search(r"(\b|_)(at|s)$", key)]
        assert all(isinstance(each, int | float | None) for each in times)
        inside = [printed(each, f"{place}.{key}".lstrip(".")) for key, each in value.items()]
        inside.append({place or "{}": set(value)})
    places: dict[str, set[str]] = {}
    for each, keys in (found for part in inside for found in part.items()):
        assert places.setdefault(each, keys) == keys
    return places


@pytest.fixture
def asked(ctl: Ctl) -> Callable[..., dict[str, set[str]]]:
    """The keys that a verb prints with these arguments."""

    def ask(*arguments: str | Path) -> dict[str, set[str]]:
        return printed(json.loads(ctl(*arguments, "--json").stdout))

    return ask


Asked = Callable[..., dict[str, set[str]]]


def test_of_a_database_they_are_as_documented(asked: Asked, archive: Archive, demo: Path, tmp_path: Path) -> None:
    look = np.ones(2, EMBEDDING_DTYPE).tobytes()
    archive("photos", {"a.jpg": 3.0}, bytes_of={"a.jpg": "before it was edited"})
    archive("photos", {"a.jpg": 4.0}, model="of old")
    folder = archive("photos", {"a.jpg": 6.0, "b.jpg": 5.0}, {"c.jpg": "truncated"}, embedding=look)
    for verb in ("top", "stats", "failed", "verify"):
        assert asked(verb, folder) == documented(verb)
    assert asked("top", folder, "--distinct") == documented("top", "with --distinct")
    assert asked("show", folder / "a.jpg") == documented("show")
    assert asked("export", "--xmp", "--dry-run", folder) == documented("export")
    assert asked("demo", demo) == documented("demo")
    config = write_config(tmp_path / "config.toml", folder)
    expected = documented("status", "while it does not")
    daemon_s_own = {"finished", "latency", "folders[].unreadable[]"}
    assert asked("status", "--config", config) == {p: keys for p, keys in expected.items() if p not in daemon_s_own}


@pytest.mark.usefixtures("without_model")
def test_of_what_is_scored_now_they_are_as_documented(asked: Asked, tmp_path: Path) -> None:
    (folder := tmp_path / "photos").mkdir()
    Image.radial_gradient("L").save(folder / "good.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    assert asked("rate", folder / "good.png") == {"{}": documented("rate", "of a photo")["{}"]}
    known = "of a folder, as soon as anything is known"
    assert asked("rate", folder) == documented("rate", "of a folder", known)
    config = write_config(tmp_path / "config.toml", folder)
    (folder / "closed.jpg").touch(0o000)
    with RunningDaemon(config, program=[*(BOUND if os.getuid() == 0 else []), *FAKED]):
        wait_until(lambda: "folders[].unreadable[]" in asked("status", "--config", config))
        assert asked("status", "--config", config) == documented("status", "while photod runs")
