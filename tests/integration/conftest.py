"""Decoders, and photos for them; a place where other users come, too."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from photod.config import Intake
from photod.intake.decoder import Decoder
from photod.photos import InputSpec
from photod.watch import canary, folder, observer
from pictures import encode


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.jpg"
    path.write_bytes(encode(Image.effect_noise((300, 200), 60), "JPEG"))
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good photo of 196 megapixels: its transparency makes it cost about two seconds and 1.6 GB to decode."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    path.write_bytes(encode(Image.new("1", (14000, 14000)), "PNG", compress_level=1, transparency=0))
    return path


@pytest.fixture
def public_place() -> Iterator[Path]:
    """A directory that every user may enter, unlike a test's own."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def make_decoder() -> Iterator[Callable[..., Decoder]]:
    with contextlib.ExitStack() as stack:

        def make(spec: InputSpec | None = None, **limits: float) -> Decoder:
            decoder = Decoder(Intake.model_validate(limits), spec or InputSpec())
            stack.callback(decoder.close)
            return decoder

        yield make


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the watching does every quarter of a minute, it does now."""
    monkeypatch.setattr(folder, "CHECK_S", 0.2)
    monkeypatch.setattr(observer, "CHECK_S", 0.2)
    monkeypatch.setattr(canary, "ANSWER_S", 2.0)  # a busy machine is not deaf
