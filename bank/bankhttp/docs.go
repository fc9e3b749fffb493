package bankhttp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"sotto/bankapi"
)

// docsView is the page for readers of the API. It comes from the same table as
// the OpenAPI document, and is drawn once.
type docsView struct {
	Bank, URL string
	Groups    []*docsGroup
	Reasons   []*bankapi.Problem
	Events    []bankapi.EventType
}

type docsGroup struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	ID, Method, Path, Summary, About, Allow string
	Status                                  int
	StatusText                              string
	Query                                   []param
	Request, Answer                         []docsField
	Curl, Example                           string
	Reasons                                 []bankapi.Reason
}

// docsField is one field of a request or answer.
type docsField struct {
	Name, Type, Rules, About string
	Optional                 bool
	Fields                   []docsField
}

func docsPage(c Config) []byte {
	v := docsView{Bank: c.Name, URL: c.Bank.Policy().PublicURL, Events: bankapi.EventTypes()}
	for _, rt := range table() {
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Name != rt.tag {
			v.Groups = append(v.Groups, &docsGroup{Name: rt.tag})
		}
		group := v.Groups[len(v.Groups)-1]
		group.Ops = append(group.Ops, docsOpOf(rt, v.URL))
	}
	for _, r := range bankapi.Reasons() {
		v.Reasons = append(v.Reasons, bankapi.NewProblem(r, ""))
	}
	slices.SortFunc(v.Reasons, func(a, b *bankapi.Problem) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Type, b.Type))
	})
	var out bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&out, "docs", v); err != nil {
		panic("bankhttp: the documents cannot be drawn: " + err.Error())
	}
	return out.Bytes()
}

func docsOpOf(rt *route, url string) docsOp {
	status := max(rt.status, http.StatusOK)
	op := docsOp{
		ID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, About: rt.about, Allow: rt.allow.String(),
		Status: status, StatusText: http.StatusText(status), Query: rt.query, Reasons: rt.reasons,
		Answer: docsFields(rt.out), Example: indented(rt.example()), Curl: curl(rt, url),
	}
	if rt.in != nil {
		op.Request = docsFields(rt.in)
	}
	return op
}

// docsFields reads the same tags as huma does.
func docsFields(t reflect.Type) []docsField {
	var all []docsField
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		d := docsField{
			Name: name, About: f.Tag.Get("doc"), Rules: rules(f.Tag),
			Optional: strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"),
		}
		d.Type, d.Fields = docsType(f.Type)
		all = append(all, d)
	}
	return all
}

func docsType(t reflect.Type) (string, []docsField) {
	switch {
	case t == reflect.TypeFor[bankapi.Time]():
		return "time", nil
	case t.Kind() == reflect.Pointer:
		return docsType(t.Elem())
	case t.Kind() == reflect.Slice:
		of, fields := docsType(t.Elem())
		return "list of " + of, fields
	case t.Kind() == reflect.Struct:
		return strings.ToLower(t.Name()), docsFields(t)
	case t.Kind() == reflect.String:
		return "text", nil
	case t.Kind() == reflect.Bool:
		return "true or false", nil
	}
	return "integer", nil
}

// rules are the limits of a field, in words.
func rules(tag reflect.StructTag) string {
	var all []string
	for _, r := range []struct{ tag, words string }{
		{"enum", "one of %s"}, {"minimum", "at least %s"}, {"maximum", "at most %s"},
		{"minLength", "at least %s long"}, {"maxLength", "at most %s long"}, {"minItems", "at least %s of them"},
		{"maxItems", "at most %s of them"}, {"pattern", "like %s"},
	} {
		if v := tag.Get(r.tag); v != "" {
			all = append(all, fmt.Sprintf(r.words, strings.ReplaceAll(v, ",", ", ")))
		}
	}
	return strings.Join(all, "; ")
}

// curl is a request that can be tried.
func curl(rt *route, url string) string {
	id := map[string]string{
		"pay": examplePayment, "mer": exampleMerchant, "key": exampleKey, "acct": exampleAccount, "tr": exampleTransfer,
		"card": exampleCard, "ph": examplePhone, "bind": exampleBinding, "wh": exampleWebhook, "app": exampleApplet, "load": exampleLoad, "tap": exampleTap,
	}[string(rt.of)]
	to := url + strings.ReplaceAll(rt.path, "{id}", id)
	if rt.asking != "" {
		to = quoted(to + "?" + rt.asking)
	}
	line := "curl " + to
	if rt.method != get {
		line = "curl -X " + rt.method + " " + to
	}
	if rt.allow != public {
		line += " \\\n  -H \"Authorization: Bearer $SOTTO_KEY\""
	}
	if rt.method == post {
		line += " \\\n  -H \"Idempotency-Key: $(uuidgen)\""
	}
	if rt.in != nil {
		line += " \\\n  -H \"Content-Type: application/json\" \\\n  -d " + quoted(indented(examples[rt.in]))
	}
	return line
}

// quoted is a text as one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func indented(v any) string {
	if v == nil {
		return ""
	}
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("bankhttp: an example cannot be written: " + err.Error())
	}
	return string(body)
}
