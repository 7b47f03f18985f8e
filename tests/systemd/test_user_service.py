"""A user's own service, installed by `photod init --user` in a real systemd."""

import json

from systemd_box import BIN, Box

PICTURES = "/home/cleo/Pictures"


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
    do("systemctl", "--user", "enable", "--now", "photod")
    box.until(lambda: do(BIN / "photod-ctl", "top", "--paths").split() == [f"{PICTURES}/a.png"], "not scored")
    status = json.loads(do(BIN / "photod-ctl", "status", "--json"))
    assert status["running"] is True
    assert status["socket"] == f"/run/user/{uid}/photod/control.sock"
    unit = "/home/cleo/.config/systemd/user/photod.service"
    verified = box.run(
        "env", f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemd-analyze", "--user", "verify", unit, user="cleo"
    )
    assert (verified.stdout, verified.stderr) == ("", "")
    do(BIN / "photod", "init", "--user", "--uninstall", "--yes")
    assert do("find", "/home/cleo/.config", "-type", "f").split() == []
    box.do("systemctl", "stop", f"user@{uid}")
