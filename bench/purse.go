package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"sotto/apdu"
	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

// purse is a chip that debits offline: the cryptograms of a real one, without a
// reader. It belongs to one goroutine.
type purse struct {
	pan     emv.PAN
	ac, mac emv.MasterKey
	aid     []byte
	atc     uint16
	balance int64
	scripts int
	number  uint32 // of the terminal, in place of randomness
}

const purseFunds = emv.PurseMax

// newPurse issues a purse and loads it, as a bank and a reader do it.
func newPurse(ctx context.Context, s *site, account string, i int) (*purse, error) {
	digits := fmt.Sprintf("62170000%010d", i)
	digits += string(emv.CheckDigit([]byte(digits)))
	number, err := emv.NewPAN(digits)
	if err != nil {
		return nil, err
	}
	keys := bank.NewKeys(s.secrets).AppletKeys(emv.PBOC)
	p := &purse{pan: number, ac: keys.AC.Master(number, 0), mac: keys.MAC.Master(number, 0), aid: []byte("\xF0sotto\x01")}
	issue := s.service.Bank.Keys().NewIssueApplet(bankapi.IssueApplet{
		Kind: bankapi.AppletPurse, Account: account, PAN: digits, AID: hex.EncodeToString(p.aid), Label: "Purse " + strconv.Itoa(i),
		Expires: "2049-12", BalanceMax: purseFunds,
	})
	if err := s.do(ctx, bank.Issuer, issue, nil); err != nil {
		return nil, err
	}
	return p, p.load(ctx, s)
}

// load fills the purse.
func (p *purse) load(ctx context.Context, s *site) error {
	const amount = purseFunds
	ask, err := p.cryptogram(emv.ARQC, 0x63, amount)
	if err != nil {
		return err
	}
	var l bankapi.Load
	create := s.service.Bank.Keys().NewCreateLoad(bankapi.CreateLoad{Amount: amount, Currency: currency, ChipData: ask.Hex()})
	if err := s.do(ctx, bank.Issuer, create, &l); err != nil {
		return err
	}
	if err := p.execute(l.Script, ask); err != nil {
		return err
	}
	proof, err := p.cryptogram(emv.AAC, 0, 0)
	if err != nil {
		return err
	}
	return s.do(ctx, bank.Issuer, s.service.Bank.Keys().NewResolveLoad(l.ID, bankapi.ResolveLoad{ChipData: proof.Hex()}), &l)
}

func (p *purse) execute(text string, ask bankapi.ChipData) error {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	script, err := emv.ParseScript(raw)
	if err != nil {
		return err
	}
	command, err := apdu.Parse(script.Commands[0])
	if err != nil {
		return err
	}
	value, ok := p.mac.VerifyScript(command, ask.Input.ATC, ask.AC)
	if !ok {
		return errors.New("the bank's script has a wrong MAC")
	}
	amount, err := emv.ParseAmount(value)
	if err != nil {
		return err
	}
	p.balance, err = amount.Minor()
	p.scripts++
	return err
}

// tap debits the purse and is what a terminal keeps of it.
func (p *purse) tap(amount int64) (bankapi.ChipData, error) {
	p.balance -= amount
	return p.cryptogram(emv.TC, 0, amount)
}

var country = emv.Numeric{0x01, 0x56}

func (p *purse) cryptogram(kind emv.CID, what byte, amount int64) (d bankapi.ChipData, err error) {
	p.atc++
	p.number++
	balance, err := emv.NewAmount(p.balance)
	if err != nil {
		return d, err
	}
	idd, err := emv.PurseIDD{Balance: balance, MAC: p.mac.BalanceMAC(p.atc, balance)}.Append(nil)
	if err != nil {
		return d, err
	}
	first := map[emv.CID]emv.CVR{emv.TC: emv.CVRFirstTC, emv.ARQC: emv.CVRFirstARQC, emv.AAC: emv.CVRFirstAAC}[kind]
	cvr := (emv.CVRSecondNone | first).WithScripts(p.scripts)
	d = bankapi.ChipData{
		PAN: p.pan, AID: p.aid, CID: kind,
		IAD: emv.IAD{DKI: 1, CVN: emv.CVN01, CVR: cvr, Algorithm: emv.PBOC.Algorithm(), IDD: idd},
		Input: emv.ACInput{
			Country: country, Currency: country, Date: emv.Date{0x26, 0x11, 0x22}, Type: what, ATC: p.atc, CVN: emv.CVN01, CVR: cvr,
			Unpredictable: [4]byte{byte(p.number >> 24), byte(p.number >> 16), byte(p.number >> 8), byte(p.number)},
		},
	}
	if d.Input.Amount, err = emv.NewAmount(amount); err != nil {
		return d, err
	}
	d.AC, err = p.ac.AC(d.Input)
	return d, err
}

// appendTap writes one tap of an upload as JSON.
func (p *purse) appendTap(b []byte, reference int, amount int64) ([]byte, error) {
	d, err := p.tap(amount)
	if err != nil {
		return b, err
	}
	b = append(b, `{"reference":"`...)
	b = strconv.AppendInt(b, int64(reference), 10)
	b = append(b, `","amount":`...)
	b = strconv.AppendInt(b, amount, 10)
	b = append(b, `,"currency":"`+currency+`","chip_data":"`...)
	return append(append(b, d.Hex()...), `"}`...), nil
}
