"""A daemon that says what a test has it say."""

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any


class ScriptedDaemon:
    """Speaks the control protocol at the usual place, and remembers what it was asked."""

    def __init__(self, path: Path, folder: Path, answers: list[dict[str, Any]]) -> None:
        path.parent.mkdir(parents=True)
        self.asked: list[dict[str, Any]] = []
        self._folder = str(folder)
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # Who is interrupted goes without having read everything, which the kernel calls a reset.
            with suppress(ConnectionError), connection, connection.makefile("rwb") as lines:
                for line in lines:
                    request = json.loads(line)
                    self.asked.append(request)
                    status = {"running": True, "folders": [{"path": self._folder}]}
                    for answer in [status] if request["command"] == "status" else self._answers:
                        lines.write(json.dumps(answer).encode() + b"\n")
                    lines.flush()
