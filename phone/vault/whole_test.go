package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sotto/dyncode"
	"sotto/link/mem"
)

var profiles = []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain}

// each runs a test for every profile, in a room and a bubble of its own.
func each(t *testing.T, test func(r *room)) {
	t.Helper()
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(newRoom(t, p)) })
		})
	}
}

// of names the result that a card of this profile can give: one that cannot
// decrypt only knows that it shows something.
func of(p dyncode.Profile, result string) string {
	if p == dyncode.Plain {
		return "shown"
	}
	return result
}

// bound binds the card and checks that it is.
func (r *room) bound() {
	r.t.Helper()
	id, body := r.bank.pair(0xA1, "111111")
	r.give(id, body)
	synctest.Wait()
	r.want(id, of(r.bank.profile, "bound"))
	if got := r.phone.Cards(); len(got) != 1 || !got[0].Bound {
		r.t.Errorf("the phone keeps %v, want one card that is bound", got)
	}
}

func TestBindPayRelease(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		pay, body := r.bank.code("222222")
		r.give(pay, body)
		synctest.Wait()
		r.want(pay, "shown")
		r.wantCodes("[111111 222222]")
		if got := r.card.View().Code; got != "222222" {
			r.t.Errorf("the card's code is %q, want 222222", got)
		}
		if got := r.phone.Screen(); got != "" {
			r.t.Errorf("the phone shows %q, want nothing", got)
		}
		end, body := r.bank.release()
		r.give(end, body)
		synctest.Wait()
		r.want(end, of(r.bank.profile, "released"))
		if got := r.phone.Cards(); len(got) != 0 {
			r.t.Errorf("the phone still keeps %v", got)
		}
		late, body := r.bank.code("333333")
		r.give(late, body)
		synctest.Wait()
		r.want(late, "refused: unbound")
	})
}

// Nothing that a payer or thief could use is in the log or in the folder.
func TestPhoneKeepsNothing(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		pay, body := r.bank.code("847261")
		r.give(pay, body)
		synctest.Wait()
		r.want(pay, "shown")
		r.stop()
		r.stop = func() {}
		seen := r.log.String()
		files, err := filepath.Glob(filepath.Join(r.dir, "*"))
		if err != nil || len(files) < 3 {
			r.t.Fatalf("the folder has %v (%v), want identity, lock and a card", files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				r.t.Fatal(err)
			}
			seen += string(b)
		}
		if !strings.Contains(seen, pay) || !strings.Contains(seen, cardText) {
			r.t.Fatal("the search looked in the wrong place: not even the ids are there")
		}
		for _, word := range []string{"847261", "111111", payee, "12800", "128.00", "A-1001", "shop.example", "Mei"} {
			if strings.Contains(seen, word) {
				r.t.Errorf("%q is in the log or the folder", word)
			}
		}
	})
}

// The card is elsewhere: the phone goes on trying until the code is of no use.
func TestCardMissing(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		r.air.Move(cardText, mem.OutOfReach)
		back, body := r.bank.code("222222")
		r.give(back, body)
		time.Sleep(170 * time.Second)
		r.air.Move(cardText, mem.InReach)
		time.Sleep(8 * time.Second)
		r.want(back, "shown")

		r.air.Move(cardText, mem.OutOfReach)
		never, body := r.bank.code("333333")
		r.give(never, body)
		time.Sleep(181 * time.Second)
		r.air.Move(cardText, mem.InReach)
		time.Sleep(time.Minute)
		r.want(never, "nothing")
		r.wantCodes("[111111 222222]")
	})
}

// The card's answers are lost: it shows once, and its receipt comes in the end.
func TestAnswersLost(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		r.air.Move(cardText, mem.AnswerLost)
		pay, body := r.bank.code("222222")
		r.give(pay, body)
		time.Sleep(20 * time.Second)
		r.want(pay, "nothing")
		r.air.Move(cardText, mem.InReach)
		time.Sleep(10 * time.Second)
		r.want(pay, "shown")
		r.wantCodes("[111111 222222]")
	})
}

// The bank is away, comes back, and does not hear or is not heard.
func TestBankAway(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		r.bank.set(true, 2)
		pay, body := r.bank.code("222222")
		r.give(pay, body)
		time.Sleep(2 * time.Minute)
		r.want(pay, "nothing")
		r.bank.set(false, 2)
		time.Sleep(30 * time.Second)
		r.want(pay, "shown")
		if got := r.bank.told(pay); got != 3 {
			r.t.Errorf("reported %d times, want 3: two were not answered", got)
		}
		// The bank sends it again: it is told again, and the card is not asked.
		r.air.Move(cardText, mem.OutOfReach)
		r.give(pay, body)
		synctest.Wait()
		if got := r.bank.told(pay); got != 4 {
			r.t.Errorf("reported %d times, want 4: it was asked once more", got)
		}
		r.wantCodes("[111111 222222]")
	})
}

// The phone restarts at every step of a payment, and the bank sends again what
// it has no answer to.
func TestRestartEverywhere(t *testing.T) {
	steps := []struct {
		name string
		do   func(r *room)
	}{
		{"before", func(r *room) {}},
		{"card away", func(r *room) { r.air.Move(cardText, mem.OutOfReach) }},
		{"answer lost", func(r *room) { r.air.Move(cardText, mem.AnswerLost) }},
		{"bank away", func(r *room) { r.bank.set(true, 0) }},
		{"bank not heard", func(r *room) { r.bank.set(false, 1) }},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			each(t, func(r *room) {
				deliver := func(result string, id string, body []byte) {
					r.t.Helper()
					step.do(r)
					r.give(id, body)
					time.Sleep(3 * time.Second)
					r.restart()
					r.air.Move(cardText, mem.InReach)
					r.bank.set(false, 0)
					r.give(id, body)
					time.Sleep(3 * time.Second)
					r.want(id, of(r.bank.profile, result))
				}
				id, body := r.bank.pair(0xA1, "111111")
				deliver("bound", id, body)
				id, body = r.bank.code("222222")
				deliver("shown", id, body)
				id, body = r.bank.code("777777") // under the same pairing
				deliver("shown", id, body)
				id, body = r.bank.pair(0xA2, "333333")
				deliver("bound", id, body)
				id, body = r.bank.code("444444")
				deliver("shown", id, body)
				r.wantCodes("[111111 222222 777777 333333 444444]")
				id, body = r.bank.release()
				deliver("released", id, body)
				if got := r.phone.Cards(); len(got) != 0 {
					r.t.Errorf("the phone still keeps %v", got)
				}
			})
		})
	}
}

// A new pairing that the card has taken, though nobody heard so, is found when
// there is no other, or when the card refuses the other.
func TestBoundWasNeverHeard(t *testing.T) {
	for name, before := range map[string]bool{"a first pairing": false, "a second pairing": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *room) {
				if before {
					r.bound()
				}
				r.air.Move(cardText, mem.AnswerLost)
				id, body := r.bank.pair(0xA2, "555555")
				r.give(id, body)
				time.Sleep(11 * time.Minute) // it expires
				r.want(id, "nothing")
				r.air.Move(cardText, mem.InReach)
				pay, body := r.bank.code("666666")
				r.give(pay, body)
				synctest.Wait()
				r.want(pay, "shown")
				kept, err := r.vault.Bindings()
				b := kept[cardText]
				// A Plain card knows no pairing, and so never asks for another.
				used := b.Active.Dispatch == id && b.Pending.None()
				if plainly := before && r.bank.profile == dyncode.Plain; err != nil || used == plainly {
					r.t.Errorf("the new pairing is in use: %v, want %v (%v)", used, !plainly, err)
				}
			})
		})
	}
}

// Only the newest code is worth the payer's one screen.
func TestNewestCodeOnly(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		r.air.Move(cardText, mem.OutOfReach)
		first, b1 := r.bank.code("222222")
		r.give(first, b1)
		time.Sleep(5 * time.Second)
		second, b2 := r.bank.code("333333")
		r.give(second, b2)
		time.Sleep(time.Second)
		r.air.Move(cardText, mem.InReach)
		time.Sleep(10 * time.Second)
		r.want(first, "nothing")
		r.want(second, "shown")
		r.give(first, b1) // the bank still has it
		time.Sleep(time.Minute)
		r.wantCodes("[111111 333333]")
		if got := strings.Count(r.log.String(), "state=superseded"); got != 2 {
			r.t.Errorf("the log has %d drops, want 2: none may be silent\n%s", got, r.log)
		}
	})
}

// A released phone forgets its pairing though the card never heard of it.
func TestReleaseUnheard(t *testing.T) {
	each(t, func(r *room) {
		r.bound()
		r.air.Move(cardText, mem.OutOfReach)
		id, body := r.bank.release()
		r.give(id, body)
		time.Sleep(9 * time.Minute)
		if got := r.phone.Cards(); len(got) != 1 {
			r.t.Errorf("the phone keeps %v, want the card: it may still hear", got)
		}
		r.restart() // and nobody sends the release again
		time.Sleep(2 * time.Minute)
		if got := r.phone.Cards(); len(got) != 0 {
			r.t.Errorf("the phone keeps %v, want nothing", got)
		}
		r.restart()
		if got := r.phone.Cards(); len(got) != 0 {
			r.t.Errorf("after a restart the phone keeps %v, want nothing", got)
		}
	})
}
