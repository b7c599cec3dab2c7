from urllib.parse import parse_qs, quote

from shelf import BOOKS, by_author, search


def page(title, body):
    """Return a whole HTML page."""
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{body}\n"


def link(environ, path, text):
    """Return an HTML link to a path of this app."""
    address = quote(environ["SCRIPT_NAME"] + path)
    return f'<a href="{address}">{text}</a>'


def book_list(environ, books):
    """Return books as an HTML list, each title a link."""
    items = [
        f"<li>{link(environ, f'/books/{number}', book['title'])}</li>"
        for number, book in books.items()
    ]
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


def list_page(environ):
    """Show the books that the query string asks for, or all."""
    query = parse_qs(environ["QUERY_STRING"])
    words = query.get("q", [""])[0]
    return page("The Shelf", book_list(environ, search(words)))


def book_page(environ, number):
    """Show one book."""
    book = BOOKS[number]
    author = link(environ, f"/authors/{book['author']}", book["author"])
    return page(book["title"], f"<p>by {author}</p>")


def author_page(environ, author):
    """Show the books of one author."""
    return page(author, book_list(environ, by_author(author)))


def path_of(environ):
    """Return the path that was asked for, as text."""
    return environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")


def answer(environ):
    """Return status, HTML and extra headers for a request."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        html = page("Method not allowed", "<p>You can only read here.</p>")
        return "405 Method Not Allowed", html, [("Allow", "GET, HEAD")]
    match path_of(environ).split("/"):
        case ["", ""]:
            return "200 OK", list_page(environ), []
        case ["", "books", number] if number in map(str, BOOKS):
            return "200 OK", book_page(environ, int(number)), []
        case ["", "authors", author] if by_author(author):
            return "200 OK", author_page(environ, author), []
    return "404 Not Found", page("Not found", "<p>No such page on the Shelf.</p>"), []


def application(environ, start_response):
    """Answer a request, the WSGI way."""
    status, html, headers = answer(environ)
    body = html.encode("utf-8")
    headers += [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
