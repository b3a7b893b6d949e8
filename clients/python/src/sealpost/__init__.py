"""Test the mail of an application with a Sealpost lab."""

from .errors import ApiError, LabError, SomethingSent, WaitTimeout
from .lab import Clock, Fault, Lab, Server
from .message import Attachment, Message
from .start import start, start_container

__all__ = [
    "ApiError",
    "Attachment",
    "Clock",
    "Fault",
    "Lab",
    "LabError",
    "Message",
    "Server",
    "SomethingSent",
    "WaitTimeout",
    "start",
    "start_container",
]
