#!/usr/bin/env bash
# cardgo.sh runs the go command for the card's other machine, WebAssembly with
# WASI, with the one face of the font that a card needs in its flash in place of
# the six of the module (card/screen/font):
#
#   scripts/cardgo.sh build -ldflags='-s -w' -o cardfw.wasm ./cmd/cardfw
#   scripts/cardgo.sh test -c -o screen.wasm ./card/screen
set -euo pipefail

command=$1
shift
root=$(dirname "$(go env GOMOD)")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go run "$root/cmd/fontpack" "$work/face.bin"
printf '{"Replace": {"%s": "%s"}}\n' "$root/card/screen/font/face.bin" "$work/face.bin" >"$work/overlay.json"
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go "$command" -tags flashfont -overlay "$work/overlay.json" "$@"
