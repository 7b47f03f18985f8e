"""The folders that photod has worked on: what is remembered of each while its drive may be away."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from photod.files import replacing
from photod.filesystem import filesystem_identity

REGISTRY_NAME = "folders.json"  # in the state directory


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a folder."""

    filesystem: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The folders that this user's photod has worked on: a JSON file, replaced whole."""

    file: Path

    def find(self, folder: Path) -> Record | None:
        """What is remembered of this folder, if it is known."""
        found = self._load().get(str(folder))
        # A later version may remember more.
        filesystem = found.get("filesystem") if isinstance(found, dict) else None
        return Record(filesystem) if isinstance(filesystem, str) else None

    def remember(self, folder: Path) -> None:
        """Note that this folder is there, with a database. Raises OSError."""
        record = Record(filesystem_identity(str(folder)))
        if self.find(folder) != record:
            self._save(self._load() | {str(folder): asdict(record)})

    def forget(self, folder: Path) -> None:
        """Know nothing of this folder any more. Raises OSError."""
        known = self._load()
        if known.pop(str(folder), None) is not None:
            self._save(known)

    def _save(self, known: dict[str, Any]) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(self.file) as draft:
            draft.write_text(json.dumps(known, indent=1, sort_keys=True))  # ASCII: surrogates are escaped

    def _load(self) -> dict[str, Any]:
        try:
            known = json.loads(self.file.read_text())
            return known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            return {}


def recall(folder: Path, states: Iterable[Path]) -> Record | None:
    """What is remembered of a folder in these state directories: the first that knows it."""
    return next(filter(None, (Registry(state / REGISTRY_NAME).find(folder) for state in states)), None)
