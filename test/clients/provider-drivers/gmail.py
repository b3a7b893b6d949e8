"""Uses Gmail by Google's API client for Python, and prints what it gets."""
import io
import sys

import google.oauth2.credentials
from googleapiclient.discovery import build
from googleapiclient.http import BatchHttpRequest, MediaIoBaseUpload

base, token = sys.argv[1:]
credentials = google.oauth2.credentials.Credentials(token)
service = build("gmail", "v1", credentials=credentials, client_options={"api_endpoint": base + "/gmail/"})
messages = service.users().messages()


def upload(subject):
    mime = f"From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: {subject}\r\n\r\n" + "x" * 600_000
    media = MediaIoBaseUpload(io.BytesIO(mime.encode()), "message/rfc822", chunksize=262_144, resumable=True)
    request = messages.send(userId="me", media_body=media)
    # The client takes the host of uploads from Google's description of the API.
    request.uri = request.uri.replace("https://gmail.googleapis.com/", base + "/gmail/")
    pieces, answer = 0, None
    while answer is None:
        _, answer = request.next_chunk()
        pieces += 1
    return pieces, answer


pieces, sent = upload("In pieces")
print(pieces, ",".join(sent["labelIds"]))
print(",".join(messages.list(userId="me", fields="messages(id)").execute()["messages"][0]))

answers = []
batch = BatchHttpRequest(
    callback=lambda _, answer, error: answers.append(error.status_code if error else ",".join(sorted(answer["labelIds"]))),
    batch_uri=base + "/gmail/batch",
)
batch.add(messages.get(userId="me", id=sent["id"], format="minimal"))
batch.add(messages.modify(userId="me", id=sent["id"], body={"addLabelIds": ["STARRED"]}))
batch.add(messages.get(userId="me", id="1234567890abcdef"))
batch.execute()
print(*answers)
