#!/bin/sh
# sealpost audit --protocol imap4 -- sh examples/audit/offlineimap.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_FORM" in starttls) tls='ssl = no
starttls = yes' ;; *) tls='ssl = yes' ;; esac
cat > "$folder/rc" <<EOF2
[general]
accounts = audit
metadata = $folder/meta
socktimeout = 8
[Account audit]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = $folder/mail
[Repository far]
type = IMAP
remotehost = $AUDIT_HOST
remoteport = $AUDIT_PORT
$tls
sslcacertfile = $AUDIT_CA_FILE
remoteuser = $AUDIT_USER
remotepass = $AUDIT_PASSWORD
folderfilter = lambda name: name == 'INBOX'
EOF2
HOME="$folder" offlineimap -c "$folder/rc" -o -u basic
