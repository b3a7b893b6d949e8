"""Requests to the HTTP API."""

import json
from http.client import HTTPException
from typing import Any, Mapping, Optional
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from .errors import ApiError, LabError, SomethingSent, WaitTimeout

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True

# Labs are on this machine or in its network: a proxy for the web would not find them.
class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect: the token is for the lab only."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = build_opener(ProxyHandler({}), _NoRedirect)
_KINDS = {"wait-timeout": WaitTimeout, "something-sent": SomethingSent}
_DEFAULT_TIMEOUT_S = 60.0


class Api:
    """Sends requests to the operations of docs/api.md."""

    def __init__(self, url: str, token: Optional[str]) -> None:
        self.url = url.rstrip("/")
        self._token = token

    def request(
        self,
        method: str,
        path: str,
        body: Optional[Mapping[str, Any]] = None,
        *,
        query: Optional[Mapping[str, object]] = None,
        content: Optional[bytes] = None,
        timeout: float = _DEFAULT_TIMEOUT_S,
    ) -> Any:
        """Returns parsed JSON, or octets; None without content. `path` is below `/api/v1`.

        Raises ApiError if the lab rejects the request, LabError if it cannot be reached.
        """
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if content is not None:
            headers["Content-Type"] = "message/rfc822"
        elif body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        values = {key: _text(value) for key, value in (query or {}).items() if value is not None}
        url = f"{self.url}/api/v1{path}" + (f"?{urlencode(values)}" if values else "")
        try:
            with _opener.open(Request(url, content, headers, method=method), timeout=timeout) as answer:
                return _content(answer.headers.get_content_type(), answer.read())
        except HTTPError as error:
            with error:
                raise _problem(url, error) from None
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise LabError(
                f"{self.url} cannot be reached: {reason}; start a lab with `npx sealpost start`, or set SEALPOST_URL"
            ) from error


def segment(text: str) -> str:
    """Returns a text as one segment of a path."""
    return quote(text, safe="")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _content(content_type: str, octets: bytes) -> Any:
    if content_type == "application/json":
        return json.loads(octets)
    return octets or None


def _problem(url: str, error: HTTPError) -> LabError:
    if error.headers.get_content_type() != "application/problem+json":
        return LabError(f"{url} answers {error.code} {error.reason}: is it a Sealpost lab?")
    problem = json.loads(error.read())
    return _KINDS.get(str(problem["type"]).rpartition("problem-")[2], ApiError)(problem)
