"""What is mounted where, as the kernel tells it."""

from pathlib import Path

from mounts import Mounts
from photod.filesystem import filesystem_identity, mounts_below


def test_what_is_mounted_below_a_directory_is_found_by_its_odd_names(folder: Path, mounts: Mounts) -> None:
    assert mounts_below(str(folder)) == {}
    beside = folder.with_name("photos 2")
    for place in (folder / "a drive\n\\040", folder / "b", folder / "b/c", beside):
        mounts(place, "-t", "tmpfs", "photod-test")
    found = mounts_below(str(folder))
    assert found.keys() == {"a drive\n\\040", "b", "b/c"}
    assert found["b"] == filesystem_identity(str(folder / "b"))
    mounts.take_away(folder / "b/c")
    assert mounts_below(str(folder)).keys() == {"a drive\n\\040", "b"}
