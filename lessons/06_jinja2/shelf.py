"""The books on the Shelf. Nothing in here knows about the web."""

BOOKS = {
    1: {"title": "Emma", "author": "Jane Austen"},
    2: {"title": "Jane Eyre", "author": "Charlotte Brontë"},
    3: {"title": "L’Île mystérieuse", "author": "Jules Verne"},
}


def search(words):
    """Return the books with these words in the title, by number."""
    wanted = words.casefold()
    return {n: book for n, book in BOOKS.items() if wanted in book["title"].casefold()}


def by_author(author):
    """Return the books of one author, by number."""
    return {n: book for n, book in BOOKS.items() if book["author"] == author}
