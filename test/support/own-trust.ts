/**
 * Shell commands for a mount namespace: mounts copies of the trust stores that `sealpost trust` changes, so that this machine
 * stays as it is: also of the state of dpkg, whose trigger fills the store of Java, and which an end in the middle would leave
 * half-configured. `$HOME` has a profile of Thunderbird, `$PROFILE`.
 */
export const ownTrust = `
set -e
copy=$(mktemp -d -p "$PWD")
for folder in /etc/ssl /usr/local/share/ca-certificates /var/lib/ca-certificates-java /var/lib/dpkg; do
  [ -d $folder ] || continue
  mkdir -p "$copy$folder"; cp -a $folder/. "$copy$folder"; mount --bind "$copy$folder" $folder
done
export HOME="$copy/home" PROFILE="$copy/home/.thunderbird/abc.default"
mkdir -p "$PROFILE"; certutil -N -d "sql:$PROFILE" --empty-password
`
