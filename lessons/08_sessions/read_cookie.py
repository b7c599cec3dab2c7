"""Read what is in a session's cookie."""

import sys
import zlib
from base64 import urlsafe_b64decode


def payload(cookie):
    """Return the text that a session's cookie holds."""
    text = cookie.lstrip(".").partition(".")[0]
    packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return (zlib.decompress(packed) if cookie.startswith(".") else packed).decode()


if __name__ == "__main__":
    print(payload(sys.argv[1]))
