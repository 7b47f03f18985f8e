"""What is written over the photos of a slideshow."""

from typing import Any

import pygame
import pytest

from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.overlay import _font, ask_of_trash, draw_lines


def test_a_long_path_pushes_no_name_out_of_the_question_about_the_trash() -> None:
    question = ask_of_trash(Slide(f"/photos/{'deep/' * 100}a\n.jpg", "sha256", 5.0, 50.0, 1))
    assert question[0] == r"Move a\n.jpg to the trash?"
    assert question[1].startswith("/photos/deep/")


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
