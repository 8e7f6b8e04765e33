#!/bin/sh
# Puts the root file system of the image together: the program, the shared libraries it is linked with (none, if it is
# static), a user, a folder for its data; nothing else.
#
#   assemble.sh PROGRAM FOLDER
#
# FOLDER must not be there yet. Where the environment has SOURCE_DATE_EPOCH, all files have that time, in seconds since 1970.
set -eu
[ $# -eq 2 ] || { echo "usage: assemble.sh PROGRAM FOLDER" >&2; exit 2; }
program=$1 root=$2
mkdir "$root"
mkdir -p "$root/usr/bin" "$root/etc" "$root/data" "$root/tmp"
cp "$program" "$root/usr/bin/cos-batch"
chmod 755 "$root/usr/bin/cos-batch"
# What the linker would load, each at its own place. A program that is linked statically has none.
ldd "$program" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
echo 'cos-batch:x:65532:65532:COS Batch:/data:/' > "$root/etc/passwd"
echo 'cos-batch:x:65532:' > "$root/etc/group"
# Names are looked up in files, then by DNS.
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
chmod 700 "$root/data"
if [ "$(id -u)" -eq 0 ]; then chown 65532:65532 "$root/data"; fi
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; fi
