"""photod as a service in a box: what its administrator and its user do with it."""

import json
from pathlib import PurePosixPath as InBox

from systemd_box import BIN, Box

PICTURES = InBox("/home/ann/Pictures")
DROPINS = InBox("/etc/systemd/system/photod.service.d")
CONFIG = InBox("/etc/photod/config.toml")
SWITCHES = InBox("/etc/photod-test")  # a file of one of these names there makes the service do so
FAULTS = ("hang", "fail", "slow", "deaf", "deadlock", "sluggish")

# The service as it is, but for the switches, and less patient.
_FAULTS = """
import os, sys, threading, time
def on(fault):
    return os.path.exists("/etc/photod-test/" + fault)
if sys.orig_argv[1].endswith("/photod"):
    import photod.patience, photod.pipeline
    from photod.errors import DeviceError
    from photod.watch import folder, observer, survey
    photod.patience.FIRST_S = 0.2
    photod.pipeline.BATCH_WAIT_S = 30.0  # a batch is whole, however slowly a busy machine decodes
    folder.CHECK_S = observer.CHECK_S = 1.0
    judge, list_directory, check = photod.pipeline.judge, survey.list_directory, observer.Observer.check
    deafened = []
    def faulty_device(scorer, batch):
        while on("hang"):
            time.sleep(0.1)
        if on("fail"):
            raise DeviceError("device cpu: switched off", "switch it on")
        return judge(scorer, batch)
    def faulty_folder(*arguments):
        while on("slow"):
            time.sleep(0.1)
        if on("deadlock"):
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        return list_directory(*arguments)
    def faulty_events(self):
        if on("deaf") and not deafened:
            deafened.append(self._instance.stop())  # the thread that reads events ends
            self._instance.join()
        check(self)
    photod.pipeline.judge, survey.list_directory = faulty_device, faulty_folder
    observer.Observer.check = faulty_events
if "photod.intake.worker" in sys.orig_argv:
    while on("sluggish"):
        time.sleep(0.1)
"""


class Service:
    """The unit photod.service in a box, run by the user ann."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def install(self) -> None:
        """Two users, one folder, `photod init`, and the service is started."""
        do = self.box.do
        for user in ("ann", "bob"):
            do("useradd", "--create-home", user)
            do("chmod", "700", f"/home/{user}")
        do("sh", "-c", "echo secret > /home/bob/diary")
        do("mkdir", PICTURES, user="ann")
        self.take_photo("first.png", 10)
        do(BIN / "photod", "init", "--system", PICTURES)
        self.box.write(str(SWITCHES / "sitecustomize.py"), _FAULTS)
        # Nice=0: where the machine is busy, all the others would go before the service.
        changed = f"[Service]\nRestartSec=100ms\nEnvironment=PYTHONPATH={SWITCHES}\nNice=0\n"
        self.box.write(str(DROPINS / "90-test.conf"), changed)
        do("systemctl", "daemon-reload")
        do("systemctl", "start", "photod")

    def take_photo(
        self, name: str, shade: int, folder: InBox = PICTURES, user: str = "ann", count: int = 1
    ) -> None:
        """Have a process of the user's put a picture of its own into the folder, or several."""
        code = (
            "import sys; from PIL import Image; place, name, shade, count = sys.argv[1:]\n"
            "for n in range(int(count)):\n"
            " Image.effect_noise((320 + n, 240), int(shade)).save(f'{place}/{n or str()}{name}')"
        )
        self.box.do(BIN / "python", "-c", code, folder, name, shade, count, user=user)

    def top(self, user: str = "ann") -> set[str]:
        """What `photod-ctl top` shows to the user."""
        return set(self.box.do(BIN / "photod-ctl", "top", "-n", "100000", "--paths", user=user).splitlines())

    def until_scored(self, *paths: object) -> None:
        """Wait until these are among the user's best."""
        wanted = {str(path) for path in paths}
        self.box.until(lambda: wanted <= self.top(), f"{wanted} not scored")

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.box.do("systemctl", "show", "--value", "-p", name, "photod").strip()

    def records(self, *matches: str) -> list[dict[str, str]]:
        """Records of the unit's journal with these fields."""
        lines = self.box.do("journalctl", "-u", "photod", "-o", "json", "--all", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def switch(self, fault: str, *, on: bool) -> None:
        """Begin or end one of FAULTS."""
        self.box.do("touch" if on else "rm", SWITCHES / fault)

    def add_dropin(self, text: str) -> None:
        """Change the unit for one test."""
        self.box.write(str(DROPINS / "95-test.conf"), f"[Service]\n{text}\n")
        self.box.do("systemctl", "daemon-reload")

    @property
    def limits(self) -> InBox:
        """A drop-in of a test's own."""
        return DROPINS / "96-test.conf"

    def stop(self) -> None:
        """Stop it; as it was installed, with no failures to its name."""
        self.box.do("rm", "-f", DROPINS / "95-test.conf", self.limits, *(SWITCHES / fault for fault in FAULTS))
        self.box.do("systemctl", "daemon-reload")
        self.box.do("systemctl", "stop", "photod")
        self.box.run("systemctl", "reset-failed", "photod")
