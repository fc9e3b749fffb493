#!/usr/bin/env bash
# run.sh boots a virtual machine with Bluetooth controllers and the real
# bluetoothd, has this project's programs live through a story there, and tells
# what the machine tells. It succeeds only if the machine itself said PASS.
#
#   run.sh [STORY]    deliver.sh if it is not said
#
# The machine is emulated and needs no KVM.
set -euo pipefail
cd "$(dirname "$0")/../.."
story=${1:-scripts/ble/deliver.sh}
out=$PWD/.out/ble
bound=${BOUND:-420} # seconds that this may take

scripts/need.sh ble
scripts/ble/image.sh "$out"

top=$(mktemp -d "$out/top.XXXXXX")
trap 'rm -rf "$top"' EXIT
export CGO_ENABLED=0
go build -ldflags '-s -w' -o "$top/sotto" ./cmd/sotto
go -C scripts/ble/other vet .
go -C scripts/ble/other build -ldflags '-s -w' -o "$top/other" .
cp scripts/ble/init scripts/ble/main.conf scripts/ble/air.awk "$top"
cp "$story" "$top/run.sh"
chmod +x "$top/init"
# The kernel unpacks archives on top of each other.
(cd "$top" && find . | "$out/busybox" cpio -o -H newc 2>/dev/null) | cat "$out/base.cpio" - >"$out/initrd"

ended=0
timeout --kill-after=5 "$bound" qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -cpu max -m 768 \
	-nodefaults -no-user-config -no-reboot -display none -serial stdio \
	-kernel "$out/vmlinuz" -initrd "$out/initrd" \
	-append "console=ttyS0 loglevel=1 panic=1" </dev/null |
	sed -u 's/\r//g' | tee "$out/run.log" || ended=$?
[ "$ended" -eq 0 ] || echo "the machine was not done after $bound s, or could not start" >&2
grep -q '^\[[0-9.]*\] RESULT: PASS$' "$out/run.log"
