"""Pictures of covers, in a folder from which nothing is served by itself."""

import secrets
from pathlib import Path

ENDINGS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpeg"}


def ending_of(upload):
    """Return the file name ending for a picture by its first bytes, None for anything else."""
    start = upload.stream.read(8)
    upload.stream.seek(0)
    for first_bytes, ending in ENDINGS.items():
        if start.startswith(first_bytes):
            return ending


def save(upload, folder):
    """Store a picture under a name that the visitor has no say in, and return the name."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    name = secrets.token_hex(8) + ending_of(upload)
    upload.save(Path(folder) / name)
    return name


def remove(name, folder):
    """Delete a picture, if it is there."""
    (Path(folder) / name).unlink(missing_ok=True)
