"""A hub of one small model on the loopback interface: `python fake_hub.py DIRECTORY PORT`."""

import hashlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from synthetic_clip import SMALL, make_state, save_directory

REPOSITORY = "somebody/small-clip"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WARNING = "You are sending unauthenticated requests"


class Hub(ThreadingHTTPServer):
    """Serves the files of one repository as the Hugging Face hub does."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
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
            self.send_header("X-HF-Warning", f"topic; {WARNING}")
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the standard library
        """Keep quiet."""


if __name__ == "__main__":
    published = Path(sys.argv[1])
    save_directory(published, SMALL, make_state(SMALL))
    Hub(published, int(sys.argv[2])).serve_forever()
