"""`photod-ctl top --distinct` with the built-in model's real embeddings of real files."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageEnhance

from photod_ctl.demo.canvas import to_image
from photod_ctl.demo.encode import exif
from photod_ctl.demo.scenes import render

Ctl = Callable[..., subprocess.CompletedProcess[str]]

KINDS = ("sunset", "mountains", "city", "forest", "flower", "portrait", "dunes", "fruit", "road", "wall")
SCENES = [(kind, seed) for seed in (1, 2, 3) for kind in KINDS]
BURSTS = SCENES[:10]
FRAMES = 4  # of each burst
NOON = datetime(2021, 6, 1, 12)


def test_frames_of_a_scene_give_way_to_the_best_and_other_scenes_do_not(ctl: Ctl, tmp_path: Path) -> None:
    """Scenes are five minutes apart and frames half a minute, so that looks must tell them apart."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, scene in enumerate(SCENES):
        for frame in range(FRAMES if scene in BURSTS else 1):
            moment = NOON + timedelta(minutes=5 * number, seconds=30 * frame)
            tags = exif(f"{moment:%Y:%m:%d %H:%M:%S}", ("FUJIFILM", "X-T3"))
            name = f"{scene[0]} {scene[1]} {frame}.jpg"
            _frame(to_image(render(*scene)), frame).save(folder / name, exif=tags, quality=90 + frame)
    assert ctl("rate", folder).returncode == 0

    shown = json.loads(ctl("top", folder, "--distinct", "-n", "1000", "--json").stdout)
    scenes = Counter(os.path.basename(photo["path"])[:-6] for photo in shown)
    repeated = sum(count - 1 for count in scenes.values())
    frames = len(BURSTS) * (FRAMES - 1)
    assert repeated <= 0.3 * frames, scenes
    assert len(scenes) >= 0.9 * len(SCENES), scenes
    assert sum(photo["others"] for photo in shown) == len(SCENES) + frames - len(shown)


def _frame(picture: Image.Image, number: int) -> Image.Image:
    """The same scene a moment later: held a little differently, exposed a little differently."""
    width, height = picture.size
    moved = picture.crop((6 * number, 4 * number, width - 3 * number, height - 2 * number))
    return ImageEnhance.Brightness(moved).enhance(1 + 0.04 * number)
