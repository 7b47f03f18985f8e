"""Photos on their way: what a look sees of them meanwhile, and what could not be read."""

from photod.photos import Candidate, Facts, Fingerprint, Judged, KnownPhoto, Passed, Scored
from photod.watch.flight import Flight

PHOTO = Candidate("/f", "d/a.jpg", Fingerprint(1, 2, 3, 4))
SCORED = Judged(PHOTO, Scored("aa", Facts(1, 1), 5.0, b""), duplicate=False)


def test_a_photo_that_a_look_showed_otherwise_is_looked_at_again_and_only_once() -> None:
    flight = Flight()
    for photos, again in (
        ({KnownPhoto(PHOTO.path, *PHOTO.fingerprint)}, False),
        ({KnownPhoto(PHOTO.path, 9, 9, 9, 9)}, True),
        (set(), True),
        ({KnownPhoto(PHOTO.path, *PHOTO.fingerprint)}, False),
    ):
        flight.begin(PHOTO)
        flight.listed("d", photos, {})
        assert flight.finish(SCORED) is again


def test_what_could_not_be_read_is_no_trouble_once_it_is_scored_or_its_directory_is_gone() -> None:
    flight = Flight()
    for end in (lambda: flight.finish(SCORED), lambda: flight.keep_only(lambda directory: directory != "d")):
        flight.begin(PHOTO)
        flight.finish(Passed(PHOTO, "unreadable", "Input/output error"))
        assert flight.unreadable() == [("d/a.jpg", "Input/output error")]
        flight.begin(PHOTO)
        end()
        assert flight.unreadable() == []
