"""Files that are there or not, and replaced whole or not at all."""

from pathlib import Path

import pytest

from photod.files import is_gone, replacing


def test_a_file_is_gone_when_its_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    names = ("file", "link", "gone", "gone/a.jpg", "file/a.jpg")
    assert [is_gone(str(tmp_path / name)) for name in names] == [False, False, True, True, True]


def test_a_file_is_replaced_whole_in_the_end(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)  # the longest name that there is
    target.write_text("before")
    with replacing(target) as draft:
        draft.write_text("after")
        assert (draft.parent, target.read_text()) == (tmp_path, "before")
    assert target.read_text() == "after"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("trouble", [OSError, KeyboardInterrupt])
def test_what_breaks_off_changes_nothing_and_leaves_nothing(tmp_path: Path, trouble: type[BaseException]) -> None:
    (tmp_path / "target").write_text("before")
    with pytest.raises(trouble), replacing(tmp_path / "target") as draft:  # noqa: PT012 - it is the block that breaks
        draft.write_text("half")
        raise trouble
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("target", "before")]


def test_the_first_failure_is_the_one_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"), replacing(tmp_path / "nowhere" / "target") as draft:
        draft.write_text("never")
