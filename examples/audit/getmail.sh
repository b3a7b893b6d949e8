#!/bin/sh
# sealpost audit --protocol pop3 imap4 --form implicit -- sh examples/audit/getmail.sh
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'getmail does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_PROTOCOL" in imap4) retriever=SimpleIMAPSSLRetriever ;; *) retriever=SimplePOP3SSLRetriever ;; esac
cat > "$folder/getmailrc" <<EOF2
[retriever]
type = $retriever
server = $AUDIT_HOST
port = $AUDIT_PORT
timeout = 8
username = $AUDIT_USER
password = $AUDIT_PASSWORD
ca_certs = $AUDIT_CA_FILE
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $folder/got")
allow_root_commands = true
EOF2
chmod 600 "$folder/getmailrc"
HOME="$folder" getmail --getmaildir "$folder"
[ -e "$folder/got" ]
