"""What a file is: by its suffix if this is known, else by how it begins."""

from pathlib import Path
from typing import Literal

from degrade.sources import raw, scans, tiff, whole
from degrade.sources.base import PICTURES, VIDEO_SUFFIXES
from degrade.sources.video_index import ISO_BOXES

PROXIES = frozenset({".lrv", ".lrf", ".thm"})
"""Suffixes of the small copies that cameras write beside their films."""

NO_FOOTAGE = frozenset({
    ".7z", ".ale", ".aup", ".bin", ".cfg", ".csv", ".cube", ".db", ".doc", ".docx", ".edl", ".exe", ".flac", ".flo",
    ".gz", ".htm", ".html", ".ini", ".ipynb", ".json", ".jsonl", ".lock", ".log", ".m4a", ".md", ".md5", ".mp3",
    ".mxl", ".npy", ".npz", ".odt", ".pdf", ".pfm", ".pkl", ".pt", ".pth", ".py", ".rar", ".rtf", ".safetensors",
    ".sfv", ".sh", ".sha1", ".sha256", ".srt", ".tar", ".toml", ".tsv", ".txt", ".vtt", ".wav", ".xls", ".xlsx",
    ".xml", ".xmp", ".yaml", ".yml", ".zip",
})  # fmt: skip
"""Suffixes that are not tried."""

UNREAD = {
    b"\x80\x2a\x5f\xd7": "Cineon", b"8BPS": "PSD",
}  # fmt: skip
"""Pictures that are known and not read."""

RAW = "camera raw"

TRIED = ("video", "proxy", "")
"""Kinds of files that are opened as videos if they are named."""

_VIDEO = (
    b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"GIF8",
    b"\x06\x0e\x2b\x34", b"\x1f\x07\0", b".RMF", b"YUV4MPEG2", b"DKIF", b"OggS", b"\0\0\0\x01\x67", b"\0\0\0\x01\x09",
)  # fmt: skip
_PICTURE = (
    whole.PNG, whole.JPEG, *tiff.SIGNATURES, *scans.SIGNATURES,
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"BM", b"P4\n", b"P5\n", b"P6\n",
)  # fmt: skip

Content = Literal["picture", "video", "proxy", ""]


def content(path: Path) -> Content | str:
    """``picture``, ``video``, ``proxy``, the name of a format that is not read, or nothing if it is no footage.

    Raises:
        OSError: It cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "picture"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in PROXIES:
        return "proxy"
    if suffix in raw.SUFFIXES:
        return "picture" if raw.installed() else RAW
    if suffix in NO_FOOTAGE:
        return ""
    if suffix == ".tga":  # which has no signature
        return "picture"
    with path.open("rb") as file:
        return _by_signature(file.read(400))


def refusal(kind: str) -> str:
    """What is said of files of a format that is not read."""
    return raw.EXTRA if kind == RAW else f"{kind} files, which are not read"


def _by_signature(head: bytes) -> Content | str:
    if name := next((name for signature, name in UNREAD.items() if head.startswith(signature)), None):
        return name
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"crx "):
        return RAW if head[8:12] == b"crx " else "HEIF"
    if head[:4] == b"RIFF":
        return {b"AVI ": "video", b"WEBP": "picture"}.get(head[8:12], "")
    if head.startswith(_PICTURE):
        return "picture"
    packets = any(len(head) > at + 188 and head[at] == head[at + step] == 0x47 for at, step in ((0, 188), (4, 192)))
    return "video" if head.startswith(_VIDEO) or head[4:8] in ISO_BOXES or packets else ""
