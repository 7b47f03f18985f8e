"""What is not looked at."""

from collections.abc import Callable, Sequence

from pathspec import GitIgnoreSpec

# Directories and files of these names are somebody's bookkeeping, rubbish, or a file in the making.
ALWAYS = (
    ".*",  # hidden; also .photod itself, .Trash-1000, .stversions, .syncthing.*, ._resource-forks
    "@eaDir/",  # Synology's thumbnails
    "#recycle/",
    "$RECYCLE.BIN/",
    "System Volume Information/",
    "lost+found/",
    "*.part",  # browsers, rsync --partial, wget
    "*.crdownload",
    "*.tmp",
    "~*",
)


class Rules:
    """Decides by name alone whether a file is a photo and a directory is entered."""

    def __init__(self, exclude: Sequence[str], is_photo_name: Callable[[str], bool]) -> None:
        patterns = [pattern.replace("#", r"\#", 1) if pattern.startswith("#") else pattern for pattern in ALWAYS]
        self._spec = GitIgnoreSpec.from_lines([*patterns, *exclude])
        self._is_photo_name = is_photo_name

    def is_photo(self, path: str) -> bool:
        """Whether the file at `path` (relative to the folder) is a photo that the user wants scored."""
        return self._is_photo_name(path.rpartition("/")[2]) and not self._spec.match_file(path)

    def enters(self, directory: str) -> bool:
        """Whether the directory at `directory` (relative to the folder) is listed and watched."""
        return not self._spec.match_file(directory + "/")
