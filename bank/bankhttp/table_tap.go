package bankhttp

import (
	"net/http"

	"sotto/bankapi"
	"sotto/ident"
)

// uploadMax is room for bankapi.TapsMax taps with the longest chip data, however
// they are indented, in bytes.
const uploadMax = 384 << 10

// Answers to chip data that is no good, of an op that needs it to be.
var chipReasons = []bankapi.Reason{bankapi.NotFound, bankapi.NotGenuine}

func appletRoutes() []*route {
	const tag = "Applets"
	return []*route{
		{
			method: post, path: "/v1/applets", id: "issueApplet", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary: "Issue a card application for an account",
			about: "A `purse` holds money itself and is debited offline, an `account` asks the bank at each tap. " +
				"Next: personalise it, and load the purse.",
			reasons:  []bankapi.Reason{bankapi.Duplicate},
			endpoint: takes[bankapi.Applet]((*call).issueApplet),
		},
		{
			method: get, path: "/v1/applets", id: "listApplets", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List applets",
			endpoint: gives[bankapi.List[bankapi.Applet]]((*call).listApplets),
		},
		{
			method: get, path: "/v1/applets/{id}", of: ident.Applet, id: "getApplet", tag: tag, allow: issuerOnly,
			summary:  "Get an applet",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Applet]((*call).getApplet),
		},
		{
			method: post, path: "/v1/applets/{id}/block", of: ident.Applet, id: "blockApplet", tag: tag, allow: issuerOnly,
			summary:  "Block an applet",
			about:    "It is not loaded and not authorised any more. What its purse debits offline is still paid to the merchant.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Applet]((*call).blockApplet),
		},
		{
			method: post, path: "/v1/applets/{id}/unblock", of: ident.Applet, id: "unblockApplet", tag: tag, allow: issuerOnly,
			summary:  "Unblock an applet",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Applet]((*call).unblockApplet),
		},
		{
			method: post, path: "/v1/applets/{id}/personalization", of: ident.Applet, id: "personalizeApplet", tag: tag, allow: issuerOnly,
			summary: "Get what is written into a SIM for an applet",
			about: "Encrypted to the station that writes it; only that station can read it. " +
				"Each answer has another RSA key and certificates, so write one of them, and one only.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: takes[bankapi.AppletPersonalization]((*call).personalizeApplet),
		},
		{
			method: post, path: "/v1/inquiries", id: "inquire", tag: tag, allow: issuerOnly,
			summary: "Tell an applet what is available in its account",
			about: "For an `account` that is at a reader and has asked of no amount, with transaction type 31. Give `issuer_auth` and `script` to the " +
				"chip: it then knows whether it can pay, also after the account was filled up. No money moves. One that is blocked or expired " +
				"hears of nothing available, and its `response_code` is no `00`.",
			reasons:  append([]bankapi.Reason{bankapi.WrongState}, chipReasons...),
			endpoint: takes[bankapi.Inquiry]((*call).inquire),
		},
		{
			method: get, path: "/v1/ca-keys", id: "listCAKeys", tag: tag, allow: anyKey,
			summary:  "Get the keys with which terminals check chips",
			about:    "The public keys of the authority that certifies this bank, one for each RID. They all come at once.",
			endpoint: gives[bankapi.List[bankapi.CAKey]]((*call).listCAKeys),
		},
	}
}

func tapRoutes() []*route {
	const tag = "Taps"
	return []*route{
		{
			method: post, path: "/v1/taps", id: "postTaps", tag: tag, allow: merchantOnly, bodyMax: uploadMax,
			summary: "Upload offline debits",
			about: "A part of a terminal's batch: up to 500 taps, in at most 393216 bytes. Each is judged by itself, and the results are in the " +
				"order of the taps. What was uploaded before is posted once and answered alike, with `already`, so an upload whose answer was " +
				"lost may simply be sent again. A `disputed` tap is kept and not paid: `duplicate`, `insufficient-funds`, or `torn` when the purse has " +
				"taken it back, which a later tap may show of one that was posted. A `refused` one is not kept; its `reason` is one of " +
				"`malformed`, `not-found`, `not-genuine`, `invalid` and `wrong-state`.",
			endpoint: takesFast[bankapi.TapsPosted](readTaps, (*call).postTaps),
		},
		{
			method: get, path: "/v1/taps", id: "listTaps", tag: tag, allow: anyKey,
			query: append([]param{
				{"applet", "those of this applet, by counter; for the issuer", "", "^app_[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
				{"status", "`disputed`: those that nobody has been paid for", "", "^disputed$"},
			}, paging...),
			asking:   "status=disputed",
			summary:  "List taps",
			about:    "Give either `applet` or `status`. Of the disputed ones a merchant sees its own, the issuer all.",
			endpoint: gives[bankapi.List[bankapi.TapRecord]]((*call).listTaps),
		},
		{
			method: post, path: "/v1/taps/{id}/resolve", of: ofTap, id: "resolveTap", tag: tag, allow: issuerOnly,
			summary: "End a dispute",
			about: "Accepted, the merchant has the money, at the bank's expense. Rejected, he has not, and gives back what he `owed`, having " +
				"been paid for it with his batch. Resolved alike again, it is answered alike.",
			reasons:  []bankapi.Reason{bankapi.NotFound, bankapi.WrongState, bankapi.InsufficientFunds},
			endpoint: takes[bankapi.TapRecord]((*call).resolveTap),
		},
		{
			method: post, path: "/v1/taps/settle", id: "settleBatch", tag: tag, allow: merchantOnly,
			summary: "Close a batch and be paid",
			about: "The terminal's totals must be the bank's: what `totals-differ` says is what the bank has. " +
				"Settled again, a batch is answered as it was settled.",
			reasons:  []bankapi.Reason{bankapi.TotalsDiffer},
			endpoint: takes[bankapi.Batch]((*call).settleBatch),
		},
		{
			method: get, path: "/v1/batches", id: "listBatches", tag: tag, allow: anyKey, query: paging,
			summary:  "List batches",
			about:    "By their ids, of which the last is first. A merchant sees its own, the issuer all.",
			endpoint: gives[bankapi.List[bankapi.Batch]]((*call).listBatches),
		},
		{
			method: post, path: "/v1/authorizations", id: "authorize", tag: tag, allow: merchantOnly,
			summary: "Have the bank decide on a tap",
			about: "An approval moves the money, and the tap joins the batch. A decline is an answer too: status 200, `declined`, and its reason. " +
				"One for want of money, or of an applet that is blocked, has a `script` as well: give it to the chip, which then does not offer what it cannot pay. " +
				"When no answer comes, ask again with the same `Idempotency-Key`, or reverse it.",
			reasons:  append([]bankapi.Reason{bankapi.WrongState, bankapi.Duplicate}, chipReasons...),
			endpoint: takes[bankapi.Authorization]((*call).authorize),
		},
		{
			method: post, path: "/v1/authorizations/reverse", id: "reverse", tag: tag, allow: merchantOnly,
			summary: "Take an authorisation back",
			about: "One that the terminal did not hear of, or whose tap did not end well. It may come first: the authorisation is then declined. " +
				"Reversed again, it is answered alike.",
			reasons:  append([]bankapi.Reason{bankapi.WrongState}, chipReasons...),
			endpoint: takes[bankapi.TapRecord]((*call).reverse),
		},
	}
}

func loadRoutes() []*route {
	const tag = "Loads"
	return []*route{
		{
			method: post, path: "/v1/loads", id: "createLoad", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary: "Load a purse that is at a reader",
			about: "The money leaves the account and is in flight. Give `issuer_auth` and `script` to the chip: " +
				"the script sets its balance, works in this transaction only, and at most once.",
			reasons: append([]bankapi.Reason{
				bankapi.InsufficientFunds, bankapi.Duplicate, bankapi.AppletBlockedNow, bankapi.LoadPending,
			}, chipReasons...),
			endpoint: takes[bankapi.Load]((*call).createLoad),
		},
		{
			method: get, path: "/v1/loads", id: "listLoads", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List loads",
			endpoint: gives[bankapi.List[bankapi.Load]]((*call).listLoads),
		},
		{
			method: get, path: "/v1/loads/{id}", of: ident.Load, id: "getLoad", tag: tag, allow: issuerOnly,
			summary:  "Get a load",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Load]((*call).getLoad),
		},
		{
			method: post, path: "/v1/loads/{id}/resolve", of: ident.Load, id: "resolveLoad", tag: tag, allow: issuerOnly,
			summary: "Tell whether a load has arrived",
			about: "Bring a later cryptogram of the purse, of any type: it says whether the script was executed, and the money stays in the purse or " +
				"returns to the account. A tap or a load that reaches the bank says it just as well.",
			reasons:  chipReasons,
			endpoint: takes[bankapi.Load]((*call).resolveLoad),
		},
	}
}
