package sim

import (
	"bytes"

	"sotto/tlv"
)

// settings are the holder's wishes.
type settings struct {
	policy    Policy
	preferred string // AID; empty is none
}

var settingsKey = []byte{'h'}

const (
	tagPolicy    tlv.Tag = 0x80
	tagPreferred tlv.Tag = 0x81
)

// settings reads the holder's wishes; a device that was told none has the zero
// settings.
func (t *turn) settings() settings {
	sealed := t.draft.load(settingsKey)
	if sealed == nil {
		return settings{}
	}
	plain, err := open(nil, t.device.own, sealed, settingsKey)
	if err != nil {
		t.fail(err)
		return settings{}
	}
	policy, _ := tlv.Find(plain, tagPolicy)
	preferred, _ := tlv.Find(plain, tagPreferred)
	if len(policy) != 1 || !Policy(policy[0]).known() {
		t.fail(ErrDamaged)
		return settings{}
	}
	return settings{Policy(policy[0]), string(bytes.Clone(preferred))}
}

func (t *turn) saveSettings(s settings) {
	plain := tlv.Append(nil, tagPolicy, []byte{byte(s.policy)})
	plain = tlv.Append(plain, tagPreferred, []byte(s.preferred))
	t.draft.save(settingsKey, seal(nil, t.device.own, t.random, plain, settingsKey))
}
