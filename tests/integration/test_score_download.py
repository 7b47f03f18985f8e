"""Downloading, with the real libraries, from a hub that this test runs on the loopback interface."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import huggingface_hub
import open_clip
import pytest
import torch

from fake_hub import REPOSITORY, WARNING, Hub
from photod import config
from photod.errors import ConfigError
from photod.score.downloads import download
from photod.score.loading import load_model
from photod.score.sources import OPENAI_MEAN, OPENAI_STD
from programs import FAKED
from pseudo_terminal import run_module
from synthetic_clip import SMALL, Layout, make_state, save_directory

PROGRAM = """
import sys
from pathlib import Path
from photod import config
from photod.errors import ConfigError
from photod.score import download, load_scorers
weights, cache, *steps = sys.argv[1:]
model = config.Model(weights=weights, devices="cpu")
for step in steps:
    try:
        if step == "download":
            download(model, Path(cache), print)
        (scorer,) = load_scorers(model, Path(cache))
        print(scorer.identity.name, scorer.identity.weights_sha256)
    except ConfigError as error:
        print(error)
    print(step, "is done", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    save_directory(tmp_path / "published", SMALL, make_state(SMALL))
    with Hub(tmp_path / "published") as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def from_hub(hub: Hub | None, tmp_path: Path) -> dict[str, str]:
    port = hub.server_address[1] if hub else 9  # discard: nobody listens
    return os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip


def run(weights: str, tmp_path: Path, hub: Hub | None, *steps: str) -> Iterator[list[str]]:
    """Take these steps, "load" or "download", in one process, each when it is asked for; yields what each said."""
    command = [sys.executable, "-c", PROGRAM, weights, str(tmp_path / "cache"), *steps]
    with subprocess.Popen(
        command, env=from_hub(hub, tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for step in steps:
            yield list(takewhile(lambda line: line != f"{step} is done\n", process.stdout))  # noqa: B023 - at once
            process.stdin.write("\n")
            process.stdin.flush()


def test_weights_are_downloaded_when_asked_for_and_never_again(hub: Hub, tmp_path: Path) -> None:
    weights = f"hf-hub:{REPOSITORY}"
    steps = run(weights, tmp_path, hub, "load", "download")
    (refused,) = next(steps)
    assert refused.endswith("has not been downloaded to this machine; run: photod check --download\n")
    assert hub.requests == [], "the daemon asked the network"
    *said, fetched = next(steps)
    assert f"{weights} is complete and sound\n" in said
    assert list(steps) == []
    assert list(run(weights, tmp_path, None, "load")) == [[fetched]]


def test_a_tag_is_downloaded_and_found(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"http://127.0.0.1:{hub.server_address[1]}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    for name, value in {
        "HUGGINGFACE_CO_URL_TEMPLATE": place, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": True,
    }.items():  # fmt: skip
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    entry = {"hf_hub": f"{REPOSITORY}/", "mean": OPENAI_MEAN, "std": OPENAI_STD, "quick_gelu": True}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small", SMALL.config)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small", {"published": entry})
    model = config.Model(weights="published", architecture="small")
    with pytest.raises(ConfigError, match="has not been downloaded"):
        load_model(model, tmp_path / "cache")
    download(model, tmp_path / "cache", print)
    assert load_model(model, tmp_path / "cache").architecture == "small"
    assert huggingface_hub.constants.HF_HUB_OFFLINE


def test_a_download_that_fails_says_so_in_one_line(hub: Hub, tmp_path: Path) -> None:
    ((*_, failed),) = run("hf-hub:somebody/else", tmp_path, hub, "download")
    assert failed.startswith('cannot download what "hf-hub:somebody/else" needs: ')


def test_where_a_repository_has_weights_in_several_formats_the_first_alone_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda _, name: asked.append(name))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="has not been downloaded"):  # nothing has come, after all
        download(config.Model(weights="hf-hub:somebody/clip"), tmp_path / "cache", print)
    assert asked == ["open_clip_config.json", "open_clip_model.safetensors"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Model:
    """Weights of an architecture that has its tokenizer from the hub, as SigLIP has."""
    layout = Layout(
        64, 64, layers=1, patch=32, side=64, text_width=64, text_layers=1, text_heads=1, words=9, context=4
    )
    text = {**cast("dict[str, object]", layout.config["text_cfg"]), "hf_tokenizer_name": "somebody/tokenizer"}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "foreign", layout.config | {"text_cfg": text})
    torch.save(make_state(layout), tmp_path / "weights")
    return config.Model(weights=str(tmp_path / "weights"), architecture="foreign")


def test_the_tokenizer_of_a_file_is_downloaded(
    file: config.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    class AutoTokenizer:
        """As that of transformers."""

        @classmethod
        def from_pretrained(cls, name: str, **_: object) -> "AutoTokenizer":
            asked.append((name, huggingface_hub.constants.HF_HUB_OFFLINE))
            return cls()

        def __call__(self, texts: list[str], **_: object) -> SimpleNamespace:
            return SimpleNamespace(input_ids=torch.tensor([[7, 1, 8, 0], [7, 2, 8, 0]]))

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoTokenizer=AutoTokenizer))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = file.model_copy(update={"weights": "~/weights"})
    said: list[str] = []
    download(file, tmp_path / "cache", said.append)
    assert said == [f"{file.weights} is on this machine", f"{file.weights} is complete and sound"]
    assert asked == [("somebody/tokenizer", False), ("somebody/tokenizer", True)], "fetched, then used"


@pytest.mark.usefixtures("file")
def test_the_tokenizer_of_a_directory_belongs_into_it_since_no_download_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: Path, **_: object) -> None:
        raise OSError(f"{name} has no tokenizer\nand more")

    tokenizers = SimpleNamespace(from_pretrained=fail)
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoTokenizer=tokenizers))
    description = {"model_cfg": open_clip.get_model_config("foreign")}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(description))
    (tmp_path / "weights").rename(tmp_path / "weights.bin")
    model = config.Model(weights=f"local-dir:{tmp_path}")
    for start in (load_model, partial(download, say=print)):
        with pytest.raises(ConfigError, match=rf"has no tokenizer; copy its files into {tmp_path}$"):
            start(model, tmp_path / "cache")


def test_a_tokenizer_that_wants_a_package_says_so_whether_it_is_fetched_or_used(
    file: config.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    for start in (load_model, partial(download, say=print)):
        with pytest.raises(
            ConfigError, match=r"^the tokenizer of foreign wants another package: .*transformers.*; install it with"
        ):
            start(file, tmp_path / "cache")


@pytest.fixture
def check(tmp_path: Path) -> list[str]:
    """What to call photod with, for weights that are on the hub."""
    config = tmp_path / "config.toml"
    (tmp_path / "photos").mkdir()
    model = f'[model]\nweights = "hf-hub:{REPOSITORY}"\ndevices = "cpu"\n'
    config.write_text(f'folders = ["{tmp_path}/photos"]\n{model}')
    return ["check", "--download", "--config", str(config)]


def test_on_a_terminal_standard_error_shows_how_far_a_download_is(
    hub: Hub, tmp_path: Path, check: list[str]
) -> None:
    with (tmp_path / "output").open("wb") as output:
        code, shown = run_module(
            "photod", *check, environment=from_hub(hub, tmp_path), cwd=tmp_path, cells=(120, 24), stdout=output
        )
    assert code == 0, shown
    megabytes = b"%.1fM" % ((tmp_path / "published/open_clip_pytorch_model.bin").stat().st_size / 1e6)
    assert re.search(rb" 0%[^\r]* 0.00/" + megabytes, shown)
    assert re.search(rb"100%[^\r]* " + megabytes + b"/" + megabytes, shown)
    assert b"is complete and sound" in (tmp_path / "output").read_bytes()


def test_in_a_pipe_a_download_says_plain_lines(hub: Hub, tmp_path: Path, check: list[str]) -> None:
    done = subprocess.run(
        [*FAKED, *check], env=from_hub(hub, tmp_path), capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    weights = f"hf-hub:{REPOSITORY}"
    said = done.stdout.decode().splitlines()[:2]
    assert said == [f"downloading {weights}", f"{weights} is complete and sound"]
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stdout + done.stderr)
    assert b"%" not in done.stderr
    assert done.stderr.count(WARNING.encode()) == 1
    assert f"{WARNING}\n".encode() in done.stderr
