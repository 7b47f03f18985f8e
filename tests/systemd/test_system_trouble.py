"""What becomes of a service that crashes, hangs or waits. The tests share the machine's service with the others."""

import json
from collections.abc import Iterator
from time import monotonic

import pytest

from systemd_box import BIN
from systemd_service import PICTURES, Service

WATCHDOG_S = 6.0  # a busy machine may keep a sound service waiting


@pytest.fixture
def impatient(service: Service) -> Iterator[Service]:
    """The service, running, with a watchdog that waits for seconds only."""
    service.stop()
    service.add_dropin(f"WatchdogSec={WATCHDOG_S}\nTimeoutAbortSec=2")
    service.box.do("systemctl", "start", "photod")
    yield service
    service.stop()


def restarts(service: Service) -> int:
    return int(service.show("NRestarts"))


def test_a_hung_device_and_a_stopped_process_end_in_a_watchdog_restart(impatient: Service) -> None:
    service = impatient
    service.switch("hang", on=True)
    service.take_photo("hung.png", 60)
    service.box.until(lambda: restarts(service) >= 1, "the watchdog did not bite")
    assert "scoring" in service.records("EVENT=stuck")[-1]["SECONDS"]
    assert "Fatal Python error: Aborted" in service.box.do("journalctl", "-u", "photod", "-o", "cat")
    service.switch("hang", on=False)
    service.until_scored(PICTURES / "hung.png")
    before = restarts(service)
    service.box.do("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "photod")
    service.box.until(lambda: restarts(service) > before, "the watchdog did not bite")


def test_a_dead_reader_of_events_is_replaced_and_a_slow_folder_is_waited_for(impatient: Service) -> None:
    """Neither needs a restart."""
    service = impatient
    service.switch("deaf", on=True)
    service.box.until(lambda: service.records("EVENT=observer_rebuilt"), "nobody noticed")
    service.take_photo("heard.png", 62)
    service.until_scored(PICTURES / "heard.png")
    service.switch("slow", on=True)  # as a network drive whose server is away
    service.take_photo("slow.png", 61)
    deadline = monotonic() + 3 * WATCHDOG_S
    service.box.until(lambda: monotonic() > deadline, "")
    assert json.loads(service.box.do(BIN / "photod-ctl", "status", "--json", user="ann"))["running"] is True
    service.switch("slow", on=False)
    service.until_scored(PICTURES / "slow.png")
    assert restarts(service) == 0


def test_a_deadlocked_folder_ends_in_a_watchdog_restart(impatient: Service) -> None:
    service = impatient
    service.switch("deadlock", on=True)
    service.take_photo("locked.png", 63)
    service.box.until(lambda: restarts(service) >= 1, "the watchdog did not bite")
    assert str(PICTURES) in service.records("EVENT=stuck")[-1]["SECONDS"]
    service.switch("deadlock", on=False)
    service.until_scored(PICTURES / "locked.png")


def test_a_stop_while_decoders_start_is_no_failure(service: Service) -> None:
    service.stop()
    service.switch("sluggish", on=True)
    service.take_photo("waiting.png", 64)
    service.box.do("systemctl", "start", "photod")
    status = ("systemctl", "status", "photod")
    service.box.until(lambda: "photod.intake.worker" in service.box.do(*status), "no decoder started")
    service.box.do("systemctl", "stop", "photod")
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    service.stop()


def test_a_device_that_fails_again_and_again_is_given_up_visibly(service: Service) -> None:
    """Each start waits longer than the one before; at the limit the unit is failed, and says so."""
    service.stop()
    service.box.write(f"{service.limits}", "[Unit]\nStartLimitBurst=3\n")
    service.box.do("systemctl", "daemon-reload")
    service.switch("fail", on=True)
    service.take_photo("failing.png", 70, count=4)  # one alone would be found guilty, and left out
    service.box.do("systemctl", "start", "photod")
    service.box.until(lambda: service.show("ActiveState") == "failed", "it was never given up")
    assert (service.show("ExecMainStatus"), restarts(service)) == ("69", 3)
    waits = [float(record["SECONDS"]) for record in service.records("EVENT=waiting")]
    assert waits == [0.2, 0.4]
    shown = service.box.run("systemctl", "status", "photod")
    assert shown.returncode == 3
    assert "Active: failed" in shown.stdout
    assert "status=69" in shown.stdout
    assert 'Status: "device cpu: switched off; switch it on"' in shown.stdout
    said = service.box.do("journalctl", "-u", "photod", "-o", "cat")
    assert "photod: device cpu: switched off; switch it on" in said
    assert "Start request repeated too quickly." in said
    service.stop()
    service.box.do("systemctl", "start", "photod")
    service.until_scored(PICTURES / "failing.png", PICTURES / "3failing.png")
