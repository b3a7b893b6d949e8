#!/bin/sh
# sealpost audit --protocol pop3 imap4 -- sh examples/audit/fetchmail.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_PROTOCOL" in imap4) protocol=imap ;; *) protocol=pop3 ;; esac
case "$AUDIT_FORM" in starttls) tls='sslproto "auto"' ;; *) tls=ssl ;; esac
cat > "$folder/rc" <<EOF
set no syslog
poll $AUDIT_HOST protocol $protocol port $AUDIT_PORT timeout 8
  user "$AUDIT_USER" password "$AUDIT_PASSWORD" is root here
  $tls sslcertck sslcertfile "$AUDIT_CA_FILE" sslcommonname "$AUDIT_HOSTNAME" keep no rewrite
  mda "cat > /dev/null"
EOF
chmod 600 "$folder/rc"
status=0
HOME="$folder" FETCHMAILHOME="$folder" fetchmail --fetchmailrc "$folder/rc" --pidfile "$folder/pid" --nodetach --check || status=$?
# Status 1 means that fetchmail logged on and found no new mail.
[ "$status" -le 1 ]
