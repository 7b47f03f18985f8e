"""The keys of the slideshow that do more than lead through it, and what it asks of the desktop."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from machine import need
from photod.photos import Facts
from waiting import PATIENCE_S, wait_until
from x_screen import COLOURS, Screen, near

Archive = Callable[..., Path]
Start = Callable[..., "subprocess.Popen[str]"]
Pixels = NDArray[np.uint8]


@pytest.fixture
def window_manager(screen: Screen) -> Iterator[None]:
    """Without one, no window becomes larger than it was."""
    if shutil.which("openbox") is None:
        need("openbox")
    environment = os.environ | {"DISPLAY": screen.display}
    process = subprocess.Popen(["openbox"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(screen.is_managed)  # SDL asks once, at its start
    yield
    process.terminate()
    process.wait()


@pytest.mark.usefixtures("window_manager")
@pytest.mark.parametrize("window", [True, False])
def test_f_changes_between_window_and_full_screen(screen: Screen, start: Start, folder: Path, window: bool) -> None:
    process = start(folder, "--delay", "600", *["--window"] * window)
    for _ in range(3):
        if window:
            screen.wait_for(lambda p: p[300, 5].max() == 0 and near(p[300, 400], "red"), "the photo in a window")
        else:
            screen.wait_for(lambda p: near(p[300, 5], "red") and near(p[300, 795], "red"), "the photo on all sides")
        screen.press("f")
        window = not window
    screen.press("q")
    assert process.wait(PATIENCE_S) == 0


def test_o_opens_the_folder_of_the_photo(
    screen: Screen, start: Start, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    programs, opened = tmp_path / "programs", tmp_path / "opened"
    programs.mkdir()
    script = f'#!/bin/sh\nprintf "%s" "$1" > {opened}.part && mv {opened}.part {opened}\n'
    (programs / "xdg-open").write_text(script)
    (programs / "xdg-open").chmod(0o755)
    start(folder, "--delay", "600", PATH=f"{programs}:{environment['PATH']}")
    screen.wait_for_colour("red")
    screen.press("o")
    screen.wait_for(lambda _: opened.exists(), "the file manager")
    assert opened.read_text() == str(folder)


def test_without_a_file_manager_o_says_so(screen: Screen, start: Start, folder: Path, tmp_path: Path) -> None:
    start(folder, "--delay", "600", PATH=str(tmp_path))
    screen.wait_for_colour("red")
    screen.press("o")
    screen.wait_for(_message, "the message")


def test_minus_makes_the_show_faster_and_plus_slower(screen: Screen, start: Start, folder: Path) -> None:
    start(folder, "--delay", "600", "--loop")
    screen.wait_for_colour("red")
    screen.press(*["minus"] * 40)  # by a quarter each time, down to the shortest delay
    screen.wait_for_colour("blue")
    screen.wait_for_colour("red")
    screen.press(*["plus"] * 60)  # up to the longest
    screen.wait_for(_message, "the new delay")
    before = screen.pixels()[300, 400].copy()
    screen.wait_for(lambda p: not _message(p), "the message gone")
    assert (screen.pixels()[300, 400] == before).all()  # many of the old delays later


def test_b_shows_the_frames_of_a_burst_and_goes_back(screen: Screen, start: Start, archive: Archive) -> None:
    for name, score, taken_at in (
        ("red", 9.0, "2021-02-03 10:00:00"), ("green", 8.0, "2020-01-01 00:00:00"),
        ("blue", 7.0, "2021-02-03 10:00:02"), ("grey", 6.0, "2021-02-03 10:00:01"),
    ):  # fmt: skip
        folder = archive("photos", {f"{name}.png": score}, facts=Facts(600, 400, taken_at, "X-T3"))
        Image.new("RGB", (600, 400), COLOURS[name]).save(folder / f"{name}.png")
    start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("b")
    screen.wait_for(_message, "how many frames there are")
    for key, colour in (("Right", "grey"), ("Right", "blue"), ("b", "red"), ("Right", "green")):
        screen.press(key)
        screen.wait_for_colour(colour)
    screen.press("b")  # it is of no burst: nothing but a message
    screen.wait_for(_message, "the message")
    screen.press("Left")
    screen.wait_for_colour("red")


@pytest.fixture
def burst(archive: Archive) -> Path:
    """Red and grey, the frames of a burst, and green, which scores between them."""
    for name, score, taken_at in (
        ("red", 9.0, "2021-02-03 10:00:00"), ("green", 8.0, "2020-01-01 00:00:00"),
        ("grey", 7.0, "2021-02-03 10:00:01"),
    ):  # fmt: skip
        folder = archive("photos", {f"{name}.png": score}, facts=Facts(600, 400, taken_at, "X-T3"))
        Image.new("RGB", (600, 400), COLOURS[name]).save(folder / f"{name}.png")
    return folder


def test_a_show_that_was_paused_stays_so_after_a_burst(screen: Screen, start: Start, burst: Path) -> None:
    start(burst, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("space", "b", "b", "space")  # it goes on, where it was still paused
    screen.press(*["minus"] * 25)  # down to two seconds
    screen.wait_for_colour("green")


def test_a_burst_that_is_played_leads_back_to_the_show(screen: Screen, start: Start, burst: Path) -> None:
    start(burst, "--delay", "2")
    screen.wait_for_colour("red")
    screen.press("b", "space")
    for colour in ("grey", "red", "green"):
        screen.wait_for_colour(colour)


def test_a_burst_whose_frames_vanish_leads_back_to_the_show(screen: Screen, start: Start, burst: Path) -> None:
    start(burst, "--delay", "600")
    screen.wait_for_colour("red")
    for name in ("red", "grey"):
        (burst / f"{name}.png").unlink()
    screen.press("b", "f")  # in another size, it is read again
    screen.wait_for_colour("green")


def test_r_shuffles_and_puts_the_best_first_again(screen: Screen, start: Start, folder: Path) -> None:
    start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("r")
    screen.wait_for(_message, "that it is shuffled")
    to_come = COLOURS.keys() - {"red"}
    while to_come:
        screen.press("Right")
        screen.wait_for(lambda pixels, wanted=to_come: bool(_named(pixels) & wanted), "another photo")  # type: ignore[misc]
        to_come -= _named(screen.pixels())
    screen.press("r")
    for key, colour in (("Home", "red"), ("Right", "green"), ("Right", "blue"), ("Right", "grey")):
        screen.press(key)
        screen.wait_for_colour(colour)


def _named(pixels: Pixels) -> set[str]:
    """The colour in the middle, by its name."""
    return {name for name in COLOURS if near(pixels[300, 400], name)}


def _message(pixels: Pixels) -> bool:
    """Whether there are white letters at the top right."""
    return bool(pixels[:60, 400:].min(axis=2).max() > 230)


@pytest.fixture
def bus() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A desktop's message bus, by its address, and a program that prints what is said on it."""
    for program in ("dbus-daemon", "dbus-monitor"):
        if shutil.which(program) is None:
            need(program)
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert daemon.stdout is not None
    address = daemon.stdout.readline().strip()
    monitor = subprocess.Popen(
        ["dbus-monitor", "--address", address, "interface='org.freedesktop.ScreenSaver'"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert monitor.stdout is not None
    monitor.stdout.readline()  # it listens
    yield address, monitor
    for process in (monitor, daemon):
        process.terminate()
        process.communicate()


def test_the_desktop_is_asked_to_keep_its_screen_saver_away(
    screen: Screen, start: Start, folder: Path, bus: tuple[str, "subprocess.Popen[str]"]
) -> None:
    address, monitor = bus
    start(folder, "--delay", "600", DBUS_SESSION_BUS_ADDRESS=address)
    screen.wait_for_colour("red")
    monitor.terminate()
    assert monitor.stdout is not None
    said = monitor.stdout.read()
    assert "member=Inhibit" in said
    assert '"photod"' in said
    assert '"Showing photos"' in said


@pytest.mark.parametrize("screen", [(1600, 1200, 192)], indirect=True)
def test_on_a_dense_screen_a_photo_of_its_size_is_shown_pixel_by_pixel(
    screen: Screen, start: Start, archive: Archive
) -> None:
    stripes = np.zeros((1200, 1600, 3), np.uint8)
    stripes[:, ::2] = 255  # the finest there are: any scaling makes them grey
    folder = archive("photos", {"stripes.png": 9.0}, facts=Facts(1600, 1200))
    Image.fromarray(stripes).save(folder / "stripes.png")
    start(folder, "--delay", "600", GDK_SCALE="2", QT_SCALE_FACTOR="2")
    screen.wait_for(lambda pixels: np.array_equal(pixels, stripes), "each stripe")
