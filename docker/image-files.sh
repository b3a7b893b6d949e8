#!/bin/sh
# image-files.sh PROGRAM…: copies programs and the libraries that ldd names into the current folder, the root of an image, and
# names its users.
set -e
copy() { mkdir -p ".$(dirname "$1")" && cp -L "$1" ".$1"; }
for program; do
  case $program in /*) copy "$program" ;; esac
  for library in $(ldd "$program" | grep -o '/[^ ]*'); do copy "$library"; done
done
mkdir -p etc
printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n' >etc/passwd
printf 'root:x:0:\nnode:x:1000:\n' >etc/group
