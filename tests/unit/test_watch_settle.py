"""When a file is settled, on a clock that the test turns."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from photod.photos import Fingerprint
from photod.watch.lease import Writing
from photod.watch.settle import LOOK_S, REPEATS, RESTLESS_S, UNPROVEN, UNSTABLE_S, Ages, Settle

QUIET_S = 2.0


def version(number: int) -> Fingerprint:
    return Fingerprint(100 + number, number, number, 1)


@pytest.fixture
def settle() -> Settle:
    return Settle(QUIET_S)


def run(
    settle: Settle, until: float, look: Callable[[float], Fingerprint | None], writer: Writing = Writing.NONE
) -> list[float]:
    """Look at whatever is due until a time; returns when a file settled."""
    settled = []
    while (due := settle.next_due()) is not None and due <= until:
        for path in settle.due(due):
            if settle.judge(path, look(due), writer, due):
                settled.append(due)
    return settled


def test_a_quiet_file_settles_after_the_quiet_time(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    assert settle.due(11.9) == []
    assert run(settle, 60, lambda _: version(1)) == [12.0]
    assert len(settle) == 0


def test_a_change_begins_the_quiet_time_again(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    settle.observe("a", version(2), 11.5)
    assert run(settle, 60, lambda _: version(2)) == [13.5]


def test_a_change_counts_from_when_the_file_says_but_not_from_before_the_last_look(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0, 9.0)
    settle.observe("a", version(2), 10.25, 10.01)
    assert run(settle, 60, lambda _: version(2)) == [12.01]
    settle.observe("b", version(1), 20.0)
    settle.observe("b", version(2), 20.25, 3.0)
    assert run(settle, 60, lambda _: version(2)) == [22.0]


def test_what_looks_as_before_or_is_unstable_is_no_news(settle: Settle) -> None:
    assert settle.observe("a", version(1), 10.0)
    assert not settle.observe("a", version(1), 11.0)
    assert settle.observe("a", version(2), 11.5)
    rewrite_without_end(settle, 60)
    assert not settle.observe("a", version(999), 60.0)


def test_a_look_that_shows_other_bytes_does_not_settle(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    assert run(settle, 60, lambda _: version(2)) == [14.0]


def test_without_a_quiet_time_two_looks_are_alike_all_the_same() -> None:
    settle = Settle(0.0)
    settle.observe("a", version(1), 10.0)
    assert not settle.judge("a", version(2), Writing.NONE, 10.0)
    assert settle.judge("a", version(2), Writing.NONE, 10.0)


def test_a_file_that_is_gone_is_forgotten(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    assert run(settle, 60, lambda _: None) == []
    assert "a" not in settle


def test_an_open_writer_keeps_a_quiet_file_from_settling(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    assert run(settle, 1000, lambda _: version(1), Writing.OPEN) == []
    assert settle.unstable == frozenset()


def test_closing_a_long_write_settles_it_soon(settle: Settle) -> None:
    settle.observe("a", version(1), 0.0)
    run(settle, QUIET_S + LOOK_S, lambda _: version(1), Writing.OPEN)
    settle.observe("a", version(1), 13.0)
    settle.observe("a", version(1), 14.0)  # somebody reads it
    assert settle.landed("a") == 13.0
    assert run(settle, 200, lambda _: version(1)) == [15.0]


def test_where_the_kernel_does_not_tell_the_quiet_time_is_longer(settle: Settle) -> None:
    settle.observe("a", version(1), 10.0)
    assert run(settle, 60, lambda _: version(1), Writing.UNKNOWN) == [10 + UNPROVEN * QUIET_S]


def test_a_file_that_never_rests_is_looked_at_all_the_same(settle: Settle) -> None:
    looks = []
    for step in range(200):
        settle.observe("a", version(step), 5 + step / 10)
        if settle.due(5 + step / 10):
            looks.append(5 + step / 10)
    assert looks[0] == 5 + LOOK_S


def rewrite_without_end(settle: Settle, seconds: float, writer: Writing = Writing.NONE) -> list[float]:
    """Rewrite a file every half second; returns when it was looked at."""
    looks = []
    for step in range(int(2 * seconds)):
        now = step / 2
        settle.observe("a", version(step), now)
        for path in settle.due(now):
            looks.append(now)
            assert not settle.judge(path, version(step), writer, now)
    return looks


def test_a_file_rewritten_without_end_becomes_unstable_and_is_looked_at_every_five_minutes(settle: Settle) -> None:
    looks = rewrite_without_end(settle, 3600)
    assert settle.unstable == {"a"}
    late = [look for look in looks if look > RESTLESS_S + LOOK_S]
    assert len(late) <= 2 * 3600 / UNSTABLE_S  # each look is two, to compare
    assert {second - first for first, second in pairwise(late)} == {QUIET_S, UNSTABLE_S}


def test_a_file_that_rests_just_when_it_is_found_unstable_settles_soon(settle: Settle) -> None:
    rewrite_without_end(settle, RESTLESS_S)
    settle.observe("a", version(999), RESTLESS_S)
    assert not settle.judge("a", version(999), Writing.NONE, RESTLESS_S + 0.5)
    assert settle.unstable == {"a"}
    assert run(settle, 1000, lambda _: version(999)) == [RESTLESS_S + QUIET_S]


def test_a_file_that_is_written_for_long_is_looked_at_every_ten_seconds(settle: Settle) -> None:
    looks: list[float] = []

    def look(now: float) -> Fingerprint:
        looks.append(now)
        return version(len(looks))

    settle.observe("a", version(0), 0.0)
    assert run(settle, 60, look, Writing.OPEN) == []
    assert looks == [QUIET_S + turn * LOOK_S for turn in range(6)]


def test_a_slow_copy_that_the_kernel_tells_nothing_of_is_not_soon_called_unstable(settle: Settle) -> None:
    rewrite_without_end(settle, UNSTABLE_S - LOOK_S, Writing.UNKNOWN)
    assert settle.unstable == frozenset()


def test_an_unstable_file_that_is_held_open_is_looked_at_no_more_often(settle: Settle) -> None:
    rewrite_without_end(settle, 60)
    looks: list[float] = []

    def look(now: float) -> Fingerprint:
        looks.append(now)
        return version(999)

    run(settle, 60 + 10 * UNSTABLE_S, look, Writing.OPEN)
    assert 1 < len(looks) <= 12


def test_an_unstable_file_that_rests_settles_at_its_next_look(settle: Settle) -> None:
    rewrite_without_end(settle, 60)
    settled = run(settle, 1000, lambda _: version(999))
    assert len(settled) == 1
    assert settled[0] <= 60 + UNSTABLE_S + LOOK_S
    assert settle.unstable == frozenset()


def test_a_file_that_settled_often_lately_must_wait(settle: Settle) -> None:
    for turn in range(REPEATS):
        settle.observe("a", version(turn), 10.0 * turn)
        assert len(run(settle, 10.0 * turn + 9, lambda _, turn=turn: version(turn))) == 1  # type: ignore[misc]
    last = 10.0 * (REPEATS - 1) + QUIET_S
    settle.observe("a", version(99), 50.0)
    assert settle.unstable == {"a"}
    assert run(settle, 1000, lambda _: version(99))[0] >= last + UNSTABLE_S


def test_files_that_settle_often_in_turn_must_wait_for_a_while(settle: Settle) -> None:
    for turn in range(REPEATS):
        for path in "ab":
            assert not settle.settles_too_often(path, turn + 10.0)
            settle.settled(path, turn + 10.0)
    assert settle.settles_too_often("a", 9.0 + UNSTABLE_S)
    assert settle.settles_too_often("b", 9.0 + UNSTABLE_S)
    assert not settle.settles_too_often("a", 10.0 + UNSTABLE_S)


def test_of_a_folder_that_is_gone_nothing_is_waited_for(settle: Settle) -> None:
    rewrite_without_end(settle, 60)
    settle.clear()
    assert (settle.next_due(), settle.unstable) == (None, frozenset())


def test_files_that_settled_long_ago_are_not_remembered(settle: Settle) -> None:
    for number in range(1000):
        for path in ("often", "again", f"{number}"):
            settle.settled(path, float(number))
    assert len(settle._settled) <= UNSTABLE_S + 4


@pytest.fixture
def ages() -> Ages:
    return Ages(QUIET_S, wall=1_000_001.0, now=1.0)


def changed_at(wall: float) -> Fingerprint:
    return Fingerprint(1, 0, int(wall * 1e9), 1)


def test_an_old_file_is_quiet_by_its_own_timestamps(ages: Ages) -> None:
    assert ages.prove_quiet(changed_at(1_000_000), 1_000_002.0, 2.0, Writing.NONE)
    assert not ages.prove_quiet(changed_at(1_000_001), 1_000_002.0, 2.0, Writing.NONE)
    assert not ages.prove_quiet(changed_at(1_000_000), 1_000_002.0, 2.0, Writing.UNKNOWN)
    assert not ages.prove_quiet(changed_at(0), 1_000_002.0, 2.0, Writing.OPEN)


def test_a_file_tells_when_it_changed_unless_its_clock_is_ahead_or_was_just_set(ages: Ages) -> None:
    assert ages.changed(changed_at(1_000_001), 1_000_003.0, 3.0) == pytest.approx(1.0)
    assert ages.changed(changed_at(1_000_009), 1_000_003.0, 3.0) == 3.0
    assert ages.changed(changed_at(1_000_001), 1_900_003.0, 3.0) == 3.0


@pytest.mark.parametrize("step_s", [86_400.0, -86_400.0, 3.2e8, -3.2e8])
def test_a_wall_clock_that_was_set_proves_nothing_for_a_while(ages: Ages, step_s: float) -> None:
    """Scenario 24: a day and ten years, back and forth."""
    wall = 1_000_010.0 + step_s
    assert not ages.prove_quiet(changed_at(1_000_009.9), wall, 10.0, Writing.NONE)
    assert not ages.prove_quiet(changed_at(wall), wall + 1, 11.0, Writing.NONE)
    later = UNPROVEN * QUIET_S + 1
    assert ages.prove_quiet(changed_at(wall), wall + later, 10.0 + later, Writing.NONE)
