"""A form that could not be taken because a service is missing: what was typed, ready to be sent again.

One page for every form there is. It asks no service for anything, so it comes whatever is down; what was chosen or
hidden in the form goes along unseen. Passwords are never sent back and have to be typed again.
"""

from collections.abc import Mapping

from upthread.errors import Unavailable, Unreached
from upthread.ui.language import message
from upthread.ui.views import View
from upthread.ui.visit import Visit

LINES: Mapping[str, str] = {
    "community": message("Community"),
    "name": message("Name"),
    "title": message("Title"),
    "link": message("Link"),
    "flair": message("Flair"),
    "email": message("E-mail"),
}
TEXTS: Mapping[str, str] = {
    "text": message("Text"),
    "body": message("Comment"),
    "description": message("Description"),
    "rules": message("Rules"),
    "bio": message("About you"),
}
PASSWORDS: Mapping[str, str] = {
    "password": message("Password"),
    "current": message("Present password"),
    "new": message("New password"),
}

NOT_DONE = message("The {service} service does not answer, so this was not done. Please send it again in a moment.")
PERHAPS_DONE = message(
    "The {service} service has not answered. It may have done this all the same: look before you send it again."
)


def explanation(visit: Visit, error: Unavailable) -> str:
    """What has become of a form, as far as that is known."""
    return visit.language.text(NOT_DONE if isinstance(error, Unreached) else PERHAPS_DONE, **error.parameters)


def form_again(visit: Visit) -> View:
    """The form that was sent, as the template takes it."""
    form, text = visit.form, visit.language.text
    typed = {name: form.values[name] for name in (*LINES, *TEXTS) if form[name]}
    return {
        "action": visit.path,
        "values": typed,
        "errors": {},
        "hidden": [
            (name, value)
            for name, values in form.lists.items()
            for value in values
            if name not in typed and name not in PASSWORDS
        ],
        "lines": [(name, text(label)) for name, label in LINES.items() if name in typed],
        "texts": [(name, text(label)) for name, label in TEXTS.items() if name in typed],
        "passwords": [(name, text(label)) for name, label in PASSWORDS.items() if name in form.values],
    }
