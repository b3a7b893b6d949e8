"""Requests to the HTTP API, and their errors."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Mapping, Optional
from urllib.parse import urlencode, urlsplit

from .api_types import Problem

# A failure in pytest points at the test, not at this module.
__tracebackhide__ = True


class LabError(Exception):
    """The lab cannot be reached or started, or has nothing of the kind."""


class ApiError(LabError):
    """The lab rejected a request. `problem` is its answer (RFC 9457)."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.status = problem, problem["status"]
        super().__init__(problem.get("report", problem["detail"]))


class WaitTimeout(ApiError, AssertionError):
    """No message matched in time. The text lists what arrived instead, and the sessions that were refused."""


class SomethingSent(ApiError, AssertionError):
    """Mail was sent. The text lists it, and the sessions that began mail which is in no mailbox."""


class Api:
    """Sends requests to the operations of docs/api.md. Follows no redirect: the token is for the lab only."""

    def __init__(self, url: str, token: Optional[str]) -> None:
        self.url, self._token = url.rstrip("/"), token

    def request(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, object] = {}, timeout: float = 60
    ) -> Any:
        """Returns parsed JSON, or octets; None without content. `path` is below `/api/v1`, `body` JSON or a message.

        Raises ApiError if the lab rejects the request, LabError if it cannot be reached.
        """
        headers = {"Content-Type": "message/rfc822" if isinstance(body, bytes) else "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = urlsplit(f"{self.url}/api/v1{path}")
        values = urlencode({key: value for key, value in query.items() if value is not None})
        connection = (HTTPSConnection if url.scheme == "https" else HTTPConnection)(url.netloc, timeout=timeout)
        try:
            connection.request(method, f"{url.path}?{values}", content, headers)
            answer = connection.getresponse()
            octets = answer.read()
        except (OSError, HTTPException) as error:
            hint = "start a lab with `npx sealpost start`, or set SEALPOST_URL"
            raise LabError(f"{self.url} cannot be reached: {error}; {hint}") from error
        finally:
            connection.close()
        content_type = answer.headers.get_content_type()
        if content_type == "application/problem+json":
            problem: Problem = json.loads(octets)
            kinds = {"wait-timeout": WaitTimeout, "something-sent": SomethingSent}
            raise kinds.get(problem["type"].rpartition("problem-")[2], ApiError)(problem)
        if answer.status >= 300:
            raise LabError(f"{url.geturl()} answers {answer.status} {answer.reason}: is it a Sealpost lab?")
        return json.loads(octets) if content_type == "application/json" else octets or None
