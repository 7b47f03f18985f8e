"""Decoders that are killed from outside: photos that were with them are put off, never condemned."""

import shutil
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod.config import Folder
from photod.errors import DecoderKilledError
from photod.intake.decoder import Decoded, Decoder
from photod.intake.read import ReadPhoto
from photod.store.queries import Reader
from pictures import make_photo
from running import make_config, ranking, running
from waiting import wait_until
from watching import ask, folder_status


def test_a_photo_whose_decoders_were_killed_is_listed_with_its_copies_and_scored_at_the_next_scan(
    folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = make_photo(folder / "a.png", 77)
    shutil.copy(original, folder / "copy.png")
    decode_for_good = Decoder.decode

    def be_killed(_decoder: Decoder, _photo: ReadPhoto) -> Decoded:
        wait_until(lambda: len(reads) == 2)  # so that the copy waits for this one
        raise DecoderKilledError("the decoder was killed")

    monkeypatch.setattr(Decoder, "decode", be_killed)
    with running(config := make_config(folder), scorer := FakeScorer()):
        wait_until(lambda: len(folder_status(config)["unreadable"]) == 2)
        listed = {each["path"]: each["reason"] for each in folder_status(config)["unreadable"]}
        assert listed == dict.fromkeys((str(folder / "a.png"), str(folder / "copy.png")), "the decoder was killed")
        monkeypatch.setattr(Decoder, "decode", decode_for_good)
        ask(config, "rescan", folder=str(folder))
        wait_until(lambda: len(ranking(folder)) == 2)
        assert folder_status(config)["unreadable"] == []
    assert scorer.photos == 1
    assert Reader(Folder(path=folder).database_path).failed() == []
