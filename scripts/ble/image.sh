#!/usr/bin/env bash
# image.sh makes what a virtual machine with Bluetooth boots from: a kernel, and
# the first half of an initial file system with busybox, D-Bus, bluetoothd and
# btvirt. All of it comes out of Debian packages, which are unpacked below OUT and
# not installed. It is made once for each set of versions.
#
#   image.sh OUT    leaves OUT/vmlinuz, OUT/base.cpio and OUT/busybox
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)

# The programs, and the packages that have them and their libraries.
programs=(busybox jq dbus-daemon dbus-send bluetoothd btvirt btmon)
packages=(
	busybox-static jq libjq1 libonig5
	dbus dbus-bin dbus-daemon dbus-system-bus-common libdbus-1-3
	bluez bluez-test-tools
	libc6 libgcc-s1 libglib2.0-0 libpcre2-8-0 libreadline8 libtinfo6 libudev1 libasound2 libdw1 libelf1 libell0
	zlib1g liblzma5 libbz2-1.0 libsystemd0 libcap2 libgcrypt20 libgpg-error0 liblz4-1 libzstd1
	libexpat1 libapparmor1 libaudit1 libcap-ng0 libselinux1
)
# What the kernel would load for Bluetooth by itself if it could, in this order:
# random numbers need hashes, and key agreement needs random numbers. Those that
# a kernel has built in, or does not have any more, are passed over. There is no
# jitterentropy_rng, for the machine's time has no jitter.
modules=(
	aes_generic ecb ctr hmac sha256_generic sha512_generic sha3_generic cmac
	drbg ecdh_generic
	af_alg algif_hash algif_skcipher
	bluetooth hci_vhci
)

fail() {
	echo "$*" >&2
	exit 1
}

work=$(mktemp -d "$out/making.XXXXXX")
trap 'rm -rf "$work"' EXIT

# update renews apt's lists of packages, if that is allowed.
update() {
	[ "$(id -u)" -eq 0 ] || fail "apt's lists of packages are missing or too old: run 'sudo apt-get update'"
	apt-get update >"$work/update.log" 2>&1 || {
		cat "$work/update.log" >&2
		fail "apt-get update has failed"
	}
}

# know finds out which kernel there is, and which versions of everything.
know() {
	kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -1)
	offered=$(apt-cache policy "${packages[@]}" ${kernel:+"$kernel"} | awk '/^[^ ]/ { name = $1 } /Candidate: [^(]/ { print name, $2 }')
}

key() { cat "$0" - <<<"$offered" | sha256sum | cut -c1-16; }

made() { [ -e "$out/vmlinuz" ] && [ -e "$out/base.cpio" ] && [ -e "$out/busybox" ]; }

know
if [ -z "$kernel" ] && made; then
	echo "apt has no lists of packages; the image from before is used"
	exit 0
fi
if [ -z "$kernel" ]; then
	update
	know
	[ -n "$kernel" ] || fail "apt knows no linux-image-amd64: this needs Debian on amd64"
fi
if made && [ "$(cat "$out/key" 2>/dev/null)" = "$(key)" ]; then
	exit 0
fi

# fetch brings the packages that are not there yet. Names differ between releases:
# what apt does not know is passed over, and missed below if it is needed.
fetch() (
	cd "$out/packages"
	cut -d: -f1 <<<"$offered" | xargs apt-get download -o APT::Sandbox::User=root >"$work/fetch.log" 2>&1
)
mkdir -p "$out/packages" "$work/from" "$work/to/modules"
echo "fetching $kernel and what else the machine needs from Debian"
if ! fetch; then # the lists may be older than the archive
	update
	know
	fetch || {
		cat "$work/fetch.log" >&2
		fail "the packages could not be fetched"
	}
fi

while read -r name _; do
	name=${name%:}
	# shellcheck disable=SC2012 # their names are plain
	deb=$(ls -t "$out/packages/$name"_*.deb | head -1) # there may be older ones
	case $name in
	linux-image-*) # most of it is drivers
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/from" --wildcards \
			'./boot/vmlinuz-*' '*/kernel/crypto/*' '*/kernel/lib/*' '*/kernel/net/bluetooth/*' \
			'*/kernel/net/rfkill/*' '*/kernel/drivers/bluetooth/*' '*/kernel/arch/x86/crypto/*'
		;;
	*) dpkg-deb -x "$deb" "$work/from" ;;
	esac
done <<<"$offered"

# place copies a file to the same place in the new file system.
place() {
	mkdir -p "$work/to$(dirname "$1")"
	cp -L "$work/from$1" "$work/to$1"
}

# The loader's usual path is a link that leads out of the folder.
loader=$(find "$work/from" -type f -name 'ld-linux-x86-64.so.2' -o -type f -name 'ld-2.*.so' | head -1)
mkdir -p "$work/to/lib64"
cp "$loader" "$work/to/lib64/ld-linux-x86-64.so.2"
search=$work/from/lib/x86_64-linux-gnu:$work/from/usr/lib/x86_64-linux-gnu

for name in "${programs[@]}"; do
	at=$(cd "$work/from" && find . -type f -name "$name" -perm -u+x | head -1 | cut -c2-)
	[ -n "$at" ] || fail "no package has the program $name"
	place "$at"
	ln -sfn "$at" "$work/to/$name"
	[ "$name" != busybox ] || continue # static
	needs=$("$loader" --library-path "$search" --list "$work/from$at")
	while read -r library; do
		case $library in
		*"not found"*) fail "$name needs ${library%% *}: name the package that has it in $0" ;;
		*"=> $work/from"*)
			library=${library#*"=> $work/from"}
			place "${library%% *}"
			;;
		*"=> /"*) fail "$name would take ${library%% *} of this machine: name the package that has it in $0" ;;
		esac
	done <<<"$needs"
done
cp "$work/from/bin/busybox" "$out/busybox"

# Modules in the order in which they can be loaded.
placed=" "
module() {
	case $placed in *" $1 "*) return ;; esac
	placed+="$1 "
	local file needs name
	file=$(find "$work/from" -name "$1.ko*" -o -name "${1//_/-}.ko*" | head -1)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) "$out/busybox" xz -dc "$file" >"$work/to/modules/$1.ko" ;;
	*) cp "$file" "$work/to/modules/$1.ko" ;;
	esac
	needs=$(tr '\0' '\n' <"$work/to/modules/$1.ko" | sed -n 's/^depends=//p' | tr ',-' ' _')
	for name in $needs; do module "$name"; done
	echo "$1.ko" >>"$work/to/modules/order"
}
for name in "${modules[@]}"; do module "$name"; done
for name in bluetooth hci_vhci; do
	[ -e "$work/to/modules/$name.ko" ] || fail "$kernel has no module $name"
done

for f in /usr/share/dbus-1/system.conf /usr/share/dbus-1/system.d/bluetooth.conf /etc/dbus-1/system.d/bluetooth.conf; do
	[ ! -e "$work/from$f" ] || place "$f"
done

cp "$work"/from/boot/vmlinuz-* "$out/vmlinuz"
(cd "$work/to" && find . | "$out/busybox" cpio -o -H newc >"$out/base.cpio" 2>"$work/cpio.log") || fail "$(cat "$work/cpio.log")"
key >"$out/key"
echo "the image is made: $(du -h "$out/base.cpio" | cut -f1), $kernel"
