"""What `photod init` does to the machine, as steps that can be shown before they are done."""

import difflib
import os
import pwd
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from photod.errors import ConfigError, UsageError
from photod.files import replacing
from photod.setup.place import account
from photod.systemd import is_booted

Ask = Callable[[str], bool]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Write:
    """A text file, readable by everybody. One of other content is only replaced if the user says so.

    `keep_mode`: what is there stays open or closed to others, as it is.
    """

    path: Path
    text: str
    keep_mode: bool = False

    def show(self) -> str:
        """In words."""
        if self._before() == self.text:
            return f"keep    {self.path}"
        verb = "write  " if self._before() is None else "change "
        return f"{verb} {self.path}\n{_indented(self._difference())}"

    def do(self, ask: Ask, say: Say) -> None:
        """Write it. Raises OSError."""
        before = self._before()
        if before == self.text:
            return
        if before is not None:
            say(_indented(self._difference()))
            if not ask(f"change {self.path} so?"):
                raise _declined(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(self.path.stat().st_mode) if self.keep_mode and before is not None else 0o644
        with replacing(self.path) as draft:
            draft.write_text(self.text, encoding="utf-8")
            draft.chmod(mode)
        say(f"wrote {self.path}")

    def _before(self) -> str | None:
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None

    def _difference(self) -> str:
        before = (self._before() or "").splitlines()
        return "\n".join(list(difflib.unified_diff(before, self.text.splitlines(), lineterm="", n=1))[2:])


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """A folder's `.photod`, owned by the user who will write in it, or by the one who calls.

    One that is there and another's changes hands, with the files directly in it, only if the user says so.
    """

    path: Path
    user: str | None
    mode: int

    def show(self) -> str:
        """In words."""
        if not os.path.isdir(self.path):
            return f"make    {self.path}"
        return f"give    {self._gift()}" if self._is_foreign() else f"keep    {self.path}"

    def do(self, ask: Ask, say: Say) -> None:
        """Make it, or give it away. Raises OSError, UsageError, ConfigError."""
        owner = None if self.user is None else account(self.user)  # looked up before anything is made
        made = not self.path.is_dir()
        if made:
            self.path.mkdir()
        elif not self._is_foreign():
            return
        elif not ask(f"give {self._gift()}?"):
            raise _declined(self.path)
        self._give(owner)
        say(f"made {self.path}" if made else f"gave {self._gift()}")

    def _give(self, owner: pwd.struct_passwd | None) -> None:
        # Not following links: the folder belongs to a user, and this is root.
        descriptor = os.open(self.path, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if owner is not None:
                for entry in os.scandir(descriptor):
                    if entry.is_file(follow_symlinks=False):
                        _give_file(entry.name, descriptor, owner)
                os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
            os.fchmod(descriptor, self.mode)
        finally:
            os.close(descriptor)

    def _gift(self) -> str:
        return f"{self.path} and the files in it to {self.user}"

    def _is_foreign(self) -> bool:
        if self.user is None or self.path.is_symlink():
            return False
        try:
            user = account(self.user).pw_uid
        except UsageError:  # only shown: an earlier step makes the user, who has nothing yet
            return True
        return self.path.stat().st_uid != user


@dataclass(frozen=True, slots=True)
class Remove:
    """A file that `photod init` wrote. `ask` first where the user may have written in it."""

    path: Path
    ask: bool = False

    def show(self) -> str:
        """In words."""
        return f"remove  {self.path}"

    def do(self, ask: Ask, say: Say) -> None:
        """Remove it, and its directory if that is empty then. Raises OSError."""
        if self.ask and not ask(f"remove {self.path}?"):
            return
        self.path.unlink()
        say(f"removed {self.path}")
        if not any(self.path.parent.iterdir()) and self.path.parent.name.startswith("photod"):
            self.path.parent.rmdir()


@dataclass(frozen=True, slots=True)
class RemoveTree:
    """A directory of root's alone, with all that is in it."""

    path: Path
    what: str

    def show(self) -> str:
        """In words."""
        return f"remove  {self.path}, {self.what}"

    def do(self, ask: Ask, say: Say) -> None:
        """Remove it. Raises OSError."""
        if ask(f"remove {self.path}, {self.what}?"):
            shutil.rmtree(self.path)
            say(f"removed {self.path}")


@dataclass(frozen=True, slots=True)
class Run:
    """A command of the system. Where systemd does not run, as in an image being built, it is left out."""

    command: tuple[str, ...]
    may_fail: bool = False

    def show(self) -> str:
        """In words."""
        return f"run     {shlex.join(self.command)}"

    def do(self, ask: Ask, say: Say) -> None:
        """Run it. Raises ConfigError."""
        if not is_booted():
            return
        done = subprocess.run(self.command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode and not self.may_fail:
            raise ConfigError(f"{shlex.join(self.command)} failed: {done.stderr.strip() or done.returncode}")


Step = Write | MakeDirectory | Remove | RemoveTree | Run


def _give_file(name: str, directory: int, owner: pwd.struct_passwd) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    try:
        found = os.fstat(descriptor)
        # A second name may be that of any file of the machine, which root must not give away.
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
    finally:
        os.close(descriptor)


def _declined(path: Path) -> ConfigError:
    return ConfigError(f"{path} is as it was", "nothing after it was done; call photod init again")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
