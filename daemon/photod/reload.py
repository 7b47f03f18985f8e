"""What changes when a running daemon reads its configuration again."""

from dataclasses import dataclass

from photod.config import Config, Folder

_TAKEN = {"folders", "schedule"}  # the sections that a reload takes; all others are read at the start


@dataclass(frozen=True, slots=True)
class Changes:
    """From one configuration to another. A folder whose settings changed is let go and taken anew."""

    let_go: tuple[Folder, ...]
    taken: tuple[Folder, ...]
    need_restart: tuple[str, ...]  # sections


def compare(before: Config, after: Config) -> Changes:
    """The difference, in the order of the configuration."""
    return Changes(
        let_go=tuple(folder for folder in before.folders if folder not in after.folders),
        taken=tuple(folder for folder in after.folders if folder not in before.folders),
        need_restart=tuple(
            name
            for name in Config.model_fields
            if name not in _TAKEN and getattr(before, name) != getattr(after, name)
        ),
    )
