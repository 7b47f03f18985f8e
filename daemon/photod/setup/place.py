"""Where the two kinds of service have their files, and who runs them."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from photod.config import Folder, config_directory, find_config
from photod.errors import UsageError

SERVICE_USER = "photod"  # where the folders belong to nobody in particular
CACHE = Path("/var/cache/photod")
HUB_CACHE = CACHE / "huggingface"  # the unit's HF_HOME: root writes, the service and all others read


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one kind of service."""

    unit: Path
    config: Path
    control: tuple[str, ...]  # systemctl, as it is called for this kind
    system: bool
    etc: Path

    @property
    def dropins(self) -> Path:
        """The directory of the unit's drop-ins."""
        return self.unit.with_name(f"{self.unit.name}.d")

    @property
    def folders_dropin(self) -> Path:
        """What `photod init` makes."""
        return self.dropins / "50-folders.conf"

    @property
    def gpu_dropin(self) -> Path:
        """Lets the GPU in."""
        return self.dropins / "40-gpu.conf"

    @property
    def snippets(self) -> dict[str, Path]:
        """Where the files about users and directories go, by their names in `units`."""
        if not self.system:
            return {}
        return {f"{kind}.conf": self.etc / f"{kind}.d" / "photod.conf" for kind in ("sysusers", "tmpfiles")}


def system_place(etc: Path = Path("/etc")) -> Place:
    """The machine's service."""
    config = etc / "photod" / "config.toml"
    return Place(etc / "systemd" / "system" / "photod.service", config, ("systemctl",), True, etc)


def user_place() -> Place:
    """The calling user's service."""
    home = config_directory()
    config = home / "photod" / "config.toml"
    return Place(home / "systemd" / "user" / "photod.service", config, ("systemctl", "--user"), False, home)


def share_weights(config: Path | None, *, download: bool = False) -> None:
    """Look for weights from the hub where the machine's service does, if its configuration is what applies.

    Raises UsageError for a download that would not come to where the service looks.
    """
    place = system_place()
    if (config or find_config()) != place.config or not place.unit.exists():
        return
    if download and os.geteuid() != 0:
        raise UsageError(f"the service's weights lie in {HUB_CACHE}", "call it with sudo, or name another --config")
    if HUB_CACHE.is_dir() or download:
        os.environ.setdefault("HF_HOME", str(HUB_CACHE))


def owner_of(folders: Iterable[Folder]) -> str:
    """The user who runs the system's service: the owner of all folders that are there, else `photod`."""
    owners = {os.stat(folder.path).st_uid for folder in folders if os.path.isdir(folder.path)}
    if len(owners) != 1 or 0 in owners:
        return SERVICE_USER
    try:
        return pwd.getpwuid(owners.pop()).pw_name
    except KeyError:  # of another machine
        return SERVICE_USER


def account(name: str) -> pwd.struct_passwd:
    """The user's entry. Raises UsageError."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user {name}", "name one with --as") from None
