#!/usr/bin/env bash
# alone.sh BINARY FOLDER: runs the binary in FOLDER/root, where nothing else is than its libraries, FOLDER/lab.yaml and /etc/hosts: as a user
# without a name, with an empty environment, without a network but loopback, and without a folder to write but /data.
# Needs namespaces of its own, and root.
set -euo pipefail
binary=$1
root=$2/root
chroot=$(PATH=$PATH:/usr/sbin command -v chroot)
mkdir -p "$root/data"
cp "$binary" "$root/sealpost"
cp "$2/lab.yaml" "$root/lab.yaml"
while read -r library; do install -D "$library" "$root$library"; done < <(ldd "$binary" | grep -o '/[^ ]*')
mkdir "$root/etc"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=700,uid=61184,gid=61184 tmpfs "$root/data"
PATH=$PATH:/usr/sbin:/sbin ip link set lo up

sealpost() { env -i XDG_RUNTIME_DIR=/data "$chroot" --userspec=61184:61184 --groups= "$root" /sealpost "$@"; }
exec 3< <(sealpost start --config /lab.yaml 2>/dev/null)
while read -r line <&3; do [ "$line" != ready ] || break; done
echo "$line"
printf 'Subject: alone\n\nHi.\n' | sealpost sendmail -C /lab.yaml -f shop@lab.test alice@lab.test
sealpost mail list --config /lab.yaml | grep -o 'alice .*'
sealpost healthcheck --config /lab.yaml
sealpost ca export --config /lab.yaml --format pem | grep BEGIN
sealpost doctor --config /lab.yaml | tail -1
ls -d "$root"/data/mail/lmdb-* 2>/dev/null || true
