"""Finds every text of the site that is to be translated, and brings the catalogues along: `make messages`.

New messages appear untranslated in `src/upthread/ui/locale/<language>/messages.po`; a test fails until they are done.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from upthread.ui.language import LANGUAGES, catalogue

SOURCE = Path(__file__).parents[1] / "src" / "upthread"
METHODS = [("**.py", "python"), ("ui/templates/**.html", "jinja2")]
OPTIONS = {"**.html": {"trimmed": "true"}}
ERRORS = ("Invalid", "SignInNeeded", "Forbidden", "NotFound", "Conflict", "Gone", "RateLimited", "Unavailable")
KEYWORDS = {
    "_": None,
    "text": None,
    "message": None,
    "ngettext": (1, 2),
    "plural": (1, 2),
    "redirect": (2,),
    "welcome": (4,),
    **dict.fromkeys(ERRORS, None),
}
"""Calls that take a message, and at which place where that is not the first."""


def messages_in_use() -> Catalog:
    """Every message in code and templates, with the files it is used in."""
    found = Catalog(project="Upthread", charset="utf-8", fuzzy=False)
    for file, _line, ids, _comments, _context in extract_from_dir(SOURCE, METHODS, OPTIONS, keywords=KEYWORDS):
        if ids and ids[0]:
            found.add(ids, locations=[(f"src/upthread/{file}", 0)])
    return found


def main() -> None:
    """Add what is new to each catalogue and drop what is no longer used."""
    in_use = messages_in_use()
    for code in list(LANGUAGES)[1:]:
        known = catalogue(code)
        known.update(in_use, no_fuzzy_matching=True)
        known.obsolete.clear()
        text = BytesIO()
        write_po(text, known, width=120, include_lineno=False, sort_by_file=True)
        (SOURCE / "ui" / "locale" / code / "messages.po").write_bytes(text.getvalue())


if __name__ == "__main__":
    main()
