"""Errors of the client."""

from typing import List

from .api_types import MessageSummary, Problem


class LabError(Exception):
    """The lab cannot be reached or started, or has nothing of the kind."""


class ApiError(LabError):
    """The lab rejected a request. `problem` is its answer (RFC 9457)."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.status = problem["status"]
        super().__init__("\n".join([problem["detail"], *_lines(problem)]))


class WaitTimeout(ApiError, AssertionError):
    """No message matched in time. The text lists what arrived instead, and the sessions that were refused."""


class SomethingSent(ApiError, AssertionError):
    """Mail was sent. The text lists it, and the sessions that began mail which is in no mailbox."""


def sender_of(mail: MessageSummary) -> str:
    """Returns the address in the From field, or else that of MAIL FROM."""
    if mail["from"]:
        return mail["from"]["address"]
    return mail["envelope"]["from"] if mail["envelope"] else ""


def _lines(problem: Problem) -> List[str]:
    mistakes = [one for one in problem.get("errors", []) if one["message"] not in problem["detail"]]
    lines = [f"  {one['pointer']}: {one['message']}" for one in mistakes]
    for mail in problem.get("arrived", []):
        recipients = mail["envelope"]["to"] if mail["envelope"] else [one["address"] for one in mail["to"]]
        lines.append(f"  arrived: \"{mail['subject']}\" from {sender_of(mail) or 'nobody'} to {', '.join(recipients)}")
    lines += [f"  begun: {attempt}" for attempt in problem.get("attempts", [])]
    lines += [f"  session: {session['summary']}" for session in problem.get("sessions", [])]
    # The others explain the members of the problem.
    return lines + [f"  {hint}" for hint in problem.get("hints", []) if not hint.startswith("`")]
