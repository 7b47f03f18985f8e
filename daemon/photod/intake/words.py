"""Words that come out of photos and libraries, made fit to be shown."""


def one_line(text: str, longest: int = 240) -> str:
    """One line of printable characters: a photo must not speak to a terminal, forge a log line, or break SQLite."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:longest]
