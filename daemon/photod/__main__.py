"""Where `photod` begins: with what can be done before its parts are imported."""

from photod.interrupts import ended_by_ctrl_c


def main() -> None:
    """Import the program, and run it."""
    with ended_by_ctrl_c():
        from photod import program
    program.main()


if __name__ == "__main__":
    main()
