"""What `photod init` does to the machine, as steps that can be shown before they are done."""

import difflib
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from photod.errors import ConfigError
from photod.files import replacing
from photod.setup.place import account

Ask = Callable[[str], bool]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Write:
    """A text file, readable by everybody. One of other content is only replaced if the user says so."""

    path: Path
    text: str

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
                raise ConfigError(f"{self.path} is as it was", "nothing after it was done; call photod init again")
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with replacing(self.path) as draft:
            draft.write_text(self.text, encoding="utf-8")
            draft.chmod(0o644)
        say(f"wrote {self.path}")

    def _before(self) -> str | None:
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None

    def _difference(self) -> str:
        before = (self._before() or "").splitlines()
        return "\n".join(list(difflib.unified_diff(before, self.text.splitlines(), lineterm="", n=1))[2:])


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """A folder's `.photod`, owned by the user who will write in it, or by the one who calls."""

    path: Path
    user: str | None
    mode: int

    def show(self) -> str:
        """In words."""
        return f"{'keep   ' if self.path.is_dir() else 'make   '} {self.path}"

    def do(self, ask: Ask, say: Say) -> None:
        """Make it. Raises OSError, UsageError."""
        if self.path.is_dir():
            return
        self.path.mkdir()
        # Not following links: the folder belongs to a user, and this is root.
        descriptor = os.open(self.path, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if self.user is not None:
                owner = account(self.user)
                os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
            os.fchmod(descriptor, self.mode)
        finally:
            os.close(descriptor)
        say(f"made {self.path}")


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
        if not self.path.exists() or (self.ask and not ask(f"remove {self.path}?")):
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
        if self.path.is_dir() and ask(f"remove {self.path}, {self.what}?"):
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
        if not Path("/run/systemd/system").is_dir():
            return
        done = subprocess.run(self.command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode and not self.may_fail:
            raise ConfigError(f"{shlex.join(self.command)} failed: {done.stderr.strip() or done.returncode}")


Step = Write | MakeDirectory | Remove | RemoveTree | Run


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
