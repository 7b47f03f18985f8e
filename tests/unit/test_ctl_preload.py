"""Pictures that are ready before their turn."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.preload import NICENESS, Broken, Picture, Preloader, fit, load_picture
from waiting import wait_until

SCREEN = (100, 80)


def _slide(name: str, size: tuple[int, int] | None = None) -> Slide:
    return Slide(name, name, 5.0, 50.0, 1, size=size)


class _Loading:
    """Loads nothing until it is let, and notes the order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.let = threading.Semaphore(0)
        self.ready = threading.Semaphore(0)

    def __call__(self, slide: Slide, screen: tuple[int, int]) -> Picture:
        self.order.append(slide.location)
        assert self.let.acquire(timeout=10)
        return Picture(screen, bytes(screen[0] * screen[1] * 3))


def _preloader(loading: _Loading, memory_limit: int = 1 << 30) -> Preloader:
    return Preloader(loading.ready.release, loading, memory_limit)


def _let(loading: _Loading, count: int) -> None:
    for _ in range(count):
        loading.let.release()
        assert loading.ready.acquire(timeout=10)


def test_what_is_wanted_first_is_loaded_first() -> None:
    loading = _Loading()
    preloader = _preloader(loading)
    slides = [_slide(name) for name in "abcdef"]
    preloader.want(slides, SCREEN)
    _let(loading, 6)
    assert {*loading.order[:2]} == {"a", "b"}
    assert all(isinstance(preloader.get(slide), Picture) for slide in slides)
    preloader.close()


def test_no_more_is_kept_than_memory_allows() -> None:
    loading = _Loading()
    one = SCREEN[0] * SCREEN[1] * 3
    preloader = _preloader(loading, memory_limit=5 * one)
    slides = [_slide(name) for name in "abcdef"]
    preloader.want(slides, SCREEN)
    assert preloader._wanted == slides[:3]
    assert preloader.room((10_000, 10_000)) == 2, "the one on the screen and the next, however large"
    _let(loading, 3)
    assert [preloader.get(slide) is not None for slide in slides] == [True] * 3 + [False] * 3
    preloader.want(slides[3:], SCREEN)
    assert not any(map(preloader.get, slides[:3]))
    _let(loading, 3)
    assert all(map(preloader.get, slides[3:]))
    preloader.close()


@pytest.mark.parametrize("still_loading", [False, True])
def test_a_change_of_the_window_s_size_loads_anew(still_loading: bool) -> None:
    loading = _Loading()
    preloader = _preloader(loading)
    preloader.want([_slide("a")], SCREEN)
    wait_until(lambda: loading.order == ["a"])
    if not still_loading:
        _let(loading, 1)
    preloader.want([_slide("a")], (50, 50))
    if still_loading:
        _let(loading, 1)
    assert preloader.get(_slide("a")) is None
    _let(loading, 1)
    picture = preloader.get(_slide("a"))
    assert isinstance(picture, Picture)
    assert picture.size == (50, 50)
    preloader.close()


def test_a_show_that_is_nice_itself_still_goes_before_its_loading() -> None:
    loading = _Loading()
    niceness: list[int] = []

    def load(slide: Slide, screen: tuple[int, int]) -> Picture:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return loading(slide, screen)

    def show() -> None:  # in a thread of its own, since nobody but root takes niceness back
        niceness.append(os.nice(5))
        preloader = Preloader(loading.ready.release, load)
        preloader.want([_slide("a")], SCREEN)
        _let(loading, 1)
        preloader.close()

    thread = threading.Thread(target=show)
    thread.start()
    thread.join()
    own, of_its_loading = niceness
    assert of_its_loading == min(19, own + NICENESS)


def test_a_preloader_that_is_closed_ends_its_threads() -> None:
    preloader = _preloader(_Loading())
    preloader.close()
    for thread in preloader._threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_photo_is_upright_and_as_large_as_the_screen_has_room_for(tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 200), "red")
    image.paste("blue", (0, 0, 300, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright: blue is on the right then
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture = load_picture(_slide(str(tmp_path / "turned.jpg"), (200, 300)), (600, 600))
    assert isinstance(picture, Picture)
    assert picture.size == (400, 600)
    shown = Image.frombytes("RGB", picture.size, picture.pixels)
    red, blue = shown.getpixel((100, 300)), shown.getpixel((300, 300))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert (red[0] > 200, blue[2] > 200) == (True, True)


def test_a_vanished_and_a_broken_file_are_told_apart_from_pictures(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert load_picture(_slide(str(tmp_path / "gone.jpg")), SCREEN) == Broken("No such file or directory")
    assert isinstance(load_picture(_slide(str(tmp_path / "broken.jpg")), SCREEN), Broken)


def test_a_photo_that_memory_has_no_room_for_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(size: tuple[int, int], screen: tuple[int, int]) -> None:
        raise MemoryError

    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr("photod_ctl.slideshow.preload.fit", refuse)
    assert load_picture(_slide(str(tmp_path / "a.png")), SCREEN) == Broken("too large for this machine's memory")


def test_a_picture_fills_the_screen_in_one_direction_and_never_exceeds_it() -> None:
    assert fit((6000, 4000), (1920, 1080)) == (1620, 1080)
    assert fit((4000, 6000), (1920, 1080)) == (720, 1080)
    assert fit((10, 10), (1920, 1080)) == (1080, 1080)
    assert fit((10_000, 1), (100, 100)) == (100, 1)
