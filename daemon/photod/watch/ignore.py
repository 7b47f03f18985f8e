"""What is not looked at."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from pathspec import GitIgnoreSpec

from photod.errors import ConfigError

# Hidden things (also .photod itself, .Trash-1000, .stversions, .syncthing.*, ._resource-forks), lock files of
# office programs, and Syncthing's unfinished ones. What else is unfinished, as a.jpg.part is, has no photo's name.
_HIDDEN = "."
_PRIVATE = (_HIDDEN, "~$", "~syncthing~")
_FIRST_OF_PRIVATE = frozenset((".", "~"))  # spares nearly all names a look at the whole of them
# What is here or below was thrown away, or is there again as a photo. In lower case, since names are spelled
# in more ways than one.
FOREIGN_DIRECTORIES = frozenset(
    {
        "@eadir",  # Synology's thumbnails
        "#recycle",
        "#snapshot",
        "~snapshot",  # NetApp's
        "@recycle",  # QNAP's
        "@recently-snapshot",
        "$recycle.bin",  # Windows', and what FAT and older ones call it
        "recycler",
        "recycled",
        "system volume information",
        "network trash folder",  # Macs' on file servers
        "__macosx",  # resource forks, out of a ZIP archive
        "lost+found",
    }
)
_LIGHTROOMS_COPIES = " previews.lrdata"  # other .lrdata may have originals, such as those of a telephone
_APPLES_LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary")
_COPIES_IN_THEM = frozenset({"resources", "thumbnails", "previews"})


class Rules:
    """Decides by name alone whether a file is a photo and a directory is entered.

    The rules above always hold; the user's patterns, in .gitignore's syntax, come on top of them.
    Raises ConfigError for what is no pattern.
    """

    def __init__(self, exclude: Sequence[str], is_photo_name: Callable[[str], bool]) -> None:
        # Matching costs more than the rest of a look at a file: not even asked where there are no patterns.
        self._spec = _compiled(exclude) if exclude else None
        self._is_photo_name = is_photo_name

    def is_photo(self, path: str, name: str = "") -> bool:
        """Whether the file at `path` (relative to the folder) is a photo that the user wants scored.

        `name`, its last part, spares the search for it.
        """
        name = name or path.rpartition("/")[2]
        if name[:1] in _FIRST_OF_PRIVATE and name.startswith(_PRIVATE):
            return False
        if not self._is_photo_name(name):
            return False
        return self._spec is None or not self._spec.match_file(path)

    def enters(self, directory: str) -> bool:
        """Whether the directory at `directory` (relative to the folder) is listed and watched."""
        return not _is_foreign(directory.lower().split("/")) and not self._is_excluded(directory + "/")

    def _is_excluded(self, path: str) -> bool:
        return self._spec is not None and self._spec.match_file(path)


def _compiled(exclude: Sequence[str]) -> GitIgnoreSpec:
    for line in exclude:  # one by one, to name it
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error):
            raise ConfigError(f"exclude: {line!r} is not a pattern", "write it as in .gitignore") from None
    return GitIgnoreSpec.from_lines(exclude)


def _is_foreign(names: list[str]) -> bool:
    return any(map(_is_foreign_name, names)) or any(
        inside in _COPIES_IN_THEM and library.endswith(_APPLES_LIBRARIES) for library, inside in pairwise(names)
    )


def _is_foreign_name(name: str) -> bool:
    return name.startswith(_HIDDEN) or name in FOREIGN_DIRECTORIES or name.endswith(_LIGHTROOMS_COPIES)
