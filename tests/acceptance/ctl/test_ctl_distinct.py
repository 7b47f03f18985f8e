"""`photod-ctl top --distinct` with the built-in model's real embeddings of real photos."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from PIL import Image, ImageEnhance

from photod.errors import DecodeError
from photod.intake.decode import decode_for_view
from photod_ctl.demo.encode import exif

Ctl = Callable[..., subprocess.CompletedProcess[str]]

SCENES, BURSTS, FRAMES = 40, 20, 4
SIDE = 640
NOON = datetime(2021, 6, 1, 12)


def test_frames_of_a_scene_give_way_to_the_best_and_other_scenes_do_not(
    ctl: Ctl, tmp_path: Path, shared: Path
) -> None:
    """Scenes are five minutes apart and frames half a minute, so that looks must tell them apart."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, picture in enumerate(islice(_scenes(shared / "photos"), SCENES)):
        for frame in range(FRAMES if number % 2 else 1):
            moment = NOON + timedelta(minutes=5 * number, seconds=30 * frame)
            tags = exif(f"{moment:%Y:%m:%d %H:%M:%S}", ("FUJIFILM", "X-T3"))
            name = f"{number:02} {frame}.jpg"
            _frame(picture, frame).save(folder / name, exif=tags, quality=90 + frame)
    assert ctl("rate", folder).returncode == 0

    shown = json.loads(ctl("top", folder, "--distinct", "-n", "1000", "--json").stdout)
    scenes = Counter(os.path.basename(photo["path"])[:2] for photo in shown)
    repeated = sum(count - 1 for count in scenes.values())
    frames = BURSTS * (FRAMES - 1)
    assert repeated <= 0.1 * frames, (repeated, scenes)
    assert len(scenes) >= 0.9 * SCENES, scenes
    assert sum(photo["others"] for photo in shown) == SCENES + frames - len(shown)


def _scenes(photos: Path) -> Iterator[Image.Image]:
    """Different pictures: of files whose names differ in a number only, the first."""
    names = set()
    for path in sorted(photos.rglob("*")):
        name = re.sub(r"[\d()]+", "", path.stem)[:12]
        if path.is_file() and name not in names:
            names.add(name)
            try:
                yield decode_for_view(path.read_bytes(), SIDE)
            except DecodeError:
                continue


def _frame(picture: Image.Image, number: int) -> Image.Image:
    """The same scene a moment later: held a little differently, exposed a little differently."""
    width, height = picture.size
    moved = picture.crop((6 * number, 4 * number, width - 3 * number, height - 2 * number))
    return ImageEnhance.Brightness(moved).enhance(1 + 0.04 * number)
