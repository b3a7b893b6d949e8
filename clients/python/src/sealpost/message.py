"""Messages that a lab has received."""

from functools import cached_property
from typing import Any, List, Optional, Tuple, cast
from urllib.parse import quote

from . import api_types as types
from .api import Api

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True


def _part(key: str, doc: str) -> Any:
    return property(lambda message: message._whole[key], doc=doc)


class Message:
    """A message. `facts` has everything that a list of the HTTP API shows; the rest is read at its first use."""

    text: str = _part("text", "The text. If it is very long, its beginning (262,144 characters).")
    links: List[types.MessageLink] = _part("links", "The links of the HTML, then those only in the text.")
    images: List[types.MessageImage] = _part("images", "The images that the HTML shows.")
    event: Optional[types.CalendarEvent] = _part("event", "The event of an invitation.")
    codes: List[str] = _part("codes", "The likely one-time codes, the most likely first.")
    attachments: List[types.Attachment] = _part("attachments", "The attached files and embedded images.")
    authentication: Optional[types.MessageAuthentication] = _part("authentication", "SPF, DKIM …, if the lab checks them.")

    def __init__(self, api: Api, facts: types.MessageSummary) -> None:
        self._api, self._path, self.facts = api, f"/messages/{quote(facts['id'], safe='')}", facts
        self.id, self.subject = facts["id"], facts["subject"]
        self.to = [one["address"] for one in facts["to"]]
        envelope = facts["envelope"] or {"from": "", "to": []}
        # RCPT TO, also of Bcc. Empty for a message that was not delivered, such as a draft.
        self.recipients = envelope["to"]
        self.sender = facts["from"]["address"] if facts["from"] else envelope["from"]

    @cached_property
    def _whole(self) -> types.Message:
        return cast(types.Message, self._api.request("GET", self._path))

    def link(self, words: str = "") -> str:
        """Returns the target of the first link whose words contain a text. Raises AssertionError that lists the links."""
        for one in self.links:
            if words.lower() in one["text"].lower():
                return one["href"]
        known = "".join(f"\n  {one['text']}: {one['href']}" for one in self.links)
        raise AssertionError(f"no link has the words {words!r}; the links are:{known or ' none'}")

    def content(self, attachment: types.Attachment) -> bytes:
        """Returns the decoded content of an attachment."""
        return cast(bytes, self._api.request("GET", f"{self._path}/parts/{quote(attachment['part'])}") or b"")

    @cached_property
    def html(self) -> Optional[str]:
        """The HTML as it was sent, or None."""
        if not self._whole["hasHtml"]:
            return None
        octets = self._api.request("GET", f"{self._path}/html", query={"source": "true"})
        return cast(bytes, octets or b"").decode()

    @cached_property
    def headers(self) -> List[Tuple[str, str]]:
        """The decoded header fields, in their order."""
        return [(one["name"], one["value"]) for one in self._api.request("GET", f"{self._path}/headers")["headers"]]

    def header(self, name: str) -> Optional[str]:
        """Returns the first header field with this name, in any case; None if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @cached_property
    def raw(self) -> bytes:
        """The message as it was received."""
        return cast(bytes, self._api.request("GET", f"{self._path}/raw"))

    @cached_property
    def session(self) -> Optional[types.Session]:
        """The session that delivered the message: `session["tls"]["version"]`, `session["user"]`."""
        found = self.facts["session"]
        return cast(types.Session, self._api.request("GET", f"/sessions/{quote(found, safe='')}")) if found else None

    def checks(self, check: Optional[str] = None) -> List[types.Finding]:
        """Returns what is wrong with the message: HTML support, links, accessibility, spam …"""
        answer = self._api.request("GET", f"{self._path}/checks", query={"check": check})
        return cast(List[types.Finding], answer["items"])

    def unsubscribe(self) -> types.UnsubscribeAnswer:
        """Unsubscribes by one click (RFC 8058): the lab sends the POST. Returns the answer of the server."""
        return cast(types.UnsubscribeAnswer, self._api.request("POST", f"{self._path}/unsubscribe", {}))

    def __repr__(self) -> str:
        return f"<Message {self.id} \"{self.subject}\" from {self.sender} to {', '.join(self.recipients)}>"
