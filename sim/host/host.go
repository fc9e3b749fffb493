// Package host manages a near-field payment device from outside, through any
// reader: it installs, personalizes, lists, locks and deletes applets in a
// GlobalPlatform secure channel (SCP03), and walks an applet through a load of
// its purse, or through an inquiry of what is available in its account.
//
// Start with Open, which authenticates both ends, or with TopUp and Refresh, which
// need no channel: there bank and applet authenticate each other. Everything that is
// secret travels encrypted. A status that is not success comes back as the
// error, behind words that say at which step.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sotto/apdu"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/scp03"
	"sotto/sim"
)

// nameIssuer is the AID of the issuer security domain.
const nameIssuer = "\xA0\x00\x00\x01\x51\x00\x00\x00"

// Domain is an open channel to the issuer security domain of one device.
type Domain struct {
	connection link.Connection
	keys       scp03.Keys
	channel    scp03.Host
}

// level is the only one that this package uses: everything authenticated and
// encrypted, in both directions.
const level = scp03.CMAC | scp03.CDEC | scp03.RMAC | scp03.RENC

// Open selects the issuer security domain and opens a channel with its keys.
func Open(ctx context.Context, c link.Connection, keys scp03.Keys, random io.Reader) (*Domain, error) {
	d := &Domain{connection: c, keys: keys}
	if _, err := d.send(ctx, selectName([]byte(nameIssuer))); err != nil {
		return nil, fmt.Errorf("select the issuer security domain: %w", err)
	}
	var challenge [8]byte
	if _, err := io.ReadFull(random, challenge[:]); err != nil {
		return nil, fmt.Errorf("make a challenge: %w", err)
	}
	r, err := d.send(ctx, scp03.InitializeUpdate(0, challenge))
	if err != nil {
		return nil, fmt.Errorf("INITIALIZE UPDATE: %w", err)
	}
	said, err := scp03.ParseAnswer(r)
	if err != nil {
		return nil, fmt.Errorf("INITIALIZE UPDATE: %w", err)
	}
	opening, c2, err := scp03.Authenticate(keys, challenge, said, level)
	if err != nil {
		return nil, fmt.Errorf("authenticate the device: %w", err)
	}
	if r, err = d.send(ctx, c2); err != nil {
		return nil, fmt.Errorf("EXTERNAL AUTHENTICATE: %w", err)
	}
	if d.channel, err = opening.Confirm(r); err != nil {
		return nil, fmt.Errorf("EXTERNAL AUTHENTICATE: %w", err)
	}
	return d, nil
}

// send transmits a command in clear, with all of its response. A status other
// than success and warnings is the error.
func (d *Domain) send(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	return transmit(ctx, d.connection, c)
}

func transmit(ctx context.Context, connection link.Connection, c apdu.Command) (apdu.Response, error) {
	r, err := exchange(ctx, connection, c)
	if err == nil && !r.Status.OK() && !r.Status.Warning() {
		err = r.Status
	}
	return r, err
}

func exchange(ctx context.Context, connection link.Connection, c apdu.Command) (apdu.Response, error) {
	return apdu.Transmit(func(c apdu.Command) (apdu.Response, error) {
		b, err := connection.Transmit(ctx, c.Bytes())
		if err != nil {
			return apdu.Response{}, err
		}
		return apdu.ParseResponse(b)
	}, c)
}

// Manage sends any management command inside the channel. The class is that of
// the command in clear.
func (d *Domain) Manage(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	next, wrapped, err := d.channel.Wrap(c)
	if err != nil {
		return apdu.Response{}, err
	}
	d.channel = next
	r, err := exchange(ctx, d.connection, wrapped)
	if err != nil {
		return apdu.Response{}, err
	}
	d.channel, r, err = d.channel.Unwrap(r)
	if err == nil && !r.Status.OK() && !r.Status.Warning() {
		err = r.Status
	}
	return r, err
}

func selectName(name []byte) apdu.Command {
	return apdu.Command{INS: 0xA4, P1: 0x04, Data: name, Ne: apdu.NeMaxShort}
}

// Install registers an applet and personalizes it. If that fails half way, the
// applet that cannot be used is deleted again.
func (d *Domain) Install(ctx context.Context, a cps.Applet) error {
	groups, err := cps.Encrypt(a.Groups, d.keys.Encrypt)
	if err != nil {
		return fmt.Errorf("hide the applet's keys: %w", err)
	}
	blocks, err := cps.Blocks(groups, scp03.DataMaxEncrypted)
	if err != nil {
		return fmt.Errorf("cut the applet's data: %w", err)
	}
	if _, err := d.Manage(ctx, sim.InstallCommand(a.AID, a.Kind, a.Label, a.Priority)); err != nil {
		return fmt.Errorf("INSTALL: %w", err)
	}
	if err := d.personalize(ctx, a.AID, blocks); err != nil {
		return errors.Join(err, d.Delete(ctx, a.AID))
	}
	return nil
}

func (d *Domain) personalize(ctx context.Context, aid []byte, blocks []cps.Block) error {
	if _, err := d.Manage(ctx, sim.PersonalizeCommand(aid)); err != nil {
		return fmt.Errorf("INSTALL for personalization: %w", err)
	}
	for i, b := range blocks {
		if _, err := d.Manage(ctx, sim.StoreCommand(b)); err != nil {
			return fmt.Errorf("STORE DATA, block %d of %d: %w", i+1, len(blocks), err)
		}
	}
	return nil
}

// Delete removes an applet and all that it had.
func (d *Domain) Delete(ctx context.Context, aid []byte) error {
	_, err := d.Manage(ctx, sim.DeleteCommand(aid))
	if err != nil {
		return fmt.Errorf("DELETE: %w", err)
	}
	return nil
}

// Lock locks an applet for the issuer, or gives it free again.
func (d *Domain) Lock(ctx context.Context, aid []byte, locked bool) error {
	_, err := d.Manage(ctx, sim.LockCommand(aid, locked))
	if err != nil {
		return fmt.Errorf("SET STATUS: %w", err)
	}
	return nil
}

// Status lists what is installed.
func (d *Domain) Status(ctx context.Context) ([]sim.Installed, error) {
	var list []sim.Installed
	for first := true; ; first = false {
		r, err := d.Manage(ctx, sim.StatusCommand(first))
		if first && err != nil && isNoData(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("GET STATUS: %w", err)
		}
		part, more, err := sim.ParseStatus(r)
		if err != nil {
			return nil, fmt.Errorf("GET STATUS: %w", err)
		}
		list = append(list, part...)
		if !more || len(list) > sim.AppletsMax {
			return list, nil
		}
	}
}

func isNoData(err error) bool {
	var word apdu.Status
	return errors.As(err, &word) && word == apdu.StatusNoData
}
