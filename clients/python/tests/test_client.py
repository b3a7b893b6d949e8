"""The client against a real lab. Mail is sent by smtplib, with verified STARTTLS."""

import imaplib
import smtplib
import ssl
import time
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage

import pytest

from sealpost import ApiError, Lab, LabError, Message, SomethingSent, WaitTimeout


def message(to: str = "you@example.com", subject: str = "Your code", text: str = "Your code is 123456.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["X-Order"] = "shop@lab.test", to, subject, "Größe 42"
    mail.set_content(text)
    return mail


def send(lab: Lab, mail: EmailMessage) -> None:
    with smtplib.SMTP(lab.smtp.host, lab.smtp.port) as smtp:
        smtp.starttls(context=lab.ssl_context())
        smtp.login("alice", "secret")
        smtp.send_message(mail)


def arrives(lab: Lab, mail: EmailMessage) -> Message:
    send(lab, mail)
    return lab.wait_for_message(subject=str(mail["Subject"]))


def test_a_message_is_read_whole(lab: Lab) -> None:
    mail = message()
    html = '<p>Größe: <a href="https://shop.example/confirm?t=1">Confirm</a></p><img src="cid:logo" alt="Logo"><script>1</script>'
    mail.add_alternative(html, subtype="html")
    mail.add_attachment(b"a;b\n\x00\xff", maintype="text", subtype="csv", filename="Übersicht.csv")
    found = arrives(lab, mail)
    assert (found.subject, found.sender, found.to) == ("Your code", "shop@lab.test", ["you@example.com"])
    assert found.recipients == ["you@example.com"]
    assert "123456" in found.text and (found.html or "").strip() == html
    assert found.codes == ["123456"] and found.link("confirm") == "https://shop.example/confirm?t=1"
    assert [one["text"] for one in found.links] == ["Confirm"]
    with pytest.raises(AssertionError, match="no link has the words 'Reject'; the links are:\n  Confirm: https"):
        found.link("Reject")
    assert [one["alt"] for one in found.images] == ["Logo"] and found.event is None
    (attachment,) = found.attachments
    assert (attachment["filename"], attachment["contentType"]) == ("Übersicht.csv", "text/csv")
    assert found.content(attachment) == b"a;b\n\x00\xff" and attachment["sizeOctets"] == 6
    assert found.header("x-order") == "Größe 42" and found.header("x-none") is None
    assert ("Subject", "Your code") in found.headers
    assert b"\r\nSubject: Your code\r\n" in found.raw
    assert {one["check"] for one in found.checks()} >= {"accessibility", "headers"}
    session = found.session
    assert session and session.get("user") == "alice" and session["tls"]["version"] == "TLSv1.3"


def test_a_message_without_html(lab: Lab) -> None:
    mail = arrives(lab, message())
    assert mail.html is None
    with pytest.raises(ApiError, match="no one-click unsubscribe"):
        mail.unsubscribe()


def test_a_delivered_message_for_one_recipient_with_empty_html(lab: Lab) -> None:
    lab.deliver(b"Subject: Empty\r\nContent-Type: text/html\r\n\r\n", "carol")
    mail = lab.wait_for_message(subject="Empty")
    assert mail.facts["account"] == "carol" and mail.html == ""


@pytest.mark.parametrize(
    "wanted",
    [
        {"to": "you@example.com"},
        {"from_": "shop@"},
        {"subject": "code"},
        {"text": "is 123456"},
        {"query": "from:shop subject:code"},
        {"captured": True},
        {"since": "2020-01-01T00:00:00Z"},
        {},
    ],
)
def test_filters(lab: Lab, wanted: "dict[str, str]") -> None:
    send(lab, message())
    assert lab.wait_for_message(**wanted).codes == ["123456"]  # type: ignore[arg-type]


def test_a_wait_returns_each_message_once(lab: Lab) -> None:
    for number in (1, 2):
        send(lab, message(subject=f"Mail {number}"))
    subjects = [lab.wait_for_message("you@example.com").subject for _ in (1, 2)]
    assert subjects == ["Mail 1", "Mail 2"]
    assert [one.subject for one in lab.messages("subject:mail")] == ["Mail 2", "Mail 1"]


def test_a_timeout_says_what_arrived_and_who_was_refused(lab: Lab) -> None:
    send(lab, message(subject="Another"))
    lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Greylisted"})
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(lab, message())
    with pytest.raises(WaitTimeout) as caught:
        lab.wait_for_message("nobody@example.com", timeout=0.01)
    text = str(caught.value)
    assert 'no message with to "nobody@example.com"' in text
    assert 'arrived: "Another" from shop@lab.test to you@example.com' in text
    assert "451 4.7.1 Greylisted" in text
    assert isinstance(caught.value, AssertionError)


def test_a_filter_that_would_match_any_message_is_refused(lab: Lab) -> None:
    send(lab, message())
    with pytest.raises(ApiError, match="^/to: is null"):
        lab.wait_for_message(to=None)  # type: ignore[arg-type]
    with pytest.raises(ApiError, match="^/from: is null"):
        lab.assert_nothing_sent(from_=None)  # type: ignore[arg-type]
    with pytest.raises(ApiError, match="subjct: .*did you mean subject"):
        lab.wait_for_message(subjct="x")  # type: ignore[call-arg]
    with pytest.raises(ApiError, match="subject is empty"):
        lab.wait_for_message(subject="")


def test_nothing_sent(lab: Lab) -> None:
    lab.assert_nothing_sent()
    with lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"}):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(lab, message())
    with pytest.raises(SomethingSent, match="451 4.7.1 Later"):
        lab.assert_nothing_sent()
    lab.assert_nothing_sent("you@example.com")
    send(lab, message())
    with pytest.raises(SomethingSent, match='arrived: "Your code" from shop@lab.test to you@example.com'):
        lab.assert_nothing_sent("you@example.com")
    lab.assert_nothing_sent("bob@example.com", subject="code")
    lab.reset()
    with smtplib.SMTP(lab.smtp.host, lab.smtp.port) as smtp:
        smtp.ehlo()
        smtp.mail("shop@lab.test")
        with pytest.raises(WaitTimeout, match="still connected"):
            lab.assert_nothing_sent(timeout=0.1)


def test_faults(lab: Lab) -> None:
    fault = lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"}, times=1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(lab, message())
    send(lab, message())
    assert fault.hits == 1
    fault.remove()
    fault.remove()
    with lab.add_fault({"on": "connect"}, {"reply": "421 4.3.2 Too busy"}):
        assert len(lab.faults()) == 1
        with pytest.raises(smtplib.SMTPConnectError):
            send(lab, message())
    send(lab, message())
    with pytest.raises(ApiError, match="did you mean verb"):
        lab.add_fault({"vreb": "RCPT"}, {"reply": "451 4.7.1 Later"})  # type: ignore[typeddict-unknown-key]


def test_sessions_say_why_a_client_was_refused(lab: Lab) -> None:
    lab.add_fault({"verb": "AUTH"}, {"reply": "535 5.7.8 Bad credentials"})
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(lab, message())
    (session,) = lab.sessions(protocol="smtp", failed=True)
    assert any("535 5.7.8 Bad credentials" in reason for reason in session["refusals"])
    assert lab.sessions(protocol="smtp", user="alice") == []


def test_the_clock(lab: Lab) -> None:
    lab.clock.advance(timedelta(days=40))
    assert timedelta(days=39) < lab.clock.now - datetime.now(timezone.utc) < timedelta(days=41)
    lab.clock.set(datetime(2031, 5, 1, tzinfo=timezone.utc))
    lab.clock.freeze()
    stopped = lab.clock.now
    # The clock of the machine goes on.
    time.sleep(0.05)
    assert lab.clock.now == stopped and stopped.year == 2031
    lab.clock.advance("1d")
    assert lab.clock.now == stopped + timedelta(days=1)
    lab.clock.resume()
    limit = time.monotonic() + 60
    while lab.clock.now == stopped + timedelta(days=1) and time.monotonic() < limit:
        time.sleep(0.01)
    assert stopped + timedelta(days=1) < lab.clock.now < stopped + timedelta(days=2)
    lab.clock.reset()
    assert abs(lab.clock.now - datetime.now(timezone.utc)) < timedelta(days=1)
    with pytest.raises(ValueError, match="no time zone"):
        lab.clock.set(datetime(2031, 5, 1))


@pytest.mark.parametrize("defect, reason", [("expired", "expired"), ("wrong-host", "[Hh]ostname mismatch"), ("untrusted-root", "self-signed")])
def test_bad_certificates_until_the_reset(lab: Lab, defect: str, reason: str) -> None:
    lab.use_certificate("smtp", defect=defect)  # type: ignore[arg-type]
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        send(lab, message())
    lab.reset()
    send(lab, message())


def test_good_certificates(lab: Lab) -> None:
    lab.use_certificate("smtp", variant="p384")
    send(lab, message())
    lab.use_certificate("smtp")
    name = lab.issue_certificate("smtp", names=["mail.shop.test"], key="p256", days=30)
    (certificate,) = [one for one in lab.certificates() if one["friendlyName"] == name]
    assert certificate["usedBy"] == [lab.smtp.name] and certificate["daysLeft"] in (29, 30)
    send(lab, message())
    with pytest.raises(TypeError, match="one of"):
        lab.use_certificate("smtp", defect="expired", name=name)


def test_connection_settings(lab: Lab) -> None:
    assert {one.protocol for one in lab.servers()} == {"smtp", "pop3", "imap4", "nntp", "http"}
    lab.deliver(message(to="alice@lab.test"), ["alice"])
    with imaplib.IMAP4_SSL(lab.imap4.host, lab.imap4.tls_port, ssl_context=lab.ssl_context()) as imap:
        imap.login("alice", "secret")
        _, (count,) = imap.select("INBOX")
        assert count == b"1"
    assert lab.server(lab.pop3.name).id == lab.pop3.id
    with pytest.raises(LabError, match=r"there is no virtual server ftp; there are: smtp \(Default"):
        lab.server("ftp")


def test_reset(lab: Lab) -> None:
    send(lab, message())
    lab.add_fault({"verb": "RCPT"}, {"reply": "451 4.7.1 Later"})
    lab.clock.advance("400d")
    lab.reset()
    assert (lab.messages(), lab.faults(), lab.sessions(protocol="smtp")) == ([], [], [])
    send(lab, message())


@pytest.mark.parametrize("number", [1, 2])
def test_the_fixture_resets_between_tests(lab: Lab, number: int) -> None:
    assert lab.messages() == []
    send(lab, message(subject=f"Mail {number}"))


def test_what_is_no_lab(lab: Lab) -> None:
    with pytest.raises(LabError, match="cannot be reached.*npx sealpost start"):
        Lab("http://localhost:1").messages()
    with pytest.raises(ValueError, match="no URL of a lab"):
        Lab("localhost")
    with pytest.raises(ApiError, match="send a token|token"):
        Lab(lab.url, "wrong-token-of-this-test").messages()
