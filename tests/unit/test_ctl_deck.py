"""The order of a running show."""

import random

from photod_ctl.likeness import BURST_S
from photod_ctl.slideshow.deck import Deck, Slide, burst_of


def _slide(name: str, score: float, taken_at: str | None = None, camera: str | None = "X-T3") -> Slide:
    return Slide(f"/photos/{name}", name, score, 50.0, 1, taken_at, camera)


def _deck(count: int = 5, loop: bool = False) -> Deck:
    return Deck([_slide(str(n), 10.0 - n) for n in range(count)], loop=loop)


def _name(deck: Deck) -> str:
    assert deck.current is not None
    return deck.current.sha256


def _walk(deck: Deck) -> list[str]:
    names = [_name(deck)]
    while deck.move(1):
        names.append(_name(deck))
    return names


def test_a_show_goes_from_the_best_to_the_last_and_stops() -> None:
    deck = _deck()
    assert _walk(deck) == ["0", "1", "2", "3", "4"]
    assert not deck.move(1)
    assert _name(deck) == "4"


def test_a_show_that_loops_goes_round_both_ways() -> None:
    deck = _deck(loop=True)
    assert deck.move(-1)
    assert _name(deck) == "4"
    assert deck.move(1)
    assert _name(deck) == "0"


def test_pages_are_a_twentieth_and_end_at_the_ends() -> None:
    deck = _deck(100)
    deck.page(1)
    assert _name(deck) == "5"
    deck.end()
    assert not deck.page(1)
    deck.page(-1)
    assert _name(deck) == "94"
    deck.home()
    assert not deck.page(-1)


def test_neighbours_are_wanted_nearest_first_and_more_ahead_than_behind() -> None:
    deck = _deck(10)
    deck.move(4)
    assert [slide.sha256 for slide in deck.around(3, 1)] == ["4", "5", "3", "6", "7"]
    deck.home()
    assert [slide.sha256 for slide in deck.around(3, 1)] == ["0", "1", "2", "3"]


def test_neighbours_in_a_show_that_loops_are_across_its_ends_and_each_once() -> None:
    assert [slide.sha256 for slide in _deck(10, loop=True).around(3, 1)] == ["0", "1", "9", "2", "3"]
    assert [slide.sha256 for slide in _deck(3, loop=True).around(8, 3)] == ["0", "1", "2"]


def test_a_slide_that_is_taken_out_gives_way_to_the_next() -> None:
    deck = _deck(3)
    deck.move(1)
    deck.remove(_slide("1", 9.0))
    assert _name(deck) == "2"
    deck.remove(_slide("2", 8.0))
    assert _name(deck) == "0"
    deck.remove(_slide("0", 10.0))
    assert deck.current is None
    assert not deck.move(1)
    deck.update([_slide("new", 5.0)])
    assert _name(deck) == "new"


def test_a_slide_that_is_taken_out_before_the_current_one_leaves_that_on_the_screen() -> None:
    deck = _deck(3)
    deck.move(2)
    deck.remove(_slide("0", 10.0))
    assert (_name(deck), deck.position) == ("2", 1)


def test_a_newcomer_that_scores_higher_comes_next_and_others_in_their_turn() -> None:
    deck = _deck(4)
    deck.move(1)
    deck.update([_slide("high", 9.9), _slide("low", 7.5), *(_slide(str(n), 10.0 - n) for n in range(4))])
    deck.update([_slide("high", 9.9)])
    assert _walk(deck) == ["1", "high", "2", "low", "3"]


def test_a_newcomer_to_a_show_that_is_shuffled_is_mixed_into_what_is_to_come() -> None:
    deck = Deck([_slide(str(n), 100.0 - n) for n in range(50)], rng=random.Random(1))
    deck.toggle_shuffle()
    mixed = _walk(deck)
    deck.home()
    deck.update([])
    assert _walk(deck) == mixed
    deck.home()
    deck.update([_slide("50", 99.5)])
    with_newcomer = _walk(deck)
    assert sorted(with_newcomer, key=int) == [str(n) for n in range(51)]
    assert with_newcomer.index("50") not in (1, 50), "neither next, as by score, nor last"


def test_a_slide_that_was_taken_out_does_not_return_with_a_newer_ranking() -> None:
    deck = _deck(3)
    deck.remove(_slide("1", 9.0))
    deck.update([_slide(str(n), 10.0 - n) for n in range(3)])
    assert _walk(deck) == ["0", "2"]


def test_what_is_known_of_a_photo_makes_it_no_other_one() -> None:
    assert Slide("a.jpg", "sha256", 5.0, 50.0, 1) == Slide("a.jpg", "sha256", 6.0, 60.0, 2, "2020", "X-T3", (6, 4))


def test_a_newer_ranking_says_more_of_the_slides_that_are_there_and_orders_what_is_to_come() -> None:
    deck = _deck(4)
    deck.move(1)
    deck.update([_slide("3", 9.9), _slide("0", 8.0), _slide("2", 5.0), _slide("1", 1.0)])
    assert deck.current is not None
    assert deck.current.score == 1.0
    assert _walk(deck) == ["1", "3", "2"]
    assert deck.home()
    assert deck.current.score == 8.0


def test_a_photo_that_was_replaced_is_shown_as_it_is_now_also_where_it_was_taken_out() -> None:
    deck = _deck(3)
    deck.remove(_slide("2", 8.0))
    deck.update([Slide(f"/photos/{name}", f"new {name}", 7.0, 50.0, 1) for name in "012"])
    assert _walk(deck) == ["new 0", "new 1", "new 2"]
    deck.remove(_slide("2", 8.0))  # as it was on the screen
    assert _name(deck) == "new 1"


def test_shuffling_mixes_what_is_to_come_and_back_again_restores_the_ranking() -> None:
    two_alike = (_slide(str(n), 100.0 - n // 2) for n in range(50))
    deck = Deck(list(two_alike), rng=random.Random(1))
    deck.move(10)
    deck.toggle_shuffle()
    assert _name(deck) == "10"
    mixed = _walk(deck)
    assert mixed != [str(n) for n in range(10, 50)]
    assert sorted(mixed, key=int) == [str(n) for n in range(10, 50)]
    last = _name(deck)
    deck.toggle_shuffle()
    assert _name(deck) == last
    deck.home()
    assert _walk(deck) == [str(n) for n in range(50)]


def test_a_burst_is_a_chain_of_frames_by_one_camera_seconds_apart() -> None:
    gap = int(BURST_S)  # as top --distinct has it
    frames = [_slide(f"f{n}", float(n), f"2022-08-19 20:31:{7 + gap * n:02}") for n in range(4)]
    just_after = _slide("after", 9.0, f"2022-08-19 20:31:{8 + 4 * gap:02}")
    other_camera = _slide("other", 9.0, "2022-08-19 20:31:12", "D750")
    later = _slide("later", 9.0, "2022-08-19 20:32:00")
    undated = _slide("undated", 9.0)
    no_date = _slide("no date", 9.0, "2022-00-00 20:31:09")
    slides = [undated, no_date, later, just_after, other_camera, *reversed(frames)]
    assert burst_of(frames[2], slides) == frames
    assert burst_of(frames[1], frames) == frames
    assert burst_of(later, slides) == [later]
    assert burst_of(undated, slides) == [undated]
    assert burst_of(no_date, slides) == [no_date]
