#!/usr/bin/env bash
# Runs a command as root on a copy of this machine: nothing that it changes stays. Needs root, and overlayfs.
#   throwaway.sh [--net] COMMAND …    --net: with the network of this machine instead of one of its own
set -euo pipefail
network=(--net)
if [ "$1" = --net ]; then network=() && shift; fi
export LOOPBACK=${network[*]}
# No process of the command stays.
exec unshare --mount --pid --ipc --uts --fork --kill-child "${network[@]}" bash -c '
  set -e
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
  mount --rbind /dev /mnt/root/dev
  mount -t proc proc /mnt/root/proc
  mount -t tmpfs tmpfs /mnt/root/run
  [ -z "$LOOPBACK" ] || ip link set lo up
  exec chroot /mnt/root "$@"' - "$@"
