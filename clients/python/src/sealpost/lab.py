"""A running lab."""

import os
import ssl
from contextlib import ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union, cast
from urllib.parse import urlsplit

from . import api_types as types
from .api import Api, segment
from .errors import ApiError, LabError
from .message import Message

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True

_DEFAULT_URL = "http://localhost:8025"
_NOT_FOUND = 404
# More than the lab waits: its own time-out says what arrived.
_ANSWER_TIME_S = 30.0


def _listed(texts: Union[str, Sequence[str]]) -> List[str]:
    return [texts] if isinstance(texts, str) else list(texts)


class _Any:
    """The default of a filter. None is a mistake of the caller and matches no message."""


_ANY = _Any()
_Text = Union[str, _Any]


def _filter(method: str, timeout: float, wanted: Mapping[str, object]) -> Dict[str, object]:
    """Returns the body of a request that selects messages. Raises TypeError for None: any message would match."""
    given = {key: value for key, value in wanted.items() if value is not _ANY}
    for key, value in given.items():
        if value is None:
            raise TypeError(f"{method}: {key} is None; leave it out to match any message")
    return {**given, "timeout": round(timeout * 1000)}


class Server:
    """A virtual server: where clients of a protocol connect."""

    def __init__(self, facts: types.VirtualServer, host: str, port_of: Callable[[int], int]) -> None:
        self.facts, self.host, self._port_of = facts, host, port_of
        self.id, self.name, self.protocol = facts["id"], facts["name"], facts["protocol"]

    @property
    def port(self) -> int:
        """The port that begins in clear text, with STARTTLS or STLS. Raises LabError if it is closed."""
        return self._open("port", self.facts["port"])

    @property
    def tls_port(self) -> int:
        """The port with implicit TLS. Raises LabError if it is closed."""
        return self._open("tls_port", self.facts["tlsPort"])

    def _open(self, kind: str, port: Optional[int]) -> int:
        if port is None:
            raise LabError(f"{self.name} has no {kind}")
        return self._port_of(port)


class Fault:
    """A fault that the lab injects, until `remove()`, the end of a `with` block, or a reset."""

    def __init__(self, api: Api, facts: types.Fault) -> None:
        self._api, self._path = api, f"/faults/{segment(facts['id'] or '')}"

    @property
    def hits(self) -> int:
        """How often the fault has happened."""
        return cast(types.Fault, self._api.request("GET", self._path))["hits"]

    def remove(self) -> None:
        """Removes the fault. Has no effect if it does not exist any more."""
        try:
            self._api.request("DELETE", self._path)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Clock:
    """The clock of the lab: certificates and dates follow it, time-outs do not."""

    def __init__(self, api: Api, undo: ExitStack) -> None:
        self._api, self._undo = api, undo

    @property
    def now(self) -> datetime:
        """The time of the lab, in UTC."""
        facts = cast(types.Clock, self._api.request("GET", "/clock"))
        return datetime.fromisoformat(facts["now"].replace("Z", "+00:00"))

    def advance(self, by: Union[timedelta, str]) -> None:
        """Goes forward: `timedelta(days=40)` or `"40d"`."""
        self._change(advance=f"{round(by.total_seconds() * 1000)}ms" if isinstance(by, timedelta) else by)

    def set(self, now: Union[datetime, str]) -> None:
        """Sets the time: a datetime with a time zone, or RFC 3339."""
        if isinstance(now, datetime) and now.tzinfo is None:
            raise ValueError("clock.set: the time has no time zone; add tzinfo=timezone.utc")
        self._change(now=now.isoformat() if isinstance(now, datetime) else now)

    def freeze(self) -> None:
        """Stops the clock until resume() or a reset."""
        self._change(frozen=True)

    def resume(self) -> None:
        """Lets a stopped clock go on."""
        self._change(frozen=False)

    def reset(self) -> None:
        """Returns to the time of the machine."""
        self._api.request("PATCH", "/clock", {"reset": True})

    def _change(self, **change: object) -> None:
        self._undo.callback(self.reset)
        self._api.request("PATCH", "/clock", change)


class Lab:
    """A client of a running lab: `Lab("http://localhost:8025")`. `start()` and `start_container()` return one, too."""

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        *,
        port_of: Callable[[int], int] = lambda port: port,
        stop: Optional[Callable[[], object]] = None,
    ) -> None:
        """The default of `url` is SEALPOST_URL, or else http://localhost:8025; that of `token` is SEALPOST_TOKEN.

        `port_of` returns the port of the host for one of a container. `stop` ends the lab; `close()` calls it.
        """
        self.url = url or os.environ.get("SEALPOST_URL") or _DEFAULT_URL
        self.host = urlsplit(self.url).hostname or ""
        if not self.host:
            raise ValueError(f"{self.url} is no URL of a lab; write it like {_DEFAULT_URL}")
        self._api = Api(self.url, token or os.environ.get("SEALPOST_TOKEN"))
        self._port_of, self._stop = port_of, stop
        # Undoes the changes of the lab that a reset of the lab itself leaves, or that its end makes superfluous.
        self._undo = ExitStack()
        self.clock = Clock(self._api, self._undo)

    def wait_for_message(
        self,
        to: _Text = _ANY,
        *,
        from_: _Text = _ANY,
        subject: _Text = _ANY,
        text: _Text = _ANY,
        query: _Text = _ANY,
        account: _Text = _ANY,
        folder: _Text = _ANY,
        newsgroup: _Text = _ANY,
        since: _Text = _ANY,
        captured: Union[bool, _Any] = _ANY,
        timeout: float = 10,
    ) -> Message:
        """Waits for a message that matches, and that no earlier wait has returned. It may have arrived before.

        `to` is a whole address or the user name of an account; `from_`, `subject` and `text` are parts of the field;
        `query` is a search such as `is:unread "an invoice"`. `timeout` is in seconds.
        Raises WaitTimeout, which says what arrived instead.
        """
        texts = {"to": to, "from": from_, "subject": subject, "text": text, "query": query, "account": account}
        more = {"folder": folder, "newsgroup": newsgroup, "since": since, "captured": captured}
        body = _filter("wait_for_message", timeout, {**texts, **more})
        found = self._api.request("POST", "/wait", body, timeout=timeout + _ANSWER_TIME_S)
        return Message(self._api, cast(types.MessageSummary, found))

    def assert_nothing_sent(
        self, to: _Text = _ANY, *, from_: _Text = _ANY, subject: _Text = _ANY, text: _Text = _ANY, timeout: float = 2
    ) -> None:
        """Checks that no mail was sent since the start or the last reset; without arguments, also none that was refused.

        Waits until no client is about to send, at most `timeout` seconds. Await the program under test first.
        Raises SomethingSent, or WaitTimeout if a client does not finish.
        """
        texts = {"to": to, "from": from_, "subject": subject, "text": text}
        body = _filter("assert_nothing_sent", timeout, texts)
        self._api.request("POST", "/assert-nothing-sent", body, timeout=timeout + _ANSWER_TIME_S)

    def messages(self, query: Optional[str] = None, *, account: Optional[str] = None, limit: int = 50) -> List[Message]:
        """Returns the newest messages that a search finds. A wait can still return them."""
        answer = self._api.request("GET", "/messages", query={"query": query, "account": account, "limit": limit})
        return [Message(self._api, one) for one in cast(List[types.MessageSummary], answer["items"])]

    def deliver(self, message: Union[EmailMessage, bytes], to: Union[str, Sequence[str]], sender: str = "") -> None:
        """Delivers a message without SMTP, for example for a test of a program that reads mail."""
        content = message if isinstance(message, bytes) else message.as_bytes()
        self._api.request("POST", "/messages/import", query={"to": ",".join(_listed(to)), "from": sender}, content=content)

    def sessions(
        self, *, protocol: Optional[str] = None, user: Optional[str] = None, failed: bool = False, limit: int = 50
    ) -> List[types.Session]:
        """Returns the sessions, the newest first. `refusals` says why commands, log-ons and handshakes were refused."""
        query = {"protocol": protocol, "user": user, "failed": failed, "limit": limit}
        return cast(List[types.Session], self._api.request("GET", "/sessions", query=query)["items"])

    def servers(self) -> List[Server]:
        """Returns all virtual servers."""
        items = cast(List[types.VirtualServer], self._api.request("GET", "/virtual-servers")["items"])
        return [Server(one, self.host, self._port_of) for one in items]

    def server(self, server: str) -> Server:
        """Returns the first virtual server with this protocol, name or id. Raises LabError that lists them."""
        servers = self.servers()
        found = next((one for one in servers if server in (one.protocol, one.name, one.id)), None)
        if found:
            return found
        known = ", ".join(f"{one.protocol} ({one.name})" for one in servers)
        raise LabError(f"there is no virtual server {server}; there are: {known}")

    @property
    def smtp(self) -> Server:
        """The first SMTP virtual server. Raises LabError if there is none."""
        return self.server("smtp")

    @property
    def pop3(self) -> Server:
        """The first POP3 virtual server. Raises LabError if there is none."""
        return self.server("pop3")

    @property
    def imap4(self) -> Server:
        """The first IMAP4 virtual server. Raises LabError if there is none."""
        return self.server("imap4")

    @property
    def nntp(self) -> Server:
        """The first NNTP virtual server. Raises LabError if there is none."""
        return self.server("nntp")

    @property
    def root_pem(self) -> str:
        """The root certificates of the lab in PEM."""
        return cast(bytes, self._api.request("GET", "/authorities/roots")).decode()

    def ssl_context(self) -> ssl.SSLContext:
        """Returns a context that verifies servers against the roots of the lab, and their host names."""
        return ssl.create_default_context(cadata=self.root_pem)

    def add_fault(
        self,
        when: types.NewFaultWhen,
        do: types.NewFaultDo,
        *,
        times: Optional[int] = None,
        skip: Optional[int] = None,
        name: Optional[str] = None,
    ) -> Fault:
        """Adds a fault: `lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"}, times=1)`."""
        more = {"times": times, "skip": skip, "name": name}
        body = {"when": when, "do": do, **{key: value for key, value in more.items() if value is not None}}
        fault = Fault(self._api, cast(types.Fault, self._api.request("POST", "/faults", body)))
        self._undo.callback(fault.remove)
        return fault

    def faults(self) -> List[types.Fault]:
        """Returns all faults, those of the configuration included."""
        return cast(List[types.Fault], self._api.request("GET", "/faults")["items"])

    def use_certificate(
        self,
        server: str,
        *,
        defect: Optional[types.CertificateDefect] = None,
        variant: Optional[types.CertificateVariant] = None,
        name: Optional[str] = None,
    ) -> None:
        """Serves another certificate from the next handshake on, until a reset of this lab or its `close()`.

        One with a defect, one of an unusual kind, or one of the store by its friendly name; otherwise one that the lab
        issues. The lab changes its configuration, and a reset changes it back.
        """
        choices: List[Any] = [{"defect": defect}] if defect else []
        choices += ([{"variant": variant}] if variant else []) + ([name] if name else [])
        if len(choices) > 1:
            raise TypeError("use_certificate: give one of defect, variant and name")
        path = f"/virtual-servers/{segment(self.server(server).id)}"
        before = self._certificate_setting(server)
        self._undo.callback(self._api.request, "PATCH", path, {"certificate": before})
        self._api.request("PATCH", path, {"certificate": (choices or ["auto"])[0]})

    def _certificate_setting(self, server: str) -> object:
        """Returns the setting in the configuration; None for the default, as a merge patch removes keys (RFC 7396)."""
        name = self.server(server).name
        configured = self._api.request("GET", "/configuration")["configuration"]["virtualServers"]
        setting = next(one["certificate"] for one in configured if one["name"] == name)
        return None if setting == "auto" else setting

    def issue_certificate(self, server: str, *, names: Union[str, Sequence[str]] = (), **request: Union[str, int]) -> str:
        """Issues a certificate that the server uses from now on, also after a reset. Returns its friendly name.

        `request` has the keys of `certificates.issue`: `key="p384"`, `days=90`, `commonName="mail.example"`.
        """
        body = {**request, "for": self.server(server).name, **({"names": _listed(names)} if names else {})}
        answer = self._api.request("POST", "/certificates", body)
        if answer["state"] != "issued":
            raise LabError(f"the authority {answer['authority']} has not issued the certificate: it is {answer['state']}")
        return cast(str, answer["friendlyName"])

    def certificates(self) -> List[types.Certificate]:
        """Returns the certificates in the store of the lab."""
        return cast(List[types.Certificate], self._api.request("GET", "/certificates")["items"])

    def reset(self) -> None:
        """Deletes messages, sessions and faults, and returns the clock and the certificates to the state before the tests."""
        self._api.request("POST", "/reset", {})
        self._undo.close()

    def request(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, **options: Any) -> Any:
        """Sends a request to any other operation: `lab.request("GET", "/accounts")`. `query` has its parameters."""
        return self._api.request(method, path, body, **options)

    def close(self) -> None:
        """Stops the lab if this program has started it. Otherwise removes the faults and restores clock and certificates."""
        (self._stop or self._undo.close)()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
