"""Labs that the client starts, and labs that run already."""

import os
import smtplib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sealpost import Lab, LabError, start, start_container

_CONTAINER = '''
class DockerContainer:
    """Has the methods of testcontainers that the client uses, and runs the lab as a process."""

    def __init__(self, image):
        self.image, self.env, self.ports = image, {}, ()

    def with_exposed_ports(self, *ports):
        self.ports = ports
        return self

    def with_env(self, key, value):
        self.env[key] = value
        return self

    def start(self):
        import json, os, subprocess, shlex
        servers = [{"protocol": "smtp", "port": 0}, {"protocol": "http", "port": 0, "tlsPort": "off"}]
        config = {"certificates": "memory", "directory": {"mode": "open"}, "virtualServers": servers}
        env = {**os.environ, "SEALPOST_CONFIG": json.dumps(config), **self.env}
        command = [*shlex.split(os.environ["SEALPOST_COMMAND"]), "start", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        endpoints = json.loads(self.process.stdout.readline())["endpoints"]
        self.mapped = {8025: endpoints[1]["port"], endpoints[0]["port"]: endpoints[0]["port"]}

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def get_container_host_ip(self):
        return "localhost"

    def get_exposed_port(self, port):
        assert 8025 in self.ports
        return str(self.mapped[port])
'''


def run_pytest(folder: Path, test: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, text=True, capture_output=True, timeout=300)


def test_a_lab_needs_a_port_for_the_api() -> None:
    http = {"protocol": "http", "port": "off", "tlsPort": 0}
    with pytest.raises(LabError, match="the HTTP virtual server has no port in clear text"):
        start({"virtualServers": [http]})


def test_a_server_of_a_lab_without_certificates_can_have_one() -> None:
    imap4 = {"protocol": "imap4", "certificate": "auto"}
    with start({"certificate": "none", "virtualServers": [imap4]}) as lab:
        assert lab.imap4.tls_port > 0


def test_the_configuration_is_completed() -> None:
    servers = [{"protocol": "smtp", "certificate": "none", "name": "Clear"}, {"protocol": "imap4"}]
    accounts = [{"user": "carol", "password": "secret"}]
    with start({"virtualServers": servers, "directory": {"accounts": accounts}}) as lab:
        with pytest.raises(LabError, match="Clear has no tls_port"):
            lab.smtp.tls_port
        assert lab.imap4.tls_port > 0
        with smtplib.SMTP(lab.smtp.host, lab.smtp.port) as smtp:
            assert not smtp.has_extn("starttls")
            smtp.sendmail("shop@lab.test", "carol@lab.test", "Subject: Hi\r\n\r\nHello\r\n")
        assert lab.wait_for_message("carol").text.strip() == "Hello"
    with pytest.raises(LabError, match="cannot be reached"):
        lab.messages()


def test_a_lab_that_does_not_start_says_why() -> None:
    with pytest.raises(LabError, match="reqireSecureChannel: unknown key; did you mean requireSecureChannel"):
        start({"virtualServers": [{"protocol": "smtp", "reqireSecureChannel": True}]})
    with pytest.raises(LabError, match="no-such-program cannot be started"):
        start(command=["no-such-program"])
    with pytest.raises(LabError, match="not ready within 0.5 s"):
        start(command=[sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)


def test_a_process_that_forgets_to_stop_leaves_no_lab() -> None:
    script = "from sealpost import start\nprint(start().url)"
    url = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True).stdout.strip()
    with pytest.raises(LabError, match="cannot be reached"):
        Lab(url).messages()


def test_a_running_lab_is_left_as_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPOST_URL", lab.url)
    before = lab.smtp.facts["certificate"]
    with Lab() as other:
        other.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"})
        other.use_certificate("smtp", defect="expired")
        other.clock.advance("40d")
        assert lab.smtp.facts["certificate"] != before
    assert (lab.smtp.facts["certificate"], lab.faults()) == (before, [])
    assert lab.request("GET", "/clock")["offsetMs"] == 0


def test_the_fixture_uses_a_running_lab(lab: Lab, tmp_path: Path) -> None:
    test = """
        def test_it(lab):
            lab.deliver(b"Subject: From outside\\r\\n\\r\\n", ["bob"])
    """
    result = run_pytest(tmp_path, test, SEALPOST_URL=lab.url, SEALPOST_COMMAND="false")
    assert result.returncode == 0, result.stdout + result.stderr
    assert lab.wait_for_message("bob").subject == "From outside"


def test_a_failed_wait_points_at_the_test(lab: Lab, tmp_path: Path) -> None:
    test = """
        def test_it(lab):
            lab.deliver(b"Subject: Another\\r\\n\\r\\n", ["bob"])
            lab.wait_for_message("bob", subject="Code", timeout=0.01)
    """
    result = run_pytest(tmp_path, test, SEALPOST_URL=lab.url)
    assert result.returncode == 1
    assert '>       lab.wait_for_message("bob", subject="Code", timeout=0.01)' in result.stdout
    assert 'arrived: "Another"' in result.stdout and "_opener" not in result.stdout


def test_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = tmp_path / "testcontainers" / "core"
    core.mkdir(parents=True)
    (core / "container.py").write_text(_CONTAINER)
    (core / "waiting_utils.py").write_text("def wait_for_logs(container, predicate, timeout): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with start_container() as lab:
        with smtplib.SMTP(lab.smtp.host, lab.smtp.port) as smtp:
            smtp.starttls(context=lab.ssl_context())
            smtp.sendmail("shop@lab.test", "you@example.com", "Subject: Hi\r\n\r\nHello\r\n")
        assert lab.wait_for_message("you@example.com").subject == "Hi"


def test_without_testcontainers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers.core.container", None)
    with pytest.raises(LabError, match="pip install testcontainers"):
        start_container()
