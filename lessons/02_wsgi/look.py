KEYS = ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH"]


def look(environ, start_response):
    """Show what the server tells an application about the request."""
    lines = [f"{key} is {environ.get(key)!r}\n" for key in KEYS]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    lines.append(f"wsgi.input holds {environ['wsgi.input'].read(length)!r}\n")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [line.encode("utf-8") for line in lines]
