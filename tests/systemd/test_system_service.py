"""The machine's service, installed by `photod init --system` in a real systemd. The tests share one service."""

import json
from pathlib import Path

import pytest

from systemd_box import BIN
from systemd_service import CONFIG, DROPINS, PICTURES, Service

UNITS = Path(__file__).parents[2] / "systemd"
_PROBE = """
import json, os, socket
from photod.intake.process import sandbox_report
def attempt(action):
    try:
        action()
    except OSError as error:
        return error.strerror
    return "done"
folder = "/home/ann/Pictures"
print(json.dumps({
    "user": os.environ["USER"],
    "read a photo": attempt(lambda: open(folder + "/first.png", "rb").read()),
    "write a photo": attempt(lambda: open(folder + "/first.png", "r+b")),
    "add a photo": attempt(lambda: open(folder + "/new.png", "wb")),
    "write scores": attempt(lambda: open(folder + "/.photod/probe", "wb")),
    "read shadow": attempt(lambda: open("/etc/shadow")),
    "write etc": attempt(lambda: open("/etc/photod/probe", "w")),
    "open TCP": attempt(lambda: socket.socket(socket.AF_INET)),
    "homes": os.listdir("/home"),
    "ann": os.listdir("/home/ann"),
    "interfaces": os.listdir("/sys/class/net"),
    "devices": sorted(set(os.listdir("/dev")) & {"sda", "vda", "mem", "kmsg", "tty1"}),
    "missing around decoders": sandbox_report(),
}))
"""


def test_the_unit_starts_and_says_what_it_does(service: Service) -> None:
    assert service.show("ActiveState") == "active"
    assert service.show("User") == "ann"
    service.until_scored(PICTURES / "first.png")
    service.box.until(lambda: service.show("StatusText").startswith("idle"), "no STATUS=")


def test_verify_has_nothing_to_say(service: Service) -> None:
    done = service.box.run("systemd-analyze", "verify", "photod.service")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_photo_that_the_user_adds_is_scored_and_shown_to_the_user(service: Service) -> None:
    service.take_photo("landed.png", 20)
    service.until_scored(PICTURES / "landed.png")
    status = json.loads(service.box.do(BIN / "photod-ctl", "status", "--json", user="ann"))
    assert status["running"] is True


def test_the_socket_is_for_its_user_and_root_alone_and_a_stranger_is_told(service: Service) -> None:
    box = service.box
    assert json.loads(box.do(BIN / "photod-ctl", "status", "--json"))["running"] is True
    closed = "if it runs, it answers only to ann, root and the group ann"
    refused = json.loads(box.do(BIN / "photod-ctl", "status", "--json", user="bob"))
    assert (refused["running"], refused["refused"]) == (False, closed)
    assert closed in box.do(BIN / "photod-ctl", "status", user="bob").splitlines()[0]
    done = box.run(BIN / "photod-ctl", "pause", user="bob")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"photod-ctl: photod does not listen to you; {closed}\n"
    assert "photod_up 0\n" in box.do(BIN / "photod-ctl", "status", "--prometheus", user="bob")


def test_prometheus_is_told_how_long_what_landed_took(service: Service) -> None:
    def landed() -> str:
        lines = service.box.do(BIN / "photod-ctl", "status", "--prometheus", user="ann").splitlines()
        return next(line for line in lines if line.startswith("photod_landed_to_scored_seconds_count"))

    before = int(landed().split()[1])
    service.take_photo("timed.png", 25)
    service.until_scored(PICTURES / "timed.png")
    assert int(landed().split()[1]) == before + 1


def test_the_desktop_goes_first(service: Service) -> None:
    unit = service.box.do("cat", DROPINS.parent / "photod.service").splitlines()
    assert {"Nice=15", "IOSchedulingClass=idle", "CPUWeight=20", "IOWeight=20", "MemoryHigh=60%"} <= {*unit}
    assert (service.show("CPUWeight"), service.show("IOSchedulingClass")) == ("20", "3")


def test_the_journal_is_asked_by_field_and_a_name_cannot_forge_a_record(service: Service) -> None:
    name = "bad\nPRIORITY=0\nEVENT=forged.jpg"
    service.box.do("sh", "-c", 'head -c 9000 /dev/urandom > "$0"', PICTURES / name, user="ann")
    service.box.until(lambda: service.records("EVENT=unscoreable"), "no record")
    (record,) = service.records("EVENT=unscoreable")
    assert record["PHOTO_PATH"] == str(PICTURES / name)
    assert record["FOLDER"] == str(PICTURES)
    assert record["REASON"]
    assert record["PRIORITY"] == "7"
    assert "\n" not in record["MESSAGE"]
    assert service.records("PRIORITY=0") == []
    service.box.do("rm", PICTURES / name)


def test_a_run_of_work_is_one_line_and_a_photo_none(service: Service) -> None:
    service.box.until(lambda: service.records("EVENT=scored"), "no summary")
    record = service.records("EVENT=scored")[0]
    assert int(record["SCORED"]) > 0
    assert float(record["SECONDS"]) >= 0
    assert float(record["MEDIAN"]) > 0
    assert service.records("EVENT=scored_photo") == []


def test_the_drop_in_for_a_gpu_does_no_harm_where_its_driver_is_missing(service: Service) -> None:
    service.box.write(f"{DROPINS}/40-gpu.conf", (UNITS / "gpu.conf").read_text())
    service.box.do("systemctl", "daemon-reload")
    assert service.box.run("systemd-analyze", "verify", "photod.service").stderr == ""
    service.box.do("systemctl", "restart", "photod")
    assert service.show("ActiveState") == "active"
    assert "modprobe@nvidia_uvm.service" in service.show("After")
    service.box.do("rm", f"{DROPINS}/40-gpu.conf")
    service.box.do("systemctl", "daemon-reload")
    service.box.do("systemctl", "restart", "photod")


def test_the_walls_stand(service: Service) -> None:
    """The same sandbox with another program in it: the service's own walls, and those that decoders add."""
    unit = DROPINS.parent / "probe.service"
    service.box.write("/etc/photod-test/probe.py", _PROBE)
    service.box.do("sh", "-c", f"cp {DROPINS.parent}/photod.service {unit}; cp -r {DROPINS} {unit}.d")
    only = (
        "\nType=oneshot\nRuntimeDirectory=\nStateDirectory=\nWatchdogSec=0\nRestart=no\nExecReload=\nExecStart=\n"
    )
    service.box.write(
        f"{unit}.d/99-probe.conf", f"[Service]{only}ExecStart={BIN}/python /etc/photod-test/probe.py\n"
    )
    service.box.do("systemctl", "daemon-reload")
    service.box.do("systemctl", "start", "probe")

    def said() -> list[str]:
        lines = service.box.do("journalctl", "-u", "probe", "-o", "cat").splitlines()
        return [line for line in lines if line.startswith("{")]

    service.box.until(said, "the probe said nothing")
    found = json.loads(said()[0])
    assert found == {
        "user": "ann",
        "read a photo": "done",
        "write a photo": "Read-only file system",
        "add a photo": "Read-only file system",
        "write scores": "done",
        "read shadow": "Permission denied",
        "write etc": "Read-only file system",
        "open TCP": "Address family not supported by protocol",
        "homes": ["ann"],
        "ann": ["Pictures"],
        "interfaces": ["lo"],
        "devices": [],
        "missing around decoders": ["network namespace: [Errno 1] Operation not permitted"],  # PrivateNetwork=
    }


def test_reload_takes_a_new_folder_and_lets_one_go(service: Service) -> None:
    box = service.box
    box.do("install", "-d", "-o", "ann", "/srv/more")
    service.take_photo("more.png", 30, folder=CONFIG.parent.parent.parent / "srv/more")
    before = box.do("cat", CONFIG)
    box.write(str(CONFIG), before.replace("]", ', { path = "/srv/more", database = "state" }]'))
    box.do("systemctl", "reload", "photod")

    def folders() -> dict[str, int]:
        status = json.loads(box.do(BIN / "photod-ctl", "status", "--json", user="ann"))
        return {folder["path"]: folder["scored"] for folder in status["folders"]}

    box.until(lambda: folders().get("/srv/more") == 1, "the new folder was not taken")
    # Its scores lie in the service's own directory; its user finds them there.
    service.until_scored("/srv/more/more.png")
    assert "/srv/more/more.png" in box.do(BIN / "photod-ctl", "top", "/srv/more", "--paths", user="ann")
    assert box.run("test", "-e", "/srv/more/.photod").returncode == 1
    box.do("install", "-d", "-o", "ann", "/srv/new", "/srv/new/.photod")  # to which the unit lets nobody write
    box.write(str(CONFIG), before.replace("]", ', "/srv/new"]'))
    box.do("systemctl", "reload", "photod")
    box.until(lambda: service.records("EVENT=folder_unusable"), "no word about a database that cannot be made")
    assert "; restart the service, which may write only" in service.records("EVENT=folder_unusable")[0]["REASON"]
    box.write(str(CONFIG), before)
    box.do("systemctl", "reload", "photod")
    box.until(lambda: "/srv/more" not in folders(), "the folder was not let go")
    box.write(str(CONFIG), "folders = 3\n")
    box.do("systemctl", "reload", "photod")
    box.until(lambda: service.records("EVENT=not_reloaded"), "no word about the bad configuration")
    assert service.show("ActiveState") == "active"
    box.write(str(CONFIG), before)


def test_kill_9_is_followed_by_a_restart_and_nothing_is_lost(service: Service) -> None:
    service.take_photo("many.png", 40, count=60)
    service.box.do("systemctl", "kill", "--signal=KILL", "photod")
    service.box.until(lambda: service.show("NRestarts") == "1", "not restarted")
    names = {f"{n or ''}many.png" for n in range(60)}
    service.until_scored(*(PICTURES / name for name in names))


def test_stop_commits_what_was_decoded_and_ends_cleanly(service: Service) -> None:
    service.take_photo("late.png", 50, count=60)
    service.box.do("systemctl", "stop", "photod")
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    assert service.records("EVENT=not_drained") == []
    check = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone())"
    assert service.box.do(BIN / "python", "-c", check, PICTURES / ".photod/photos.db") == "ok\n"


@pytest.mark.parametrize(
    ("file", "code"), [(CONFIG, "78"), (PICTURES / ".photod/photos.db", "74")], ids=["configuration", "database"]
)
def test_what_needs_a_person_is_not_restarted(service: Service, file: object, code: str) -> None:
    service.stop()
    service.box.do("sh", "-c", 'cp -p "$0" /root/kept && head -c 9000 /dev/zero > "$0"', file)
    assert service.box.run("systemctl", "start", "photod").returncode != 0
    assert service.show("ActiveState") == "failed"
    assert (service.show("ExecMainStatus"), service.show("NRestarts")) == (code, "0")
    service.box.do("cp", "-p", "/root/kept", file)


def test_a_drive_is_found_when_it_comes_and_not_held_when_it_goes(service: Service) -> None:
    box, photos = service.box, PICTURES.parent.parent.parent / "mnt/drive"

    def score_and_unmount(name: str) -> None:
        service.take_photo(name, 80, folder=photos)
        service.until_scored(f"/mnt/drive/{name}")
        assert box.run("umount", "/mnt/drive").returncode != 0  # its database is open
        box.do(BIN / "photod-ctl", "release", "/mnt/drive")
        box.do("umount", "/mnt/drive")
        assert " /mnt/drive " not in box.do("cat", f"/proc/{service.show('MainPID')}/mountinfo")

    box.do("install", "-d", "-o", "ann", "/srv/drive", "/mnt/drive")
    box.do("mount", "--bind", "/srv/drive", "/mnt/drive")
    box.do(BIN / "photod", "init", "--system", "/mnt/drive", "--yes")
    service.stop()
    box.do("systemctl", "start", "photod")
    score_and_unmount("there.png")
    # A home's folder has a wall that is a mount.
    assert "; stop photod, unmount it, and start" in box.run(BIN / "photod-ctl", "release", PICTURES).stderr
    service.stop()
    box.do("systemctl", "start", "photod")  # the folder is known, and away
    box.do("mount", "--bind", "/srv/drive", "/mnt/drive")
    score_and_unmount("later.png")
