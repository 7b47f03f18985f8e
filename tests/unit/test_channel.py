import threading
from collections.abc import Callable

import pytest

from photod.channel import Channel, Closed
from photod.in_flight import OnTheWay


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


def test_a_batch_is_full_or_late_or_all_there_is() -> None:
    channel: Channel[int] = Channel(8)
    for number in range(5):
        channel.put(number)
    assert channel.get_batch(3, wait_s=60) == [0, 1, 2]  # full: does not wait
    assert channel.get_batch(3, wait_s=0.01) == [3, 4]  # late: partial
    channel.put(5)
    assert channel.get_batch(3, wait_s=60, all_here=lambda: True) == [5]  # nothing more is coming


def test_a_receiver_may_lose_patience() -> None:
    channel: Channel[int] = Channel(8)
    assert channel.get_batch(3, wait_s=60, first_s=0.01) == []
    channel.put(1)
    assert channel.get_batch(1, wait_s=60, first_s=0.01) == [1]


def test_a_lowered_bound_lets_a_batch_go_that_fills_it() -> None:
    channel: Channel[int] = Channel(64)
    channel.put(1)
    channel.put(2)
    channel.set_bound(2)
    assert channel.get_batch(64, wait_s=60) == [1, 2]


def test_whoever_waits_for_room_is_woken() -> None:
    woken: list[bool] = []
    channel: Channel[int] = Channel(1, on_room=lambda: woken.append(True))
    channel.put(1)
    channel.get()
    assert woken
