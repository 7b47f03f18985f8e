"""A device that fails: what was scored is kept, the photo that does it is found, and nothing loops."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fake_scorer import FakeScorer
from other_program import opened
from photod.config import Folder, Model, Store
from photod.daemon import Daemon
from photod.errors import EXIT_DEVICE, BusyDeviceError, DeviceError
from photod.store.queries import Reader
from pictures import make_photo
from running import make_config, ranking, running, score_once
from waiting import PATIENCE_S, wait_until

POISON = 200  # the brightness that the device cannot stand
BATCH = Model(batch_size=8)


def raise_out_of_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has")


def raise_accelerator_error() -> None:
    raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be")


def raise_runtime_error() -> None:
    raise RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")


def raise_from_the_library() -> None:
    torch.zeros(2, 3) @ torch.zeros(4, 5)


class FailingScorer(FakeScorer):
    """Fails on pictures that are poison."""

    def __init__(self, fail: Callable[[], None], poison: Callable[[NDArray[np.uint8]], bool]) -> None:
        super().__init__()
        self._fail = fail
        self._poison = poison

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._poison(pixels):
            self._fail()
        return super().embed(pixels)


def holds_poison(pixels: NDArray[np.uint8]) -> bool:
    return bool((pixels[:, 0, 0, 0] == POISON).any())


def failed(folder: Path) -> dict[str, str]:
    return {photo.path: photo.reason for photo in Reader(Folder(path=folder).database_path).failed()}


def suspects(folder: Path) -> int:
    with opened(Folder(path=folder).database_path) as database:
        return int(database.execute("SELECT count(*) FROM suspect").fetchone()[0])


def start_until_it_works(folder: Path, scorer: Callable[[], FakeScorer], most: int) -> int:
    """Start again after each failure, as systemd does; returns how often it failed."""
    for failures in range(most + 1):
        try:
            score_once(folder, scorer(), make_config(folder, model=BATCH))
        except DeviceError:
            continue
        return failures
    raise AssertionError(f"still failing after {most} starts")


@pytest.mark.parametrize("fail", [raise_out_of_memory, raise_accelerator_error, raise_from_the_library])
def test_a_photo_that_the_device_cannot_stand_is_found_and_marked(folder: Path, fail: Callable[[], None]) -> None:
    for level in range(190, 215):
        make_photo(folder / f"{level}.png", level)
    failures = start_until_it_works(folder, lambda: FailingScorer(fail, holds_poison), most=3)
    assert failures == 3  # among others, alone, alone once more
    assert ranking(folder) == pytest.approx(
        {f"{level}.png": 10 * level / 255 for level in range(190, 215) if level != POISON}, abs=0.01
    )
    assert list(failed(folder)) == [f"{POISON}.png"]
    assert "the device fails whenever it has this photo" in failed(folder)[f"{POISON}.png"]
    assert suspects(folder) == 0


def test_a_marked_photo_is_not_given_to_the_device_again(folder: Path) -> None:
    make_photo(folder / "poison.png", POISON)
    start_until_it_works(folder, lambda: FailingScorer(raise_runtime_error, holds_poison), most=3)
    make_photo(folder / "copy of it.png", POISON)
    score_once(folder, FailingScorer(raise_runtime_error, holds_poison))
    assert failed(folder).keys() == {"poison.png", "copy of it.png"}


def test_several_bad_photos_are_found_one_by_one(folder: Path) -> None:
    for level in range(100):
        make_photo(folder / f"{level}.png", level)
    bad = {7, 8, 60}

    def poison(pixels: NDArray[np.uint8]) -> bool:
        return bool(bad & set(pixels[:, 0, 0, 0].tolist()))

    start_until_it_works(folder, lambda: FailingScorer(raise_accelerator_error, poison), most=3 * len(bad))
    assert failed(folder).keys() == {f"{level}.png" for level in bad}
    assert len(ranking(folder)) == 97


def test_a_device_that_dies_under_good_photos_condemns_none(folder: Path) -> None:
    for level in range(20):
        make_photo(folder / f"{level}.png", level)
    with pytest.raises(DeviceError) as caught:
        score_once(
            folder,
            FailingScorer(raise_out_of_memory, lambda _: True),
            make_config(folder, model=BATCH),
        )
    assert caught.value.exit_code == EXIT_DEVICE
    assert "\n" not in str(caught.value)
    noted = suspects(folder)
    assert 1 <= noted <= BATCH.batch_size
    score_once(folder, scorer := FakeScorer(), make_config(folder, model=BATCH))
    assert len(ranking(folder)) == 20
    assert failed(folder) == {}
    assert scorer.batches.count(1) >= noted  # each suspect alone
    assert suspects(folder) == 0


def test_a_device_that_fails_at_once_after_every_start_condemns_none_before_all_were_tried_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.pipeline.BATCH_WAIT_S", 30.0)  # a batch is whole, however slow the machine
    photos = 4
    for level in range(photos):
        make_photo(folder / f"{level}.png", level)
    for _ in range(1 + photos):  # all together, then each alone
        with pytest.raises(DeviceError):
            score_once(
                folder,
                FailingScorer(raise_runtime_error, lambda _: True),
                make_config(folder, model=BATCH),
            )
        assert failed(folder) == {}
    assert suspects(folder) == photos


def test_what_was_scored_before_the_failure_is_committed(folder: Path) -> None:
    for level in range(100):
        make_photo(folder / f"{level:03}.png", level)
    scorer = FailingScorer(raise_runtime_error, lambda _: len(scorer.batches) == 5)
    slow = Store(group_wait_s=60.0)  # nothing is committed before the failure
    with pytest.raises(DeviceError):
        score_once(folder, scorer, make_config(folder, model=BATCH, store=slow))
    assert len(ranking(folder)) == scorer.photos > 0


def test_what_another_device_has_in_hand_is_finished_and_committed(folder: Path) -> None:
    both_busy = threading.Barrier(2, timeout=30)
    failing = threading.Event()

    def fail() -> None:
        both_busy.wait()
        failing.set()
        raise RuntimeError("CUDA error: unspecified launch failure")

    class Patient(FakeScorer):
        def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            both_busy.wait()
            failing.wait(30)
            wait_until(daemon.is_stopping)  # the failure is being dealt with
            return super().embed(pixels)

    patient = Patient()
    for level in range(16):
        make_photo(folder / f"{level}.png", level)
    daemon = Daemon(
        make_config(folder, model=BATCH),
        once=folder,
        load=lambda *_: (FailingScorer(fail, lambda _: True), patient),
    )
    with pytest.raises(DeviceError):
        daemon.run()
    assert len(ranking(folder)) == patient.photos > 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(lambda v: v * np.nan, "not numbers"), (lambda v: v[1:], "scores for"), (lambda v: v[:0], "0 scores for")],
)
def test_an_answer_that_cannot_be_right_is_the_devices_failure(
    folder: Path, spoil: Callable[[NDArray[np.float32]], NDArray[np.float32]], words: str
) -> None:
    class Wrong(FakeScorer):
        def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            return spoil(super().embed(pixels))

    make_photo(folder / "a.png", 1)
    with pytest.raises(DeviceError, match=words):
        score_once(folder, Wrong())
    assert ranking(folder) == {}


class HeldScorer(FakeScorer):
    """Is on a device that others hold while it is loaded the first times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.refusals = 0
        self._times = times

    def load(self, *arguments: object) -> tuple[FakeScorer, ...]:
        if self.refusals < self._times:
            self.refusals += 1
            raise BusyDeviceError("cuda:0 is out of memory: other programs hold 20.0 of its 24.0 GiB")
        return super().load(*arguments)  # type: ignore[arg-type]


def test_a_daemon_waits_for_a_device_that_others_hold_at_its_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.patience.FIRST_S", 0.01)
    make_photo(folder / "a.png", 51)
    held = HeldScorer(3)
    with running(make_config(folder), held):
        wait_until(lambda: ranking(folder) == {"a.png": pytest.approx(2.0, abs=0.05)})
    assert held.refusals == 3


def test_a_daemon_that_waits_for_a_device_can_be_stopped(folder: Path) -> None:
    held = HeldScorer(1_000)
    daemon = Daemon(make_config(folder), load=held.load)
    run = threading.Thread(target=daemon.run)
    run.start()
    wait_until(lambda: held.refusals)
    daemon.stop()
    run.join(PATIENCE_S)
    assert not run.is_alive()
    assert held.refusals == 1
    assert not daemon.ready.is_set()


def test_a_single_run_does_not_wait_for_a_device(folder: Path) -> None:
    held = HeldScorer(1)
    with pytest.raises(BusyDeviceError, match="other programs hold"):
        score_once(folder, held)
