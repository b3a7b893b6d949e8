"""A running lab."""

import os
import ssl
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Callable, List, Literal, Mapping, Optional, Sequence, Union, cast
from urllib.parse import quote, urlsplit

from . import api_types as types
from .api import Api, ApiError, LabError
from .message import Message

if TYPE_CHECKING:
    from typing_extensions import Unpack

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True
_DEFAULT_URL = "http://localhost:8025"
_PortOf = Callable[[int], int]
_Stop = Callable[[], object]
# Not None, which is a mistake of the caller: any message would match.
_ANY = cast(str, object())


def _port(key: str, doc: str) -> Any:
    return property(lambda server: server._open(key), doc=f"{doc}. Raises LabError if it is closed.")


class Server:
    """A virtual server: where clients of a protocol connect."""

    port: int = _port("port", "The port that begins in clear text, with STARTTLS or STLS")
    tls_port: int = _port("tlsPort", "The port with implicit TLS")

    def __init__(self, facts: types.VirtualServer, host: str, port_of: _PortOf) -> None:
        self.facts, self.host, self._port_of = facts, host, port_of
        self.id, self.name, self.protocol = facts["id"], facts["name"], facts["protocol"]

    def _open(self, key: Literal["port", "tlsPort"]) -> int:
        port = self.facts[key]
        if port is None:
            raise LabError(f"{self.name} has no {key}")
        return self._port_of(port)


class Fault(AbstractContextManager["Fault"]):
    """A fault that the lab injects, until `remove()`, the end of a `with` block, or a reset."""

    def __init__(self, api: Api, facts: types.Fault) -> None:
        self._api, self._path = api, f"/faults/{quote(facts['id'] or '', safe='')}"

    @property
    def hits(self) -> int:
        """How often the fault has happened."""
        return cast(types.Fault, self._api.request("GET", self._path))["hits"]

    def remove(self) -> None:
        """Removes the fault. Has no effect if it does not exist any more."""
        try:
            self._api.request("DELETE", self._path)
        except ApiError as error:
            if error.status != 404:
                raise

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


def _first(protocol: str) -> Any:
    doc = f"The first virtual server of {protocol}. Raises ApiError if there is none."
    return property(lambda lab: lab.server(protocol), doc=doc)


class Lab(AbstractContextManager["Lab"]):
    """A client of a running lab: `Lab("http://localhost:8025")`. `start()` returns one, too."""

    smtp: Server = _first("smtp")
    pop3: Server = _first("pop3")
    imap4: Server = _first("imap4")
    nntp: Server = _first("nntp")

    def __init__(self, url: str = "", token: str = "", *, port_of: _PortOf = int, stop: Optional[_Stop] = None) -> None:
        """The default of `url` is SEALPOST_URL, or else http://localhost:8025; that of `token` is SEALPOST_TOKEN.

        `port_of` returns the port of the host for one of a container. `stop` ends the lab; `close()` calls it.
        """
        self.url = url or os.environ.get("SEALPOST_URL") or _DEFAULT_URL
        self.host = urlsplit(self.url).hostname or ""
        if not self.host:
            raise ValueError(f"{self.url} is no URL of a lab; write it like {_DEFAULT_URL}")
        self._api = Api(self.url, token or os.environ.get("SEALPOST_TOKEN"))
        self._port_of, self._stop = port_of, stop
        # Sends a request to any other operation: `lab.request("GET", "/accounts")`. `query` has its parameters.
        self.request = self._api.request
        # Undoes the changes of the lab.
        self._undo = ExitStack()
        self.clock = Clock(self._api, self._undo)

    def wait_for_message(self, to: str = _ANY, *, timeout: float = 10, **more: "Unpack[types.MessageFilter]") -> Message:
        """Waits for a message that matches, and that no earlier wait has returned. It may have arrived before.

        `to` is a whole address or the user name of an account; `from_`, `subject` and `text` are parts of the field;
        `query` is a search. `timeout` is in seconds. Raises WaitTimeout, which says what arrived instead.
        """
        return Message(self._api, cast(types.MessageSummary, self._wait("/wait", to, timeout, more)))

    def assert_nothing_sent(self, to: str = _ANY, *, timeout: float = 2, **more: "Unpack[types.MessageFilter]") -> None:
        """Checks that no mail was sent since the start or the last reset; without arguments, also none that was refused.

        Waits until no client is about to send, at most `timeout` seconds. Await the program under test first.
        Raises SomethingSent, or WaitTimeout if a client does not finish.
        """
        self._wait("/assert-nothing-sent", to, timeout, more)

    def _wait(self, path: str, to: str, timeout: float, more: Mapping[str, object]) -> Any:
        given = {**more} if to is _ANY else {"to": to, **more}
        body = {**{key.rstrip("_"): value for key, value in given.items()}, "timeout": round(timeout * 1000)}
        # The time-out of the lab comes first, and says what arrived.
        return self._api.request("POST", path, body, timeout=timeout + 30)

    def messages(self, query: Optional[str] = None, *, account: Optional[str] = None, limit: int = 50) -> List[Message]:
        """Returns the newest messages that a search finds. A wait can still return them."""
        return [Message(self._api, one) for one in self._items("/messages", query=query, account=account, limit=limit)]

    def deliver(self, message: Union[EmailMessage, bytes], to: Union[str, Sequence[str]], sender: str = "") -> None:
        """Delivers a message without SMTP, for example for a test of a program that reads mail."""
        content = message if isinstance(message, bytes) else message.as_bytes()
        query = {"to": to if isinstance(to, str) else ",".join(to), "from": sender}
        self._api.request("POST", "/messages/import", content, query=query)

    def sessions(
        self, *, protocol: Optional[str] = None, user: Optional[str] = None, failed: bool = False, limit: int = 50
    ) -> List[types.Session]:
        """Returns the sessions, the newest first. `refusals` says why commands, log-ons and handshakes were refused."""
        only = "true" if failed else None
        return cast(List[types.Session], self._items("/sessions", protocol=protocol, user=user, failed=only, limit=limit))

    def servers(self) -> List[Server]:
        """Returns all virtual servers."""
        return [Server(one, self.host, self._port_of) for one in self._items("/virtual-servers")]

    def server(self, server: str) -> Server:
        """Returns the first virtual server with this protocol, name or id. Raises ApiError that lists them."""
        found = self._api.request("GET", f"/virtual-servers/{quote(server, safe='')}")
        return Server(found, self.host, self._port_of)

    @property
    def root_pem(self) -> str:
        """The root certificates of the lab in PEM."""
        return cast(bytes, self._api.request("GET", "/authorities/roots")).decode()

    def ssl_context(self) -> ssl.SSLContext:
        """Returns a context that verifies servers against the roots of the lab, and their host names."""
        return ssl.create_default_context(cadata=self.root_pem)

    def add_fault(self, when: types.NewFaultWhen, do: types.NewFaultDo, **more: "Unpack[types.NewFault]") -> Fault:
        """Adds a fault: `lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"}, times=1)`."""
        fault = Fault(self._api, self._api.request("POST", "/faults", {"when": when, "do": do, **more}))
        self._undo.callback(fault.remove)
        return fault

    def faults(self) -> List[types.Fault]:
        """Returns all faults, those of the configuration included."""
        return cast(List[types.Fault], self._items("/faults"))

    def use_certificate(self, server: str, name: str = "", **choice: "Unpack[types.CertificateChoice]") -> None:
        """Serves another certificate until a reset of this lab or its `close()`, which change the configuration back.

        One of the store by its friendly name, one with a `defect`, or a `variant`; otherwise one that the lab issues.
        """
        if len(choice) + bool(name) > 1:
            raise TypeError("use_certificate: give one of defect, variant and name")
        found = self.server(server)
        configured = self._api.request("GET", "/configuration")["configuration"]["virtualServers"]
        before = next(one["certificate"] for one in configured if one["name"] == found.name)
        path = f"/virtual-servers/{found.id}"
        # A merge patch removes a key that is null (RFC 7396).
        self._undo.callback(self._api.request, "PATCH", path, {"certificate": None if before == "auto" else before})
        self._api.request("PATCH", path, {"certificate": name or choice or "auto"})

    def issue_certificate(self, server: str, **request: "Unpack[types.NewCertificate]") -> str:
        """Issues a certificate that the server uses from now on, also after a reset. Returns its friendly name."""
        answer = self._api.request("POST", "/certificates", {**request, "for": self.server(server).name})
        if answer["state"] != "issued":
            raise LabError(f"the authority {answer['authority']} has not issued the certificate: it is {answer['state']}")
        return cast(str, answer["friendlyName"])

    def certificates(self) -> List[types.Certificate]:
        """Returns the certificates in the store of the lab."""
        return cast(List[types.Certificate], self._items("/certificates"))

    def reset(self) -> None:
        """Deletes messages, sessions and faults, and returns the clock and the certificates to the state before the tests."""
        self._api.request("POST", "/reset", {})
        self._undo.close()

    def _items(self, path: str, **query: object) -> Any:
        return self._api.request("GET", path, query=query)["items"]

    def close(self) -> None:
        """Stops the lab if this program has started it. Otherwise removes the faults and restores clock and certificates."""
        (self._stop or self._undo.close)()

    def __exit__(self, *_: object) -> None:
        self.close()
