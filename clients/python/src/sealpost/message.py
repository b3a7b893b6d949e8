"""Messages that a lab has received."""

from functools import cached_property
from typing import List, Optional, Tuple, cast

from . import api_types as types
from .api import Api, segment
from .errors import sender_of

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True


class Attachment:
    """A file in a message, or an embedded image."""

    def __init__(self, api: Api, message_id: str, facts: types.Attachment) -> None:
        self._api, self._path = api, f"/messages/{segment(message_id)}/parts/{segment(facts['part'])}"
        self.facts = facts
        self.filename = facts["filename"]
        self.content_type = facts["contentType"]
        self.disposition = facts["disposition"]
        self.cid = facts["cid"]
        self.size = facts["sizeOctets"]

    @cached_property
    def content(self) -> bytes:
        """The decoded content."""
        return cast(Optional[bytes], self._api.request("GET", self._path)) or b""


class Message:
    """A message. `facts` has everything that a list of the HTTP API shows; the rest is read at its first use."""

    def __init__(self, api: Api, facts: types.MessageSummary) -> None:
        self._api, self._path = api, f"/messages/{segment(facts['id'])}"
        self.facts = facts
        self.id = facts["id"]
        self.subject = facts["subject"]
        self.sender = sender_of(facts)
        self.to = [one["address"] for one in facts["to"]]
        # RCPT TO, also of Bcc. Empty for a message that was not delivered, such as a draft.
        self.recipients = facts["envelope"]["to"] if facts["envelope"] else []

    @cached_property
    def _whole(self) -> types.Message:
        return cast(types.Message, self._api.request("GET", self._path))

    @property
    def text(self) -> str:
        """The text. If it is very long, its beginning (262,144 characters)."""
        return self._whole["text"]

    @property
    def links(self) -> List[types.MessageLink]:
        """The links of the HTML, then those only in the text: `mail.links[0]["href"]`."""
        return self._whole["links"]

    def link(self, words: str = "") -> str:
        """Returns the target of the first link whose words contain a text. Raises AssertionError that lists the links."""
        found = next((one for one in self.links if words.lower() in one["text"].lower()), None)
        if found:
            return found["href"]
        known = "".join(f"\n  {one['text']}: {one['href']}" for one in self.links)
        raise AssertionError(f"no link has the words {words!r}; the links are:{known or ' none'}")

    @property
    def images(self) -> List[types.MessageImage]:
        """The images that the HTML shows."""
        return self._whole["images"]

    @property
    def event(self) -> Optional[types.CalendarEvent]:
        """The event of an invitation."""
        return self._whole["event"]

    @property
    def codes(self) -> List[str]:
        """The likely one-time codes, the most likely first."""
        return self._whole["codes"]

    @property
    def attachments(self) -> List[Attachment]:
        """The attached files and embedded images."""
        return [Attachment(self._api, self.id, one) for one in self._whole["attachments"]]

    @property
    def authentication(self) -> Optional[types.MessageAuthentication]:
        """SPF, DKIM, DMARC, ARC and BIMI, if the lab checks them."""
        return self._whole["authentication"]

    @cached_property
    def html(self) -> Optional[str]:
        """The HTML as it was sent, or None."""
        if not self._whole["hasHtml"]:
            return None
        octets = self._api.request("GET", f"{self._path}/html", query={"source": True})
        return cast(bytes, octets or b"").decode()

    @cached_property
    def headers(self) -> List[Tuple[str, str]]:
        """The decoded header fields, in their order."""
        answer = self._api.request("GET", f"{self._path}/headers")
        return [(one["name"], one["value"]) for one in answer["headers"]]

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
        return cast(types.Session, self._api.request("GET", f"/sessions/{segment(found)}")) if found else None

    def checks(self, check: Optional[str] = None) -> List[types.Finding]:
        """Returns what is wrong with the message: HTML support, links, accessibility, spam …"""
        answer = self._api.request("GET", f"{self._path}/checks", query={"check": check})
        return cast(List[types.Finding], answer["items"])

    def unsubscribe(self) -> types.UnsubscribeAnswer:
        """Unsubscribes by one click (RFC 8058): the lab sends the POST. Returns the answer of the server."""
        return cast(types.UnsubscribeAnswer, self._api.request("POST", f"{self._path}/unsubscribe", {}))

    def __repr__(self) -> str:
        return f"<Message {self.id} \"{self.subject}\" from {self.sender} to {', '.join(self.recipients)}>"
