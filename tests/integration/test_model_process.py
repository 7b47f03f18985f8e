"""The model in a process of its own: it scores the same, rest leaves nothing of it, and its end is a device's.

What is said of the life of the process is shown without a model: `stub` is a process that loads none.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from photod import config
from photod.errors import BusyDeviceError, ConfigError, DeviceError
from photod.score import load_scorers, process, start_scorers
from photod.score.pictures import pictures
from photod.score.process import DistantScorer
from photod.score.protocol import LoadRequest, ReadyScorer
from processes import children, command_of
from waiting import wait_until

MODEL = config.Model(devices="cpu", batch_size=8)
SHOWN = pictures(224, 8)


def model_processes(parent: int | None = None) -> list[int]:
    return children(process.WORKER, parent)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def scorer(cache: Path) -> Iterator[DistantScorer]:
    (scorer,) = start_scorers(MODEL, cache, 1)
    assert isinstance(scorer, DistantScorer)
    yield scorer
    scorer.release()
    assert model_processes() == []


@pytest.fixture
def stub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistantScorer]:
    monkeypatch.setattr(process, "WORKER", "stub_worker")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    (scorer,) = start_scorers(MODEL, cache, 1)
    assert isinstance(scorer, DistantScorer)
    yield scorer
    scorer.release()
    assert model_processes() == []


def test_it_scores_as_a_scorer_in_this_process_does(scorer: DistantScorer, cache: Path) -> None:
    (here,) = load_scorers(MODEL, cache)
    assert (scorer.identity, scorer.device, scorer.held) == (here.identity, here.device, None)
    for count in (8, 1, 3):
        embeddings = scorer.embed(SHOWN[:count])
        assert np.array_equal(embeddings, here.embed(SHOWN[:count]))
        assert np.array_equal(scorer.score(embeddings), here.score(embeddings))
    with pytest.raises(ValueError, match="expected 1 to 8 photos, got 0"):
        here.embed(SHOWN[:0])


def test_at_rest_there_is_no_process_and_work_brings_it_back(stub: DistantScorer) -> None:
    before = stub.embed(SHOWN)
    assert len(model_processes()) == 1
    stub.release()
    assert model_processes() == []
    assert np.array_equal(stub.embed(SHOWN), before)


def test_it_is_brought_back_before_there_is_work(stub: DistantScorer) -> None:
    stub.release()
    for _ in range(3):
        stub.prepare()
    wait_until(lambda: len(model_processes()) == 1)
    process = model_processes()
    assert len(stub.embed(SHOWN)) == len(SHOWN)
    stub.prepare()
    assert model_processes() == process


def test_work_brings_it_back_even_if_the_directory_is_gone_that_photod_was_started_in(
    scorer: DistantScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    scorer.release()
    assert len(scorer.embed(SHOWN)) == len(SHOWN)


def test_a_folder_of_photos_is_no_place_to_import_from(
    scorer: DistantScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "numpy", "photod", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current directory')\n")
    monkeypatch.chdir(tmp_path)
    scorer.release()
    assert len(scorer.embed(SHOWN)) == len(SHOWN)


def test_its_end_is_a_failure_of_the_device(stub: DistantScorer) -> None:
    (process,) = model_processes()
    os.kill(process, signal.SIGSEGV)
    with pytest.raises(DeviceError, match=r"cpu: the process that computes crashed \(SIGSEGV\)"):
        stub.embed(SHOWN)


def test_its_end_right_after_it_has_loaded_is_one_too(stub: DistantScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_KILLED", "1")
    with pytest.raises(DeviceError, match=r"the process that loads the model was killed \(SIGKILL\), as happens"):
        start_scorers(MODEL, Path("unused"), 1)


def test_it_hears_no_signal_that_is_meant_for_the_daemon(stub: DistantScorer) -> None:
    (process,) = model_processes()
    for meant_for_the_daemon in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process, meant_for_the_daemon)
    assert len(stub.embed(SHOWN)) == len(SHOWN)
    assert os.getpgid(process) != os.getpgid(0)


def test_what_is_asked_wrongly_is_told_and_ends_nothing(stub: DistantScorer) -> None:
    with pytest.raises(RuntimeError, match="ValueError: expected photos, got 0") as caught:
        stub.embed(SHOWN[:0])
    assert any("in embed" in note for note in caught.value.__notes__)
    assert len(stub.embed(SHOWN)) == len(SHOWN)


def test_a_model_that_cannot_be_loaded_is_told_as_in_this_process(cache: Path) -> None:
    wrong = config.Model(weights=str(cache / "nothing"), devices="cpu")
    with pytest.raises(ConfigError) as here:
        load_scorers(wrong, cache)
    with pytest.raises(ConfigError) as there:
        start_scorers(wrong, cache, 1)
    assert (str(there.value), there.value.remedy) == (str(here.value), here.value.remedy)
    assert model_processes() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("weights", "changed while it rested; start again"),
        ("device", "changed while it rested; start again"),  # in fp32 the identities of two are the same
        ("nothing there", "no weights"),
    ],
)
def test_a_model_that_comes_back_as_another_is_not_taken_for_the_same(
    changed: str, words: str, stub: DistantScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = process._Running._load

    def load_another(running: process._Running, request: LoadRequest) -> list[ReadyScorer]:
        if changed == "nothing there":
            raise ConfigError("no weights", "name some")
        (scorer,) = load(running, request)
        if changed == "device":
            return [replace(scorer, device="cuda:0")]
        return [replace(scorer, identity=replace(scorer.identity, weights_sha256="1" * 64))]

    stub.embed(SHOWN)
    stub.release()
    monkeypatch.setattr(process._Running, "_load", load_another)
    with pytest.raises(DeviceError, match=words):
        stub.embed(SHOWN)
    assert model_processes() == []


def test_a_device_that_another_program_took_during_a_rest_is_waited_for(
    stub: DistantScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stub.embed(SHOWN)
    stub.release()
    waited: list[float] = []

    class Running(process._Running):
        def __init__(self, request: LoadRequest) -> None:
            if len(waited) < 3:
                raise BusyDeviceError("cuda:0 is out of memory: other programs hold 20.0 of its 24.0 GiB")
            super().__init__(request)

    monkeypatch.setattr(process, "_Running", Running)
    monkeypatch.setattr("photod.score.process.time.sleep", waited.append)
    stub.prepare()  # fails, and leaves the waiting to who has work
    with capture_logs() as told:
        assert np.array_equal(stub.embed(SHOWN), before)
    assert waited == [5.0, 10.0, 20.0]
    assert [record["event"] for record in told].count("device_waited_for") == 3


def test_a_process_that_its_driver_holds_although_it_was_killed_is_not_waited_for(
    stub: DistantScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object) -> int:
        raise subprocess.TimeoutExpired("python", 0.0)

    running = stub._process._running
    assert running is not None
    with monkeypatch.context() as patch:
        patch.setattr(running._process, "wait", hang)
        stub.release()
    running._process.wait()


STARTS_AND_WAITS = """
import sys
from pathlib import Path
from photod import config
from photod.score import start_scorers
scorers = start_scorers(config.Model(devices="cpu"), Path(sys.argv[1]), 1)
print("torch" in sys.modules, flush=True)
sys.stdin.read()
"""


def test_it_ends_with_the_daemon_however_that_ends(cache: Path) -> None:
    program = [sys.executable, "-c", STARTS_AND_WAITS, str(cache)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "False\n"  # the daemon itself has no torch
        (process,) = model_processes(daemon.pid)
        daemon.kill()
        wait_until(lambda: not command_of(process))


def test_it_says_nothing_where_the_daemon_ended_while_it_loaded(cache: Path, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs, (tmp_path / "said").open("wb") as said:
        loading = subprocess.Popen([sys.executable, "-m", process.WORKER], stdin=theirs.fileno(), stderr=said)
    with Connection(ours.detach()) as wire:
        wire.send(LoadRequest(MODEL, cache, 1, ("info", "auto")))
    assert loading.wait(60) == 0
    assert (tmp_path / "said").read_text() == ""
