import io

import pytest
from PIL import Image, PngImagePlugin

from photod.intake.decode import decode_photo
from photod.intake.metadata import camera_name, from_exif, parse_date
from photod.photos import Facts, InputSpec
from pictures import encode

DATE_TIME, ORIGINAL, DIGITIZED, MAKE, MODEL, ORIENTATION, EXIF = (
    0x0132, 0x9003, 0x9004, 0x010F, 0x0110, 0x0112, 0x8769,
)  # fmt: skip


def facts_of(tags: dict[int, object], inner: dict[int, object] | None = None, kind: str = "JPEG") -> Facts:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    exif.get_ifd(EXIF).update(inner or {})
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, kind, exif=exif)
    return decode_photo(file.getvalue(), InputSpec(), 10**6).facts


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_date_and_camera_are_found_in_every_format(kind: str) -> None:
    facts = facts_of({MAKE: "Canon", MODEL: "EOS R5"}, {ORIGINAL: "2022:03:31 11:31:56"}, kind)
    assert facts == Facts(64, 48, "2022-03-31 11:31:56", "Canon EOS R5")


def test_date_and_camera_are_found_in_a_tiff() -> None:
    facts = facts_of({MAKE: "Canon", MODEL: "EOS R5", DATE_TIME: "2022:03:31 11:31:56"}, kind="TIFF")
    assert facts == Facts(64, 48, "2022-03-31 11:31:56", "Canon EOS R5")


def test_the_moment_of_the_shot_goes_before_those_of_its_copies() -> None:
    inner: dict[int, object] = {ORIGINAL: "2001:01:01 01:01:01", DIGITIZED: "2002:02:02 02:02:02"}
    assert facts_of({DATE_TIME: "2003:03:03 03:03:03"}, inner).taken_at == "2001-01-01 01:01:01"
    inner[ORIGINAL] = "0000:00:00 00:00:00"
    assert facts_of({DATE_TIME: "2003:03:03 03:03:03"}, inner).taken_at == "2002-02-02 02:02:02"
    assert facts_of({DATE_TIME: "2003:03:03 03:03:03"}).taken_at == "2003-03-03 03:03:03"


@pytest.mark.parametrize("unset", ["0000:00:00 00:00:00", "    :  :     :  :  ", ""])
def test_a_shot_whose_moment_is_unknown_was_not_taken_when_it_was_edited(unset: str) -> None:
    assert facts_of({DATE_TIME: "2019:03:03 03:03:03"}, {ORIGINAL: unset}).taken_at is None
    assert facts_of({DATE_TIME: "2019:03:03 03:03:03"}, {DIGITIZED: unset}).taken_at is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize(
    ("said", "date"),
    [
        (b'exif:DateTimeOriginal="1987-06-05T12:34:56.78+02:00"', "1987-06-05 12:34:56"),
        (b"photoshop:DateCreated = '1987-06-05'", "1987-06-05 00:00:00"),
        (b'photoshop:DateCreated="2001-01-01" exif:DateTimeOriginal="1987-06-05T12:34"', "1987-06-05 12:34:00"),
        (b'><photoshop:DateCreated>1987-06-05</photoshop:DateCreated', "1987-06-05 00:00:00"),
        (b'photoshop:DateCreated="1987"', None),
        (b'xmp:ModifyDate="1987-06-05T12:34:56"', None),
    ],
)  # fmt: skip
def test_a_date_may_be_in_the_xmp_alone(said: bytes, date: str | None, kind: str) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description ' + said + b"/></x:xmpmeta>"
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    options: dict[str, dict[str, object]] = {"PNG": {"pnginfo": text}, "TIFF": {"tiffinfo": {700: xmp}}}
    data = encode(Image.new("RGB", (64, 48)), kind, **options.get(kind, {"xmp": xmp}))
    assert decode_photo(data, InputSpec(), 10**6).facts.taken_at == date


def test_the_exif_of_a_shot_goes_before_its_xmp_and_that_before_an_edit() -> None:
    xmp = b'<x exif:DateTimeOriginal="1987-06-05"/>'
    exif = Image.Exif()
    exif[DATE_TIME] = "2003:03:03 03:03:03"
    assert from_exif(exif, xmp).taken_at == "1987-06-05 00:00:00"
    exif.get_ifd(EXIF)[ORIGINAL] = "2001:01:01 01:01:01"
    assert from_exif(exif, xmp).taken_at == "2001-01-01 01:01:01"


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2005:08:01 12:34", "2005-08-01 12:34:00"),
        ("2005:08:01", "2005-08-01 00:00:00"),
        ("2005:08:01   :  :  ", "2005-08-01 00:00:00"),
        ("2005:8:1 9:05:07", "2005-08-01 09:05:07"),
        ("2005:08: 1  9: 5: 7", "2005-08-01 09:05:07"),
        ("2005:08:       :  :  ", None),
        ("2005:08:01 12:34 o'clock", "2005-08-01 12:34:00"),
        ("2005:08:01 noon", None),
        ("2005:08:011", None),
        ("2005:08:01 25:00:00", None),
        ("1826:06:01 00:00:00", "1826-06-01 00:00:00"),
        ("1825:12:31 00:00:00", None),
        ("0001:01:01 00:00:00", None),
        ("2020:02:29 23:59:59", "2020-02-29 23:59:59"),
        ("2020-02-29T23:59:59+02:00", "2020-02-29 23:59:59"),
        (b"2020:02:29 23:59:59\0", "2020-02-29 23:59:59"),
        ("0000:00:00 00:00:00", None),
        ("2021:02:29 10:00:00", None),
        ("    :  :     :  :  ", None),
        ("", None),
        (None, None),
        (20200229, None),
        ("２０２０:01:01 00:00:00", None),
    ],
)
def test_dates_are_normal_or_absent(written: object, date: str | None) -> None:
    assert parse_date(written) == date


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 20D", "Canon EOS 20D"),
        ("NIKON CORPORATION", "NIKON D70s", "NIKON D70s"),
        ("EASTMAN KODAK COMPANY", "KODAK DC3400", "KODAK DC3400"),
        ("SAMSUNG", "SAMSUNG-SM-N900A", "SAMSUNG-SM-N900A"),
        ("Minolta Co., Ltd.", "DiMAGE A1", "Minolta Co., Ltd. DiMAGE A1"),
        ("SONY\0\0", "MAVICA\0 rest of the buffer", "SONY MAVICA"),
        ("", "X100", "X100"),
        ("Zenith", "Zen 1", "Zenith Zen 1"),
        ("Leica", "", "Leica"),
        ("Кодак".encode().decode("latin-1"), b"Easyshare \xc3\x9c", "Кодак Easyshare Ü"),
        ("Caméra", "Ü", "Caméra Ü"),
        (None, 7, None),
        ("Evil\x1b[31m", "Cam\nera\x07", "Evil [31m Cam era"),
        ("a\udcffb", "c", "a b c"),
        ("x" * 500, "", "x" * 120),
    ],
)
def test_cameras_are_named_once_and_cannot_speak_to_a_terminal(
    make: object, model: object, camera: str | None
) -> None:
    assert camera_name(make, model) == camera


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    assert facts_of({ORIENTATION: orientation}).width == 64


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0",
    ],
)
def test_broken_exif_never_costs_the_photo(exif: bytes) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG", exif=exif)
    assert decode_photo(file.getvalue(), InputSpec(), 10**6).facts.width in (64, 48)


def test_memory_that_runs_out_is_not_taken_for_broken_exif() -> None:
    class Hungry(Image.Exif):
        def get(self, *_: object) -> object:
            raise MemoryError

    with pytest.raises(MemoryError):
        from_exif(Hungry())
