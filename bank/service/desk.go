package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sotto/bank"
	"sotto/bankapi"
)

// desk is the bank as the bus sees it.
type desk struct {
	bank    *bank.Bank
	now     func() time.Time
	arrived func(phone, dispatch string)
}

// PhoneByKey lets enrolled phones in.
func (d *desk) PhoneByKey(ctx context.Context, publicKey string) (string, bool, error) {
	p, err := d.bank.Store().PhoneByKey(ctx, publicKey)
	if errors.Is(err, bank.ErrNoRow) {
		return "", false, nil
	}
	return p.ID, err == nil && p.Status == string(bankapi.PhoneActive), err
}

// Pending sends what waits in the outbox. Nothing waits for a phone that was
// revoked a moment ago and still has its connection.
func (d *desk) Pending(ctx context.Context, phone string, send func(dispatchID string, body []byte)) error {
	p, err := d.bank.Store().Phone(ctx, phone)
	if err != nil {
		return fmt.Errorf("look the phone up: %w", err)
	}
	if p.Status != string(bankapi.PhoneActive) {
		return nil
	}
	waiting, err := d.bank.Store().Waiting(ctx, phone, d.now().UnixMilli())
	if err != nil {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	for _, one := range waiting {
		body, err := one.Wire()
		if err != nil {
			return fmt.Errorf("write dispatch %s: %w", one.ID, err)
		}
		send(one.ID, body)
	}
	return nil
}

// Receive takes a report. What is no report is answered too: the same bytes
// again would be no better.
func (d *desk) Receive(ctx context.Context, phone string, body []byte) ([]byte, error) {
	report, err := bankapi.ParseReport(body)
	if err != nil {
		return json.Marshal(bankapi.NewProblem(bankapi.Malformed, "send a report of a dispatch"))
	}
	answer, err := d.bank.Do(ctx, bank.Call{Op: bank.Report{Report: report}, Actor: bank.PhoneActor(phone)})
	if err != nil {
		return nil, fmt.Errorf("take a report: %w", err)
	}
	if !answer.OK() {
		return nil, fmt.Errorf("take a report: %s", answer.Reason)
	}
	return answer.Body, nil
}

// Arrived says that a phone has taken a dispatch.
func (d *desk) Arrived(phone, dispatch string) { d.arrived(phone, dispatch) }
