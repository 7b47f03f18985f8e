"""How a batch crosses a GPU: its streams are recorded here, and the CPU computes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from weakref import ref

import numpy as np
import pytest
import torch
from torch import Tensor

from photod.score import devices
from photod.score.devices import Crossing
from photod.score.pictures import pictures
from stub_tower import SIZE, statistics_of

GPU = torch.device("cpu")  # stands for one
PASS, QUEUED = 32, 8


class Streams:
    """What is asked of the two streams, in order, as a GPU would do it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.copying = False
        self.here = False

    @contextmanager
    def device(self, _device: object) -> Iterator[None]:
        self.here = True
        yield
        self.here = False

    @contextmanager
    def copies(self, _stream: object) -> Iterator[None]:
        self.copying = True
        yield
        self.copying = False

    def wait_stream(self, _stream: object) -> None:
        self.asked.append("wait for the copy")

    def synchronize(self) -> None:
        self.asked.append("wait for all")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    streams = Streams()

    def pin_memory(pixels: Tensor) -> Tensor:
        assert streams.here, "on another device, the first GPU's memory would be taken"
        assert streams.copying, "on the stream that computes, the copy would wait for the pass before"
        streams.asked.append("copy")
        return pixels.clone()

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: object())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: streams)
    monkeypatch.setattr(torch.cuda, "stream", streams.copies)
    monkeypatch.setattr(torch.cuda, "device", streams.device)
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    return streams


@pytest.fixture
def cross(streams: Streams) -> Crossing:
    return devices._gpu_crossing(GPU)


def test_a_pass_waits_for_its_own_copy_alone(cross: Crossing, streams: Streams) -> None:
    def engine(pixels: Tensor) -> Tensor:
        streams.asked.append("compute")
        return statistics_of(pixels)

    cross(engine, np.resize(pictures(SIZE), (2 * PASS, SIZE, SIZE, 3)))
    assert streams.asked == 2 * ["copy", "wait for the copy", "compute"]


def test_one_thread_computes_whoever_asks(cross: Crossing, streams: Streams) -> None:
    """The handles and plans of the warm-up are that thread's."""
    threads: set[int] = set()

    def engine(pixels: Tensor) -> Tensor:
        threads.add(threading.get_ident())
        return statistics_of(pixels)

    another = devices._gpu_crossing(GPU)
    cross(engine, pictures(SIZE))
    with ThreadPoolExecutor(1) as asking:
        asking.submit(another, engine, pictures(SIZE)).result()
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_what_was_uploaded_is_held_until_it_has_been_read(cross: Crossing, streams: Streams) -> None:
    uploaded: list[ref[Tensor]] = []

    def engine(pixels: Tensor) -> Tensor:
        unread = uploaded[len(uploaded) // QUEUED * QUEUED :]
        assert all(earlier() is not None for earlier in unread), "its memory is free for the next copy"
        uploaded.append(ref(pixels))
        return statistics_of(pixels)

    cross(engine, np.resize(pictures(SIZE), (10 * PASS, SIZE, SIZE, 3)))
    assert len(uploaded) == 10
    assert not any(pixels() is not None for pixels in uploaded), "it is never let go of"
    assert streams.asked.count("wait for all") == 1, "no more than eight passes are queued"


def test_the_warm_up_of_a_gpu_is_a_whole_batch_and_its_memory_is_taken_by_passes() -> None:
    gpu = torch.device("cuda:0")
    assert (devices.warm_up_size(gpu, 64), devices.pass_size(gpu, 64), devices.pass_size(gpu, 4)) == (64, PASS, 4)


def test_a_batch_comes_back_in_its_order(cross: Crossing) -> None:
    shown = np.concatenate([pictures(SIZE), pictures(SIZE)[::-1], pictures(SIZE, 3)])
    assert np.allclose(cross(statistics_of, shown), statistics_of(torch.from_numpy(shown)), atol=1e-6)


def test_only_a_device_of_its_own_holds_memory_and_one_that_failed_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = {"cuda:0": 1 << 30}

    def memory_reserved(device: str) -> int:
        if device not in held:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return held[device]

    monkeypatch.setattr(torch.cuda, "memory_reserved", memory_reserved)
    assert [devices.device_memory(name) for name in ("cpu", "cuda:0", "cuda:1")] == [None, 1 << 30, None]
