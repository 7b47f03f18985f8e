"""What is written over the photos of a slideshow."""

from typing import Any

import pygame
import pytest

from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.overlay import MESSAGE_S, Captions, _font, ask_of_trash, describe, draw_lines


def test_a_long_path_pushes_no_name_out_of_the_question_about_the_trash() -> None:
    question = ask_of_trash(Slide(f"/photos/{'deep/' * 100}a\n.jpg", "sha256", 5.0, 50.0, 1))
    assert question[0] == r"Move a\n.jpg to the trash?"
    assert question[1].startswith("/photos/deep/")


@pytest.mark.parametrize(
    ("taken_at", "camera", "line"),
    [
        ("2021-02-03 04:05:06", "X-T3", ["2021-02-03 04:05:06  X-T3"]),
        ("2021-02-03 04:05:06", None, ["2021-02-03 04:05:06"]),
        (None, "X-T3", ["X-T3"]),
        (None, None, []),
    ],
)
def test_when_and_by_what_a_photo_was_taken_is_a_line_as_far_as_it_is_known(
    taken_at: str | None, camera: str | None, line: list[str]
) -> None:
    slide = Slide("/photos/a.jpg", "sha256", 5.0, 50.0, 1, taken_at, camera)
    assert describe(slide, "1 of 1") == [
        "5.00   percentile 50.0   rank 1", *line, "a.jpg", "/photos", "1 of 1",
    ]  # fmt: skip


def test_a_message_goes_once_when_its_time_is_over() -> None:
    captions = Captions()
    assert not captions.expire(10.0)
    captions.say("paused", 10.0)
    assert [captions.expire(10.0 + seconds) for seconds in (0, MESSAGE_S / 2, MESSAGE_S, 99)] == [
        False, False, True, False,
    ]  # fmt: skip


def test_a_path_has_room_on_a_portrait_screen() -> None:
    pygame.font.init()
    screen = pygame.Surface((1080, 1920))
    screen.fill("white")
    draw_lines(screen, ["/home/ann/Pictures/2011 Norway/fjords and mountains"])
    assert screen.get_at((1079, 1919)) == pygame.Color("white")


def test_of_a_line_that_has_no_room_the_beginning_is_seen() -> None:
    pygame.font.init()
    screen = pygame.Surface((400, 300))
    draw_lines(screen, ["M" * 300], "center")
    ink = [max(max(screen.get_at((x, y))[:3]) for y in range(300)) for x in range(400)]
    assert max(ink[:6]) < 200, "it begins with some ground"
    assert max(ink[6:30]) > 200


@pytest.mark.parametrize(("name", "known"), [("Weißensee.jpg", True), ("закат.jpg", True), ("夕焼け.jpg", False)])
def test_a_letter_that_the_built_in_font_lacks_is_looked_for_in_others(
    name: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("pygame.font.match_font", asked.append)
    pygame.font.init()
    draw_lines(pygame.Surface((800, 600)), [name])
    assert (asked == []) == known


@pytest.mark.parametrize(
    ("name", "best"), [("фьорд 夕.jpg", "russian"), ("ё 夕焼け.jpg", "japanese"), ("🌅.jpg", None)]
)
def test_where_no_font_has_all_letters_the_one_with_the_most_is_taken(
    name: str, best: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = {None: "", "russian": "фьорд", "japanese": "夕焼け"}

    class Font:
        def __init__(self, path: str | None, size: int) -> None:
            self.path = path

        def metrics(self, text: str) -> list[str | None]:
            return [letter if letter in f"{letters[self.path]} .jpg" else None for letter in text]

    monkeypatch.setattr("pygame.font.Font", Font)
    installed = {"dejavusans": "russian", "notosanscjkjp": "japanese"}
    monkeypatch.setattr("pygame.font.match_font", installed.get)
    taken: Any = _font(name, 14)
    assert taken.path == best
