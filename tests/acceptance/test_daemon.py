"""`photod run` as a process: signals, exit codes, two at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photod.registry import REGISTRY_NAME, Registry
from pictures import make_photo
from programs import FAKED, PHOTOD, RunningDaemon, ctl_json, photod, photod_ctl, write_config
from running import ranking
from waiting import wait_until


@pytest.fixture
def config(tmp_path: Path, folder: Path) -> Path:
    return write_config(tmp_path / "config.toml", folder)


def paths(config: Path) -> set[str]:
    done = photod_ctl("top", "--config", config, "--paths")
    return set(done.stdout.splitlines())


def test_a_daemon_runs_without_standard_input_and_output(config: Path) -> None:
    with RunningDaemon(config, "<&- >&-") as daemon:
        assert daemon.stop(signal.SIGTERM) == 0


def test_a_service_reads_its_configuration_again_at_sighup(config: Path) -> None:
    with RunningDaemon(config, "</dev/null") as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("reloaded")
        assert daemon.stop() == 0


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = os.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup themselves
    with os.fdopen(master), os.fdopen(slave):
        yield os.ttyname(slave)
    signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_goes_away_ends_what_was_started_in_it(config: Path, terminal: str) -> None:
    with RunningDaemon(config, f"<{terminal}") as daemon:
        assert daemon.stop(signal.SIGHUP) == 0


def test_what_was_started_by_nohup_outlives_its_terminal(config: Path, folder: Path, terminal: str) -> None:
    with RunningDaemon(config, f"<{terminal}", limits="trap '' HUP") as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        make_photo(folder / "a.png")
        wait_until(lambda: ranking(folder) or daemon.process.poll() is not None)
        assert ranking(folder)
        assert daemon.stop() == 0


def test_many_folders_take_more_files_than_are_usual(tmp_path: Path) -> None:
    folders = [tmp_path / f"folder {number}" for number in range(20)]
    for number, folder in enumerate(folders):
        make_photo(folder / "a.png", 10 * number)
    config = write_config(tmp_path / "config.toml", *folders)
    with RunningDaemon(config, limits="ulimit -S -n 64") as daemon:
        wait_until(lambda: all(map(ranking, folders)))
        assert daemon.stop() == 0


def test_a_photo_that_lands_shows_in_top_and_the_daemon_ends_cleanly(config: Path, folder: Path) -> None:
    """With the built-in model."""
    with RunningDaemon(config, program=PHOTOD) as daemon:
        photo = make_photo(folder / "new/a.png")
        wait_until(lambda: ranking(folder))
        assert paths(config) == {str(photo)}
        status = ctl_json("status", "--config", config)
        assert status["running"] is True
        assert status["folders"][0]["path"] == str(folder)
        assert status["folders"][0]["scored"] == 1
        assert daemon.stop(signal.SIGTERM) == 0
    assert not (config.parent / "control.sock").exists()
    assert ctl_json("status", "--config", config)["running"] is False
    assert paths(config) == {str(photo)}


@pytest.mark.alone
def test_sigint_commits_what_was_decoded(config: Path, folder: Path) -> None:
    """With the built-in model, so that there is something to wait for."""
    for number in range(300):
        make_photo(folder / f"{number}.jpg", number % 256, size=(400 + number, 300))
    with RunningDaemon(config, program=PHOTOD) as daemon:
        wait_until(lambda: len(ranking(folder)) > 0)
        began = time.monotonic()
        assert daemon.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 10  # promised, with a machine to itself
        log = daemon.log()
    assert "not_drained" not in {event["event"] for event in log}
    scored = sum(event["scored"] for event in log if event["event"] == "scored")
    assert len(ranking(folder)) == scored > 0


def test_a_second_process_is_told_who_holds_the_folder(config: Path, folder: Path, tmp_path: Path) -> None:
    with RunningDaemon(config) as daemon:
        other = write_config(tmp_path / "other.toml", folder)
        other.write_text(other.read_text().replace("control.sock", "other.sock"))
        second = photod("run", "--config", other)
        assert second.returncode == 75
        assert str(daemon.process.pid) in second.stderr
        assert second.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("folders = []", 78, 'no folders are configured; add folders = ["/path/to/photos"] to {config}\n'),
        ('folders = ["/nowhere/at/all"]', 78, "/nowhere/at/all is not a folder"),
        ('folders = ["{folder}", "{folder}/sub"]', 78, "contains the other"),
        ('folders = ["{folder}"]\nmodle = 3', 78, "did you mean model?"),
        ('folders = ["{folder}"]\n[model]\nweights = "/no/such/file"', 78, "/no/such/file"),
        ('folders = ["{folder}"]\n[model]\nprompts = [["nice", "awful"]]', 78, "good image"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_in_one_line(
    text: str, code: int, words: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "sub").mkdir()
    config = tmp_path / "config.toml"
    config.write_text(text.replace("{folder}", str(folder)))
    done = photod("run", "--config", config)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert words.replace("{config}", str(config)) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("folders", ["", 'folders = ["{nowhere}"]'])
def test_a_folder_that_is_typed_and_is_not_there_is_no_mistake_of_the_configuration(
    folders: str, tmp_path: Path
) -> None:
    config, nowhere = tmp_path / "config.toml", tmp_path / "nowhere"
    config.write_text(folders.replace("{nowhere}", str(nowhere)))
    done = photod("run", "--once", nowhere, "--config", config)
    words = f"photod: {nowhere} is not a folder; create or mount it first\n"
    assert (done.returncode, done.stderr) == (2, words)


def test_the_exit_code_is_the_same_where_the_last_words_find_no_room(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("folders = []")
    command = [sys.executable, "-m", "photod", "run", "--config", str(config)]
    with open("/dev/full", "w") as full:
        assert subprocess.run(command, stderr=full, timeout=60, check=False).returncode == 78


def test_check_says_what_would_run_and_that_its_weights_are_here(config: Path, folder: Path) -> None:
    done = photod("check", "--download", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "builtin is complete and sound" in done.stdout
    assert f"folder:       {folder}: no database yet" in done.stdout
    assert "SHA-256" in done.stdout


def test_check_says_that_without_a_folder_nothing_would_run(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.toml")
    done = photod("check", "--config", config, program=FAKED)
    assert "folder:       none configured; photod run ends with 78" in done.stdout
    assert "sandbox:" in done.stdout, "the rest is told all the same"
    assert (done.returncode, done.stderr) == (78, photod("run", "--config", config).stderr)


def test_check_says_which_folders_keep_the_daemon_from_starting(home: Path, folder: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    Registry(home / "state/photod" / REGISTRY_NAME).remember(folder)
    folder.rmdir()
    config = write_config(tmp_path / "config.toml", folder, nowhere)
    checked = photod("check", "--config", config, program=FAKED)
    assert f"folder:       {folder}: away; photod run waits for it\n" in checked.stdout
    assert f"folder:       {nowhere}: not a folder; photod run ends with 78 until it is one\n" in checked.stdout
    assert "sandbox:" in checked.stdout, "the rest is told all the same"
    assert (checked.returncode, checked.stderr) == (78, photod("run", "--config", config).stderr)
    checked = photod("check", "--config", write_config(tmp_path / "config.toml", folder), program=FAKED)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["above", "above/photos"])
def test_a_folder_that_is_closed_to_the_user_is_told_as_such(closed: str, tmp_path: Path) -> None:
    folder, place = tmp_path / "above/photos", tmp_path / closed
    folder.mkdir(parents=True)
    config = write_config(tmp_path / "config.toml", folder)
    place.chmod(0)
    try:
        run, typed, init, check = (
            photod(*words, as_anybody=True, program=FAKED)
            for words in (
                ["run", "--config", config],
                ["run", "--once", folder, "--config", config],
                ["init", "--user", "--dry-run", folder],
                ["check", "--config", config],
            )
        )
    finally:
        place.chmod(0o700)
    told = f"photod: {folder} is closed to this user; change the permissions of {place}"
    assert (run.returncode, run.stderr) == (78, f"{told}, or take it out of the configuration\n")
    assert (typed.returncode, typed.stderr) == (2, f"{told} first\n")
    assert (init.returncode, init.stderr) == (2, f"{told} first\n")
    assert (check.returncode, check.stderr) == (78, run.stderr)
    assert (
        f"folder:       {folder}: closed to this user; photod run ends with 78 until it is open\n" in check.stdout
    )


@pytest.mark.parametrize(
    "command",
    [[*FAKED, "check", "--config", "config.toml"], [*PHOTOD, "init", "--user", "--dry-run", "."]],
    ids=["check", "init"],
)
def test_a_report_may_find_nobody_who_reads_it_or_no_room(
    config: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told = "photod: the output cannot be written: No space left on device; make room, or send it elsewhere\n"
    assert (done.returncode, done.stderr) == (2, told)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


def test_the_second_signal_ends_at_once(config: Path, folder: Path) -> None:
    with RunningDaemon(config) as daemon:
        # Two in one moment: the process cannot have drained between them.
        daemon.process.send_signal(signal.SIGSTOP)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGINT)
        daemon.process.send_signal(signal.SIGCONT)
        assert daemon.process.wait(30) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


@pytest.mark.parametrize(
    "command", ["photod run --once .", "photod init --user --dry-run .", "photod check", "photod_ctl rate ."]
)
def test_a_current_directory_that_is_gone_is_said_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    leave = 'cd "$1" && rmdir "$1" && shift && exec "$0" -P -m "$@"'
    words = ["sh", "-c", leave, sys.executable, str(tmp_path / "gone"), *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    program = command.split(maxsplit=1)[0].replace("_", "-")
    assert done.stderr == f"{program}: the current directory is gone; cd somewhere else\n"


@pytest.mark.parametrize("command", ["run", "check", "init"])
def test_help_of_every_command_says_what_it_does_and_has_an_example_and_the_exit_codes(command: str) -> None:
    told = photod(command, "--help").stdout
    does = " ".join(told.split("\n\n")[1].split())
    assert f" {command} {does[0].lower()}{does[1:].rstrip('.')}" in " ".join(photod("--help").stdout.split())
    assert f"\nexample: photod {command}" in told
    assert "\n  74  a database or its disk failed" in told


@pytest.mark.parametrize("wrong", ["--nonsense", "--control-fd=0", "--control-fd=x"])
def test_wrong_arguments_are_answered_without_loading_a_model(wrong: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "photod", "run", wrong],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "torch" not in done.stderr
