#!/usr/bin/env bash
# voice.sh records the clips that the card speaks with: card/voice/clips/en.bin
# and zh.bin, from the lists in card/voice/words. Run it after a list has
# changed, and commit what it writes.
#
# It needs espeak-ng (Debian's package of that name) and Go. The same version of
# espeak-ng on the same kind of machine writes the same bytes; the committed clips
# are of 1.51, Debian 12, amd64.
# espeak-ng is GPL-3.0-or-later; what it reads aloud is ours (docs/adr/0027).
set -euo pipefail
cd "$(dirname "$0")/.."

# Words a minute. Calm, for each clip is heard by itself.
SPEED=145

if ! command -v espeak-ng >/dev/null; then
	echo "espeak-ng is missing: apt-get install espeak-ng" >&2
	exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/voicepack" ./cmd/voicepack

for language in en zh; do
	list=card/voice/words/$language.txt
	mkdir "$work/$language"
	"$work/voicepack" list "$list" >"$work/$language.tsv"
	while IFS=$'\t' read -r number voice text; do
		espeak-ng -v "$voice" -s "$SPEED" -z -w "$work/$language/$number.wav" "$text"
	done <"$work/$language.tsv"
	"$work/voicepack" pack "$list" "$work/$language" "card/voice/clips/$language.bin"
	echo "$language: $(wc -l <"$work/$language.tsv") clips, $(stat -c %s "card/voice/clips/$language.bin") bytes"
done
espeak-ng --version
