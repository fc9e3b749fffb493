#!/usr/bin/env bash
# image.sh makes what a virtual machine with Bluetooth boots from: a kernel, and
# the first half of an initial file system with busybox, D-Bus, bluetoothd and
# btvirt. All of it comes out of Debian packages, which are unpacked below
# .out/ble and not installed. It is made once for each set of versions.
#
#   image.sh OUT    leaves OUT/vmlinuz and OUT/base.gz
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)

# The programs, and the packages that have them and their libraries.
programs=(busybox jq dbus-daemon dbus-send bluetoothd btvirt btmon bluetoothctl)
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
# a kernel has built in, or does not have any more, are passed over.
modules=(
	aes_generic ecb ctr hmac sha256_generic sha512_generic sha3_generic cmac
	jitterentropy_rng drbg ecdh_generic
	af_alg algif_hash algif_skcipher
	bluetooth hci_vhci
)

kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
if [ -z "$kernel" ]; then
	if [ -e "$out/base.gz" ] && [ -e "$out/vmlinuz" ]; then
		echo "apt has no list of packages; the image from before is used"
		exit 0
	fi
	echo "apt does not know linux-image-amd64: run 'apt-get update' on a Debian of this architecture" >&2
	exit 1
fi
packages+=("$kernel")

# Versions that apt offers; a new one makes a new image.
versions=$(apt-cache policy "${packages[@]}" | grep -E '^[^ ]|Candidate')
key=$(cat "$0" - <<<"$versions" | sha256sum | cut -c1-16)
if [ "$(cat "$out/key" 2>/dev/null)" = "$key" ] && [ -e "$out/base.gz" ] && [ -e "$out/vmlinuz" ]; then
	exit 0
fi

work=$(mktemp -d "$out/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/packages" "$work/from" "$work/to/modules"

echo "fetching Debian packages with $kernel"
fetch() (cd "$out/packages" && apt-get download -o APT::Sandbox::User=root "$@") >"$work/fetch.log" 2>&1
offered=()
for p in "${packages[@]}"; do # names differ between releases
	[ -n "$(apt-cache policy "$p" | grep -v '(none)' | grep Candidate)" ] && offered+=("$p")
done
if ! fetch "${offered[@]}"; then
	cat "$work/fetch.log" >&2
	echo "The packages could not be fetched. Lists that are too old are the usual cause: run 'apt-get update'" >&2
	exit 1
fi
for p in "${offered[@]}"; do
	deb=$(ls -t "$out/packages/$p"_*.deb | head -1) # there may be older ones
	case $p in
	linux-image-*) # most of it is drivers
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/from" --wildcards \
			'./boot/vmlinuz-*' '*/kernel/crypto/*' '*/kernel/lib/*' '*/kernel/net/bluetooth/*' \
			'*/kernel/net/rfkill/*' '*/kernel/drivers/bluetooth/*' '*/kernel/arch/x86/crypto/*'
		;;
	*) dpkg-deb -x "$deb" "$work/from" ;;
	esac
done

# place copies a file to the same place in the new file system.
place() {
	mkdir -p "$work/to$(dirname "$1")"
	cp -L "$work/from$1" "$work/to$1"
}

[ -e "$work/from/lib64/ld-linux-x86-64.so.2" ] || ln -sfn usr/lib64 "$work/from/lib64"
loader=/lib64/ld-linux-x86-64.so.2
place "$loader"
search=$work/from/lib/x86_64-linux-gnu:$work/from/usr/lib/x86_64-linux-gnu

for name in "${programs[@]}"; do
	at=$(cd "$work/from" && find . -type f -name "$name" -perm -u+x | head -1 | cut -c2-)
	if [ -z "$at" ]; then
		echo "no package has the program $name" >&2
		exit 1
	fi
	place "$at"
	ln -sfn "$at" "$work/to/$name"
	needs=$("$work/from$loader" --library-path "$search" --list "$work/from$at" 2>/dev/null) || continue # static
	while read -r library; do
		case $library in
		*"not found"*)
			echo "$name needs ${library%% *}, which none of the packages has: add the one that has it to $0" >&2
			exit 1
			;;
		*"=> $work/from"*)
			library=${library#*"=> $work/from"}
			place "${library%% *}"
			;;
		*"=> /"*)
			echo "$name would take ${library%% *} of this machine: add the package that has it to $0" >&2
			exit 1
			;;
		esac
	done <<<"$needs"
done

# Modules in the order in which they can be loaded.
tree=$(echo "$work"/from/lib/modules/*/ "$work"/from/usr/lib/modules/*/ | tr ' ' '\n' | grep -v '\*' | head -1)
placed=" "
module() {
	case $placed in *" $1 "*) return ;; esac
	placed+="$1 "
	local file
	file=$(find "$tree" -name "$1.ko*" -o -name "${1//_/-}.ko*" | head -1)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) xz -dc "$file" >"$work/to/modules/$1.ko" ;;
	*) cp "$file" "$work/to/modules/$1.ko" ;;
	esac
	local needed
	needed=$(tr '\0' '\n' <"$work/to/modules/$1.ko" | sed -n 's/^depends=//p' | tr ',-' ' _')
	for needed in $needed; do module "$needed"; done
	echo "$1.ko" >>"$work/to/modules/order"
}
for name in "${modules[@]}"; do module "$name"; done
for name in bluetooth hci_vhci; do
	[ -e "$work/to/modules/$name.ko" ] || { echo "$kernel has no module $name" >&2; exit 1; }
done

for f in /usr/share/dbus-1/system.conf /usr/share/dbus-1/system.d/bluetooth.conf /etc/dbus-1/system.d/bluetooth.conf; do
	[ ! -e "$work/from$f" ] || place "$f"
done

cp "$work"/from/boot/vmlinuz-* "$out/vmlinuz"
(cd "$work/to" && find . | "$work/to/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/base.gz"
mv "$work/base.gz" "$out/base.gz"
echo "$key" >"$out/key"
echo "the image is made: $(du -h "$out/base.gz" | cut -f1), $kernel"
