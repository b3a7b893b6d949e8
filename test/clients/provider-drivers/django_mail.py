"""Sends a message with each provider's backend of django-anymail, and prints the id that it gets."""
import sys

from django.conf import settings

base = sys.argv[1]
settings.configure(
    ANYMAIL={
        "SENDGRID_API_KEY": "SG.key",
        "SENDGRID_API_URL": base + "/sendgrid/v3/",
        "POSTMARK_SERVER_TOKEN": "11111111-2222-3333-4444-555555555555",
        "POSTMARK_API_URL": base + "/postmark/",
        "MAILGUN_API_KEY": "key",
        "MAILGUN_API_URL": base + "/mailgun/v3/",
        "MAILGUN_SENDER_DOMAIN": "lab.test",
        "RESEND_API_KEY": "re_key",
        "RESEND_API_URL": base + "/resend/",
        "BREVO_API_KEY": "xkeysib-key",
        "BREVO_API_URL": base + "/brevo/v3/",
        "MAILJET_API_KEY": "id",
        "MAILJET_SECRET_KEY": "secret",
        "MAILJET_API_URL": base + "/mailjet/v3.1/",
        "AMAZON_SES_CLIENT_PARAMS": {
            "aws_access_key_id": "AKIALAB",
            "aws_secret_access_key": "secret",
            "region_name": "eu-west-1",
            "endpoint_url": base + "/ses",
            "verify": sys.argv[2],
        },
    },
)

import django  # noqa: E402
from anymail.exceptions import AnymailAPIError  # noqa: E402
from django.core.mail import EmailMultiAlternatives, get_connection  # noqa: E402

django.setup()
for name in ["sendgrid", "postmark", "mailgun", "resend", "brevo", "mailjet", "amazon_ses"]:
    connection = get_connection(f"anymail.backends.{name}.EmailBackend")
    message = EmailMultiAlternatives(
        f"By {name}", "Hello", "Shop <shop@lab.test>", ["alice@lab.test"], bcc=["bob@lab.test"], connection=connection
    )
    message.attach_alternative("<p>Hello</p>", "text/html")
    message.attach("a.txt", "attached", "text/plain")
    message.tags = ["welcome"]
    try:
        message.send()
        print(name, message.anymail_status.status.pop() if message.anymail_status.status else None)
    except AnymailAPIError as error:
        print(name, error)
