package bankhttp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sotto/bankapi"
)

// Reasons that many operations share.
var (
	everyKeyed = []bankapi.Reason{bankapi.Unauthenticated, bankapi.Forbidden}
	everyPost  = []bankapi.Reason{
		bankapi.Malformed, bankapi.Invalid, bankapi.IdempotencyReuse, bankapi.TooLarge, bankapi.UnsupportedMedia,
		bankapi.Busy, bankapi.OutcomeUnknown,
	}
	everyOperation = []bankapi.Reason{bankapi.Internal, bankapi.Unavailable}
)

// allReasons are the reasons a route may answer with, its own first.
func (rt *route) allReasons() []bankapi.Reason {
	all := slices.Clone(rt.reasons)
	if rt.allow != public {
		all = append(all, everyKeyed...)
	}
	switch {
	case rt.method == post:
		all = append(all, everyPost...)
	case len(rt.query) > 0:
		all = append(all, bankapi.Malformed, bankapi.Invalid)
	}
	return append(all, everyOperation...)
}

// describe writes the OpenAPI document and the page for readers.
func describe(c Config) (document, page []byte) {
	api := openAPI(c)
	document, err := json.MarshalIndent(api, "", " ")
	if err != nil {
		panic("bankhttp: the OpenAPI document cannot be written: " + err.Error())
	}
	return document, docsPage(c)
}

// openAPI describes the table in OpenAPI 3.1. huma makes the schemas from the
// types of bankapi; requests do not pass through it (docs/adr/0005).
func openAPI(c Config) *huma.OpenAPI {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[bankapi.Time](), reflect.TypeFor[time.Time]())
	api := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "sotto bank", Version: "1",
			Description: "Online payments whose code appears on a card. Amounts are integers in minor units. " +
				"Errors are problems (RFC 9457); their `type` is stable.",
		},
		Servers: []*huma.Server{{URL: c.Bank.Policy().PublicURL}},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key": {Type: "http", Scheme: "bearer", Description: "an API key, sk_…"},
			},
		},
	}
	for _, rt := range table() {
		if !slices.ContainsFunc(api.Tags, func(t *huma.Tag) bool { return t.Name == rt.tag }) {
			api.Tags = append(api.Tags, &huma.Tag{Name: rt.tag})
		}
		api.AddOperation(operation(rt, registry))
	}
	return api
}

func operation(rt *route, registry huma.Registry) *huma.Operation {
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, OperationID: rt.id, Tags: []string{rt.tag},
		Summary: rt.summary, Description: strings.TrimSpace(rt.about + " For: " + rt.allow.String() + "."),
		Parameters: parameters(rt), Responses: map[string]*huma.Response{},
	}
	if rt.allow != public {
		op.Security = []map[string][]string{{"key": {}}}
	}
	if rt.in != nil {
		op.RequestBody = &huma.RequestBody{Required: !rt.optional, Content: media(kindJSON, registry, rt.in)}
	}
	op.Responses[strconv.Itoa(max(rt.status, http.StatusOK))] = &huma.Response{
		Description: "Done.", Content: media(kindJSON, registry, rt.out),
	}
	op.Responses[strconv.Itoa(max(rt.status, http.StatusOK))].Content[kindJSON].Example = rt.example()
	for _, r := range rt.allReasons() {
		refusal(op.Responses, r, registry)
	}
	return op
}

// refusal adds a reason to the answer of its status.
func refusal(responses map[string]*huma.Response, r bankapi.Reason, registry huma.Registry) {
	status := strconv.Itoa(r.Status())
	line := fmt.Sprintf("- `%s%s`: %s.", bankapi.ProblemType, r, r.Title())
	if known := responses[status]; known != nil {
		known.Description += "\n" + line
		return
	}
	responses[status] = &huma.Response{
		Description: line, Content: media(kindProblem, registry, reflect.TypeFor[bankapi.Problem]()),
	}
}

func media(kind string, registry huma.Registry, t reflect.Type) map[string]*huma.MediaType {
	m := &huma.MediaType{Schema: registry.Schema(t, true, "")}
	if example, ok := examples[t]; ok {
		m.Example = example
	}
	return map[string]*huma.MediaType{kind: m}
}

func parameters(rt *route) []*huma.Param {
	var all []*huma.Param
	if rt.of != "" {
		all = append(all, &huma.Param{Name: "id", In: "path", Required: true, Schema: &huma.Schema{
			Type: huma.TypeString, Pattern: rt.idPattern(),
		}})
	}
	for _, q := range rt.query {
		s := &huma.Schema{Type: huma.TypeString, Pattern: q.pattern}
		if q.kind != "" {
			s.Type = q.kind
		}
		all = append(all, &huma.Param{Name: q.Name, In: "query", Description: q.About, Schema: s})
	}
	if rt.method == post {
		longest := keyMax
		all = append(all, &huma.Param{
			Name: "Idempotency-Key", In: "header",
			Description: "Makes the request happen once: the same key and body get the first answer again, for a day.",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &longest, Pattern: "^[!-~]+$"},
		})
	}
	return all
}
