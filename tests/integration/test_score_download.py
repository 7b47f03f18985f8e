"""Downloading, with the real libraries, from a hub that this test runs on the loopback interface."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from synthetic_clip import SMALL, make_state, save_directory

REPOSITORY = "somebody/small-clip"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

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


class Hub(ThreadingHTTPServer):
    """Serves the files of one repository as the Hugging Face hub does."""

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.directory = directory
        self.requests: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.server.requests.append(self.path)
        file = self.server.directory / self.path.rpartition("/")[2]
        known = self.path == f"/{REPOSITORY}/resolve/main/{file.name}" and file.is_file()
        body = file.read_bytes() if known else b""
        self.send_response(200 if known else 404)
        if known:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the standard library
        """Keep quiet."""


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
