# shellcheck shell=sh
# A bank, a card and a phone as three processes of this machine, with nothing but
# Bluetooth between the last two. The card's adapter is hci0, the phone's hci1.
# init reads this file with ".": what it defines is known here.
# shellcheck disable=SC3040 # busybox has it
set -euo pipefail
cd "$HOME"
BANK=http://127.0.0.1:8421

fail() {
	say "NOT SO: $*"
	exit 1
}

# call KEY PATH [BODY] asks the bank.
call() {
	key=$1 path=$2
	shift 2
	wget -q -O - --header "Authorization: Bearer $(cat "$key")" ${1:+--header "Content-Type: application/json"} ${1:+--post-data "$1"} "$BANK$path"
}

# Each looks once, for until_.
is_ready() { grep -q ^ready "$1"; }
bound() { grep -q state=bound /run/phone.log; }
reported_again() { [ "$(reports)" -gt "$said" ]; }
missed_again() { [ "$(misses)" -gt "$missed" ]; }

look() { sotto card show --state card --json >screen.json; }

shows() { jq -r "$1" screen.json; }
reports() { grep -c state=reported /run/phone.log || true; }
misses() { grep -c 'state=waiting .*reason=out-of-reach' /run/phone.log || true; }
connections() { cat /run/*.log | grep -c 'connected to the card' || true; }

start_card() {
	rm -f card.out
	sotto --log-level debug card run --state card --listen 127.0.0.1:0 --ble hci0 --quiet >card.out 2>>/run/card.log &
	echo $! >card.pid
	until_ "the card was ready" 60 is_ready card.out
}

start_phone() {
	rm -f phone.out
	sotto --log-level debug phone run --state phone "$@" >phone.out 2>>/run/phone.log &
	echo $! >phone.pid
	until_ "the phone was ready" 60 is_ready phone.out
}

# end NAME [SIGNAL] ends the card or the phone, and waits until it is gone: its
# folder has room for one.
end() {
	kill "-${2:-TERM}" "$(cat "$1.pid")"
	wait "$(cat "$1.pid")" || true
}

# order FEN has the shop ask for money.
order() {
	said=$(reports) missed=$(misses) made=$(connections)
	listen
	packets_before=$packets bytes_before=$bytes
	payment=$(call shop.key /v1/payments "{\"card\":\"$card\",\"amount\":$1,\"currency\":\"CNY\",\"order\":\"A-$1\",\"payee\":\"Blue Kiln Ceramics\"}" | jq -r .id)
}

# holds TEXT FILE… looks for a text in all that is below. busybox's grep does not
# look behind a zero byte.
holds() {
	text=$1
	shift
	ls -d "$@" >/dev/null || fail "what is to be searched is not there"
	[ "$(find "$@" -type f -exec cat {} + | tr '\000' '\n' | grep -cF -e "$text")" -gt 0 ]
}

# delivered WHEN YUAN waits for the card's receipt, looks at the card, and pays.
delivered() {
	until_ "the phone had reported the card's receipt" 90 reported_again
	call shop.key "/v1/payments/$payment" | jq -e '.delivery == "on_card"' >/dev/null || fail "the bank has no receipt of the card"
	until_ "the card could be looked at" 30 look
	code=$(shows .code)
	[ "$(shows '.amount + " " + .payee')" = "CNY $2 Blue Kiln Ceramics" ] || fail "the card shows another amount or payee"
	[ ${#code} -ge 6 ] || fail "the card shows no code"
	listen
	say "DELIVERED $1: from phone to card and back in $(took) ms," \
		"$((bytes - bytes_before)) bytes in $((packets - packets_before)) packets, $(($(connections) - made)) new connections"
	fen=$(echo "$2" | tr -d .)
	call shop.key "/v1/payments/$payment/confirm" "{\"code\":\"$code\"}" | jq -e ".status == \"succeeded\" and .captured == ($fen | tonumber)" >/dev/null ||
		fail "the bank did not take the code"
	! holds "$code" phone phone.out /run/phone.log /run/air.snoop || fail "the code is on the phone or on the air"
	! holds "Blue Kiln" phone phone.out /run/phone.log /run/air.snoop || fail "the payee is on the phone or on the air"
}

# ms reads a time of day such as 20:47:07.541.
ms() { echo "$1" | awk -F '[:.]' '{ print (($1 * 60 + $2) * 60 + $3) * 1000 + substr($4, 1, 3) }'; }
# took is how long the last dispatch was on the phone, until it had the receipt.
took() { echo $((($(state shown) - $(state taken) + 86400000) % 86400000)); }
state() { ms "$(sed -n "s/^time=[^T]*T\([^Z]*\)Z .*state=$1 .*/\1/p" /run/phone.log | tail -1)"; }

# listen adds up what has crossed the air since it was last asked, see air.awk.
heard=0 packets=0 bytes=0 encrypted=0 keys=0
listen() {
	sleep 0.3 # btmon writes
	size=$(stat -c %s /run/air.snoop)
	# shellcheck disable=SC2046 # several words
	set -- $(tail -c +$((heard + 1)) /run/air.snoop | head -c $((size - heard)) | od -An -v -tu1 | awk -v "header=$((heard ? 0 : 16))" -f /air.awk)
	heard=$size packets=$((packets + $1)) bytes=$((bytes + $2)) encrypted=$((encrypted + $3)) keys=$((keys + $4))
}

sotto bank init --data bank >issuer.key
sotto bank --data bank >bank.out 2>/run/bank.log &
until_ "the bank was ready" 60 is_ready bank.out
vault=$(call issuer.key /v1/accounts '{"name":"Vault","kind":"internal","currency":"CNY"}' | jq -r .id)
payer=$(call issuer.key /v1/accounts '{"name":"Li Wei","kind":"customer","currency":"CNY"}' | jq -r .id)
call issuer.key /v1/transfers "{\"debit\":\"$vault\",\"credit\":\"$payer\",\"amount\":1000000,\"currency\":\"CNY\"}" >/dev/null
call issuer.key /v1/merchants '{"name":"Tea House","currency":"CNY"}' | jq -r .key.secret >shop.key
recipient=$(sotto card new --state card)
card=$(call issuer.key /v1/cards "{\"account\":\"$payer\",\"pan\":\"6217000010000000011\",\"holder\":\"LI WEI\"}" | jq -r .id)
call issuer.key "/v1/cards/$card/personalization" "{\"recipient\":\"$recipient\"}" | jq -r .data | sotto card personalize --state card >/dev/null
say "the bank is open, the card is personalised"

start_card
say "the card advertises"
invited=$(call issuer.key /v1/phones '{"name":"the phone of Li Wei"}')
phone=$(echo "$invited" | jq -r .id)
echo "$invited" | jq -r .ticket | sotto phone enrol --state phone --ticket - >/dev/null
start_phone --ble hci1
say "the phone knows no address of the card, and has a radio"

binding=$(call issuer.key /v1/bindings "{\"card\":\"$card\",\"phone\":\"$phone\"}" | jq -r .id)
until_ "the card asked whether to bind the phone" 90 bound
until_ "the card could be looked at" 30 look
[ "$(shows .scene)" = bind ] || fail "the card does not ask whether to bind the phone"
call issuer.key "/v1/bindings/$binding/confirm" "{\"code\":\"$(shows .code)\"}" | jq -e '.status == "confirmed"' >/dev/null || fail "the phone is not bound"
listen
say "bound with the code on the card: $bytes bytes in $packets packets, with all that comes before the first message"

order 12800
delivered "to the card in reach" 128.00

end card KILL
say "the card's battery is out"
order 4500
until_ "the phone said that the card is out of reach" 90 missed_again
say "to the phone the card is out of reach"
start_card
delivered "when the card was back" 45.00

end phone
other stranger 2 >other.out 2>>/run/other.log || fail "a stranger: $(cat /run/other.log)"
say "a stranger on another Bluetooth stack: $(tail -1 other.out)"
other carry 2 "$card" >other.out 2>>/run/other.log &
until_ "the other stack was ready" 60 is_ready other.out
start_phone --card "$card=$(cut -d' ' -f2 other.out)"
order 7700
delivered "over the other Bluetooth stack, not encrypted" 77.00

[ $encrypted -gt 0 ] || fail "the link was never encrypted"
sed -n 's/.*msg="connected to the card"/a new connection:/p' /run/phone.log /run/other.log
sed -n 's/.*msg="the link to the card is not encrypted.* reason=/the phone could not pair: /p' /run/phone.log
say "links were encrypted $((encrypted / 2)) times, with $((keys / 2)) agreements of keys by LE Secure Connections"
holds "Blue Kiln" bank || fail "a search for the payee would not find it anywhere"
