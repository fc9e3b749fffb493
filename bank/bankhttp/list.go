package bankhttp

import (
	"net/url"
	"strconv"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// param is one query parameter. kind is "string" if empty.
type param struct{ Name, About, kind, pattern string }

var paging = []param{
	{"cursor", "`next_cursor` of the page before", "", ""},
	{"limit", "1 to 100 objects; 20 if left out", "integer", ""},
}

const (
	limitDefault = 20
	limitMax     = 100
)

// queryOf reads the query strictly: names the route knows, each once.
func (c *call) queryOf() (url.Values, bank.Answer, bool) {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, refuse(bankapi.Malformed, "the query cannot be read"), false
	}
	known := 0
	for _, p := range c.route.query {
		if v, ok := values[p.Name]; ok {
			known++
			if len(v) != 1 {
				return nil, invalid(p.Name, "give it once"), false
			}
		}
	}
	if known != len(values) {
		return nil, invalid("", "the query has a name that is not known; see /docs"), false
	}
	return values, bank.Answer{}, true
}

func limitOf(values url.Values) (int, bank.Answer, bool) {
	text := values.Get("limit")
	if text == "" {
		return limitDefault, bank.Answer{}, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limitMax {
		return 0, invalid("limit", "use 1 to 100"), false
	}
	return n, bank.Answer{}, true
}

// listing is how one kind of row is listed.
type listing[Row, Out any] struct {
	kind ident.Kind        // of its cursors
	is   func(string) bool // what they are, if no ids of a kind
	read func(bank.Page) ([]Row, error)
	show func(*Row) Out
	id   func(*Row) string
}

func (l *listing[Row, Out]) cursor(text string) bool {
	if l.is != nil {
		return l.is(text)
	}
	_, err := ident.Parse(l.kind, text)
	return err == nil
}

// list answers with one page. It asks for one row more, to know whether there
// is another page.
func list[Row, Out any](c *call, values url.Values, l listing[Row, Out]) bank.Answer {
	limit, a, ok := limitOf(values)
	if !ok {
		return a
	}
	page := bank.Page{Before: values.Get("cursor"), Limit: limit + 1}
	if page.Before != "" {
		if !l.cursor(page.Before) {
			return invalid("cursor", "use next_cursor of the page before")
		}
	}
	rows, err := l.read(page)
	if err != nil {
		return c.readFailed(err)
	}
	out := bankapi.List[Out]{Data: make([]Out, 0, min(len(rows), limit))}
	for i := range rows {
		if i == limit {
			out.NextCursor = l.id(&rows[i-1])
			break
		}
		out.Data = append(out.Data, l.show(&rows[i]))
	}
	return shown(out)
}

// listAll is list for routes whose only query is the page.
func listAll[Row, Out any](c *call, l listing[Row, Out]) bank.Answer {
	values, a, ok := c.queryOf()
	if !ok {
		return a
	}
	return list(c, values, l)
}
