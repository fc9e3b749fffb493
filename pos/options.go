package pos

import (
	"context"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// processingOptions tells the application what it asks for in its PDOL, and
// takes its answer (EMV 4.4 Book 3, 6.5.8 and 10.1). Over the air that is the
// payment itself.
func (x *transaction) processingOptions(ctx context.Context) error {
	list, err := emv.ParseDOL(x.fci.proprietary[emv.TagPDOL])
	if err != nil {
		return end(Malformed)
	}
	why := "Begins a transaction."
	if !x.contact() {
		why = "Asks the application to pay."
	}
	r, err := x.chip.exchange(ctx, templated(insProcessingOptions, x.fill(list)), about{
		why: why, sent: list, values: emv.DOL{{Tag: emv.TagAIP, Length: 2}, {Tag: emv.TagAFL}},
	})
	if err != nil {
		return err
	}
	if err := x.optionsStatus(r.Status); err != nil {
		return err
	}
	return x.readOptions(r.Data)
}

// optionsStatus is what another status than success means (EMV Contactless Book
// C-3, 5.2.2; over contacts EMV 4.4 Book 3, 6.5.8.5, where 6985 is the only one).
func (x *transaction) optionsStatus(word apdu.Status) error {
	switch {
	case word.OK():
		return nil
	case word == apdu.StatusConditions:
		return end(NotThisOne)
	case x.contact():
		return endStatus(word)
	case word == apdu.StatusDataInvalidated: // 6984
		return end(WantsInterface)
	case word == apdu.StatusNotAllowed: // 6986
		return end(SeePhone)
	}
	return endStatus(word)
}

// readOptions reads the answer, of format 1 or 2 (Book 3, 6.5.8.4).
func (x *transaction) readOptions(b []byte) error {
	o, rest, ok, err := tlv.Next(b)
	switch {
	case err != nil || !ok || len(rest) > 0:
		return end(Malformed)
	case o.Tag == emv.TagResponse2:
		return x.told.collect(o.Value)
	case o.Tag != emv.TagResponse1 || len(o.Value) < 2:
		return end(Malformed)
	}
	x.told[emv.TagAIP] = o.Value[:2]
	if afl := o.Value[2:]; len(afl) > 0 {
		x.told[emv.TagAFL] = afl
	}
	return nil
}

// profile is the application interchange profile (82).
func (x *transaction) profile() (emv.AIP, error) {
	b, ok := x.told[emv.TagAIP]
	if !ok {
		return 0, end(Missing)
	}
	aip, err := emv.ParseAIP(b)
	if err != nil {
		return 0, end(Malformed)
	}
	return aip, nil
}

// locator is the application file locator (94): which records to read.
func (x *transaction) locator() (emv.AFL, error) {
	b, ok := x.told[emv.TagAFL]
	if !ok {
		return nil, end(Missing)
	}
	afl, err := emv.ParseAFL(b)
	switch {
	case err != nil:
		return nil, end(Malformed)
	case afl.Len() > recordsMax:
		return nil, end(Endless)
	}
	return afl, nil
}
