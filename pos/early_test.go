package pos_test

import (
	"context"
	"strings"

	"sotto/bankapi"
)

// early is a bank whose scripts are to come before the last cryptogram (71).
type early struct{ *bank }

func (e early) Authorize(ctx context.Context, key string, r bankapi.Authorize) (bankapi.Authorization, error) {
	a, err := e.bank.Authorize(ctx, key, r)
	a.Script = strings.Replace(a.Script, "72", "71", 1)
	return a, err
}
