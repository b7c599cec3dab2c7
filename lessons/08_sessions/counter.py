"""A page that counts its visits, in a cookie that the visitor keeps."""

import re


def cookies_in(environ):
    """Return the cookies that the visitor sent, by name."""
    pairs = environ.get("HTTP_COOKIE", "").split("; ")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def counter(environ, start_response):
    """Greet a visitor, and hand out a cookie with the number of visits."""
    sent = cookies_in(environ).get("visits", "")
    visits = int(sent) + 1 if re.fullmatch("[0-9]{1,6}", sent) else 1
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Set-Cookie", f"visits={visits}"),
    ]
    start_response("200 OK", headers)
    return [f"Visit number {visits}\n".encode()]
