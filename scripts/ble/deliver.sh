# A bank, a card and a phone as three processes of this machine, with nothing but
# Bluetooth between the last two. The card's adapter is hci0, the phone's hci1.
# init reads this file with ".": what it defines is known here.
set -eu
cd /root
BANK=http://127.0.0.1:8421

fail() {
	say "NOT SO: $*"
	false
}

# call KEY PATH [BODY] asks the bank.
call() {
	key=$1 path=$2
	shift 2
	wget -q -O - --header "Authorization: Bearer $(cat "$key")" ${1:+--header "Content-Type: application/json"} ${1:+--post-data "$1"} "$BANK$path"
}

# Each looks once, for until_.
is_ready() { grep -q ^ready "$1"; }
card_shows() { sotto card show --state card --json | jq -e ".scene == \"$1\""; }
on_card() { call shop.key "/v1/payments/$1" | jq -e '.delivery == "on_card"'; }

start_card() {
	sotto --log-level debug card run --state card --listen 127.0.0.1:0 --ble hci0 --quiet >card.out 2>>/run/card.log &
	card_pid=$!
	until_ "the card was ready" 60 is_ready card.out
}

# pay AMOUNT SHOWN: from the order to the money.
pay() {
	air=$(aired)
	payment=$(call shop.key /v1/payments "{\"card\":\"$card\",\"amount\":$1,\"currency\":\"CNY\",\"order\":\"A-$1\",\"payee\":\"Blue Kiln Ceramics\"}" | jq -r .id)
	say "ordered for $2"
	until_ "the bank had the card's receipt" 90 on_card "$payment"
	screen=$(sotto card show --state card --json)
	code=$(echo "$screen" | jq -r .code)
	say "the bank knows that the code is on the card, which shows: $(echo "$screen" | jq -c '[.amount, .payee, .code]')"
	say "$(($(aired) - air)) bytes on the air"
	[ "$(echo "$screen" | jq -r .amount)" = "CNY $2" ] || fail "the card shows another amount"
	[ ${#code} -ge 6 ] || fail "the card shows no code"
	call shop.key "/v1/payments/$payment/confirm" "{\"code\":\"$code\"}" | jq -e ".status == \"succeeded\" and .captured == $1" >/dev/null ||
		fail "the bank did not take the code"
	say "the bank has taken the code: paid"
	for where in phone.out /run/phone.log phone /run/air.snoop; do
		if grep -rqF -e "$code" -e "Blue Kiln" "$where"; then
			fail "the code or the payee is in $where"
		fi
	done
}

# aired is how many bytes both sides have sent so far, as their hosts count them:
# L2CAP, ATT and all.
aired() {
	sleep 0.3
	btmon -r /run/air.snoop | awk '/ACL Data TX/ { for (i = 1; i < NF; i++) if ($i == "dlen") n += $(i + 1) } END { print n + 0 }'
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
call issuer.key "/v1/cards/$card/personalization" "{\"recipient\":\"$recipient\"}" | jq -r .data | sotto card personalize --state card
start_card
say "the card advertises"

invited=$(call issuer.key /v1/phones '{"name":"the phone of Li Wei"}')
echo "$invited" | jq -r .ticket | sotto phone enrol --state phone --ticket - >/dev/null
sotto --log-level debug phone run --state phone --ble hci1 >phone.out 2>/run/phone.log &
until_ "the phone was ready" 60 is_ready phone.out
say "the phone knows no address of the card, and has a radio"

binding=$(call issuer.key /v1/bindings "{\"card\":\"$card\",\"phone\":\"$(echo "$invited" | jq -r .id)\"}" | jq -r .id)
until_ "the card asked whether to bind the phone" 90 card_shows bind
code=$(sotto card show --state card --json | jq -r .code)
call issuer.key "/v1/bindings/$binding/confirm" "{\"code\":\"$code\"}" | jq -e '.status == "confirmed"' >/dev/null || fail "the phone is not bound"
say "bound with the code on the card"

pay 12800 128.00
pay 990 9.90

say "the card is switched off and on"
kill -9 $card_pid
start_card
pay 4500 45.00

say "bluetoothd is killed and comes back"
kill -9 "$(cat /run/bluetoothd.pid)"
sleep 2
daemon
pay 31000 310.00

say "what the phone says of its exchanges:"
grep -h 'connected to the card\|the card has answered\|not encrypted' /run/phone.log | sed 's/^time=[^ ]* level=[^ ]* //'
grep -q 'Encryption: Enabled with AES-CCM' <<-END || fail "the link was never encrypted"
	$(btmon -r /run/air.snoop | grep Encryption: | sort | uniq -c)
END
say "$(btmon -r /run/air.snoop | grep -c 'Pairing Public Key') public keys crossed in pairing by LE Secure Connections"
