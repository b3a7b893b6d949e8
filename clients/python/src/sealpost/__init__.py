"""Test the mail of an application with a Sealpost lab."""

from .api import ApiError, LabError, SomethingSent, WaitTimeout
from .lab import Clock, Fault, Lab, Server
from .message import Message
from .start import start

__all__ = ["Lab", "start", "Server", "Message", "Fault", "Clock", "LabError", "ApiError", "WaitTimeout", "SomethingSent"]
