"""A real systemd in a container that sees this machine's files, and writes to a copy of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0
# Units that a test of photod does without.
_MASKED = (
    "console-getty.service",
    "systemd-timesyncd.service",
    "postgresql.service",
    "tmp.mount",
    "apt-daily.timer",
)
# The container's own view of the machine. Arguments: directory, name, where cgroup v2 is mounted from now on.
_BOOT = r"""
set -e
cd "$1"
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$2"
echo $$ > "/sys/fs/cgroup/$2/cgroup.procs"
mount -t tmpfs -o mode=755 layers layers
mkdir layers/upper layers/work layers/root
mount -t overlay overlay -o lowerdir=/,upperdir=layers/upper,workdir=layers/work layers/root
root=layers/root
: > $root/etc/fstab
chmod 755 $root/root
mkdir -p $root/etc/tmpfiles.d $root/etc/systemd/system $root/etc/systemd/journald.conf.d
ln -sf /dev/null $root/etc/tmpfiles.d/tmp.conf
for unit in $3; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' > $root/etc/systemd/journald.conf.d/test.conf
# SYSTEMD_SECCOMP=0: nspawn's own filter would keep the services inside from having theirs.
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_LOCK=0 SYSTEMD_NSPAWN_TMPFS_TMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --directory=$root --machine="$2" --boot --register=no --keep-unit --private-network \
  --capability=all --link-journal=no --resolv-conf=off --timezone=off --console=passive
"""


class Box:
    """Boot it with `up`; run commands in it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._boot: subprocess.Popen[bytes] | None = None
        self._name = f"photod-test-{os.getpid()}"
        hybrid = Path("/sys/fs/cgroup/unified")
        self._cgroup = (hybrid if hybrid.is_dir() else Path("/sys/fs/cgroup")) / self._name

    def up(self) -> None:
        """Boot; takes about a second."""
        (self._directory / "layers").mkdir()
        boot = ["unshare", "--mount", "--propagation", "private", "bash", "-c", _BOOT, "boot"]
        with (self._directory / "console").open("wb") as console:
            self._boot = subprocess.Popen(
                [*boot, str(self._directory), self._name, " ".join(_MASKED)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(self._is_running, "systemd did not boot")

    def down(self) -> None:
        """Power off, and leave nothing behind."""
        if not self._cgroup.exists():
            return
        (self._cgroup / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + PATIENCE_S
        while "populated 1" in (self._cgroup / "cgroup.events").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        for directory in sorted(self._cgroup.rglob("*/"), reverse=True):
            if directory.is_dir():
                directory.rmdir()
        self._cgroup.rmdir()
        if self._boot is not None:
            self._boot.wait(PATIENCE_S)
        shutil.rmtree(self._directory, ignore_errors=True)

    def do(self, *command: object, user: str = "root", check: bool = True) -> str:
        """Run a command inside; returns what it wrote, and fails as it fails."""
        done = self.run(*command, user=user)
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, *command: object, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever becomes of it."""
        leader = self._leader()
        if leader is None:
            return subprocess.CompletedProcess([], 125, "", "not booted")
        home = "/root" if user == "root" else f"/home/{user}"
        inside = ["nsenter", f"--target={leader}", "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        environment = {
            "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        return subprocess.run(
            [*inside, *words, *map(str, command)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        self.do("sh", "-c", 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0"', path, text)

    def until(self, condition: Callable[[], object], otherwise: str, patience_s: float = PATIENCE_S) -> None:
        """Wait for something inside; fails with `otherwise` and the last of the journal."""
        deadline = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > deadline:
                said = self.run("journalctl", "-n", "40", "--no-pager").stdout
                raise AssertionError(f"{otherwise}\n{said}{(self._directory / 'console').read_text()}")
            time.sleep(0.1)

    def _leader(self) -> str | None:
        try:
            return (self._cgroup / "payload/init.scope/cgroup.procs").read_text().split()[0]
        except (OSError, IndexError):
            return None

    def _is_running(self) -> bool:
        return self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}
