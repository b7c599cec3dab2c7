"""Lesson 3: the Shelf on Werkzeug, then on a framework of one's own."""

import inspect
import re
import runpy

import pytest
import werkzeug.serving
from conftest import YOUR_TURN
from contract import Contract, links
from werkzeug.routing import BuildError
from werkzeug.test import Client, create_environ, run_wsgi_app
from werkzeug.wrappers import Response

step = pytest.mark.step


def listed(html):
    """Return the titles in a page's list, links or not."""
    return re.findall(r"<li>(?:<a [^>]*>)?([^<]*)", html)


@pytest.fixture
def site(load):
    """A framework with no routes yet."""
    return load("framework").Framework()


@step(1)
def test_the_shelf_lists_its_books(visit, titles):
    """The address / must list the title of every book in BOOKS, each in <li>."""
    response = visit("/")
    assert response.status == "200 OK"
    assert response.text, "The page is empty: does a function end without `return`?"
    assert listed(response.text) == titles


@step(1)
def test_the_query_string_chooses_titles(visit, titles):
    """/?q= and a title must list that title: give `search` what request.args has under "q"."""
    assert listed(visit("/", query_string={"q": titles[-1]}).text) == [titles[-1]]


@step(1)
def test_the_page_is_whole(visit):
    """`page` must return doctype, title, heading and body, each on a line, with a line's end."""
    html = visit("/", query_string={"q": "no such title"}).text
    head = "<!doctype html>\n<title>The Shelf</title>\n<h1>The Shelf</h1>\n"
    assert html == head + "<ul>\n\n</ul>\n"


@step(1)
def test_each_title_stands_on_a_line(visit, titles):
    """`book_list` must put <ul>, each <li> and </ul> on a line of its own."""
    lines = visit("/").text.splitlines()
    assert lines[3] == "<ul>"
    for line in lines[4:-1]:
        assert re.fullmatch("<li>.*</li>", line)
    assert lines[-1] == "</ul>"
    assert len(lines) == 5 + len(titles)


@step(1)
def test_a_server_may_leave_the_query_string_out(app, titles):
    """With no QUERY_STRING in `environ`, / must list every book: use request.args.get("q", "")."""
    environ = create_environ("/")
    del environ["QUERY_STRING"]
    body, status, _ = run_wsgi_app(app, environ)
    assert status == "200 OK"
    assert listed(b"".join(body).decode()) == titles


@step(1)
def test_the_response_says_what_it_is(visit):
    """Content-Type must be text/html; charset=utf-8: Response(..., mimetype="text/html")."""
    assert visit("/").headers.get("Content-Type", "") == "text/html; charset=utf-8"


@step(1)
def test_head_gets_no_body(visit):
    """HEAD must get the headers alone: return response(environ, start_response)."""
    assert visit("/", method="HEAD").data == b""


@step(2)
def test_each_title_links_to_its_book(visit, books):
    """Each title in the list must link to what urls.build makes for that book's number."""
    assert [href for href, _ in links(visit("/").text)] == [f"/books/{n}" for n in books]


@step(2)
def test_each_book_has_its_page(visit, books):
    """/books/<int:number> must lead to book_page, which shows the title and, in <p>, the author.
    (The list, at every address? The adapter must be bound to the environ.)"""
    for number, book in books.items():
        lines = visit(f"/books/{number}").text.splitlines()
        assert lines[1:3] == [f"<title>{book['title']}</title>", f"<h1>{book['title']}</h1>"]
        assert re.fullmatch(f'<p>by <a href="[^"]*">{book["author"]}</a></p>', lines[3])


@step(2)
def test_a_book_leads_to_its_author(visit, books):
    """The link on a book's page must lead to a page that lists the author's books."""
    for number, book in books.items():
        [(href, _)] = links(visit(f"/books/{number}").text)
        response = visit(href)
        assert f"<h1>{book['author']}</h1>" in response.text
        assert book["title"] in listed(response.text)


@step(2)
def test_links_know_the_prefix(visit, books):
    """Below a prefix every link must begin with it: build it with the request's adapter."""
    for path in ("/", f"/books/{next(iter(books))}", "/authors/A.%20Nobody"):
        response = visit(path, base_url="http://localhost/shelf")
        assert response.status == "200 OK"
        found = links(response.text)
        assert found
        for href, _ in found:
            assert href.startswith("/shelf/"), f"This link does not begin with /shelf/: {href}"


@step(3)
def test_a_book_that_is_missing_is_404(visit, books):
    """The page of a number that is not in BOOKS must be 404: raise NotFound(). What makes the page,
    from step 6 on `not_found`, must say status=404."""
    assert visit(f"/books/{max(books) + 1}").status == "404 NOT FOUND"


@step(3)
def test_an_author_with_no_books_is_404(visit):
    """The page of an author who has no book here must be 404: raise NotFound()."""
    assert visit("/authors/Nobody%20Else").status == "404 NOT FOUND"


@step(3)
def test_an_address_without_a_rule_is_404(visit):
    """An address that fits no rule must be 404: catch HTTPException around match()."""
    for path in ("/nowhere", "/books/emma", "/books/", "/authors/A/B"):
        assert visit(path).status == "404 NOT FOUND", path


@step(3)
def test_a_method_without_a_rule_is_405(visit, books):
    """POST must be 405, and Allow must name GET and HEAD: let the rules allow GET only. (A page of
    your own for 405 keeps Allow if it begins with what `error.get_response()` returns.)"""
    for path in ("/", f"/books/{next(iter(books))}", "/authors/A.%20Nobody"):
        response = visit(path, method="POST")
        assert response.status == "405 METHOD NOT ALLOWED"
        assert set(response.allow) == {"GET", "HEAD"}


@step(3)
def test_an_unknown_address_is_404_for_every_method(visit):
    """POST to an address that is not there must be 404, not 405: the map looks at both."""
    assert visit("/nowhere", method="POST").status == "404 NOT FOUND"


@pytest.fixture
def served(load, folder, monkeypatch):
    """The arguments that `python serve.py` gives to run_simple."""
    calls, real = [], werkzeug.serving.run_simple

    def run_simple(hostname, port, application, **options):
        try:
            inspect.signature(real).bind(hostname, port, application, **options)
        except TypeError as error:
            raise TypeError(f"run_simple() {error}") from None
        calls.append((hostname, port, application, options))

    monkeypatch.setattr("werkzeug.serving.run_simple", run_simple)
    monkeypatch.setattr("werkzeug.run_simple", run_simple)
    application = load("app").application
    runpy.run_path(str(folder / "serve.py"), run_name="__main__")
    assert len(calls) == 1, "serve.py must call run_simple once"
    return application, *calls[0]


@step(4)
def test_the_server_stays_on_this_machine(served):
    """serve.py must listen on 127.0.0.1, and on no address that others can reach."""
    assert served[1] == "127.0.0.1"


@step(4)
def test_the_server_listens_on_this_lessons_port(served):
    """serve.py must listen on port 8003, a number."""
    assert served[2] == 8003


@step(4)
def test_the_server_is_given_the_application(served):
    """serve.py must give run_simple the application of app.py itself, not the result of a call."""
    same = served[3] is served[0]
    assert same, "run_simple was given something else."


@step(4)
def test_the_server_has_reloader_and_debugger(served):
    """serve.py must switch on both use_reloader and use_debugger."""
    is_on = {name: served[4].get(name) is True for name in ("use_reloader", "use_debugger")}
    assert is_on == {"use_reloader": True, "use_debugger": True}


@step(4)
def test_the_server_answers_several_at_a_time(served):
    """serve.py must give run_simple threaded=True: a browser may hold one connection and wait."""
    is_on = {"threaded": served[4].get("threaded") is True}
    assert is_on == {"threaded": True}


@step(5)
def test_a_route_leads_to_its_view(site):
    """A view below @app.route must answer for its rule, with the values from the address."""

    @site.route("/shelves/<int:number>")
    def shelf(request, number):
        return f"shelf {number!r} for {request.args['who']}"

    @site.route("/")
    def door(request):
        return "the door"

    assert Client(site).get("/shelves/3?who=Emma").text == "shelf 3 for Emma"
    assert Client(site).get("/").text == "the door"


@step(5)
def test_a_decorator_returns_the_function(site):
    """Both decorators must return the function they were given: a name must not become None."""

    def view(request):
        return ""

    kept = {"route": site.route("/")(view) is view}
    kept["errorhandler"] = site.errorhandler(404)(view) is view
    assert kept == {"route": True, "errorhandler": True}


@step(5)
def test_a_string_is_sent_as_html(site):
    """A string that a view returns must be sent with status 200 as text/html."""
    site.route("/")(lambda request: "雪")
    response = Client(site).get("/")
    assert response.status == "200 OK"
    assert response.headers.get("Content-Type", "") == "text/html; charset=utf-8"
    assert response.text == "雪"


@step(5)
def test_a_response_is_sent_as_it_is(site):
    """A Response that a view returns must be sent as it is."""
    site.route("/")(lambda request: Response("made", status=201, mimetype="text/plain"))
    response = Client(site).get("/")
    assert (response.status, response.mimetype) == ("201 CREATED", "text/plain")


@step(5)
def test_a_route_takes_its_methods(site):
    """A route must take GET and HEAD alone, or the methods that it is given."""

    @site.route("/read")
    def read(request):
        return "read"

    @site.route("/write", methods=["POST"])
    def write(request):
        return "written"

    client = Client(site)
    assert client.head("/read").status == "200 OK"
    assert client.post("/read").status == "405 METHOD NOT ALLOWED"
    assert client.post("/write").text == "written"
    assert client.get("/write").status == "405 METHOD NOT ALLOWED"


@step(5)
def test_a_view_can_build_addresses(site):
    """Every request must have an adapter in `urls`, made by bind_to_environ."""

    @site.route("/shelves/<int:number>")
    def shelf(request, number):
        return request.urls.build("shelf", {"number": number + 1})

    assert Client(site).get("/shelves/3", base_url="http://localhost/a").text == "/a/shelves/4"


@step(5)
def test_an_error_handler_answers(site):
    """A handler must be called with the request and the error, and its answer must be sent."""

    @site.errorhandler(404)
    def not_found(request, error):
        return Response(f"{request.path} {error.code}", status=error.code)

    response = Client(site).get("/nowhere")
    assert (response.status, response.text) == ("404 NOT FOUND", "/nowhere 404")


@step(5)
def test_an_error_without_a_handler_answers_itself(site):
    """An HTTP exception with no handler for its code must be sent as the answer."""
    site.route("/")(lambda request: "")
    site.errorhandler(404)(lambda request, error: "gone")
    assert Client(site).post("/").status == "405 METHOD NOT ALLOWED"
    assert Client(site).get("/nowhere").text == "gone"


@step(5)
def test_other_exceptions_leave_the_app(site):
    """An exception that is no HTTP exception must leave the app: the debugger shows it."""

    @site.route("/")
    def view(request):
        return request.urls.build("no such endpoint")

    with pytest.raises(BuildError):
        Client(site).get("/")


@step(5)
def test_two_apps_share_nothing(site, load):
    """Each object of Framework must have routes and handlers of its own: make them in __init__."""
    other = load("framework").Framework()
    other.route("/")(lambda request: "other")
    other.errorhandler(404)(lambda request, error: "other")
    site.route("/")(lambda request: "this")
    assert Client(site).get("/").text == "this"
    assert Client(other).get("/").text == "other"
    assert Client(site).get("/nowhere").status == "404 NOT FOUND"


@step(6)
class TestContract(Contract):
    """The app answers as every layer's must."""


@step(6)
def test_the_shelf_runs_on_the_framework(app, load):
    """`application` in app.py must be an object made from Framework."""
    assert isinstance(app, load("framework").Framework)


@step(6)
def test_the_404_page_has_words_of_its_own(visit, books):
    """not_found must answer 404 as text/html, with a page titled Not found that says so."""
    for path in ("/nowhere", f"/books/{max(books) + 1}"):
        response = visit(path)
        assert response.status == "404 NOT FOUND"
        assert response.headers.get("Content-Type", "") == "text/html; charset=utf-8"
        heading = "<!doctype html>\n<title>Not found</title>\n<h1>Not found</h1>\n"
        assert response.text == heading + "<p>No such page on the Shelf.</p>\n"


@step(YOUR_TURN)
def test_the_titles_are_there_as_text(visit, titles):
    """/titles.txt must answer with each title and a line's end, as text/plain."""
    response = visit("/titles.txt")
    assert response.status == "200 OK"
    assert response.headers.get("Content-Type", "") == "text/plain; charset=utf-8"
    assert response.text == "".join(f"{title}\n" for title in titles)


@step(YOUR_TURN)
def test_the_405_page_has_words_of_its_own(visit):
    """POST must get the page Method not allowed, still with status 405 and the header Allow."""
    response = visit("/", method="POST")
    assert response.status == "405 METHOD NOT ALLOWED"
    assert set(response.allow) == {"GET", "HEAD"}
    assert response.headers.get("Content-Type", "") == "text/html; charset=utf-8"
    heading = "<!doctype html>\n<title>Method not allowed</title>\n<h1>Method not allowed</h1>\n"
    assert response.text == heading + "<p>You can only read here.</p>\n"
