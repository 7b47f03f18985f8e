"""`photod-ctl top` as people and programs call it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from itertools import product
from pathlib import Path

import pytest

from photod.photos import Facts
from photod.store.writer import Writer

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


def test_the_best_come_first_with_score_rank_and_percentile(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 2.0, "b.jpg": 9.0, "sub/c.jpg": 5.0, "d.jpg": 5.0})
    top = json.loads(ctl("top", folder, "--json").stdout)
    assert [(t["path"], t["score"], t["rank"], t["percentile"]) for t in top] == [
        (str(folder / "b.jpg"), 9.0, 1, 100.0),
        (str(folder / "d.jpg"), 5.0, 2, 75.0),
        (str(folder / "sub/c.jpg"), 5.0, 2, 75.0),
        (str(folder / "a.jpg"), 2.0, 4, 25.0),
    ]
    assert top[0].keys() >= {"sha256", "width", "height", "taken", "camera", "model_name"}
    assert top[0]["taken"] == "2021-02-03 04:05:06"


def test_n_limits_the_list_and_not_the_percentile(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {f"{n}.jpg": float(n) for n in range(10)})
    top = json.loads(ctl("top", folder, "-n", "2", "--json").stdout)
    assert [(t["score"], t["percentile"]) for t in top] == [(9.0, 100.0), (8.0, 90.0)]
    worst = json.loads(ctl("top", folder, "-n", "3", "--worst", "--json").stdout)
    assert [(t["score"], t["rank"], round(t["percentile"])) for t in worst] == [(0, 10, 10), (1, 9, 20), (2, 8, 30)]


def test_several_folders_are_ranked_together(ctl: Ctl, archive: Archive) -> None:
    one, two = archive("one", {"a.jpg": 3.0, "b.jpg": 1.0}), archive("two", {"c.jpg": 2.0, "d.jpg": 4.0})
    top = json.loads(ctl("top", one, two, "--json").stdout)
    assert [Path(t["path"]).name for t in top] == ["d.jpg", "a.jpg", "c.jpg", "b.jpg"]
    assert [t["percentile"] for t in top] == [100.0, 75.0, 50.0, 25.0]
    assert json.loads(ctl("top", one, two, "-n", "2", "--json").stdout) == top[:2]


def test_a_folder_named_twice_counts_once(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 3.0, "sub/b.jpg": 1.0})
    top = json.loads(ctl("top", folder, folder, folder / "sub", "--json").stdout)
    assert len(top) == 2


def test_scores_of_different_models_are_never_ranked_together(ctl: Ctl, archive: Archive) -> None:
    one, two = archive("one", {"a.jpg": 3.0}, model="aesclip"), archive("two", {"b.jpg": 9.0}, model="clip")
    run = ctl("top", one, two, "--json")
    assert [(t["model_name"], t["rank"], t["percentile"]) for t in json.loads(run.stdout)] == [
        ("aesclip", 1, 100.0),
        ("clip", 1, 100.0),
    ]
    assert run.stderr.count("\n") == 1
    assert "different models" in run.stderr


def test_a_subdirectory_means_the_part_of_its_archive(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 9.0, "sub/b.jpg": 5.0, "sub/deep/c.jpg": 4.0, "subway/d.jpg": 8.0})
    top = json.loads(ctl("top", folder / "sub", "--json").stdout)
    assert [(Path(t["path"]).name, t["percentile"]) for t in top] == [("b.jpg", 100.0), ("c.jpg", 50.0)]
    assert json.loads(ctl("top", folder / "sub", "--year", "2021", "--json").stdout) == top


def test_without_a_folder_the_configured_ones_are_meant(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 9.0})
    (tmp_path / "stats").write_text(f"folders = ['{folder}', '{tmp_path / 'drive'}']\n")  # also a command's name
    before, after = ctl("--config", "stats", "top", "--paths"), ctl("top", "--paths", "--config", "stats")
    both = ctl("--config", "nowhere", "top", "--paths", "--config", "stats")
    assert before.stdout == after.stdout == both.stdout == f"{folder}/a.jpg\n"
    assert f"{tmp_path}/drive is not there" in before.stderr


@pytest.mark.parametrize("command", ["top", "stats", "verify"])
def test_a_configured_folder_that_is_away_is_not_said_to_lack_scores(
    ctl: Ctl, tmp_path: Path, command: str
) -> None:
    drive, folder, config = tmp_path / "drive", tmp_path / "photos", tmp_path / "c.toml"
    config.write_text(f"folders = ['{drive}']\n")
    away = "photod-ctl: no configured folder is there; mount its drive, or put it back\n"
    run = ctl(command, "--config", config)
    assert (run.returncode, run.stderr) == (2, f"photod-ctl: {drive} is not there, left out\n{away}")
    folder.mkdir()
    config.write_text(f"folders = ['{drive}', '{folder}']\n")
    assert "no configured folder that is there has scores yet; start" in ctl(command, "--config", config).stderr
    drive.mkdir()
    assert "no configured folder has scores yet; start photod" in ctl(command, "--config", config).stderr


def test_paths_and_0_give_the_very_bytes_of_names(ctl: Ctl, archive: Archive) -> None:
    names = {"a\nb.jpg": 3.0, "caf\udce9.jpg": 2.0, "夕.jpg": 1.0}
    folder = archive("photos", names)
    assert ctl("top", folder, "-0").stdout == "".join(f"{folder}/{name}\0" for name in names)
    assert ctl("top", folder, "--paths").stdout == "".join(f"{folder}/{name}\n" for name in names)
    top = json.loads(ctl("top", folder, "--json").stdout)
    assert [os.path.basename(t["path"]) for t in top] == list(names)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.jpg", r"a\nb.jpg"),
        ("\x1b[31mred.jpg", r"\x1b[31mred.jpg"),
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
        ("gpj\u202e.exe.jpg", r"gpj\u202e.exe.jpg"),
        ("[bold]x[/bold].jpg", "[bold]x[/bold].jpg"),
    ],
)
def test_hostile_names_are_shown_escaped(ctl: Ctl, archive: Archive, name: str, shown: str) -> None:
    table = ctl("top", folder := archive("photos", {name: 3.0})).stdout
    assert f"{folder}/{shown}" in table
    assert len(table.splitlines()) == 2


def test_the_built_in_model_says_what_it_is(ctl: Ctl, archive: Archive) -> None:
    assert ctl("top", archive("one", {"a.jpg": 1.0})).stderr == (
        "photod-ctl: built-in model: technical quality only; see README for AesCLIP and CLIP\n"
    )
    assert ctl("top", archive("two", {"a.jpg": 1.0}, model="/weights/AesCLIP")).stderr == ""


def _names(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [Path(path).name for path in run.stdout.splitlines()]


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        (["--since", "2020-06"], ["c"]),
        (["--until", "2020"], ["b", "a"]),
        (["--since", "2020-05-02", "--until", "2020-05-02"], ["b"]),
        (["--since", "2020-06", "--until", "2021"], ["c"]),
        (["--since", "2021-07", "--until", "2021"], ["c"]),
        (["--year", "2021"], ["c"]),
        (["--month", "5"], ["b", "a"]),
        (["--min-score", "4"], ["undated", "c"]),
        (["--worst", "-n", "2"], ["a", "b"]),
    ],
)
def test_limits_choose_photos_by_date_and_score(
    ctl: Ctl, archive: Archive, limits: list[str], names: list[str]
) -> None:
    for name, score, taken_at in (
        ("a", 2.0, "2019-05-01 10:00:00"), ("b", 3.0, "2020-05-02 23:59:59"), ("c", 4.0, "2021-07-01 00:00:00"),
        ("undated", 5.0, None),
    ):  # fmt: skip
        archive("photos", {name: score}, facts=Facts(600, 400, taken_at, None))
    assert _names(ctl("top", "photos", "--paths", *limits)) == names


def test_limits_leave_rank_and_percentile_those_of_the_whole_archive(ctl: Ctl, archive: Archive) -> None:
    archive("photos", {"a.jpg": 9.0, "b.jpg": 8.0})
    folder = archive("photos", {"c.jpg": 7.0, "d.jpg": 6.0}, facts=Facts(600, 400, "1999-01-01 00:00:00", None))
    top = json.loads(ctl("top", folder, "--year", "1999", "--json").stdout)
    assert [(t["rank"], t["percentile"]) for t in top] == [(3, 50.0), (4, 25.0)]


def test_distinct_shows_one_frame_of_a_burst_and_counts_the_others(ctl: Ctl, archive: Archive) -> None:
    for n, score in enumerate((5.0, 7.0, 6.0)):
        archive("photos", {f"burst{n}.jpg": score}, facts=Facts(600, 400, f"2020-01-01 10:00:0{n}", "X-T3"))
    folder = archive("photos", {"other.jpg": 6.5, "copy.jpg": 6.5}, bytes_of={"copy.jpg": "other.jpg"})
    top = json.loads(ctl("top", folder, "--distinct", "--json").stdout)
    shown = [(Path(t["path"]).name, t["others"], t["rank"]) for t in top]
    assert shown == [("burst1.jpg", 2, 1), ("copy.jpg", 1, 2)]


def test_csv_has_a_header_and_a_line_for_each_photo(ctl: Ctl, archive: Archive) -> None:
    lines = ctl("top", archive("photos", {'a "b", c\n.jpg': 3.0}), "--csv").stdout.splitlines()
    assert lines[0] == "path,score,percentile,rank,sha256,width,height,taken,camera,model_name"
    assert len(lines) == 2
    assert r'/a ""b"", c\n.jpg",3.0,100.0,1,' in lines[1]


@pytest.mark.parametrize("scores", [{}, {"a.jpg": 3.0}])
def test_the_columns_of_csv_are_those_that_were_asked_for_whatever_is_found(
    ctl: Ctl, archive: Archive, scores: dict[str, float]
) -> None:
    header, *rest = ctl("top", archive("photos", scores), "--distinct", "--csv").stdout.splitlines()
    assert (header.split(",")[-1], len(rest)) == ("others", len(scores))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["top"], "no folder is named and none is configured; name one, or add it to {home}/.config/photod/"),
        (["top", "nowhere"], "nowhere does not exist"),
        (["top", "file"], "file is not a folder"),
        (["top", "empty"], "has no scores yet; run photod-ctl rate empty\n"),
        (["top", "no scores"], "has no scores yet; run photod-ctl rate 'no scores'\n"),
        (["failed", "empty"], "has no scores yet"),
        (["show", "nowhere.jpg"], "nowhere.jpg does not exist"),
        (["show", "file"], "file is no photo by its name"),
        (["show", "empty"], "empty is a folder"),
        (["show", ""], "'' does not exist; name a photo\n"),
        (["show", "file/a.jpg"], "file/a.jpg does not exist; name a photo\n"),
        (["show", "x" * 300], "x does not exist; name a photo\n"),
        (["top", "x" * 300], "x does not exist; name a folder of photos\n"),
        (["stat"], "Did you mean 'stats', 'status'; see photod-ctl --help"),
        (["rate"], "missing argument 'FOLDER'; see photod-ctl rate --help"),
        (["rate", "x", "--top"], "option '--top' requires an argument; see photod-ctl rate --help"),
        (["top", "-n"], "option '-n' requires an argument; see photod-ctl top --help"),
        (["top", "--config"], "option '--config' requires an argument; see photod-ctl top --help"),
        (["--config"], "option '--config' requires an argument; see photod-ctl --help"),
        (["slideshow", "--delay"], "option '--delay' requires an argument; see photod-ctl slideshow --help"),
        (["top", "--month", "13"], "'--month'"),
        (["top", "--year", "20"], "'--year'"),
        (["top", "--min-score", "11"], "'--min-score'"),
        (["top", "--since", "2021-02-31"], "--since 2021-02-31 is not a date; write 2021, 2021-07 or 2021-07-14\n"),
        (["top", "--until", "2021-7"], "--until 2021-7 is not a date"),
        (["top", "--since", "2021", "--until", "2020"], "--since 2021 is after --until 2020; exchange them\n"),
        (["top", "--year", "2021", "--until", "2022"], "--year is a bound of its own"),
        (["top", "--distnct"], "--distinct"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_a_remedy(
    ctl: Ctl, tmp_path: Path, arguments: list[str], words: str
) -> None:
    for directory in ("empty", "no scores"):
        (tmp_path / directory).mkdir()
    (tmp_path / "file").touch()
    run = ctl(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("photod-ctl: ")
    assert words.replace("{home}", str(tmp_path / "home")) in run.stderr


def test_the_version_is_that_of_the_daemon(ctl: Ctl) -> None:
    run = ctl("--version")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{version('photod')}\n", "")


def test_an_archive_without_scores_says_so(ctl: Ctl, archive: Archive) -> None:
    nothing = ctl("top", archive("photos", {}, {"a.jpg": "truncated"}))
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "no photo is scored yet; photod-ctl failed" in nothing.stderr
    assert "within these limits" in ctl("top", archive("more", {"a.jpg": 1.0}), "--min-score", "5").stderr


def test_an_archive_whose_photos_are_all_gone_says_so(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 1.0, "sub/b.jpg": 2.0})
    with closing(Writer(folder / ".photod/photos.db")) as writer:
        writer.mark_missing(["a.jpg", "sub/b.jpg"])
    for part, count in ((folder, "2 photos"), (folder / "sub", "1 photo")):
        said = f"no scored photo is left, {count} missing or left out by exclude; mount the drive, or have"
        assert f"{said} photod-ctl purge forget what is gone\n" in ctl("top", part).stderr


def test_an_empty_name_is_not_the_current_folder(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    archive(".", {"a.jpg": 1.0})
    run = ctl("top", "")
    assert (run.returncode, run.stderr) == (2, "photod-ctl: '' is not a folder; name a folder of photos\n")


def test_a_broken_database_is_one_line_and_exit_code_74(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 1.0})
    (folder / ".photod" / "photos.db").write_bytes(b"not a database at all" * 100)
    run = ctl("top", folder)
    assert run.returncode == 74
    assert run.stderr.count("\n") == 1
    assert "aside" in run.stderr


def test_a_broken_configuration_is_one_line_and_exit_code_78(ctl: Ctl, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("foldrs = []\n")
    run = ctl("--config", "c.toml", "top")
    assert run.returncode == 78
    assert run.stderr.count("\n") == 1
    assert "did you mean folders?" in run.stderr


def test_a_reader_that_leaves_early_is_no_error(archive: Archive, environment: dict[str, str]) -> None:
    folder = archive("photos", {f"{n:0200}.jpg": 1.0 for n in range(2000)}, model="aesclip")
    for unbuffered, arguments in product(["", "1"], [["--paths"], ["--csv"], ["--json"], [], ["--help"]]):
        command = [sys.executable, "-m", "photod_ctl", "top", str(folder), "-n", "2000", *arguments]
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "wb") as pipe:
            run = subprocess.run(
                command, stdout=pipe, stderr=subprocess.PIPE, env=environment | {"PYTHONUNBUFFERED": unbuffered},
                check=False,
            )  # fmt: skip
        assert (run.returncode, run.stderr) == (0, b""), (unbuffered, arguments)


@pytest.mark.parametrize("options", [[], ["--csv"], ["--json"], ["--help"]])
def test_a_full_disk_is_one_line_and_exit_code_2(
    archive: Archive, environment: dict[str, str], options: list[str]
) -> None:
    folder = archive("photos", {f"{n:0200}.jpg": 1.0 for n in range(200)})
    command = [sys.executable, "-m", "photod_ctl", "top", str(folder), "-n", "200", *options]
    with open("/dev/full", "w") as full:
        run = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told = "photod-ctl: the output cannot be written: No space left on device; make room, or send it elsewhere"
    assert (run.returncode, run.stderr.splitlines()[-1]) == (2, told)
    assert "a bug" not in run.stderr


@pytest.mark.parametrize("broken", ["/dev/full", "a pipe that nobody reads"])
def test_notes_that_cannot_be_written_change_neither_output_nor_exit_code(
    archive: Archive, environment: dict[str, str], broken: str
) -> None:
    folder = archive("photos", {"a.jpg": 1.0})
    reader, pipe = os.pipe()
    os.close(reader)
    with open(pipe, "wb") as unread, open("/dev/full", "wb") as full:
        stderr = full if broken == "/dev/full" else unread
        for named, code, out in ((folder, 0, f"{folder}/a.jpg\n"), (folder / "nowhere", 2, "")):
            command = [sys.executable, "-m", "photod_ctl", "top", "--paths", str(named)]
            run = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
            )
            assert (run.returncode, run.stdout) == (code, out)


def test_top_imports_neither_torch_nor_numpy_nor_rich(archive: Archive, environment: dict[str, str]) -> None:
    folder = archive("photos", {"a.jpg": 1.0})
    program = (
        "import sys; sys.argv[1:] = ['top', sys.argv[1]]\n"
        "from photod_ctl.__main__ import main\n"
        "import os; end = os._exit; heavy = {'torch', 'numpy', 'rich', 'PIL', 'pygame'}\n"
        "os._exit = lambda _: end(print(sorted(heavy & set(sys.modules)), flush=True) or 0)\n"
        "main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_closed_standard_streams_are_no_error(archive: Archive, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "photod_ctl", "top", str(archive("photos", {"a.jpg": 2.0}))]
    for redirections, words in (("<&- >&-", b""), ("<&- >&- 2>&-", b""), ("<&- 2>&-", b"a.jpg")):
        shell = ["sh", "-c", f'exec "$0" "$@" {redirections}', *command]
        run = subprocess.run(shell, capture_output=True, env=environment, timeout=60, check=False)
        assert run.returncode == 0
        assert words in run.stdout
        assert b"Traceback" not in run.stderr
