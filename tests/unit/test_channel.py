import threading
import time
from collections.abc import Callable

import pytest

from photod.channel import Channel, Closed
from photod.in_flight import OnTheWay
from waiting import wait_until


def test_express_items_go_before_ordinary_ones() -> None:
    channel: Channel[str] = Channel(4)
    channel.put("backlog")
    channel.put("arrival", express=True)
    assert [channel.get(), channel.get()] == ["arrival", "backlog"]


def test_a_full_backlog_leaves_room_for_an_arrival() -> None:
    channel: Channel[int] = Channel(1)
    assert channel.offer(1)
    assert not channel.offer(2)
    assert channel.offer(3, express=True)


def test_bytes_are_bounded_but_one_large_item_passes() -> None:
    channel: Channel[str] = Channel(10, max_bytes=100)
    assert channel.offer("larger than the bound", size=500)
    assert not channel.offer("small", size=1)
    channel.get()
    assert channel.offer("small", size=1)


def test_a_blocked_sender_goes_on_when_room_is_made() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    sender = threading.Thread(target=channel.put, args=(2,))
    sender.start()
    assert channel.get() == 1
    sender.join(10)
    assert channel.get() == 2


def test_who_waits_for_a_batch_hears_that_the_rest_has_turned_off() -> None:
    channel: Channel[str] = Channel(4)
    coming, asked = OnTheWay(channel.wake), threading.Event()
    batches: list[list[str]] = []

    def all_here() -> bool:
        asked.set()
        return coming.none()

    coming.add(2)
    receiver = threading.Thread(target=lambda: batches.append(channel.get_batch(4, 60, all_here)))
    receiver.start()
    channel.put("one")
    coming.add(-1)
    assert asked.wait(10)
    assert not batches
    coming.add(-1)  # the other is unscoreable, or a copy: nothing more is sent
    receiver.join(10)
    assert batches == [["one"]]


def test_a_closed_channel_gives_what_is_left_and_then_ends() -> None:
    channel: Channel[int] = Channel(4)
    channel.put(1)
    channel.close()
    with pytest.raises(Closed):
        channel.put(2)
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


@pytest.mark.parametrize("end", [Channel.close, Channel.cancel])
def test_a_sender_to_a_full_channel_hears_that_it_ends(end: Callable[[Channel[int]], object]) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    ended = threading.Event()

    def send() -> None:
        with pytest.raises(Closed):
            channel.put(2)
        ended.set()

    threading.Thread(target=send, daemon=True).start()
    end(channel)
    assert ended.wait(10)


def test_cancel_drops_what_is_left() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    channel.put(2, express=True)
    assert channel.cancel() == [2, 1]
    with pytest.raises(Closed):
        channel.get()


def at_once(channel: Channel[int], most: int, all_here: Callable[[], bool] = lambda: False) -> list[int]:
    """A batch for which nobody waits."""
    began = time.monotonic()
    batch = channel.get_batch(most, 60, all_here)
    assert time.monotonic() - began < 30
    return batch


def test_a_batch_is_full_or_late_or_all_there_is() -> None:
    channel: Channel[int] = Channel(8)
    for number in range(5):
        channel.put(number)
    assert at_once(channel, 3) == [0, 1, 2]  # full
    assert channel.get_batch(3, wait_s=0.01) == [3, 4]  # late: partial
    channel.put(5)
    assert at_once(channel, 3, all_here=lambda: True) == [5]  # nothing more is coming


def test_of_two_that_wait_for_the_rest_of_a_batch_the_slower_waits_for_the_next() -> None:
    channel: Channel[str] = Channel(8)
    asked, all_here = threading.Semaphore(0), threading.Event()
    batches: list[list[str]] = []

    def is_all_here() -> bool:
        asked.release()
        return all_here.is_set()

    receivers = [
        threading.Thread(target=lambda: batches.append(channel.get_batch(2, 60, is_all_here))) for _ in range(2)
    ]
    channel.put("one")
    for receiver in receivers:
        receiver.start()
        assert asked.acquire(timeout=10)
    all_here.set()
    channel.wake()
    wait_until(lambda: len(batches) == 1)
    channel.put("two")
    for receiver in receivers:
        receiver.join(10)
    assert batches == [["one"], ["two"]]


def test_a_receiver_is_at_work_from_what_it_took_until_it_waits_for_more() -> None:
    channel: Channel[int] = Channel(8)
    taken = threading.Event()

    def receive() -> None:
        channel.get()
        taken.set()
        channel.get()

    receiver = threading.Thread(target=receive)
    receiver.start()
    assert channel.longest_at_work_s() == 0.0
    channel.put(1)
    assert taken.wait(10)
    wait_until(lambda: not channel.at_work())
    channel.put(2)
    receiver.join(10)
    assert set(channel.at_work()) == {receiver.native_id}


def test_a_receiver_may_lose_patience() -> None:
    channel: Channel[int] = Channel(8)
    assert channel.get_batch(3, wait_s=60, first_s=0.01) == []
    assert set(channel.at_work()) == {threading.get_native_id()}, "at what it does with nothing"
    channel.put(1)
    assert channel.get_batch(1, wait_s=60, first_s=0.01) == [1]


def test_a_lowered_bound_lets_a_batch_go_that_fills_it() -> None:
    channel: Channel[int] = Channel(64)
    channel.put(1)
    channel.put(2)
    channel.set_bound(2)
    assert at_once(channel, 64) == [1, 2]


def test_whoever_waits_for_room_is_woken() -> None:
    woken: list[bool] = []
    channel: Channel[int] = Channel(1, on_room=lambda: woken.append(True))
    channel.put(1)
    channel.get()
    assert woken
