"""Proof of life: what counts as stuck, and what merely takes its time."""

import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from fake_scorer import FakeScorer
from machine import need
from photod import supervision
from photod.channel import Channel, excused
from photod.committer import Listeners
from photod.config import Config, Intake
from photod.pipeline import Pipeline
from photod.supervision import Deadlocks, Supervisor
from photod.threads import Crew, waits_for_lock
from waiting import wait_until


class World:
    """A clock that the test turns, and threads that wait for a lock or do not."""

    now = 0.0

    def __init__(self) -> None:
        self.waiting: set[int] = set()
        self.deadlocks = Deadlocks(self.waiting.__contains__, lambda: self.now)


def test_a_thread_that_waits_for_a_lock_and_gets_no_further_is_deadlocked() -> None:
    world = World()
    world.waiting.add(7)
    assert world.deadlocks.look({"/photos": (7, 1)}) == {"/photos": 0}
    world.now = 400
    assert world.deadlocks.look({"/photos": (7, 1)}) == {"/photos": 400}


def test_a_thread_that_waits_for_a_slow_folder_is_not() -> None:
    world = World()
    for world.now in (0, 200, 400):
        assert world.deadlocks.look({"/photos": (7, 1)}) == {}


def test_one_that_gets_on_between_two_looks_begins_anew() -> None:
    world = World()
    world.waiting.add(7)
    world.deadlocks.look({"/photos": (7, 1)})
    world.now = 400
    assert world.deadlocks.look({"/photos": (7, 2)}) == {"/photos": 0}
    world.waiting.clear()  # it happened to be looked at while it waited for a moment
    world.deadlocks.look({"/photos": (7, 2)})
    world.waiting.add(7)
    world.now = 800
    assert world.deadlocks.look({"/photos": (7, 2)}) == {"/photos": 0}
    world.deadlocks.look({})  # at rest
    assert world.deadlocks.look({"/photos": (7, 2)}) == {"/photos": 0}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def test_the_kernel_tells_who_waits_for_a_lock_from_who_waits_for_a_file(gate: threading.Event) -> None:
    if os.uname().machine != "x86_64":
        need("a machine whose system calls this test knows")
    source, sink = os.pipe()
    for_lock = threading.Thread(target=gate.wait)
    for_file = threading.Thread(target=os.read, args=(source, 1))
    for thread in (for_lock, for_file):
        thread.start()
    wait_until(lambda: waits_for_lock(for_lock.native_id or 0))
    wait_until(lambda: not waits_for_lock(for_file.native_id or 0))
    gate.set()
    os.write(sink, b".")
    for thread in (for_lock, for_file):
        thread.join()
    os.close(source)
    os.close(sink)
    assert waits_for_lock(1 << 30) is False  # there is no such thread


def test_a_stage_that_works_too_long_is_seen_and_one_that_waits_for_the_next_is_not(gate: threading.Event) -> None:
    first: Channel[int] = Channel(4)
    second: Channel[int] = Channel(1)
    second.put(0)
    first.put(1)

    def stage() -> None:
        item = first.get()
        gate.wait()
        second.put(item)  # no room
        first.get()

    thread = threading.Thread(target=stage)
    thread.start()
    wait_until(lambda: first.longest_at_work_s() > 0.05)
    assert [*first.at_work()] == [thread.native_id]
    gate.set()
    wait_until(lambda: first.longest_at_work_s() == 0.0)
    assert first.at_work() == {}
    second.get()
    first.put(2)
    thread.join()


def test_decoding_may_take_as_long_as_is_configured_in_each_of_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(intake=Intake(decode_timeout_s=600, decoders=1))
    listeners = Listeners(lambda _: None, lambda _: None, lambda _: False)
    crew = Crew(on_failure=lambda: None)
    pipeline = Pipeline(config, (FakeScorer(),), {}, lambda *_: None, listeners, lambda: None, crew)
    monkeypatch.setattr(Channel, "longest_at_work_s", lambda _: 590.0)
    assert pipeline.at_work_s() == {"decoding": 0.0, "scoring": 590.0, "committing": 590.0}
    monkeypatch.setattr(Channel, "longest_at_work_s", lambda _: 1300.0)
    assert pipeline.at_work_s()["decoding"] == 100.0


def test_who_is_excused_begins_anew_afterwards() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    channel.get()
    (before,) = channel.at_work().values()
    with excused():
        assert channel.longest_at_work_s() == 0.0
    (after,) = channel.at_work().values()
    assert after > before


def test_who_receives_from_no_channel_may_be_excused_too() -> None:
    done = []

    def work() -> None:  # in a thread of its own, which has never received anything
        with excused():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


@pytest.mark.parametrize(
    ("at_work_s", "silent_s", "fed"),
    [
        ({"scoring": 3.0}, 60.0, True),
        ({"scoring": 5.0}, 0.0, False),
        ({"committing": 5.0}, 0.0, False),
        ({}, 70.0, False),
    ],
)
def test_the_watchdog_is_fed_while_no_part_is_stuck_and_not_longer(
    at_work_s: dict[str, float], silent_s: float, fed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    heeded: list[bool] = []
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setattr(supervision, "notify", told.append)
    pipeline = SimpleNamespace(at_work_s=lambda: at_work_s, reading=dict)
    tally = SimpleNamespace(take_run=lambda: None)
    answers: Any = SimpleNamespace(pipeline=pipeline, folders={}, rest=SimpleNamespace(reason=""), tally=tally)
    observer: Any = SimpleNamespace(silent_s=lambda: silent_s)
    timers: Any = SimpleNamespace(heed_the_clock=lambda: heeded.append(True))
    supervisor = Supervisor(answers, observer, timers)
    with capture_logs() as logged:
        for _ in range(2):
            supervisor.tick()
    assert ("WATCHDOG=1" in told) is fed
    assert [each["event"] for each in logged] == ([] if fed else ["stuck"])
    assert heeded == [True, True]
    assert supervisor.tick_s == 1.0  # several times within what systemd allows


@pytest.fixture
def running() -> Any:
    """The parts of a daemon with one folder, which has nothing to do."""
    watcher = SimpleNamespace(state=lambda: "idle", counts=lambda: SimpleNamespace(pending=0), at_work=lambda: None)
    return SimpleNamespace(
        pipeline=SimpleNamespace(at_work_s=dict, reading=dict),
        folders={"/photos": SimpleNamespace(watcher=watcher)},
        rest=SimpleNamespace(reason=""),
        tally=SimpleNamespace(rate=lambda: 0.0, take_run=lambda: None, median=lambda: None),
    )


def supervise(running: Any) -> Supervisor:
    observer: Any = SimpleNamespace(silent_s=lambda: 0.0)
    timers: Any = SimpleNamespace(heed_the_clock=lambda: None)
    return Supervisor(running, observer, timers)


def test_a_folder_that_waits_for_a_lock_for_ever_is_stuck(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    supervisor, world = supervise(running), World()
    supervisor._deadlocks = world.deadlocks
    running.folders["/photos"].watcher.at_work = lambda: (7, 1)
    world.waiting.add(7)
    with capture_logs() as logged:
        for world.now in (0, 3, 5, 7):
            supervisor.tick()
        running.folders["/photos"].watcher.at_work = lambda: None  # at rest
        supervisor.tick()
    assert [each["seconds"] for each in logged] == [{"/photos": 5}]


def test_a_run_of_work_is_summed_up_once_all_folders_have_nothing_to_do(running: Any) -> None:
    runs: list[Any] = [{"duplicates": 3, "seconds": 1.5}, {"scored": 2, "seconds": 0.5}, None]
    medians = [2.345, None]
    running.tally.take_run = lambda: runs.pop(0)
    running.tally.median = lambda: medians.pop(0)
    supervisor = supervise(running)
    with capture_logs() as logged:
        for state in ("scoring", "comparing", "absent", "idle", "idle"):
            running.folders["/photos"].watcher.state = lambda state=state: state
            supervisor.tick()
    told = [{key: each[key] for key in ("scored", "duplicates", "median") if key in each} for each in logged]
    assert told == [{"scored": 0, "duplicates": 3, "median": 2.35}, {"scored": 2, "median": None}]


@pytest.mark.parametrize(
    ("reason", "pending", "states", "words"),
    [
        ("", 0, ("idle", "idle"), "idle, watching 2 of 2 folders"),
        ("", 0, ("idle", "absent"), "idle, watching 1 of 2 folders"),
        ("", 1200, ("scoring", "idle"), "photos to do: 1,200, 4.2 a second"),
        ("", 1, ("scoring", "absent"), "photos to do: 1, 4.2 a second; folders away: 1 of 2"),
        ("paused", 0, ("idle", "absent"), "resting (paused), photos waiting: 0; folders away: 1 of 2"),
    ],
)
def test_the_status_tells_what_is_done_what_waits_and_which_folders_are_away(
    reason: str, pending: int, states: tuple[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(state: str, pending: int) -> Any:
        counts = SimpleNamespace(pending=pending)
        watcher = SimpleNamespace(state=lambda: state, counts=lambda: counts, at_work=lambda: None)
        return SimpleNamespace(watcher=watcher)

    told: list[str] = []
    monkeypatch.setattr(supervision, "notify", told.append)
    answers: Any = SimpleNamespace(
        pipeline=SimpleNamespace(at_work_s=dict, reading=dict),
        folders={"/one": folder(states[0], pending), "/two": folder(states[1], 0)},
        rest=SimpleNamespace(reason=reason),
        tally=SimpleNamespace(rate=lambda: 4.2, take_run=lambda: None),
    )
    supervisor = supervise(answers)
    for _ in range(2):
        supervisor.tick()
    assert told == [f"STATUS={words}"]
    assert supervisor.tick_s == supervision.TICK_S
