"""Downloading, with the real libraries, from a hub that this test runs on the loopback interface."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hub import REPOSITORY, Hub
from synthetic_clip import SMALL, make_state, save_directory

PROGRAM = """
import sys
from pathlib import Path
from photod import config
from photod.errors import ConfigError
from photod.score import download, load_scorers
what, weights, cache = sys.argv[1:]
model = config.Model(weights=weights, devices="cpu")
try:
    if what == "download":
        download(model, Path(cache), print)
    (scorer,) = load_scorers(model, Path(cache))
    print(scorer.identity.name, scorer.identity.weights_sha256)
except ConfigError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    save_directory(tmp_path / "published", SMALL, make_state(SMALL))
    with Hub(tmp_path / "published") as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def run(what: str, weights: str, tmp_path: Path, hub: Hub | None) -> subprocess.CompletedProcess[str]:
    port = hub.server_address[1] if hub else 9  # discard: nobody listens
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip
    arguments = [sys.executable, "-c", PROGRAM, what, weights, str(tmp_path / "cache")]
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_weights_are_downloaded_when_asked_for_and_never_again(hub: Hub, tmp_path: Path) -> None:
    weights = f"hf-hub:{REPOSITORY}"
    before = run("load", weights, tmp_path, hub)
    assert before.returncode == 78
    assert before.stdout.strip().endswith("has not been downloaded to this machine; run: photod check --download")
    assert hub.requests == [], "the daemon asked the network"

    fetched = run("download", weights, tmp_path, hub)
    assert fetched.returncode == 0, fetched.stderr
    assert f"{weights} is complete and sound" in fetched.stdout

    later = run("load", weights, tmp_path, None)
    assert later.returncode == 0, later.stdout + later.stderr
    assert later.stdout.splitlines()[-1] == fetched.stdout.splitlines()[-1]


def test_a_download_that_fails_says_so_in_one_line(hub: Hub, tmp_path: Path) -> None:
    failed = run("download", "hf-hub:somebody/else", tmp_path, hub)
    assert failed.returncode == 78
    assert failed.stdout.splitlines()[-1].startswith('cannot download "hf-hub:somebody/else"')
