// Command phone is a program of somebody else's that is a phone: a small box at
// home, say, that passes codes on to the cards in the house. It embeds package
// phone/mobile; docs/phone-library.md walks through it.
//
//	phone enrol DIR TICKET
//	phone run DIR HOST:PORT…      one address for each card, as sotto card run prints
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"sotto/link/tcp"
	"sotto/phone/mobile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "phone:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 3 && args[0] == "enrol":
		return enrol(args[1], args[2], out)
	case len(args) > 2 && args[0] == "run":
		return serve(ctx, args[1], args[2:], out)
	}
	return errors.New("use: phone enrol DIR TICKET, or phone run DIR HOST:PORT")
}

func enrol(dir, ticket string, out io.Writer) error {
	id, err := (&mobile.Enrolment{Dir: dir, Ticket: ticket, DeviceID: "random"}).Enrol()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "enrolled", id)
	return err
}

func serve(ctx context.Context, dir string, addresses []string, out io.Writer) error {
	p, err := mobile.Open(dir, newRadio(addresses))
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Start(); err != nil {
		return err
	}
	if p.WaitOnline(10_000) {
		_, err = fmt.Fprintln(out, "ready", p.ID())
	}
	<-ctx.Done()
	return err
}

// radio is this program's Link. Nobody has told it which card is where, so it
// tries the addresses in turn: only the right card can make sense of a message,
// and the others answer with a refusal.
type radio struct{ reaches []*tcp.Reach }

func newRadio(addresses []string) *radio {
	r := &radio{}
	for _, a := range addresses {
		r.reaches = append(r.reaches, tcp.NewReach(tcp.At(a)))
	}
	return r
}

// Exchange implements mobile.Link.
func (r *radio) Exchange(card string, message []byte, milliseconds int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(milliseconds)*time.Millisecond)
	defer cancel()
	var refusal []byte
	for _, reach := range r.reaches {
		answer, err := reach.Exchange(ctx, card, message)
		switch {
		case err != nil:
			continue // out of reach now; the phone tries again
		case !bytes.HasPrefix(answer, receipt):
			refusal = answer
			continue
		}
		return answer, nil
	}
	return refusal, nil
}

// receipt is how a card's receipt begins (docs/protocol/dynamic-data.md).
var receipt = []byte{0xE4}
