"""A user's own service, installed by `photod init --user` in a real systemd."""

import json

from photod.intake.process import sandbox_report
from systemd_box import BIN, Box

PICTURES = "/home/cleo/Pictures"
UNIT = "/home/cleo/.config/systemd/user/photod.service"


def test_a_user_has_a_service_in_two_commands(box: Box) -> None:
    box.do("useradd", "--create-home", "cleo")
    uid = box.do("id", "-u", "cleo").strip()
    box.do("systemctl", "start", f"user@{uid}")

    def do(*command: object) -> str:
        return box.do("env", f"XDG_RUNTIME_DIR=/run/user/{uid}", *command, user="cleo")

    do("mkdir", PICTURES)
    picture = f"from PIL import Image; Image.effect_noise((320, 240), 30).save('{PICTURES}/a.png')"
    do(BIN / "python", "-c", picture)
    said = do(BIN / "photod", "init", "--user", PICTURES)
    assert "systemctl --user enable --now photod" in said
    walls = f"{BIN}/python -c 'from photod.intake.process import sandbox_report; print(sandbox_report())'"
    for section in ("[Service]", f"ExecStartPre={walls}", f"StandardOutput=append:{PICTURES}/walls"):
        do("sh", "-c", 'mkdir -p "$1.d"; echo "$0" >> "$1.d/99-walls.conf"', section, UNIT)
    do("systemctl", "--user", "enable", "--now", "photod")
    box.until(lambda: do(BIN / "photod-ctl", "top", "--paths").split() == [f"{PICTURES}/a.png"], "not scored")
    status = json.loads(do(BIN / "photod-ctl", "status", "--json"))
    assert status["running"] is True
    assert status["socket"] == f"/run/user/{uid}/photod/control.sock"
    assert box.do("head", "-n1", f"{PICTURES}/walls") == f"{sandbox_report()}\n"  # nothing falls that stands here
    do("rm", f"{UNIT}.d/99-walls.conf")
    verified = box.run(
        "env", f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemd-analyze", "--user", "verify", UNIT, user="cleo"
    )
    assert (verified.stdout, verified.stderr) == ("", "")
    do(BIN / "photod", "init", "--user", "--uninstall", "--yes")
    assert do("find", "/home/cleo/.config", "-type", "f").split() == []
    box.do("systemctl", "stop", f"user@{uid}")
