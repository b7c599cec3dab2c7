from framework import Framework
from shelf import BOOKS, by_author, search
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

application = Framework()


def page(title, body):
    """Return a whole HTML page."""
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{body}\n"


def book_list(books, urls):
    """Return books as an HTML list, each title a link."""
    items = [
        f'<li><a href="{urls.build("book_page", {"number": number})}">{book["title"]}</a></li>'
        for number, book in books.items()
    ]
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


@application.route("/")
def list_page(request):
    """Show the books that match the query string, or all."""
    return page("The Shelf", book_list(search(request.args.get("q", "")), request.urls))


@application.route("/books/<int:number>")
def book_page(request, number):
    """Show one book."""
    if number not in BOOKS:
        raise NotFound()
    book = BOOKS[number]
    link = request.urls.build("author_page", {"author": book["author"]})
    return page(book["title"], f'<p>by <a href="{link}">{book["author"]}</a></p>')


@application.route("/authors/<author>")
def author_page(request, author):
    """Show the books of one author."""
    if not by_author(author):
        raise NotFound()
    return page(author, book_list(by_author(author), request.urls))


@application.route("/titles.txt")
def titles(request):
    """List the titles as plain text, one a line."""
    lines = [f"{book['title']}\n" for book in BOOKS.values()]
    return Response("".join(lines), mimetype="text/plain")


@application.errorhandler(404)
def not_found(request, error):
    """Answer an address that is not there."""
    html = page("Not found", "<p>No such page on the Shelf.</p>")
    return Response(html, status=404, mimetype="text/html")


@application.errorhandler(405)
def method_not_allowed(request, error):
    """Answer a method that the address does not take, and keep the header Allow."""
    response = error.get_response()
    response.set_data(page("Method not allowed", "<p>You can only read here.</p>"))
    return response
