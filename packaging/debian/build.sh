#!/bin/sh
# Makes a Debian package of the program.
#
#   build.sh PROGRAM FOLDER
#
# Needs dpkg-deb, gzip, and readelf of binutils. The environment may have VERSION, ARCHITECTURE, COMPRESSION (xz; none: for tests),
# and SOURCE_DATE_EPOCH: the time of all files in seconds since 1970, so that the same program makes the same package.
set -eu
[ $# -eq 2 ] || { echo "usage: build.sh PROGRAM FOLDER" >&2; exit 2; }
program=$1 folder=$2
here=$(cd "$(dirname "$0")/.." && pwd)
version=${VERSION:-$("$program" --version | cut -d' ' -f2)}
architecture=${ARCHITECTURE:-$(dpkg --print-architecture)}
# The newest version of the C library that the program asks for; nothing where it brings its own.
libc=$(readelf -V "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -n 1)
root=$(mktemp -d) manual=$(mktemp -d)
trap 'rm -rf "$root" "$manual"' EXIT
chmod 755 "$root"
install -D -m 755 "$program" "$root/usr/bin/cos-batch"
install -D -m 644 "$here/systemd/cos-batch.service" "$root/lib/systemd/system/cos-batch.service"
install -D -m 644 "$here/systemd/sysusers.conf" "$root/usr/lib/sysusers.d/cos-batch.conf"
# It may have secrets: its owner alone, which postinst makes the service's user.
install -D -m 600 "$here/cos-batch.toml" "$root/etc/cos-batch/cos-batch.toml"
install -D -m 644 "$here/grafana/cos-batch.json" "$root/usr/share/cos-batch/grafana/cos-batch.json"
install -D -m 644 "$here/../LICENSE-MIT" "$root/usr/share/doc/cos-batch/LICENSE-MIT"
install -D -m 644 "$here/../LICENSE-APACHE" "$root/usr/share/doc/cos-batch/LICENSE-APACHE"
install -D -m 644 "$here/debian/copyright" "$root/usr/share/doc/cos-batch/copyright"
# The program itself writes its manual. One for another kind of machine does not run here, and its package is without.
if "$program" manual "$manual" > "$manual/said" 2>&1; then
    find "$manual" -name '*.1' | while read -r page; do
        install -d "$root/usr/share/man/man1"
        gzip -9 -n -c "$page" > "$root/usr/share/man/man1/$(basename "$page").gz"
    done
else
    echo "the program does not run here: the package has no manual" >&2
fi
mkdir "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<CONTROL
Package: cos-batch
Version: $version
Architecture: $architecture
Maintainer: The cos-batch developers
Section: admin
Priority: optional
Depends: ${libc:+libc6 (>= $libc), libgcc-s1, }systemd
Installed-Size: $(du -ks "$root" | cut -f1)
Description: COS Batch Operations: command line and server
 Runs one operation (copy, restore, delete, tag) on every object that a
 manifest names, and reports on each. Speaks the COS Batch Operations API.
CONTROL
echo /etc/cos-batch/cos-batch.toml > "$root/DEBIAN/conffiles"
for moment in postinst prerm postrm; do
    install -m 755 "$here/debian/$moment" "$root/DEBIAN/$moment"
done
mkdir -p "$folder"
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$root" "$folder/cos-batch_${version}_$architecture.deb"
