"""Assembles the parts; starts them, waits, stops them. Knows everyone."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from photod.answers import Answers
from photod.caretaker import Caretaker
from photod.channel import Closed
from photod.config import Config, Model, load_config, state_directory
from photod.consequences import listeners
from photod.control import ControlServer, answer
from photod.folders import choose_folders
from photod.intake.decode import PREPROCESSING_VERSION
from photod.logs import get_logger
from photod.patience import until_device_is_free
from photod.photos import Candidate, Note
from photod.pipeline import Pipeline
from photod.reload import Reloader
from photod.rest import reason_to_rest
from photod.roster import OPEN_S, Roster
from photod.schedule import Timers
from photod.score import give_memory_back, start_scorers
from photod.score.scorer import RestingScorer
from photod.supervision import Supervisor
from photod.systemd import ask_for_time, notify
from photod.tally import Tally
from photod.threads import Crew, Wakeup
from photod.watch.observer import Observer

log = get_logger(__name__)

REST_LOOK_S = 60.0  # between two looks at the clock and the power supply
LET_GO_LOOK_S = 0.1  # between two looks whether folders that are let go have photos under way
# That a start waits for a device which others hold. Then systemd may begin anew, again and again: so few starts an
# hour do not reach the unit's StartLimitBurst.
DEVICE_S = 600.0
DRAIN_S = 9.0  # promised are ten; the rest is for the interpreter to end


class Daemon:
    """One run of photod: over the configured folders until it is told to stop, or once over one folder.

    `client` is a socket on which somebody asks (see control.py) instead of the public one; when its other
    side closes it, the run ends. `read_config` answers a reload. `load` makes the scorers:
    the seam at which tests put a fake one.
    """

    def __init__(
        self,
        config: Config,
        *,
        once: Path | None = None,
        client: socket.socket | None = None,
        load: Callable[[Model, Path, int], tuple[RestingScorer, ...]] = start_scorers,
        read_config: Callable[[], Config] = load_config,
    ) -> None:
        self.ready = threading.Event()  # set once everything stands
        self._config = config
        self._once = once
        self._client = client
        self._load = load
        self._stopping = False  # no Event: a signal handler sets it
        self._wakeup = Wakeup()  # of the main thread, when it has something to do
        self._drained = threading.Event()
        self._crew = Crew(on_failure=self.stop)
        self._tally = Tally()
        self._timers = Timers(self._crew)
        self._observer = Observer(self._crew)
        self._roster = Roster(
            self._crew, self._observer, config.watch, self._offer, self._expect, self._note, self._offer_note
        )
        self._reloader = Reloader(config, read_config, self._roster)
        self._pipeline: Pipeline | None = None
        self._control: ControlServer | None = None
        self._supervisor: Supervisor | None = None

    def run(self) -> None:
        """Work until stopped. Raises the error that ended the run, if one did."""
        try:
            answers = self._assemble()
            self._start(answers)
            self._wait(answers)
        except Closed:
            pass  # it was told to stop while it waited for a device
        finally:
            self._shut_down()
        if self._crew.failure is not None:
            raise self._crew.failure

    def stop(self) -> None:
        """Have `run` finish what was decoded and return. Any thread may call, and any signal handler."""
        self._stopping = True
        self._wakeup.call()

    def is_stopping(self) -> bool:
        """Whether it was told to stop, or ends by itself."""
        return self._stopping

    def reload(self) -> None:
        """Have the configuration read again. Any thread may call, and any signal handler."""
        self._reloader.request()
        self._wakeup.call()

    def _assemble(self) -> Answers:
        """Open and load everything, in an order in which the cheap mistakes are found first."""
        chosen, others = choose_folders(self._config, self._once)
        self._roster.open(chosen, may_wait=self._once is None)
        if self._once is None:
            # Where systemd made the directory, its mode decides who comes as far as the socket.
            group = self._config.control.is_in_service_directory
            self._control = ControlServer(self._config.control.path, self._crew, group=group)
        # Who asked for one run is told at once that others hold the device.
        most_s = DEVICE_S if self._once is None else 0.0
        scorers = until_device_is_free(self._load_model, self._sit_out, most_s)
        self._roster.use_model(scorers[0])
        self._tally.seed(self._roster.given())
        self._roster.consult(others)
        give_memory_back()  # what checking the databases and warming up took
        self._pipeline = Pipeline(
            self._config,
            scorers,
            self._roster.writers,
            self._roster.known,
            listeners(self._roster, self._tally),
            self._on_room,
            self._crew,
        )
        place = str(self._control.path) if self._control else ""
        return Answers(
            self._roster.folders, self._pipeline, scorers, self._tally, self.is_stopping, self._drained, place
        )

    def _load_model(self) -> tuple[RestingScorer, ...]:
        ask_for_time(OPEN_S, "loading the model")
        return self._load(self._config.model, state_directory(), PREPROCESSING_VERSION)

    def _sit_out(self, seconds: float) -> None:
        """Let so much time pass. Raises Closed once it is told to stop."""
        self._wakeup.wait(seconds)
        if self._stopping:
            raise Closed

    def _start(self, answers: Answers) -> None:
        if self._pipeline is not None:
            self._pipeline.start()
        if self._control is not None:
            self._plan_rests(answers)  # before there is anybody who could have something scored
        self._roster.start(stay=self._control is not None)
        if self._control is not None:
            self._control.start(answers)
            answers.rescan(None)
            self._timers.every(self._config.watch.rescan_s, lambda: answers.rescan(None))
            caretaker = Caretaker(self._config.store, self._roster.databases, self._crew)
            self._timers.every(caretaker.look_s, caretaker.request)
            self._timers.start()
            self._supervisor = Supervisor(answers, self._observer, self._timers)
        devices = ", ".join(scorer.device for scorer in answers.scorers)
        log.info(
            "ready", model=answers.scorers[0].identity.name, device=devices, folders=list(self._roster.folders)
        )
        self.ready.set()
        notify("READY=1", "STATUS=ready")

    def _plan_rests(self, answers: Answers) -> None:
        def look() -> None:
            answers.rest.schedule(reason_to_rest(self._reloader.config.schedule, datetime.now()))

        self._timers.every(REST_LOOK_S, look)
        look()

    def _wait(self, answers: Answers) -> None:
        if self._client is not None:
            client = self._client
            self._crew.start("client", lambda: self._until_done(lambda: answer(client, answers)))
        elif self._once is not None:
            # Not on this thread, which must be free to shut down: an answer ends only when all is committed.
            folder = str(self._once)
            self._crew.start("once", lambda: self._until_done(lambda: deque(answers.rate(folder), 0)))
        while not self._stopping:
            letting_go = self._reloader.step()
            if answers.folders is not self._roster.folders:
                answers.use(self._roster.folders)
            if self._supervisor is not None:
                self._supervisor.tick()
            tick_s = self._supervisor.tick_s if self._supervisor else None
            self._wakeup.wait(LET_GO_LOOK_S if letting_go else tick_s)

    def _until_done(self, work: Callable[[], object]) -> None:
        work()
        self.stop()

    def _shut_down(self) -> None:
        """From the source to the sink: nothing new, then what is under way, then those who only answer."""
        self._stopping = True
        notify("STOPPING=1")
        ask_for_time(2 * DRAIN_S, "stopping: what was decoded is scored and committed")
        deadline = time.monotonic() + DRAIN_S
        self._timers.stop()
        self._observer.stop()
        self._roster.stop()
        done = self._finish_pipeline(deadline)
        self._drained.set()
        if self._supervisor is not None:
            self._supervisor.sum_up()
        if self._control is not None:
            self._control.stop()
        if not done:
            log.warning("not_drained", note="what was not committed is scored again at the next start")
            return  # the databases may still be in use
        ask_for_time(DRAIN_S, "closing the databases")
        self._roster.close()

    def _finish_pipeline(self, deadline: float) -> bool:
        if self._pipeline is None:
            return True
        if self._crew.failure is None:
            return self._pipeline.drain(deadline)
        return self._pipeline.abandon(deadline)

    def _on_room(self) -> None:
        for folder in self._roster.folders.values():
            folder.watcher.wake()

    def _offer(self, candidate: Candidate) -> bool:
        self._tally.begin()
        return self._pipeline is not None and self._pipeline.offer(candidate)

    def _expect(self) -> None:
        if self._pipeline is not None:
            self._pipeline.expect()

    def _note(self, note: Note) -> None:
        if self._pipeline is not None:
            self._pipeline.note(note)

    def _offer_note(self, note: Note) -> bool:
        return self._pipeline is not None and self._pipeline.offer_note(note)
