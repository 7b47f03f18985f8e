"""Assembles the parts; starts them, waits, stops them. Knows everyone."""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from photod.answers import Answers
from photod.config import Config, Model, state_directory
from photod.control import ControlServer, answer
from photod.errors import BusyError
from photod.folders import OpenFolder, choose_folders, open_folder, open_readers
from photod.intake.decode import PREPROCESSING_VERSION
from photod.logs import get_logger
from photod.photos import EMBEDDING_DTYPE, Appeared, Candidate, Moved, Note, Outcome, Retry
from photod.pipeline import Ears, Pipeline
from photod.schedule import Timers
from photod.score import load_scorers
from photod.score.scorer import Scorer
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.systemd import notify
from photod.tally import Tally
from photod.threads import Crew
from photod.watch.observer import Observer
from photod.watch.presence import Presence

log = get_logger(__name__)

DRAIN_S = 9.0  # promised are ten; the rest is for the interpreter to end


class Daemon:
    """One run of photod: over the configured folders until it is told to stop, or once over one folder.

    `client` is a socket on which somebody asks (see control.py) instead of the public one; when its other
    side closes it, the run ends. `load` makes the scorers: the seam at which tests put a fake one.
    """

    def __init__(
        self,
        config: Config,
        *,
        once: Path | None = None,
        client: socket.socket | None = None,
        load: Callable[[Model, Path, int], tuple[Scorer, ...]] = load_scorers,
    ) -> None:
        self.ready = threading.Event()  # set once everything stands
        self._config = config
        self._once = once
        self._client = client
        self._load = load
        self._stop = threading.Event()
        self._drained = threading.Event()
        self._crew = Crew(on_failure=self._stop.set)
        self._tally = Tally()
        self._timers = Timers()
        self._observer = Observer(self._crew)
        self._folders: dict[str, OpenFolder] = {}
        self._writers: dict[str, Writer] = {}  # these two belong to the pipeline once it runs
        self._readers: list[Reader] = []
        self._pipeline: Pipeline | None = None
        self._control: ControlServer | None = None

    def run(self) -> None:
        """Work until stopped. Raises the error that ended the run, if one did."""
        try:
            answers = self._assemble()
            self._start(answers)
            self._wait(answers)
        finally:
            self._shut_down()
        if self._crew.failure is not None:
            raise self._crew.failure

    def stop(self) -> bool:
        """Have `run` finish what was decoded and return; False when that was asked before. Any thread may call."""
        asked_before = self._stop.is_set()
        self._stop.set()
        return not asked_before

    def _assemble(self) -> Answers:
        """Open and load everything, in an order in which the cheap mistakes are found first."""
        chosen, others = choose_folders(self._config, self._once)
        for settings in chosen:
            folder = OpenFolder(settings, self._config.watch, self._offer, self._note)
            self._folders[folder.path] = folder
            open_folder(folder, may_wait=self._once is None)
        if self._once is None:
            self._control = ControlServer(self._config.control.path, self._crew)
        scorers = self._load(self._config.model, state_directory(), PREPROCESSING_VERSION)
        for folder in self._folders.values():
            self._adopt(folder, scorers[0])
        self._tally.seed(chain.from_iterable(reader.scores() for reader in self._readers))
        self._readers += open_readers(others)
        self._pipeline = Pipeline(
            self._config,
            scorers,
            self._writers,
            self._readers,
            Ears(self._on_outcome, partial(self._on_note, scorers[0]), self._on_room),
            self._crew,
        )
        place = str(self._control.path) if self._control else ""
        return Answers(self._folders, self._pipeline, scorers, self._tally, self._stop, self._drained, place)

    def _adopt(self, folder: OpenFolder, scorer: Scorer) -> None:
        """Have a folder's database, if it is open, use the model and be part of the pipeline."""
        if folder.writer is None or folder.reader is None:
            return
        folder.writer.use_model(scorer.identity)
        count = folder.writer.rescore(lambda vectors: scorer.score(_matrix(vectors)).tolist())
        if count:
            log.info("rescored", folder=folder.path, photos=count)
        self._writers[folder.path] = folder.writer
        self._readers[:] = [*(r for r in self._readers if r.path != folder.reader.path), folder.reader]

    def _start(self, answers: Answers) -> None:
        if self._pipeline is not None:
            self._pipeline.start()
        if self._control is not None:
            for folder in self._folders.values():
                self._observer.add(folder.watcher)
            self._observer.start()
        for folder in self._folders.values():
            self._crew.start(f"watch {folder.path}", folder.watcher.run)
        if self._control is not None:
            self._control.start(answers)
            answers.rescan(None)
            self._timers.every(self._config.watch.rescan_s, lambda: answers.rescan(None))
            self._timers.start()
        devices = ", ".join(scorer.device for scorer in answers.scorers)
        log.info("ready", model=answers.scorers[0].identity.name, device=devices, folders=list(self._folders))
        self.ready.set()
        notify("READY=1")

    def _wait(self, answers: Answers) -> None:
        if self._client is not None:
            client = self._client
            self._crew.start("client", lambda: self._until_done(lambda: answer(client, answers)))
        elif self._once is not None:
            # Not on this thread, which must be free to shut down: an answer ends only when all is committed.
            folder = str(self._once)
            self._crew.start("once", lambda: self._until_done(lambda: deque(answers.rate(folder), 0)))
        self._stop.wait()

    def _until_done(self, work: Callable[[], object]) -> None:
        work()
        self._stop.set()

    def _shut_down(self) -> None:
        """From the source to the sink: nothing new, then what is under way, then those who only answer."""
        self._stop.set()
        notify("STOPPING=1")
        deadline = time.monotonic() + DRAIN_S
        self._timers.stop()
        self._observer.stop()
        for folder in self._folders.values():
            folder.watcher.stop()
        done = self._finish_pipeline(deadline)
        self._drained.set()
        if self._control is not None:
            self._control.stop()
        if not done:
            log.warning("not_drained", note="what was not committed is scored again at the next start")
            return  # the databases may still be in use
        for folder in self._folders.values():
            if folder.reader is not None:
                folder.reader.close()
            folder.close()

    def _finish_pipeline(self, deadline: float) -> bool:
        if self._pipeline is None:
            return True
        if self._crew.failure is None:
            return self._pipeline.drain(deadline)
        return self._pipeline.abandon(deadline)

    def _on_outcome(self, outcome: Outcome) -> None:
        self._tally.add(outcome)
        self._folders[outcome.candidate.folder].watcher.finished(outcome)
        log.debug("finished", photo=outcome.candidate.location, outcome=outcome)

    def _on_note(self, scorer: Scorer, note: Note) -> None:
        folder = self._folders[note.folder]
        match note:
            case Retry():
                folder.watcher.request_scan()
            case Moved():  # look whether it came out as it was meant, should they have moved on meanwhile
                for directory in {os.path.dirname(new) for _, new, _ in note.moves}:
                    folder.watcher.mark(directory)
            case Appeared():
                self._open_late(folder, scorer)

    def _open_late(self, folder: OpenFolder, scorer: Scorer) -> None:
        """Take a folder that has appeared; its watcher asks again if that fails. On the committing thread."""
        if folder.presence() is not Presence.UNOPENED:
            return
        try:
            folder.open()
        except BusyError as error:
            log.warning("folder_busy", folder=folder.path, reason=str(error))
            return
        self._adopt(folder, scorer)
        folder.watcher.request_scan()

    def _on_room(self) -> None:
        for folder in self._folders.values():
            folder.watcher.wake()

    def _offer(self, candidate: Candidate) -> bool:
        return self._pipeline is not None and self._pipeline.offer(candidate)

    def _note(self, note: Note) -> None:
        if self._pipeline is not None:
            self._pipeline.note(note)


def _matrix(vectors: list[bytes]) -> np.ndarray:
    """Stored embeddings as rows of float16."""
    return np.frombuffer(b"".join(vectors), EMBEDDING_DTYPE).reshape(len(vectors), -1)
