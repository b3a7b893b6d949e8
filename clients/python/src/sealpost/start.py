"""Starts labs: as a process, or in a container."""

import atexit
import json
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import threading
from typing import Any, Dict, Mapping, Optional, Sequence

from .errors import LabError
from .lab import Lab

_PROTOCOLS = ("smtp", "pop3", "imap4", "nntp")
_LOG_END = 2000
_STOP_S = 30
_API_PORT = 8025
_IMAGE_PORTS = (25, 587, 465, 110, 995, 143, 993, 119, 563, _API_PORT)


def start(
    config: Optional[Mapping[str, Any]] = None, *, command: Optional[Sequence[str]] = None, timeout: float = 60
) -> Lab:
    """Starts a lab as a process, on free ports, and returns when it is ready: `with start() as lab: …`.

    `config` has the keys of the YAML file. `command` is the program, `npx sealpost` by default, or SEALPOST_COMMAND.
    Raises LabError with the end of the log of the lab.
    """
    words = list(command or shlex.split(os.environ.get("SEALPOST_COMMAND", "npx sealpost")))
    token = secrets.token_urlsafe(24)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SEALPOST_")}
    environment["SEALPOST_CONFIG"] = json.dumps(_completed(config or {}, token))
    log = tempfile.TemporaryFile()
    try:
        process = subprocess.Popen(
            [shutil.which(words[0]) or words[0], *words[1:], "start", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        log.close()
        raise LabError(f"{' '.join(words)} cannot be started: {error}; install Sealpost, or set SEALPOST_COMMAND") from error

    def stop() -> None:
        atexit.unregister(stop)
        _stop(process)
        log.close()

    atexit.register(stop)
    ready = _Ready(process)
    if not ready.wait(timeout):
        if ready.needs_port:
            stop()
            raise LabError("the HTTP virtual server has no port in clear text, which this library needs; set its port")
        _stop(process)
        log.seek(0)
        end = log.read()[-_LOG_END:].decode(errors="replace").rstrip()
        stop()
        raise LabError(f"the lab was not ready within {timeout:g} s, or has ended; its log:\n{end}")
    return Lab(f"http://localhost:{ready.api_port}", token, stop=stop)


class _Ready:
    """Reads the output of the lab, until it ends."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.api_port: Optional[int] = None
        self.needs_port = False
        self._happened = threading.Event()
        threading.Thread(target=self._read, args=(process,), daemon=True).start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            if self.api_port is None and line.startswith('{"event":"ready"'):
                endpoints = json.loads(line)["endpoints"]
                ports = [one["port"] for one in endpoints if one["protocol"] == "http" and "port" in one]
                self.api_port = ports[0] if ports else None
                self.needs_port = not ports
                self._happened.set()
        self._happened.set()

    def wait(self, timeout: float) -> bool:
        self._happened.wait(timeout)
        return self.api_port is not None


def _stop(process: "subprocess.Popen[str]") -> None:
    """Ends the lab and the program that started it, such as npx, which are a group."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, 15)
        else:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False, capture_output=True)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9) if os.name == "posix" else process.kill()
        process.wait()


def _completed(config: Mapping[str, Any], token: str) -> Dict[str, Any]:
    """Returns a configuration with what suits tests, as `startLab()` of Node.js has it, and an HTTP virtual server."""
    given = config.get("virtualServers", [{"protocol": protocol} for protocol in _PROTOCOLS])
    common = config.get("certificate")
    servers = [
        {"port": 0, **({} if one.get("certificate", common) == "none" else {"tlsPort": 0}), **one} for one in given
    ]
    if not any(one["protocol"] == "http" for one in servers):
        servers.append({"protocol": "http", "port": 0, "tlsPort": "off"})
    directory = config.get("directory", {})
    mode = "listed" if "accounts" in directory or "accountFiles" in directory else "open"
    return {
        "certificates": {"store": "memory", "key": "p256"},
        "newsgroups": [{"name": "lab.general", "description": "General talk"}],
        **config,
        "directory": {"mode": mode, **directory},
        "tokens": [*config.get("tokens", []), {"name": "python-client", "token": token}],
        "virtualServers": servers,
    }


def start_container(image: str = "sealpost", config: Optional[Mapping[str, Any]] = None, *, timeout: float = 60) -> Lab:
    """Starts the image of Sealpost with the package testcontainers, and returns when it is ready.

    `config` replaces the configuration of the image. Its virtual servers need the ports of the image, and the address 0.0.0.0.
    """
    try:
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.waiting_utils import wait_for_logs
    except ImportError as error:
        raise LabError("start_container needs the package testcontainers: pip install testcontainers") from error
    token = secrets.token_urlsafe(24)
    container = DockerContainer(image).with_exposed_ports(*_IMAGE_PORTS)
    container.with_env("SEALPOST_TOKENS", json.dumps([{"name": "python-client", "token": token}]))
    if config is not None:
        container.with_env("SEALPOST_CONFIG", json.dumps(config))
    container.start()
    try:
        wait_for_logs(container, r"(?m)^ready$", timeout=timeout)
        host = container.get_container_host_ip()
        url = f"http://{host}:{container.get_exposed_port(_API_PORT)}"
        return Lab(url, token, port_of=lambda port: int(container.get_exposed_port(port)), stop=container.stop)
    except BaseException:
        container.stop()
        raise
