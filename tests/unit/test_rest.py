"""When the model rests, and who is told, when several ask at once."""

import threading

from photod.rest import Rest
from waiting import wait_until


def test_whoever_is_told_last_is_told_what_holds() -> None:
    """One client pauses and another resumes: the first is still telling when the second has decided."""
    told: list[bool] = []
    telling, may_go_on = threading.Event(), threading.Event()

    def tell(resting: bool) -> None:
        telling.set()
        if resting:
            may_go_on.wait(30)
        told.append(resting)

    rest = Rest(tell)
    first = threading.Thread(target=rest.pause, args=(None,))
    first.start()
    telling.wait(30)
    second = threading.Thread(target=rest.resume)
    second.start()
    second.join(0.2)  # it would be through by now if it did not wait
    may_go_on.set()
    first.join()
    second.join()
    assert told == [True, False]
    assert rest.reason == ""


def test_a_second_pause_forgets_when_the_first_would_have_ended() -> None:
    timers = set(threading.enumerate())
    rest = Rest(lambda _: None)
    rest.pause(3600)
    (timer,) = set(threading.enumerate()) - timers
    assert timer.daemon, "a process that is to end would wait for it"
    rest.pause(None)
    wait_until(lambda: not set(threading.enumerate()) - timers)
    assert rest.reason == "paused"


def test_the_reason_of_the_configuration_outlasts_a_resume() -> None:
    told: list[bool] = []
    rest = Rest(told.append)
    rest.schedule("on battery")
    rest.pause(None)
    assert (rest.reason, rest.scheduled) == ("paused", ""), "it does not go on by itself"
    rest.resume()
    assert rest.scheduled == "on battery"
    assert (rest.reason, told) == ("on battery", [True, True, True])
    rest.schedule("")
    assert (rest.reason, told[-1]) == ("", False)
    rest.schedule("")
    rest.repeat()
    assert told[3:] == [False, False]
