package bankhttp_test

import (
	"strings"
	"testing"
)

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	before := w.snapshot()
	form := "application/x-www-form-urlencoded"
	for name, header := range map[string][]string{
		"another site":   {"Content-Type", form, "Sec-Fetch-Site", "cross-site"},
		"a sister site":  {"Content-Type", form, "Sec-Fetch-Site", "same-site"},
		"another origin": {"Content-Type", form, "Origin", "https://evil.example"},
		"no origin":      {"Content-Type", form, "Origin", "null"},
		"JSON":           {"Content-Type", "application/json"},
		"plain text":     {"Content-Type", "text/plain"},
	} {
		for _, path := range []string{"", "/resend", "/cancel"} {
			r := w.ask("POST", "/pay/"+p.ID+path, "", strings.NewReader("code="+w.code(p.ID)), header...)
			if r.StatusCode != 403 && r.StatusCode != 415 {
				t.Errorf("%s to %s: %d", name, path, r.StatusCode)
			}
		}
	}
	for name, body := range map[string]string{"large": "code=" + strings.Repeat("1", 5000), "broken": "code=%zz", "no code": "x=1", "long": "code=" + strings.Repeat("1", 25)} {
		r := w.ask("POST", "/pay/"+p.ID, "", strings.NewReader(body), "Content-Type", form)
		if r.StatusCode < 400 || r.StatusCode >= 500 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if w.snapshot() != before {
		t.Error("something has changed")
	}
	r := w.ask("POST", "/pay/"+p.ID, "", strings.NewReader("code="+w.code(p.ID)), "Content-Type", form, "Sec-Fetch-Site", "same-origin", "Origin", w.url)
	if r.StatusCode != 303 {
		t.Errorf("the page itself: %d %s", r.StatusCode, r.body)
	}
	w.wantsNoSecrets(w.code(p.ID))
}
