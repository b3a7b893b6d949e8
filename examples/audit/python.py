"""sealpost audit -- python3 examples/audit/python.py

smtplib, poplib, imaplib and nntplib (up to Python 3.12), with a context that trusts only the lab's root.
"""

import imaplib
import os
import poplib
import smtplib
import ssl

host, port = os.environ["AUDIT_HOST"], int(os.environ["AUDIT_PORT"])
user, password = os.environ["AUDIT_USER"], os.environ["AUDIT_PASSWORD"]
implicit = os.environ["AUDIT_FORM"] == "implicit"
context = ssl.create_default_context(cafile=os.environ["AUDIT_CA_FILE"])


def smtp():
    client = smtplib.SMTP_SSL(host, port, context=context, timeout=8) if implicit else smtplib.SMTP(host, port, timeout=8)
    with client:
        if not implicit:
            client.starttls(context=context)
        client.login(user, password)
        client.sendmail("alice@lab.test", ["alice@lab.test"], "Subject: audit\r\n\r\nhello\r\n")


def pop3():
    client = poplib.POP3_SSL(host, port, context=context, timeout=8) if implicit else poplib.POP3(host, port, timeout=8)
    if not implicit:
        client.stls(context=context)
    client.user(user)
    client.pass_(password)
    client.stat()
    client.quit()


def imap4():
    if implicit:
        client = imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=8)
    else:
        client = imaplib.IMAP4(host, port, timeout=8)
        client.starttls(ssl_context=context)
    client.login(user, password)
    client.select()
    client.logout()


def nntp():
    import nntplib

    if implicit:
        client = nntplib.NNTP_SSL(host, port, ssl_context=context, timeout=8)
    else:
        client = nntplib.NNTP(host, port, timeout=8)
        client.starttls(context)
    client.login(user, password, usenetrc=False)
    client.group("lab.general")
    client.quit()


{"smtp": smtp, "pop3": pop3, "imap4": imap4, "nntp": nntp}[os.environ["AUDIT_PROTOCOL"]]()
