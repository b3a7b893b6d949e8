"""Labs that the client starts, and labs that run already."""

import os
import smtplib
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from sealpost import ApiError, Lab, LabError, start

def run_pytest(folder: Path, test: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, text=True, capture_output=True, timeout=300)


def until_unreachable(lab: Lab) -> None:
    for _ in range(600):
        try:
            lab.messages()
        except ApiError:
            time.sleep(0.1)
        except LabError as error:
            assert "cannot be reached" in str(error)
            return
    raise AssertionError("the lab still runs")


def test_the_api_has_a_port_in_clear_text() -> None:
    http = {"protocol": "http", "port": "off", "tlsPort": 0}
    with start({"virtualServers": [http], "tokens": [{"name": "mine", "token": "a-token-of-my-own"}]}) as lab:
        assert [one.protocol for one in lab.servers()] == ["http", "http"]
        # As in a container, whose ports the host maps.
        mapped = Lab(lab.url, "a-token-of-my-own", port_of=lambda port: port + 1).server("API for tests")
        assert mapped.port == lab.server("API for tests").port + 1


def test_a_server_of_a_lab_without_certificates_can_have_one() -> None:
    imap4 = {"protocol": "imap4", "certificate": "auto"}
    with start({"certificate": "none", "virtualServers": [imap4]}) as lab:
        assert lab.imap4.tls_port > 0


def test_the_configuration_is_completed() -> None:
    servers = [{"protocol": "smtp", "certificate": "none", "name": "Clear"}, {"protocol": "imap4"}]
    accounts = [{"user": "carol", "password": "secret"}]
    with start({"virtualServers": servers, "directory": {"accounts": accounts}}) as lab:
        with pytest.raises(LabError, match="Clear has no tlsPort"):
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
    until_unreachable(Lab(url, "unknown"))


def test_a_process_that_is_killed_leaves_no_lab() -> None:
    script = "import os\nfrom sealpost import start\nprint(start().url, flush=True)\nos.kill(os.getpid(), 9)"
    url = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True).stdout.strip()
    until_unreachable(Lab(url, "unknown"))


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
    assert 'arrived: "Another"' in result.stdout and "getresponse" not in result.stdout
