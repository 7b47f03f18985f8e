"""Each record is a line of its own, whoever writes beside it."""

import json
import os
import select
import subprocess
import sys

import pytest

RECORDS = 2000
PROGRAM = f"""
import logging, sys, threading
from photod.logs import configure_logs, get_logger
sys.setswitchinterval(1e-6)
configure_logs("info", "json")
ours, library = get_logger("x"), logging.getLogger("library")

def write(say):
    for number in range({RECORDS}):
        say(f"record {{number}}")

threads = [threading.Thread(target=write, args=(say,)) for say in (ours.warning, ours.info, library.warning)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_records_of_ours_and_of_libraries_never_share_a_line() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in run.stderr.splitlines()]
    assert len(records) == 3 * RECORDS


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_costs_records_and_ends_nobody_who_writes_one(form: str) -> None:
    program = f"""
import logging, os
from photod.logs import configure_logs, get_logger
configure_logs("info", "{form}")
for number in range(99):
    get_logger("x").warning("folder_absent", folder=str(number) * 999)
    logging.getLogger("library").error("broke")
os._exit(75)
"""
    with open("/dev/full", "w") as full:
        assert subprocess.run([sys.executable, "-c", program], stderr=full, check=False).returncode == 75


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_nobody_reads_costs_records_and_holds_up_nobody(form: str) -> None:
    program = f"""
import logging, sys
from photod.logs import configure_logs, get_logger
configure_logs("info", "{form}")
for number in range(999):
    get_logger("x").warning("folder_absent", folder=str(number) * 99)
    logging.getLogger("library").error("broke")
print("through", flush=True)
sys.stdin.readline()
get_logger("x").warning("the last one")
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        through = bool(select.select([process.stdout], [], [], 30)[0])
        if not through:
            process.kill()
        os.read(process.stderr.fileno(), 1 << 20)  # all that a pipe holds
        told = process.communicate(b"\n")[1].decode()
    assert through
    assert "the last one" in told
    assert "records_lost" in told
