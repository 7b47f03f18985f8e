"""The daemon as a process, with a fake scorer: `python fake_daemon.py CONFIG`. Logs go to standard error as JSON.

CHECK_S in the environment hurries up what happens every quarter of a minute.
"""

import os
import signal
import sys
from pathlib import Path

from fake_scorer import FakeScorer
from photod.config import load_config
from photod.daemon import Daemon
from photod.logs import configure_logs
from photod.watch import folder, observer

if __name__ == "__main__":
    folder.CHECK_S = observer.CHECK_S = float(os.environ.get("CHECK_S", folder.CHECK_S))
    config = load_config(Path(sys.argv[1]))
    configure_logs(config.log.level, config.log.format)
    daemon = Daemon(config, load=FakeScorer().load)
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    daemon.run()
