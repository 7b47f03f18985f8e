"""The machine's service for folders of several people: run by photod, open to its group, weights from a hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hub import REPOSITORY
from systemd_box import BIN, Box

TESTS = Path(__file__).parents[1]
PORT = 8451
HUB = f"http://127.0.0.1:{PORT}"
FOLDER, APART = "/srv/family", "/srv/archive"
PICTURE = "from PIL import Image; Image.effect_noise((320, 240), 30).save('{}/a.png')"


@pytest.fixture(scope="module")
def shared(box: Box) -> Iterator[Box]:
    """Installed by its administrator in two commands, and one more for the second member of the family."""
    box.run(BIN / "photod", "init", "--system", "--uninstall", "--yes")  # whoever came before
    box.do("rm", "-rf", "/etc/systemd/system/photod.service.d", "/var/lib/photod")
    for user in ("dora", "emil"):
        box.do("useradd", "--create-home", user)
    for folder in (FOLDER, APART):
        box.do("mkdir", folder)
        box.do(BIN / "python", "-c", PICTURE.format(folder))
    hub = ["systemd-run", "--unit=hub", f"--setenv=PYTHONPATH={TESTS}"]
    box.do(*hub, BIN / "python", TESTS / "fake_hub.py", "/run/hub", PORT)
    knock = f"import socket; socket.create_connection(('127.0.0.1', {PORT}))"
    box.until(lambda: box.run(BIN / "python", "-c", knock).returncode == 0, "no hub")
    box.write("/etc/photod/config.toml", f'folders = [{{ path = "{APART}", database = "state" }}]\n')
    init = [BIN / "photod", "init", "--system", FOLDER, "--weights", f"hf-hub:{REPOSITORY}", "--yes"]
    said = box.do("env", f"HF_ENDPOINT={HUB}", "HF_HUB_DISABLE_XET=1", *init)
    assert f"hf-hub:{REPOSITORY} is complete and sound" in said
    assert "sudo usermod -aG photod NAME" in said
    box.do("systemctl", "stop", "hub")
    box.do("usermod", "-aG", "photod", "dora")
    box.write("/etc/systemd/system/photod.service.d/90-test.conf", "[Service]\nNice=0\n")
    box.do("systemctl", "daemon-reload")
    box.do("systemctl", "enable", "--now", "photod")
    yield box
    box.do("rm", "/etc/systemd/system/photod.service.d/90-test.conf")
    box.do(BIN / "photod", "init", "--system", "--uninstall", "--yes")


def ctl(box: Box, *arguments: object, user: str) -> str:
    return box.do(BIN / "photod-ctl", *arguments, user=user)


def test_weights_that_init_fetched_are_found_within_the_walls(shared: Box) -> None:
    status = json.loads(ctl(shared, "status", "--json", user="dora"))
    assert status["model"]["name"] == f"hf-hub:{REPOSITORY}"
    checked = shared.do(BIN / "photod", "check")  # by root, who has a cache of its own
    assert REPOSITORY in checked
    done = shared.run(BIN / "photod", "check", "--download", user="dora")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "call it with sudo" in done.stderr


def test_a_member_of_the_group_is_answered_and_finds_every_score(shared: Box) -> None:
    both = {f"{FOLDER}/a.png", f"{APART}/a.png"}
    shared.until(lambda: both <= {*ctl(shared, "top", "--paths", user="dora").splitlines()}, "not scored")
    assert json.loads(ctl(shared, "status", "--json", user="dora"))["running"] is True
    ctl(shared, "pause", user="dora")
    ctl(shared, "resume", user="dora")
    assert shared.run("test", "-e", f"{APART}/.photod").returncode == 1
    shared.do("systemctl", "stop", "photod")
    assert both <= {*ctl(shared, "top", "--paths", user="dora").splitlines()}
    shared.do("systemctl", "start", "photod")


def test_a_stranger_is_told_how_to_get_in(shared: Box) -> None:
    (line,) = [line for line in ctl(shared, "status", user="emil").splitlines() if line.startswith("photod")]
    assert "if it runs, it answers to the group photod; sudo usermod -aG photod emil" in line
    done = shared.run(BIN / "photod-ctl", "pause", user="emil")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "usermod -aG photod emil" in done.stderr
