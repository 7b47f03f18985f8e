"""`photod init --uninstall`, after all tests of the machine's service."""

from systemd_box import BIN
from systemd_service import DROPINS, PICTURES, SWITCHES, Service


def test_uninstalling_leaves_the_scores_and_nothing_else(service: Service) -> None:
    box = service.box
    box.do("rm", "-f", DROPINS / "90-test.conf", DROPINS / "95-test.conf")
    box.do(BIN / "photod", "init", "--system", "--uninstall", "--yes")
    assert box.run("systemctl", "status", "photod").returncode == 4  # no such unit
    left = box.do("find", "/etc", "-name", "*photod*").split()
    assert left == [str(SWITCHES)]
    box.do("test", "-f", PICTURES / ".photod/photos.db")
