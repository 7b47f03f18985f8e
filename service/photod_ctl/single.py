"""The score of a single file: from its archive, or from a scoring of a copy that leaves nothing behind."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from photod.config import DATABASE_DIRECTORY, DATABASE_NAME, Config, state_directory
from photod.errors import UsageError
from photod.fingerprints import fingerprint_of, notice
from photod.intake.formats import is_photo_name
from photod.photos import KnownPhoto
from photod.registry import REGISTRY_NAME, Registry
from photod.store.queries import PhotoDetails, Reader
from photod_ctl.folders import find_archive
from photod_ctl.originals import UnreadableError, chunks, unwritten
from photod_ctl.progress import display
from photod_ctl.scoring import OwnProcess


def rate_file(path: str, config: Config, config_file: Path | None) -> dict[str, Any]:
    """The verdict on a file, by the archive it lies in or else by the configured model. Raises UsageError."""
    if not is_photo_name(os.path.basename(path)):
        raise UsageError(f"{path} is no photo by its name", "name one, such as photo.jpg")
    details = _known(path, config) or _score_copy(path, config_file)
    if details.score is None:
        raise UsageError(f"{path} cannot be scored: {details.reason}")
    return {"path": path, "score": details.score, "sha256": details.sha256, "model": details.model}


def _known(path: str, config: Config) -> PhotoDetails | None:
    """What the archive knows of the file, if it has not changed since, and the score is the current model's."""
    directory, name = os.path.split(path)
    archive = find_archive(directory, config)
    if archive is None:
        return None
    reader = Reader(archive.database)
    place = os.path.join(archive.below, name)
    notice(path)
    as_it_is = KnownPhoto(place, *fingerprint_of(os.stat(path)))
    return reader.details(place) if as_it_is in reader.known(archive.below) else None


def _score_copy(path: str, config_file: Path | None) -> PhotoDetails:
    name = f"photo{Path(path).suffix}"  # whatever is left out by its name is asked for here
    with tempfile.TemporaryDirectory(prefix="photod-", ignore_cleanup_errors=True) as directory:
        (Path(directory) / DATABASE_DIRECTORY).mkdir()  # an archive of its own, whatever lies above
        _copy(Path(path), Path(directory) / name)
        process = OwnProcess(directory, config_file)
        try:
            with display() as shown:
                for progress in process.follow():
                    shown.show(progress)
        except KeyboardInterrupt:
            process.stop()  # there is nothing to commit
            raise
        finally:
            process.close()
            with suppress(OSError):
                Registry(state_directory() / REGISTRY_NAME).forget(Path(os.path.realpath(directory)))
        details = Reader(Path(directory) / DATABASE_DIRECTORY / DATABASE_NAME).details(name)
    if details is None:
        raise UsageError(f"{path} could not be scored this time", "try again")
    return details


def _copy(photo: Path, copy: Path) -> None:
    """Raises UsageError, which tells what cannot be read from what cannot be written."""
    try:
        with copy.open("xb") as file:
            file.writelines(chunks(photo))
    except UnreadableError as error:
        raise UsageError(f"{photo} {error}", "check its permissions") from error
    except OSError as error:
        raise unwritten(copy, error, "set TMPDIR to another directory") from error
