"""How a child process ended, in words."""

import signal


def describe_exit(code: int) -> str:
    """`code` is that of `subprocess.Popen`: negative for a signal."""
    if code >= 0:
        return f"ended with code {code}"
    if -code == signal.SIGKILL:
        return "was killed (SIGKILL), as happens when the system runs out of memory"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:  # a real-time signal has no name
        return f"crashed (signal {-code})"
