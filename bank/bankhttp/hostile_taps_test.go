package bankhttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sotto/bankapi"
)

func TestHostileUploadsGetOneClearProblem(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	tap := purse.taps(100, "R-1")
	before := w.snapshot()
	upload := func(extra string) string {
		return fmt.Sprintf(`{"terminal":"TILL1","batch":7,"taps":[{"reference":"R-1","amount":100,"currency":"CNY","chip_data":%q%s}]}`, tap.ChipData, extra)
	}
	with := func(taps string) string { return `{"terminal":"TILL1","batch":7,"taps":` + taps + `}` }
	field := func(name, value string) string {
		return with(`[{"reference":"R-1",` + fmt.Sprintf("%q:%s}]", name, value))
	}
	many := "[" + strings.Repeat("{},", bankapi.TapsMax) + "{}]"
	for name, c := range map[string]struct {
		body   string
		reason bankapi.Reason
		field  string
	}{
		"empty":                  {"", bankapi.Malformed, ""},
		"truncated":              {upload("")[:300], bankapi.Malformed, ""},
		"garbage behind":         {upload("") + "x", bankapi.Malformed, ""},
		"comma at the end":       {with("[{},]"), bankapi.Malformed, ""},
		"two in one":             {with("[{}{}]"), bankapi.Malformed, ""},
		"no taps":                {with("[]"), bankapi.Invalid, "taps"},
		"null for taps":          {with("null"), bankapi.Invalid, "taps"},
		"one tap, no list":       {with("{}"), bankapi.Invalid, "taps"},
		"text for taps":          {with(`"[]"`), bankapi.Invalid, "taps"},
		"text for a tap":         {with(`["{}"]`), bankapi.Invalid, "taps"},
		"list for a tap":         {with("[[]]"), bankapi.Invalid, "taps"},
		"null for a tap":         {with("[{},null]"), bankapi.Invalid, "taps"},
		"501":                    {with(many), bankapi.Invalid, "taps"},
		"many more":              {with("[" + strings.Repeat("{},", 100_000) + "{}]"), bankapi.Invalid, "taps"},
		"unknown field":          {upload(`,"tip":1`), bankapi.Invalid, "taps.tip"},
		"unknown, like a number": {upload(`,"` + pursePAN + `":1`), bankapi.Invalid, "taps"},
		"other case":             {upload(`,"Amount":1`), bankapi.Invalid, "taps"},
		"escaped name":           {upload(`,"\u0061mount":1`), bankapi.Invalid, "taps"},
		"twice in a tap":         {upload(`,"amount":100`), bankapi.Invalid, "taps.amount"},
		"twice beside":           {`{"terminal":"T","terminal":"T","batch":1,"taps":[]}`, bankapi.Invalid, "terminal"},
		"a list twice":           {`{"terminal":"T","batch":1,"taps":[],"taps":[]}`, bankapi.Invalid, "taps"},
		"unknown in the second":  {with(`[{},{"tip":{"a":["]}"]}}]`), bankapi.Invalid, "taps.tip"},
		"text for amount":        {field("amount", `"100"`), bankapi.Invalid, "taps.amount"},
		"fraction":               {field("amount", "1.5"), bankapi.Invalid, "taps.amount"},
		"exponent":               {field("amount", "1e2"), bankapi.Invalid, "taps.amount"},
		"2^63":                   {field("amount", "9223372036854775808"), bankapi.Invalid, "taps.amount"},
		"leading zero":           {field("amount", "0100"), bankapi.Malformed, ""},
		"number for chip data":   {field("chip_data", "5"), bankapi.Invalid, "taps.chip_data"},
		"list for chip data":     {field("chip_data", "[]"), bankapi.Invalid, "taps.chip_data"},
		"number for terminal":    {`{"terminal":1,"batch":7,"taps":[{}]}`, bankapi.Invalid, "terminal"},
		"text for batch":         {`{"terminal":"T","batch":"7","taps":[{}]}`, bankapi.Invalid, "batch"},
		"batch 0":                {`{"terminal":"T","batch":0,"taps":[{}]}`, bankapi.Invalid, "batch"},
		"batch of seven digits":  {`{"terminal":"T","batch":1000000,"taps":[{}]}`, bankapi.Invalid, "batch"},
		"batch of 19 digits":     {`{"terminal":"T","batch":1000000000000000000,"taps":[{}]}`, bankapi.Invalid, "batch"},
		"long terminal":          {`{"terminal":"TERMINAL1","batch":7,"taps":[{}]}`, bankapi.Invalid, "terminal"},
		"terminal with a stroke": {`{"terminal":"A|1","batch":7,"taps":[{}]}`, bankapi.Invalid, "terminal"},
		"NUL in the terminal":    {`{"terminal":"A\u0000","batch":7,"taps":[{}]}`, bankapi.Invalid, "terminal"},
		"no UTF-8":               {field("reference2", "\"\xff\""), bankapi.Malformed, ""},
		"half a character":       {`{"terminal":"\ud83d","batch":7,"taps":[{}]}`, bankapi.Malformed, ""},
		"deep nesting":           {strings.Repeat(`{"taps":[`, 20_000), bankapi.Malformed, ""},
		"deep and whole":         {upload(`,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), bankapi.Invalid, "taps.x"},
		"400 KB":                 {upload(strings.Repeat(" ", 400<<10)), bankapi.TooLarge, ""},
		"10 MB":                  {strings.Repeat("x", 10<<20), bankapi.TooLarge, ""},
	} {
		r := w.ask("POST", "/v1/taps", w.shop, strings.NewReader(c.body))
		if got := r.problem(t); got.Reason() != c.reason || got.Field != c.field {
			t.Errorf("%s: got %s, want %s %s", name, r.body, c.reason, c.field)
		}
	}
	if after := w.snapshot(); after != before {
		t.Errorf("something has changed: before\n%s\nafter\n%s", before, after)
	}
	w.wantsNoSecrets(tap.ChipData)
}

// Chip data that is no good spoils its own tap and no other.
func TestHostileChipData(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	account := w.issue(bankapi.AppletAccount, accountPAN)
	good := purse.taps(100, "R-1").ChipData
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1 // of the unpredictable number
	without, _ := strings.CutSuffix(good, "9F3704"+good[len(good)-8:])
	before := w.snapshot()
	for name, c := range map[string]struct{ data, want string }{
		"nothing":          {"", "malformed"},
		"odd":              {good[1:], "malformed"},
		"no hex":           {strings.Repeat("zz", 100), "malformed"},
		"JSON in it":       {`","amount":1`, "malformed"},
		"garbage":          {strings.Repeat("7F", 120), "malformed"},
		"too long":         {good + "C0FF" + strings.Repeat("00", 128), "malformed"},
		"much too long":    {good + strings.Repeat("00", 20_000), "malformed"},
		"cut off":          {good[:len(good)-2], "malformed"},
		"an object twice":  {good + good[len(good)-14:], "malformed"},
		"an object less":   {without, "malformed"},
		"endless length":   {"9F1080" + good, "malformed"},
		"somebody else's":  {strings.Replace(good, pursePAN, poorPAN, 1), "not-found"},
		"a changed number": {string(flipped), "not-genuine"},
		"another kind":     {account.arqc(100), "not-genuine"},
		"no TC":            {purse.arqc(100), "invalid"},
	} {
		var posted bankapi.TapsPosted
		r := w.must(200, w.shop, "/v1/taps", bankapi.PostTaps{Terminal: "TILL1", Batch: 7, Taps: []bankapi.Tap{
			{Reference: name, Amount: 100, Currency: "CNY", ChipData: c.data},
		}}, &posted)
		if got := statuses(posted); got != "refused:"+c.want || len(c.data) > 8 && strings.Contains(string(r.body), c.data[:8]) {
			t.Errorf("%s: got %s, want %s", name, r.body, c.want)
		}
		single := bankapi.Invalid
		switch c.want {
		case "not-found", "not-genuine":
			single = bankapi.Reason(c.want)
		}
		for path, ask := range map[string]struct {
			key string
			v   any
		}{
			"/v1/authorizations":         {w.shop, bankapi.Authorize{Terminal: "T", Batch: 1, Reference: "r", Amount: 200, Currency: "CNY", ChipData: c.data}},
			"/v1/authorizations/reverse": {w.shop, bankapi.Reverse{Terminal: "T", Batch: 1, ChipData: c.data}},
			"/v1/inquiries":              {w.issuer, bankapi.Inquire{ChipData: c.data}},
			"/v1/loads":                  {w.issuer, bankapi.CreateLoad{Amount: 100, Currency: "CNY", ChipData: c.data}},
		} {
			if name == "another kind" {
				continue // is what one of them wants
			}
			r := w.post(ask.key, path, ask.v)
			if got := r.problem(t); got.Reason() != single || single == bankapi.Invalid && got.Field != "chip_data" {
				t.Errorf("%s to %s: got %s, want %s", name, path, r.body, single)
			}
		}
	}
	if after := w.snapshot(); after != before {
		t.Errorf("something has changed: before\n%s\nafter\n%s", before, after)
	}
	w.wantsNoSecrets(good)
}

// A spoilt tap does not keep the others from being paid.
func TestOneBadTapOfMany(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	upload := purse.upload(bankapi.TapsMax, 10)
	upload.Taps[7].ChipData = "5A"
	upload.Taps[9].Reference = ""
	upload.Taps[11].Amount++
	var posted bankapi.TapsPosted
	w.must(200, w.shop, "/v1/taps", upload, &posted)
	count := map[bankapi.TapStatus]int{}
	for i, r := range posted.Results {
		count[r.Status]++
		if r.Reference != upload.Taps[i].Reference {
			t.Fatalf("result %d is of %s", i, r.Reference)
		}
	}
	if count[bankapi.TapPosted] != bankapi.TapsMax-3 || count[bankapi.TapRefused] != 3 {
		t.Errorf("got %v", count)
	}
}

// Only uploads of taps may be so large.
func TestOtherBodiesKeepTheirLimit(t *testing.T) {
	w := newWorld(t)
	body := func(n int) *strings.Reader { return strings.NewReader("{}" + strings.Repeat(" ", n-2)) }
	for path, key := range map[string]string{
		"/v1/taps/settle": w.shop, "/v1/authorizations": w.shop, "/v1/authorizations/reverse": w.shop, "/v1/applets": w.issuer, "/v1/loads": w.issuer,
		"/v1/inquiries": w.issuer,
	} {
		if r := w.ask("POST", path, key, body(64<<10+1)); r.problem(t).Reason() != bankapi.TooLarge || !strings.Contains(string(r.body), "65536") {
			t.Errorf("%s: %s", path, r.body)
		}
		if r := w.ask("POST", path, key, body(64<<10)); r.problem(t).Reason() == bankapi.TooLarge {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if r := w.ask("POST", "/v1/taps", w.shop, body(384<<10)); r.problem(t).Field != "taps" && r.problem(t).Field != "terminal" {
		t.Errorf("got %s", r.body)
	}
	if r := w.ask("POST", "/v1/taps", w.shop, body(384<<10+1)); r.problem(t).Reason() != bankapi.TooLarge || !strings.Contains(string(r.body), "393216") {
		t.Errorf("got %s", r.body)
	}
}

func TestWhoMayDoWhatWithTaps(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	before := w.snapshot()
	applet := "/v1/applets/" + purse.applet.ID
	none := "/v1/loads/load_01JD3ZG8M1P4S7V0Y3B6E9H2KM"
	tap, err := json.Marshal(purse.upload(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, method, path, body string
		want                    bankapi.Reason
	}{
		{w.shop, "POST", "/v1/applets", "", bankapi.Forbidden},
		{w.shop, "GET", "/v1/applets", "", bankapi.Forbidden},
		{w.shop, "GET", applet, "", bankapi.Forbidden},
		{w.shop, "POST", applet + "/block", "", bankapi.Forbidden},
		{w.shop, "POST", applet + "/unblock", "", bankapi.Forbidden},
		{w.shop, "POST", applet + "/personalization", `{"recipient":"age1"}`, bankapi.Forbidden},
		{w.shop, "GET", "/v1/taps?applet=" + purse.applet.ID, "", bankapi.Forbidden},
		{w.shop, "POST", "/v1/inquiries", "", bankapi.Forbidden},
		{w.shop, "POST", "/v1/loads", "", bankapi.Forbidden},
		{w.shop, "GET", "/v1/loads", "", bankapi.Forbidden},
		{w.shop, "GET", none, "", bankapi.Forbidden},
		{w.shop, "POST", none + "/resolve", "", bankapi.Forbidden},
		{w.issuer, "POST", "/v1/taps", string(tap), bankapi.Forbidden},
		{w.issuer, "POST", "/v1/taps/settle", "", bankapi.Forbidden},
		{w.issuer, "POST", "/v1/authorizations", "", bankapi.Forbidden},
		{w.issuer, "POST", "/v1/authorizations/reverse", "", bankapi.Forbidden},
		{w.issuer, "GET", none, "", bankapi.NotFound},
		{w.issuer, "POST", none + "/resolve", "{}", bankapi.NotFound},
		{w.issuer, "GET", "/v1/applets/" + w.card.ID, "", bankapi.NotFound},
		{w.issuer, "GET", "/v1/applets/app_01JD3ZF4V7X0B3E6H9K2N5R8TJ", "", bankapi.NotFound},
		{w.issuer, "POST", "/v1/applets/app_01JD3ZF4V7X0B3E6H9K2N5R8TJ/block", "", bankapi.NotFound},
		{w.issuer, "GET", "/v1/taps/settle", "", bankapi.MethodNotAllowed},
		{w.issuer, "GET", "/v1/taps/x", "", bankapi.NotFound},
		{"", "POST", "/v1/applets", "", bankapi.Unauthenticated},
		{"", "GET", "/v1/ca-keys", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/taps", string(tap), bankapi.Unauthenticated},
		{"", "GET", "/v1/taps?status=disputed", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/taps/settle", "", bankapi.Unauthenticated},
		{"", "GET", "/v1/batches", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/authorizations", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/authorizations/reverse", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/inquiries", "", bankapi.Unauthenticated},
		{"", "POST", "/v1/loads", "", bankapi.Unauthenticated},
		{w.shop[:len(w.shop)-1] + "0", "POST", "/v1/taps", string(tap), bankapi.Unauthenticated},
	} {
		r := w.ask(c.method, c.path, c.key, strings.NewReader(c.body))
		if got := r.problem(t).Reason(); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.path, r.body, c.want)
		}
	}
	if w.snapshot() != before {
		t.Error("something has changed")
	}
	w.must(200, w.shop, "/v1/taps", json.RawMessage(tap), nil)
	w.must(200, w.other, "/v1/taps/settle", bankapi.SettleBatch{Terminal: "TILL1", Batch: 7, Currency: "CNY"}, nil) // a batch of its own
	var batches bankapi.List[bankapi.Batch]
	if w.get(w.shop, "/v1/batches", &batches); len(batches.Data) != 1 || batches.Data[0].Settled || batches.Data[0].Count != 1 {
		t.Errorf("got %+v", batches.Data)
	}
	if w.get(w.issuer, "/v1/batches", &batches); len(batches.Data) != 2 {
		t.Errorf("got %+v", batches.Data)
	}
	w.wantsNoSecrets()
}

func TestHostileRequestsAboutApplets(t *testing.T) {
	w := newWorld(t)
	before := w.snapshot()
	good := func(extra string) string {
		return fmt.Sprintf(`{"kind":"purse","account":%q,"pan":%q,"aid":"F0736F74746F010001","label":"P","expires":"2049-12","balance_max":1000%s}`, w.customer, pursePAN, extra)
	}
	swap := func(from, to string) string { return strings.Replace(good(""), from, to, 1) }
	for name, c := range map[string]struct {
		body   string
		reason bankapi.Reason
		field  string
	}{
		"unknown kind":     {swap("purse", "credit"), bankapi.Invalid, "kind"},
		"account of none":  {swap(w.customer, "acct_01JD3Z9Q8VXK4M2N7T5R6W8Y0A"), bankapi.Invalid, "account"},
		"no id":            {swap(w.customer, "me"), bankapi.Invalid, "account"},
		"check digit":      {swap(pursePAN, pursePAN[:18]+"1"), bankapi.Invalid, "pan"},
		"long PAN":         {swap(pursePAN, pursePAN+"0"), bankapi.Invalid, "pan"},
		"letters in PAN":   {swap(pursePAN, pursePAN[:18]+"x"), bankapi.Invalid, "pan"},
		"number for PAN":   {swap(`"`+pursePAN+`"`, pursePAN), bankapi.Invalid, "pan"},
		"sequence 100":     {good(`,"sequence":100`), bankapi.Invalid, "sequence"},
		"sequence -1":      {good(`,"sequence":-1`), bankapi.Invalid, "sequence"},
		"odd AID":          {swap("F0736F", "0736F"), bankapi.Invalid, "aid"},
		"short AID":        {swap("F0736F74746F010001", "F0736F74"), bankapi.Invalid, "aid"},
		"label in Chinese": {swap(`"P"`, `"卡"`), bankapi.Invalid, "label"},
		"NUL in the label": {swap(`"P"`, `"a\u0000"`), bankapi.Invalid, "label"},
		"month 13":         {swap("2049-12", "2049-13"), bankapi.Invalid, "expires"},
		"expired":          {swap("2049-12", "2001-12"), bankapi.Invalid, "expires"},
		"PAN as a name":    {good(`,"` + pursePAN + `":1`), bankapi.Invalid, ""},
	} {
		r := w.ask("POST", "/v1/applets", w.issuer, strings.NewReader(c.body))
		if got := r.problem(t); got.Reason() != c.reason || got.Field != c.field || strings.Contains(string(r.body), pursePAN[:12]) {
			t.Errorf("%s: got %s, want %s %s", name, r.body, c.reason, c.field)
		}
	}
	if w.snapshot() != before {
		t.Error("something has changed")
	}
	r := w.ask("POST", "/v1/applets", w.issuer, strings.NewReader(good("")))
	if r.StatusCode != 201 || strings.Contains(string(r.body), pursePAN) {
		t.Errorf("got %s", r.body)
	}
	if r := w.ask("POST", "/v1/applets", w.issuer, strings.NewReader(good(""))); r.problem(t).Reason() != bankapi.Duplicate {
		t.Errorf("again: %s", r.body)
	}
	w.wantsNoSecrets()
}
