"""Somebody who looks at the site with a browser of their own, and notices everything that goes wrong on the way."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    WebError,
)

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALLEST: ViewportSize = {"width": 320, "height": 640}
"""WCAG 1.4.10: pages have to fit without scrolling sideways down to this width."""
PASSWORD = "correct horse battery"
LEFT = "net::ERR_ABORTED"
"""What Chromium says of requests that were still under way when one went on to another page."""
RELOADS = 100
REFUSAL = "Failed to load resource: the server responded with a status of"
"""How Chromium's console begins to tell of a status that :meth:`Visitor._note_response` knows already."""


@dataclass(frozen=True)
class Site:
    """A running site."""

    url: str
    behind_proxy: bool
    """Whether it believes X-Forwarded-For and X-Forwarded-Proto."""


@dataclass
class Visitor:
    """A browser context with one page. What goes wrong in it is kept in ``troubles``, which a test ends with."""

    browser: Browser
    site: Site
    address: str
    """Where they come from: the site counts sign-ups by address."""
    javascript: bool = True
    scheme: Literal["light", "dark"] = "light"
    size: ViewportSize = field(default_factory=lambda: DESKTOP)
    locale: str = "en-GB"
    expects: Iterable[int] = ()
    """Statuses of 400 and above that are no trouble."""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: Sequence[Any] = ()
    """What the browser remembers from before."""
    ignores_policy: bool = False
    """Whether the browser is one that knows no Content-Security-Policy."""
    name: str = ""
    """Of the account, once there is one."""
    troubles: list[str] = field(default_factory=list)
    forgiven: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        headers = {"X-Forwarded-For": self.address} | self.headers if self.site.behind_proxy else self.headers
        phone = self.size["width"] < 600
        self.context = self.browser.new_context(
            base_url=self.site.url,
            java_script_enabled=self.javascript,
            color_scheme=self.scheme,
            viewport=self.size,
            is_mobile=phone,
            has_touch=phone,
            locale=self.locale,
            extra_http_headers=headers,
            bypass_csp=self.ignores_policy,
        )
        self.context.add_cookies(self.cookies)
        self.expected = set(self.expects)
        self.context.on("console", self._note_console)
        self.context.on("weberror", self._note_error)
        self.context.on("request", self._note_request)
        self.context.on("requestfailed", self._note_failure)
        self.context.on("response", self._note_response)
        self.context.on("dialog", self._note_dialog)
        self.page: Page = self.context.new_page()

    # what goes wrong

    def forgives(self, pattern: str) -> None:
        """Take no notice of troubles that this matches, because the test makes them."""
        self.forgiven.append(re.compile(pattern))

    def unforgiven(self) -> list[str]:
        """The troubles that nobody asked for."""
        return [trouble for trouble in self.troubles if not any(one.search(trouble) for one in self.forgiven)]

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSAL):
            self.troubles.append(f"console: {message.text}")

    def _note_error(self, error: WebError) -> None:
        self.troubles.append(f"uncaught: {error.error}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.site.url}/", "data:")):
            self.troubles.append(f"asked elsewhere: {request.url}")

    def _note_failure(self, request: Request) -> None:
        if request.failure != LEFT:
            self.troubles.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.troubles.append(f"refused: {response.request.method} {response.url}: {response.status}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    # what they do

    def open(self, path: str, status: int = 200) -> Page:
        """Go to an address, which answers with this status."""
        if status >= 400:
            self.expected.add(status)
        response = self.page.goto(path)
        assert response is not None, path
        assert response.status == status, f"{path}: {response.status}"
        return self.page

    def open_until(self, path: str, text: str) -> Page:
        """Open an address again and again until it shows this text: news between services take a moment."""
        for _ in range(RELOADS):
            page = self.open(path)
            if page.get_by_text(text).count():
                return page
        raise AssertionError(f"{path} does not come to show {text!r}")

    def send(self, path: str, **fields: str) -> str:
        """Send a form without looking at its page, to come to the point of a test. The path it led to."""
        answer = self.context.request.post(path, form={**fields}, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.url.removeprefix(self.site.url)

    def sign_up(self, name: str) -> "Visitor":
        """Have an account from now on."""
        self.send("/signup", name=name, password=PASSWORD)
        self.name = name
        return self

    def press(self, label: str, *, within: Locator | None = None) -> None:
        """Press the button with this label."""
        (within or self.page.locator("main")).get_by_role("button", name=label, exact=True).click()

    def leave(self) -> None:
        """Close the browser."""
        try:
            self.context.close()
        except Error as error:
            self.troubles.append(f"could not close: {error}")
