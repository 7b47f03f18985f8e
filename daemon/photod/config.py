"""The configuration: one frozen model, read from TOML. Defaults live here and nowhere else."""

import hashlib
import os
import re
import tomllib
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from photod.errors import ConfigError
from photod.filesystem import ask, real_path
from photod.mistakes import describe
from photod.photos import BUILTIN

DATABASE_DIRECTORY = ".photod"  # also the marker: a known folder without it is unmounted, not empty
DATABASE_NAME = "photos.db"
SYSTEM_STATE = Path("/var/lib/photod")  # the state directory of the machine's service
LOCAL_DIR = "local-dir:"  # in `model.weights`, before a directory

# Ten years at most: timers and the kernel take no endless ones.
_Seconds = Annotated[float, Field(ge=0, le=3.2e8)]
_SomeSeconds = Annotated[float, Field(gt=0, le=3.2e8)]
_HOURS = re.compile(r"(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Folder(_Section):
    """A root that the user named."""

    path: Path
    database: Literal["folder", "state"] = "folder"
    watch: Literal["auto", "poll"] = "auto"
    exclude: tuple[str, ...] = ()

    @field_validator("path")
    @classmethod
    def _real(cls, path: Path) -> Path:
        # The real path, because inotify misses the files directly below a symlinked root.
        return real_path(os.path.expanduser(path))

    @property
    def holds_database(self) -> bool:
        """Whether the scores lie in the folder itself: as configured, unless it has none yet and is read-only."""
        marker = self.path / DATABASE_DIRECTORY
        return self.database == "folder" and (os.path.isdir(marker) or os.access(self.path, os.W_OK))

    @property
    def database_path(self) -> Path:
        """Where this folder's scores are, or will be.

        A database apart is found, too: of a time when the folder was read-only, or the machine's service's.
        """
        apart = self._below(state_directory())
        own = self.path / DATABASE_DIRECTORY / DATABASE_NAME if self.holds_database else apart
        if os.path.exists(own):
            return own
        places = (apart, self._below(SYSTEM_STATE))
        return next((place for place in places if os.path.isfile(place)), own)

    def _below(self, state: Path) -> Path:
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return state / "folders" / name / DATABASE_NAME


def _folder_table(value: object) -> object:
    table = {"path": value} if isinstance(value, str | Path) else value
    if not isinstance(table, dict | Folder):
        raise ValueError('write a path, or a table such as { path = "/mnt/photos" }')
    path = table.get("path") if isinstance(table, dict) else None
    # A relative path, or one with $HOME, would mean one folder to who types it and another to the service.
    if isinstance(path, str) and not os.path.isabs(os.path.expanduser(path)):
        raise ValueError('write the whole path, such as "/mnt/photos" or "~/Pictures"')
    return table


def _asked_together(folders: object) -> object:
    """Of many filesystems that do not answer, none is asked only after another."""
    for folder in folders if isinstance(folders, list) else ():
        path = folder.get("path") if isinstance(folder, dict) else folder
        if isinstance(path, str):
            ask(os.path.expanduser(Path(path)))
    return folders


class Model(_Section):
    """Which model scores, and how."""

    weights: str = BUILTIN
    architecture: str = "ViT-B-16-quickgelu"
    prompts: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)] = (("good image", "bad image"),)
    logit_scale: Annotated[float, Field(gt=0)] = 100.0
    resize: Literal["squash", "crop"] = "squash"
    precision: Literal["auto", "fp32", "fast"] = "auto"
    devices: Literal["auto", "cpu"] | tuple[str, ...] = "auto"
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    idle_release_s: _Seconds = 600.0

    @field_validator("devices", mode="before")
    @classmethod
    def _named(cls, devices: object) -> object:
        listed = isinstance(devices, list | tuple) and devices and all(isinstance(name, str) for name in devices)
        if not listed and devices not in ("auto", "cpu"):  # pydantic would name one of the two forms alone
            raise ValueError('write "auto", "cpu", or a list such as ["cuda:0", "cuda:1"]')
        return devices


class Intake(_Section):
    """Reading and decoding, and their limits."""

    readers: Annotated[int, Field(ge=1, le=64)] = 2
    decoders: Annotated[int, Field(ge=0, le=256)] = 0
    max_megapixels: Annotated[int, Field(ge=1)] = 300
    max_file_mb: Annotated[int, Field(ge=1)] = 2048
    decode_timeout_s: _SomeSeconds = 60.0
    decoder_memory_mb: Annotated[int, Field(ge=512, le=1 << 24)] = 4096


class Watch(_Section):
    """When a file is looked at."""

    settle_s: _Seconds = 2.0
    rescan_s: _SomeSeconds = 3600.0
    poll_s: _SomeSeconds = 300.0


class Store(_Section):
    """How scores are committed."""

    group: Annotated[int, Field(ge=1)] = 256
    group_wait_s: _Seconds = 1.0
    backups: Annotated[int, Field(ge=0)] = 3
    backup_s: _SomeSeconds = 86400.0


class Control(_Section):
    """Where the daemon listens."""

    socket: str = ""

    @field_validator("socket")
    @classmethod
    def _nameable(cls, socket: str) -> str:
        if "\0" in socket:
            raise ValueError("no path has a NUL in it")
        if socket and not os.path.isabs(os.path.expanduser(socket)):
            raise ValueError('write the whole path, such as "~/photod.sock"')
        return socket

    @property
    def path(self) -> Path:
        """The control socket's path."""
        return Path(os.path.expanduser(self.socket)) if self.socket else runtime_directory() / "control.sock"

    @property
    def is_in_service_directory(self) -> bool:
        """Whether the socket lies in a directory that systemd made for this service."""
        return not self.socket and "RUNTIME_DIRECTORY" in os.environ


class Schedule(_Section):
    """When the model rests. What lands meanwhile is noticed, and scored afterwards."""

    quiet: str = ""
    on_battery: Literal["rest", "work"] = "rest"

    @field_validator("quiet")
    @classmethod
    def _some_hours(cls, quiet: str) -> str:
        if not _HOURS.fullmatch(quiet):
            raise ValueError('write it like "08:00-18:00"')
        start, _, end = quiet.partition("-")
        if quiet and start == end:
            raise ValueError('it would rest all day long; write "" to let it never rest')
        return quiet

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """From when to when, local time; they may span midnight."""
        if not self.quiet:
            return None
        start, _, end = self.quiet.partition("-")
        return time.fromisoformat(start), time.fromisoformat(end)


class Log(_Section):
    """How the daemon speaks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


class Config(_Section):
    """Everything that can be configured."""

    folders: Annotated[
        tuple[Annotated[Folder, BeforeValidator(_folder_table)], ...], BeforeValidator(_asked_together)
    ] = ()
    model: Model = Model()
    intake: Intake = Intake()
    watch: Watch = Watch()
    store: Store = Store()
    control: Control = Control()
    schedule: Schedule = Schedule()
    log: Log = Log()
    _file: Path | None = None  # that it was read from

    @property
    def place(self) -> Path:
        """The file to change. Raises ConfigError where there is none yet and the user has no home."""
        return self._file or config_directory() / "photod" / "config.toml"


def config_directory() -> Path:
    """Where this user's configurations are. Raises ConfigError where they have no home."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home("XDG_CONFIG_HOME") / ".config")


def state_directory() -> Path:
    """Where photod keeps what belongs to no folder. Raises ConfigError where the user has no home."""
    if systemd := os.environ.get("STATE_DIRECTORY"):
        return Path(systemd.split(":")[0])
    base = os.environ.get("XDG_STATE_HOME") or _home("XDG_STATE_HOME") / ".local" / "state"
    return Path(base) / "photod"


def runtime_directory() -> Path:
    """Where the control socket is unless it is configured. Raises ConfigError where the user has no home."""
    if systemd := os.environ.get("RUNTIME_DIRECTORY"):
        return Path(systemd.split(":")[0])
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "photod"
    if os.getuid() == 0:
        return Path("/run/photod")
    return state_directory()


def _home(instead: str) -> Path:
    try:
        return Path.home()
    except RuntimeError:  # in containers: a user without an entry in /etc/passwd
        raise ConfigError("this user has no home directory", f"set HOME or {instead}") from None


def find_config() -> Path | None:
    """The configuration file that applies when none is named, if there is one."""
    if named := os.environ.get("PHOTOD_CONFIG"):
        return Path(named)
    places = [Path("/etc/photod/config.toml")]
    with suppress(ConfigError):  # without a home there is only the machine's
        places.insert(0, config_directory() / "photod" / "config.toml")
    return next((place for place in places if os.path.isfile(place)), None)


def load_config(path: Path | None = None) -> Config:
    """The configuration in `path`, else where one is found, else the defaults. Raises ConfigError."""
    path = path or find_config()
    if path is None:
        return Config()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except OSError as error:
        problem = f"cannot read the configuration {path}: {error.strerror or error}"
        raise ConfigError(problem, "check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: it is not in UTF-8", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    config = parse_config(table, source=str(path))
    config._file = path
    return config


def parse_config(table: dict[str, Any], source: str) -> Config:
    """A checked configuration. Raises ConfigError that names the key, the value, the nearest valid one."""
    try:
        return Config.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        known_keys = _valid_keys(first["loc"][:-1]) if first["type"] == "extra_forbidden" else []
        problem, remedy = describe(first, known_keys, _place_of(str(first["loc"][-1])))
        raise ConfigError(f"{source}: {problem}", remedy) from None


def _valid_keys(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Config
    for part in location:
        if part == "folders":
            section = Folder
        elif isinstance(part, str):
            section = section.model_fields[part].annotation
    return list(section.model_fields)


def _place_of(key: str) -> str:
    """Where a key belongs, in words; empty if no table has it."""
    for name, field in Config.model_fields.items():
        if key in getattr(field.annotation, "model_fields", {}):
            return f"[{name}]"
    return "the table of a folder" if key in Folder.model_fields else ""
