"""The slideshow in a real window, driven by real keys, looked at through the X server's own memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waiting import PATIENCE_S
from x_screen import COLOURS, Screen, near

Archive = Callable[..., Path]
Start = Callable[..., "subprocess.Popen[str]"]


def test_the_best_comes_first_upright_over_the_whole_screen_in_its_colours(
    screen: Screen, start: Start, archive: Archive
) -> None:
    folder = archive("photos", {"turned.jpg": 9.0, "flat.png": 8.0})
    stored = Image.new("RGB", (400, 600), COLOURS["red"])
    stored.paste(COLOURS["blue"], (0, 0, 200, 600))
    exif = Image.Exif()
    exif[0x0112] = 8  # upright after a quarter turn to the left: the left, blue side is at the bottom then
    stored.save(folder / "turned.jpg", exif=exif, quality=95, subsampling=0)
    Image.new("RGB", (60, 40), COLOURS["green"]).save(folder / "flat.png")
    process = start(folder, "--delay", "600")
    screen.wait_for(lambda p: near(p[200, 400], "red") and near(p[400, 400], "blue"), "the turned photo")
    pixels = screen.pixels()
    # 600 x 400 on 800 x 600: all of the width, black above and below.
    assert near(pixels[300 - 260, 3], "red")
    assert near(pixels[300 + 260, 796], "blue")
    assert pixels[:30].max() == 0
    assert pixels[570:].max() == 0
    screen.press("q")
    assert process.wait(PATIENCE_S) == 0


def test_keys_wheel_and_clicks_lead_through_the_show(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    for key, colour in (
        ("Right", "green"), ("End", "grey"), ("Left", "blue"), ("Home", "red"), ("Next", "green"), ("Prior", "red"),
    ):  # fmt: skip
        screen.press(key)
        screen.wait_for_colour(colour)
    for button, colour in ((1, "green"), (5, "blue"), (4, "green"), (3, "red")):
        screen.click(button)
        screen.wait_for_colour(colour)
    screen.press("Escape")
    assert process.wait(PATIENCE_S) == 0


def test_it_goes_on_by_itself_and_ends_after_the_last(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "2")  # long enough that no photo is overlooked
    for colour in COLOURS:
        screen.wait_for_colour(colour)
    assert process.wait(PATIENCE_S) == 0


def test_space_holds_the_show_and_loop_begins_again(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "0.5", "--top", "2", "--loop", "--fade")
    screen.wait_for_colour("red")
    screen.wait_for_colour("green")
    screen.wait_for_colour("red")
    screen.press("space")
    screen.wait_for(lambda p: bool(p[:30, 500:].max() > 200), "the word paused")
    screen.wait_for(lambda p: not p[:30, 500:].max() > 200, "the word gone")  # and any fade is over
    held, other = ("red", "green") if near(screen.pixels()[screen.middle], "red") else ("green", "red")
    until = time.monotonic() + 1.5  # three delays
    while time.monotonic() < until:
        assert near(screen.pixels()[screen.middle], held)
        time.sleep(0.05)
    screen.press("space")
    screen.wait_for_colour(other)
    screen.press("q")
    assert process.wait(PATIENCE_S) == 0


def test_a_single_photo_that_loops_stays(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "0.2", "--top", "1", "--loop")
    screen.wait_for_colour("red")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)  # ten delays
    screen.press("q")
    assert process.wait(PATIENCE_S) == 0


def test_i_writes_what_is_known_over_the_photo(screen: Screen, start: Start, folder: Path) -> None:
    start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    before = screen.pixels()
    screen.press("i")
    screen.wait_for(lambda p: bool(p[480:, :300].max() > 230), "white letters at the bottom left")
    screen.press("i")
    screen.wait_for(lambda p: np.array_equal(p, before), "the photo as before")


@pytest.mark.parametrize("again", ["h", "Escape"])
def test_h_tells_the_keys_and_h_or_esc_takes_them_away(
    screen: Screen, start: Start, folder: Path, again: str
) -> None:
    process = start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    before = screen.pixels()
    screen.press("h")
    screen.wait_for(lambda p: bool((p[:300, :300].max(axis=2) > 230).any(axis=1).sum() > 90), "lines of letters")
    screen.press(again)
    screen.wait_for(lambda p: np.array_equal(p, before), "the photo as before")
    screen.press("Escape")
    assert process.wait(PATIENCE_S) == 0


def test_del_asks_and_moves_the_photo_to_the_trash(
    screen: Screen, start: Start, folder: Path, tmp_path: Path
) -> None:
    start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    for refusal in ("Escape", "n", "Right"):
        screen.press("Delete")
        screen.wait_for(lambda p: bool(p[280:320].max() > 230), "the question")
        screen.press(refusal)
        screen.wait_for(lambda p: not p[280:320].max() > 230, "the question gone")
        assert (folder / "red.png").exists()
    trashed = []
    for name, consent, following in (("red.png", "Return", "green"), ("green.png", "y", "blue")):
        screen.press("Delete", consent)
        screen.wait_for_colour(following)
        assert not (folder / name).exists()
        trashed.append(name)
        assert {path.name for path in tmp_path.rglob("files/*.png")} == {*trashed}


def test_what_is_asked_about_stays_on_the_screen_until_there_is_an_answer(
    screen: Screen, start: Start, folder: Path
) -> None:
    start(folder, "--delay", "2", "--loop")
    screen.wait_for_colour("red")
    screen.press("Delete")
    screen.wait_for(lambda p: bool(p[280:320].max() > 230), "the question")
    (asked,) = [name for name in COLOURS if near(screen.pixels()[100, 400], name)]
    until = time.monotonic() + 3  # longer than the delay
    while time.monotonic() < until:
        assert near(screen.pixels()[100, 400], asked)
        time.sleep(0.05)
    screen.press("Return")
    screen.wait_for(lambda p: not near(p[100, 400], asked), "another photo")
    assert {path.stem for path in folder.glob("*.png")} == COLOURS.keys() - {asked}


def test_nothing_is_asked_about_a_photo_while_another_is_awaited(
    screen: Screen, start: Start, folder: Path
) -> None:
    (folder / "green.png").unlink()
    os.mkfifo(folder / "green.png")  # a read that takes as long as it likes
    start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("Right", "Delete", "i")  # i would be an answer, had there been a question
    screen.wait_for(lambda p: bool(p[480:, :300].max() > 230), "what is known of the photo")


def test_vanished_and_broken_photos_are_left_out(screen: Screen, start: Start, folder: Path) -> None:
    (folder / "red.png").unlink()
    (folder / "green.png").write_bytes(b"no picture any more")
    start(folder, "--delay", "600")
    screen.wait_for_colour("blue")


def test_where_no_photo_is_left_it_says_why(start: Start, folder: Path) -> None:
    for photo in folder.glob("*.png"):
        photo.unlink()
    process = start(folder, "--delay", "600")
    assert process.wait(PATIENCE_S) == 2
    assert process.stderr is not None
    said = process.stderr.read()
    assert "photod-ctl: no photo is left to show; " in said
    assert "grey.png: No such file or directory; mount their drive, or" in said


def test_a_photo_that_is_scored_meanwhile_and_scores_high_comes_next(
    screen: Screen, start: Start, folder: Path, archive: Archive
) -> None:
    start(folder, "--delay", "4", "--loop", "--min-score", "7.5")
    screen.wait_for_colour("red")
    archive("photos", {"new.png": 9.5})
    Image.new("RGB", (600, 400), COLOURS["grey"]).save(folder / "new.png")
    screen.wait_for_colour("grey")


def test_ctrl_c_is_heard_though_nothing_happens_in_the_window(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("space")
    screen.wait_for(lambda p: bool(p[:30, 500:].max() > 200), "the word paused")
    screen.wait_for(lambda p: not p[:30, 500:].max() > 200, "the word gone")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


def test_a_show_that_asks_a_question_can_be_ended_from_outside(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.press("Delete")
    screen.wait_for(lambda p: bool(p[280:320].max() > 230), "the question")
    process.terminate()
    assert process.wait(30) == 0


def test_where_the_display_goes_away_it_says_so_and_ends(screen: Screen, start: Start, folder: Path) -> None:
    process = start(folder, "--delay", "600")
    screen.wait_for_colour("red")
    screen.close()
    assert process.wait(PATIENCE_S) == 2
    assert process.stderr is not None
    lines = [line for line in process.stderr if "built-in model" not in line]
    assert lines == ["photod-ctl: the display that showed the photos is gone\n"]


def test_with_window_it_leaves_room_for_others(screen: Screen, start: Start, folder: Path) -> None:
    start(folder, "--delay", "600", "--window")
    screen.wait_for_colour("red")
    assert screen.pixels()[300, 5].max() == 0


def test_where_there_is_no_x_it_runs_on_sdl_s_dummy_screen(environment: dict[str, str], folder: Path) -> None:
    command = [sys.executable, "-m", "photod_ctl", "slideshow", str(folder), "--delay", "0.2", "--fade"]
    dummy = environment | {"SDL_VIDEODRIVER": "dummy"}
    assert subprocess.run(command, env=dummy, timeout=PATIENCE_S, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "runtime",
    [{}, {"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "/nowhere"}],
    ids=["no session", "an empty one", "a session"],
)
def test_without_a_display_it_says_what_to_do(
    environment: dict[str, str], folder: Path, runtime: dict[str, str]
) -> None:
    environment = {name: value for name, value in environment.items() if name != "XDG_RUNTIME_DIR"} | runtime
    run = subprocess.run(
        [sys.executable, "-m", "photod_ctl", "slideshow", str(folder)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    lines = [line for line in run.stderr.splitlines() if "built-in model" not in line]
    assert len(lines) == 1
    assert "no display" in lines[0]
    assert "photod-ctl top --paths" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--min-score", "9.9"], "nothing to show"),
        (["--year", "1999"], "nothing to show"),
        (["--until", "1999"], "nothing to show"),
        (["--month", "3"], "nothing to show"),
        (["--since", "last year"], "--since last year is not a date; write 2021, 2021-07 or 2021-07-14"),
    ],
)
def test_what_shows_nothing_is_said_in_one_line(
    environment: dict[str, str], folder: Path, arguments: list[str], words: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "photod_ctl", "slideshow", str(folder), *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert words in run.stderr
