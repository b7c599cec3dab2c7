"""Lesson 8: cookies, the session, its key, messages, and pictures from strangers."""

import importlib
import json
from pathlib import Path
from wsgiref.validate import validator

import pytest
from conftest import YOUR_TURN
from contract import Middleware, Numbered
from contract_forms import Forms, Shared, SharedChecks
from contract_pages import Pages
from contract_sessions import (
    Covers,
    Leaving,
    Messages,
    Names,
    Replaced,
    Visited,
    another,
    come_with,
    cookie,
    greeting,
    send,
    token,
)
from werkzeug.test import Client

step = pytest.mark.step


@step(1)
class TestMiddleware(Middleware, Numbered):
    """middleware.py must be lesson 2's finished one."""


@step(1)
class TestPages(Pages):
    """What the app could do in lesson 6, and still can."""


@step(1)
class TestForms(Forms, Shared, SharedChecks):
    """What the app could do when you copied it, and still can."""


@pytest.fixture
def count(load):
    """Visit the counter with a header Cookie, and return what it says and hands out."""
    client = Client(validator(load("counter").counter), use_cookies=False)

    def count(sent=None):
        headers = {} if sent is None else {"Cookie": sent}
        with client.get("/", headers=headers) as response:
            return response.status_code, response.text, response.headers.getlist("Set-Cookie")

    return count


def visit_number(number):
    """Return what the counter answers at a visit."""
    return 200, f"Visit number {number}\n", [f"visits={number}"]


@step(1)
def test_the_first_visit_has_number_one(count):
    """Without a cookie, the counter must say Visit number 1, and hand out visits=1."""
    assert count() == visit_number(1)
    assert count() == visit_number(1)


@step(1)
def test_a_visitor_is_counted(count, chance):
    """With the cookie that was handed out, the next visit must have the next number."""
    number = chance.randrange(2, 10_000)
    assert count(f"visits={number}") == visit_number(number + 1)
    assert count("visits=999999") == visit_number(1_000_000)


@step(1)
def test_a_visitor_may_bring_other_cookies(count, chance):
    """Other cookies before and behind `visits` must not disturb it, with or without a =."""
    number = chance.randrange(2, 10_000)
    assert count(f"colour=red; visits={number}; session=a.b=c==") == visit_number(number + 1)
    assert count(f"odd; visits={number}") == visit_number(number + 1)
    assert count("colour=5; my-visits=7") == visit_number(1)


@step(1)
def test_whatever_is_no_number_counts_as_none(count):
    """A cookie that is no number of up to six digits must count as none, and not fail."""
    nonsense = ["often", "", "-5", "1_0", " 7", "7.5", "²", "٣", "1000000", "9" * 5000, "7\u2028"]
    found = {each: count(f"visits={each}") for each in nonsense}
    assert found == {each: visit_number(1) for each in nonsense}
    assert count("visits") == visit_number(1)
    assert count("=; ;;=") == visit_number(1)


@step(2)
class TestNames(Names):
    """The Shelf remembers a name."""


@step(2)
def test_the_cookie_is_read_without_the_key(load, visit):
    """`payload` must return the text of a session's cookie: the token's other half, the name."""
    payload = load("read_cookie").payload
    session = cookie(send(visit, "/readers/me", name="Zoë"))
    assert json.loads(payload(session))["name"] == "Zoë"
    assert payload("eyJuYW1lIjoiQm9iIn0") == '{"name":"Bob"}'
    assert payload("eyJuYW1lIjoiQm9iIn0.a.b") == '{"name":"Bob"}'


@step(2)
def test_a_packed_cookie_is_read_too(load, app, chance):
    """A cookie that begins with a dot is packed: `payload` must unpack it."""
    text = "雪" * chance.randrange(200, 400)
    serializer = app.session_interface.get_signing_serializer(app)
    session = serializer.dumps({"text": text})
    assert session.startswith(".")
    assert json.loads(load("read_cookie").payload(session)) == {"text": text}


@step(3)
class TestLeaving(Leaving):
    """What ends a session, and to whom its cookie is sent."""


@step(3)
def test_each_response_renews_the_cookie(visit):
    """Once a name is remembered, the session must be permanent: each response renews it."""
    send(visit, "/readers/me", name="Ann")
    for path in ("/", "/static/style.css", "/newest"):
        assert "Expires=" in visit(path).headers.get("Set-Cookie", ""), path


@pytest.fixture
def restart(load, monkeypatch):
    """Start the app again, with these keys in its environment."""

    def restart(key="", old=""):
        monkeypatch.setenv("SHELF_KEY", key)
        monkeypatch.setenv("SHELF_OLD_KEYS", old)
        app = importlib.reload(load("app")).app
        app.testing = True
        return app

    return restart


@pytest.fixture
def keys(chance):
    """Three keys."""
    return [chance.randbytes(8).hex() for _ in range(3)]


@step(4)
def test_the_key_comes_from_the_environment(restart, keys):
    """The key must come from SHELF_KEY: with the same one, a restart must forget nobody."""
    session = cookie(send(another(restart(keys[0])), "/readers/me", name="Ann"))
    assert greeting(come_with(restart(keys[0]), session).text) == "Ann"
    assert restart(keys[1]).config["SECRET_KEY"] == keys[1]


@step(4)
def test_another_key_forgets_everybody(restart, keys):
    """With another SHELF_KEY, and no fallback, old sessions must count for nothing."""
    session = cookie(send(another(restart(keys[0])), "/readers/me", name="Ann"))
    assert greeting(come_with(restart(keys[1]), session).text) == "Your name"


@step(4)
def test_without_a_key_each_start_makes_one(restart, load, monkeypatch):
    """Without SHELF_KEY, or with an empty one, each start must make a long key of its own."""
    made = [restart().config["SECRET_KEY"], restart().config["SECRET_KEY"]]
    monkeypatch.delenv("SHELF_KEY")
    monkeypatch.delenv("SHELF_OLD_KEYS")
    made.append(importlib.reload(load("app")).app.config["SECRET_KEY"])
    assert len(set(made)) == 3
    assert [each for each in made if len(each) < 32] == []


@step(4)
def test_old_keys_still_read(restart, keys):
    """Keys in SHELF_OLD_KEYS, with spaces between, must still count when a session is read."""
    sessions = [
        cookie(send(another(restart(key)), "/readers/me", name=name))
        for key, name in zip(keys, ("Ann", "Bo", "Cy"), strict=True)
    ]
    app = restart(keys[2], old=f"{keys[0]} {keys[1]}")
    assert [greeting(come_with(app, each).text) for each in sessions] == ["Ann", "Bo", "Cy"]
    app = restart(keys[2], old=keys[1])
    assert [greeting(come_with(app, each).text) for each in sessions] == ["Your name", "Bo", "Cy"]


@step(4)
def test_the_new_key_signs(restart, keys):
    """What is written must be signed with SHELF_KEY: old keys must only read."""
    session = cookie(send(another(restart(keys[0])), "/readers/me", name="Ann"))
    renewed = cookie(come_with(restart(keys[1], old=keys[0]), session))
    assert greeting(come_with(restart(keys[1]), renewed).text) == "Ann"
    assert greeting(come_with(restart(keys[0]), renewed).text) == "Your name"


@step(4)
def test_no_old_keys_are_a_list_too(restart, keys, load, monkeypatch):
    """Without SHELF_OLD_KEYS, SECRET_KEY_FALLBACKS must be an empty list."""
    assert restart(keys[0]).config["SECRET_KEY_FALLBACKS"] == []
    monkeypatch.delenv("SHELF_OLD_KEYS")
    assert importlib.reload(load("app")).app.config["SECRET_KEY_FALLBACKS"] == []


@step(4)
def test_a_form_that_was_open_is_offered_again(restart, keys):
    """A form from before the change of keys must be refused once, and be taken the next time."""
    before = another(restart(keys[0]))
    page = before("/readers/me")
    sent = {"name": "Ann", "csrf_token": token(lambda _: page)}
    client = Client(restart(keys[1], old=keys[0]), use_cookies=False)
    headers = {"Cookie": f"session={cookie(page)}"}
    refused = client.post("/readers/me", data=sent, headers=headers)
    assert refused.status_code == 422
    assert 'value="Ann"' in refused.text
    sent["csrf_token"] = token(lambda _: refused)
    assert client.post("/readers/me", data=sent, headers=headers).status_code == 303


@step(5)
class TestMessages(Messages):
    """A word across the redirect."""


@step(5)
def test_the_message_travels_in_the_cookie(load, visit):
    """A message must wait in the session, where its reader can read it."""
    session = cookie(send(visit, "/readers/me", name="Ann"))
    message = json.loads(load("read_cookie").payload(session))["_flashes"]
    assert message == [{" t": ["message", "Welcome, Ann."]}]


@step(6)
class TestCovers(Covers):
    """Pictures from strangers."""


@step(6)
def test_covers_are_kept_in_the_instance_folder(app):
    """Covers belong into the folder `covers` of the instance folder, not into `static`."""
    assert Path(app.config["COVERS"]) == Path(app.instance_path) / "covers"


@step(YOUR_TURN)
class TestVisited(Visited):
    """The first task."""


@step(YOUR_TURN)
class TestReplaced(Replaced):
    """The second task."""


@step(YOUR_TURN)
def test_remove_deletes_a_file(load, tmp_path):
    """`remove(name, folder)` must delete that file, and not mind if it is gone."""
    for name in ("old.png", "new.png"):
        (tmp_path / name).touch()
    remove = load("covers").remove
    for _ in range(2):
        remove("old.png", str(tmp_path))
        assert [each.name for each in tmp_path.iterdir()] == ["new.png"]
