package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sotto/bankapi"
)

// Page asks for one page of a list. The zero Page is the first, of the bank's
// own length.
type Page struct {
	Limit  int
	Cursor string
}

func (p Page) query() url.Values {
	q := url.Values{}
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	return q
}

func post[T any](ctx context.Context, c *Client, path string, body any, options []CallOption) (T, error) {
	var answer T
	err := c.do(ctx, call{method: http.MethodPost, path: path, body: body, answer: &answer}, options)
	return answer, err
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	var answer T
	err := c.do(ctx, call{method: http.MethodGet, path: path, answer: &answer}, nil)
	return answer, err
}

func list[T any](ctx context.Context, c *Client, path string, q url.Values) (bankapi.List[T], error) {
	var answer bankapi.List[T]
	err := c.do(ctx, call{method: http.MethodGet, path: path, query: q, answer: &answer}, nil)
	return answer, err
}

func remove[T any](ctx context.Context, c *Client, path string, options []CallOption) (T, error) {
	var answer T
	err := c.do(ctx, call{method: http.MethodDelete, path: path, answer: &answer}, options)
	return answer, err
}

// at joins an id, and what is done to it, to the path of its kind. What cannot
// be an id, and would name another path, becomes one that does not exist.
func at(kind, id string, verb ...string) string {
	if strings.Trim(id, ".") == "" {
		id = "_"
	}
	return "/v1/" + strings.Join(append([]string{kind, url.PathEscape(id)}, verb...), "/")
}
