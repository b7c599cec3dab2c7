"""Send the Shelf what nobody should, and print how it answers."""

from io import BytesIO

from app import app

TITLES = {
    "an empty title": "",
    "only spaces": "   ",
    "no title": [],
    "two titles": ["Nana", "Nord"],
    "201 letters": "x" * 201,
    "10 MB": "x" * 10_000_000,
    "a NUL": "Na\0na",
    "right to left": "\u202eNana",
    "an emoji": "📚",
    "not UTF-8": b"Bront\xeb",
    "a file": (BytesIO(b"Nana"), "nana.txt"),
}

app.config["WTF_CSRF_ENABLED"] = False
app.logger.setLevel("CRITICAL")
client = app.test_client()
for what, title in TITLES.items():
    response = client.post("/books/new", data={"title": title, "author": "Stranger"})
    print(response.status_code, what)
print(client.post("/books/new", data={"title": "Nana", "author": "a/b"}).status_code, "a slash")
print(client.post("/books/new", json={"title": 7}).status_code, "JSON")
