#!/bin/sh
# sealpost audit --protocol imap4 -- sh examples/audit/mbsync.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/mail"
case "$AUDIT_FORM" in starttls) tls=STARTTLS ;; *) tls=IMAPS ;; esac
cat > "$folder/rc" <<EOF
IMAPAccount audit
Host $AUDIT_HOST
Port $AUDIT_PORT
User $AUDIT_USER
Pass $AUDIT_PASSWORD
TLSType $tls
SystemCertificates no
CertificateFile $AUDIT_CA_FILE
Timeout 8

IMAPStore far
Account audit

MaildirStore near
Path $folder/mail/
Inbox $folder/mail/INBOX

Channel audit
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
EOF
HOME="$folder" mbsync --config "$folder/rc" audit
