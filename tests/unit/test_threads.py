"""What ends a thread, and what that means for the others."""

from photod.channel import Closed
from photod.threads import Crew


def test_the_first_failure_is_kept_and_told_once_and_a_closed_channel_is_none() -> None:
    told: list[BaseException | None] = []
    crew = Crew(on_failure=lambda: told.append(crew.failure))
    for error in (Closed(), first := OSError("first"), SystemExit(), KeyError("it follows from the first")):

        def fail(error: BaseException = error) -> None:
            raise error

        crew.start("failing", fail).join(10)
    assert crew.failure is first
    assert told == [first]
