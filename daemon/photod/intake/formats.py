"""Which names are photos, and what the first bytes of a file say about it."""

import re

# ".jps" are two views side by side, ".insp" Insta360's JPEGs.
_DECODED_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jps", ".insp", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif",
    ".bmp", ".dib", ".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs", ".jp2", ".j2k", ".j2c", ".jpc",
    ".jpf",
)  # fmt: skip
_RAW_SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mef",
    ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw",
    ".x3f",
)  # fmt: skip
# A user calls these photos too: they are listed as unscoreable, with the reason, instead of being overlooked.
_UNDECODED_SUFFIXES = (
    ".jxl", ".jxr", ".wdp", ".hdp", ".jpx", ".jpm", ".psd", ".psb", ".exr", ".pcd", ".tga", ".ptx", ".eip", ".bay",
)  # fmt: skip
PHOTO_SUFFIXES = frozenset((*_DECODED_SUFFIXES, *_RAW_SUFFIXES, *_UNDECODED_SUFFIXES))
_USUAL_ENDINGS = frozenset(
    spelled for suffix in PHOTO_SUFFIXES if len(suffix) == 4 for spelled in (suffix, suffix.upper())
)

_RAW_MAGIC: tuple[tuple[int, bytes], ...] = (
    (8, b"CR\x02"),  # Canon CR2, a TIFF
    (6, b"HEAPCCDR"),  # Canon CRW
    (4, b"ftypcrx "),  # Canon CR3
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIRO"),  # Olympus
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\x00"),  # Panasonic, Leica
    (0, b"\x00MRM"),  # Minolta
    (0, b"FOVb"),  # Sigma
    (0, b"ARRI"),
)
_PHASE_ONE_MAGIC = re.compile(rb"(?:II\*\0.{4}IIII.waR|MM\0\*.{4}MMMMRaw)", re.DOTALL)  # a TIFF, too
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_DECODED_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_UNDECODED_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"\x00\x00\x01\x00", "Windows icon"),
    (0, b"DDS ", "DirectDraw surface"),
    (0, b"gimp xcf", "GIMP"),
    (2048, b"PCD_IPI", "Photo CD"),
)
_STRANGER_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a Windows program"),
    (0, b"SQLite format 3", "an SQLite database"),
    (4, b"ftyp", "a film"),
    (4, b"moov", "a film"),
    (0, b"\x1aE\xdf\xa3", "a film"),
    (8, b"AVI ", "a film"),
    (0, b"FLV\x01", "a film"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a film or music of Windows Media"),
    (0, b"\x00\x00\x01\xba", "a film"),  # MPEG
    (0, b"ID3", "music"),
    (0, b"<?xml", "XML"),
    (0, b"<svg", "SVG"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"\x00\x05\x16\x07", "an AppleDouble companion"),
)
_REASONS = (
    (_UNDECODED_MAGIC, "{} is not supported"),
    (_STRANGER_MAGIC, "not a picture: the file starts like {}"),
)


def is_photo_name(name: str) -> bool:
    """Whether a file of this name is one that photod considers. Asked about every file at every look."""
    if name[-4:] in _USUAL_ENDINGS:
        return len(name) > 4
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and dot + suffix.lower() in PHOTO_SUFFIXES


def sniff(head: bytes) -> str | None:
    """The name of the decodable format that a file starting with `head` claims to be."""
    if head[4:8] == b"ftyp":
        brands = {head[at : at + 4] for at in range(8, min(len(head), 64), 4)}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        return "HEIF" if brands & _HEIF_BRANDS else None
    return _match(_DECODED_MAGIC, head)


def has_raw_magic(head: bytes) -> bool:
    """Whether the first bytes alone show a camera's RAW file (many are TIFF inside: see `raw`)."""
    if _PHASE_ONE_MAGIC.match(head):
        return True
    return any(head[at : at + len(magic)] == magic for at, magic in _RAW_MAGIC)


def explain(head: bytes, size: int) -> str:
    """Why a file that no decoder took is not scored, for the person whose file it is.

    `head`: at least the first 64 bytes, better 4096; `size`: of the whole file.
    """
    if size == 0:
        return "the file is empty"
    if not any(head):
        return "unfinished: the file starts with zeros"
    if has_raw_magic(head):
        return "this RAW file is damaged or of an unknown camera"
    if name := sniff(head):
        return f"damaged {name}, or of a kind that is not supported"
    for table, reason in _REASONS:
        if name := _match(table, head):
            return reason.format(name)
    return "not a picture, or in a format that is not supported"


def _match(table: tuple[tuple[int, bytes, str], ...], head: bytes) -> str | None:
    return next((name for at, magic, name in table if head[at : at + len(magic)] == magic), None)
