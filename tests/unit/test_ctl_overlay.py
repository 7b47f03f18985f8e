"""What is written over the photos of a slideshow."""

import pygame

from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.overlay import ask_of_trash, draw_lines


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
