"""Words of libraries, made short enough to be told. No torch here: nothing may have been loaded yet."""


def first_line(error: BaseException) -> str:
    """What an error says, without the pages that follow; where it says nothing, what it is."""
    said = str(error).strip()
    if said:
        return said.splitlines()[0]
    return "out of memory" if isinstance(error, MemoryError) else type(error).__name__
