package bank

// Kind names a kind of row, and of lookup.
type Kind uint8

// The kinds. Those that begin with By are lookups of a row by something unique
// other than its id.
const (
	KindMerchant Kind = iota
	KindAPIKey
	KindAccount
	KindCard
	KindPhone
	KindBinding
	KindPayment
	KindTransfer
	KindDispatch
	KindPace
	KindIdempotency
	KindWebhook
	KindApplet
	KindTap
	KindLoad
	KindBatch
	KindBook
	ByPAN    // a card, by the hex of its PANMAC
	ByTicket // a phone, by the hex of its TicketMAC
	ByKey    // a phone, by its public key
	ByChip   // an applet, by the hex of its PANMAC
)

// Key names one row.
type Key struct {
	Kind Kind
	ID   string
}

// View is the rows that a batch of ops works on. A store fills it; ops read and
// change it; what has changed goes back to the store.
type View struct {
	Merchants   Table[Merchant]
	APIKeys     Table[APIKey]
	Accounts    Table[Account]
	Cards       Table[Card]
	Phones      Table[Phone]
	Bindings    Table[Binding]
	Payments    Table[Payment]
	Transfers   Table[Transfer]
	Dispatches  Table[Dispatch]
	Paces       Table[Pace]
	Idempotency Table[Idempotency]
	Webhooks    Table[Webhook]
	Applets     Table[Applet]
	Taps        Table[Tap]
	Loads       Table[Load]
	Batches     Table[Batch]
	Books       Table[Book]
	lookups     map[Key]string
	undo        []func()
}

// NewView returns an empty view.
func NewView() *View { return &View{lookups: map[Key]string{}} }

// reset empties the view. Its room is used again by the next batch.
func (v *View) reset() {
	v.Merchants.reset()
	v.APIKeys.reset()
	v.Accounts.reset()
	v.Cards.reset()
	v.Phones.reset()
	v.Bindings.reset()
	v.Payments.reset()
	v.Transfers.reset()
	v.Dispatches.reset()
	v.Paces.reset()
	v.Idempotency.reset()
	v.Webhooks.reset()
	v.Applets.reset()
	v.Taps.reset()
	v.Loads.reset()
	v.Batches.reset()
	v.Books.reset()
	clear(v.lookups)
	v.undo = v.undo[:0]
}

// PutLookup records what a lookup found: an id, or "" for nothing. The store
// puts the row itself too.
func (v *View) PutLookup(k Key, id string) { v.lookups[k] = id }

// Lookup is what PutLookup recorded.
func (v *View) Lookup(k Key) (id string, loaded bool) {
	id, loaded = v.lookups[k]
	return id, loaded
}

// Has reports whether this key has been loaded, be it to nothing.
func (v *View) Has(k Key) bool {
	switch k.Kind {
	case KindMerchant:
		return v.Merchants.has(k.ID)
	case KindAPIKey:
		return v.APIKeys.has(k.ID)
	case KindAccount:
		return v.Accounts.has(k.ID)
	case KindCard:
		return v.Cards.has(k.ID)
	case KindPhone:
		return v.Phones.has(k.ID)
	case KindBinding:
		return v.Bindings.has(k.ID)
	case KindPayment:
		return v.Payments.has(k.ID)
	case KindTransfer:
		return v.Transfers.has(k.ID)
	case KindDispatch:
		return v.Dispatches.has(k.ID)
	case KindPace:
		return v.Paces.has(k.ID)
	case KindIdempotency:
		return v.Idempotency.has(k.ID)
	case KindWebhook:
		return v.Webhooks.has(k.ID)
	case KindApplet:
		return v.Applets.has(k.ID)
	case KindTap:
		return v.Taps.has(k.ID)
	case KindLoad:
		return v.Loads.has(k.ID)
	case KindBatch:
		return v.Batches.has(k.ID)
	case KindBook:
		return v.Books.has(k.ID)
	case ByPAN, ByTicket, ByKey, ByChip:
		_, ok := v.lookups[k]
		return ok
	}
	return false
}

// putNone loads a key to nothing.
func (v *View) putNone(k Key) {
	switch k.Kind {
	case KindMerchant:
		v.Merchants.Put(k.ID, nil)
	case KindAPIKey:
		v.APIKeys.Put(k.ID, nil)
	case KindAccount:
		v.Accounts.Put(k.ID, nil)
	case KindCard:
		v.Cards.Put(k.ID, nil)
	case KindPhone:
		v.Phones.Put(k.ID, nil)
	case KindBinding:
		v.Bindings.Put(k.ID, nil)
	case KindPayment:
		v.Payments.Put(k.ID, nil)
	case KindTransfer:
		v.Transfers.Put(k.ID, nil)
	case KindDispatch:
		v.Dispatches.Put(k.ID, nil)
	case KindPace:
		v.Paces.Put(k.ID, nil)
	case KindIdempotency:
		v.Idempotency.Put(k.ID, nil)
	case KindWebhook:
		v.Webhooks.Put(k.ID, nil)
	case KindApplet:
		v.Applets.Put(k.ID, nil)
	case KindTap:
		v.Taps.Put(k.ID, nil)
	case KindLoad:
		v.Loads.Put(k.ID, nil)
	case KindBatch:
		v.Batches.Put(k.ID, nil)
	case KindBook:
		v.Books.Put(k.ID, nil)
	case ByPAN, ByTicket, ByKey, ByChip:
		v.PutLookup(k, "")
	}
}

// inherit loads a key that another view has, in the state that view gave it.
func (v *View) inherit(k Key, from *View) {
	switch k.Kind {
	case KindMerchant:
		v.Merchants.inherit(k.ID, &from.Merchants)
	case KindAPIKey:
		v.APIKeys.inherit(k.ID, &from.APIKeys)
	case KindAccount:
		v.Accounts.inherit(k.ID, &from.Accounts)
	case KindCard:
		v.Cards.inherit(k.ID, &from.Cards)
	case KindPhone:
		v.Phones.inherit(k.ID, &from.Phones)
	case KindBinding:
		v.Bindings.inherit(k.ID, &from.Bindings)
	case KindPayment:
		v.Payments.inherit(k.ID, &from.Payments)
	case KindTransfer:
		v.Transfers.inherit(k.ID, &from.Transfers)
	case KindDispatch:
		v.Dispatches.inherit(k.ID, &from.Dispatches)
	case KindPace:
		v.Paces.inherit(k.ID, &from.Paces)
	case KindIdempotency:
		v.Idempotency.inherit(k.ID, &from.Idempotency)
	case KindWebhook:
		v.Webhooks.inherit(k.ID, &from.Webhooks)
	case KindApplet:
		v.Applets.inherit(k.ID, &from.Applets)
	case KindTap:
		v.Taps.inherit(k.ID, &from.Taps)
	case KindLoad:
		v.Loads.inherit(k.ID, &from.Loads)
	case KindBatch:
		v.Batches.inherit(k.ID, &from.Batches)
	case KindBook:
		v.Books.inherit(k.ID, &from.Books)
	case ByPAN:
		v.inheritLookup(k, KindCard, from)
	case ByTicket, ByKey:
		v.inheritLookup(k, KindPhone, from)
	case ByChip:
		v.inheritLookup(k, KindApplet, from)
	}
}

func (v *View) inheritLookup(k Key, kind Kind, from *View) {
	id := from.lookups[k]
	v.PutLookup(k, id)
	row := Key{kind, id}
	if id != "" && !v.Has(row) {
		v.inherit(row, from)
	}
}

func (v *View) lookup(kind Kind, value string) string {
	id, ok := v.lookups[Key{kind, value}]
	if !ok {
		panic("bank: an op reads a lookup it did not name")
	}
	return id
}

func (v *View) setLookup(kind Kind, value, id string) {
	key := Key{kind, value}
	old := v.lookups[key]
	v.undo = append(v.undo, func() { v.lookups[key] = old })
	v.lookups[key] = id
}

// rollback takes back all that was changed since the last settle.
func (v *View) rollback() {
	for i := len(v.undo) - 1; i >= 0; i-- {
		v.undo[i]()
	}
	v.settle()
}

// touched reports whether anything was changed since the last settle.
func (v *View) touched() bool { return len(v.undo) > 0 }

// settle makes what was changed so far part of the batch.
func (v *View) settle() { v.undo = v.undo[:0] }

// Table is the rows of one kind in a view.
type Table[T any] struct {
	rows  map[string]*row[T]
	order []*row[T] // those changed, in order of their first change
}

type row[T any] struct {
	id      string
	value   *T // nil: there is none
	stored  bool
	changed bool
}

// Put is for stores: it loads a row, or the fact that there is none.
func (t *Table[T]) Put(id string, value *T) {
	if t.rows == nil {
		t.rows = map[string]*row[T]{}
	}
	t.rows[id] = &row[T]{id: id, value: value, stored: value != nil}
}

func (t *Table[T]) reset() {
	clear(t.rows)
	clear(t.order) // so that the rows can go
	t.order = t.order[:0]
}

// Changed gives a store the rows to write: value is nil for one to delete, and
// stored tells an update from an insert.
func (t *Table[T]) Changed(yield func(id string, value *T, stored bool) bool) {
	for _, r := range t.order {
		if r.value == nil && !r.stored {
			continue // made and deleted in one batch
		}
		if !yield(r.id, r.value, r.stored) {
			return
		}
	}
}

func (t *Table[T]) inherit(id string, from *Table[T]) { t.Put(id, from.rows[id].value) }

func (t *Table[T]) has(id string) bool {
	_, ok := t.rows[id]
	return ok
}

// peek is the row if it has been loaded and exists. It is for names; an op that
// is applied uses it where it knows that what was not loaded is not there.
func (t *Table[T]) peek(id string) *T {
	if r := t.rows[id]; r != nil {
		return r.value
	}
	return nil
}

// get is the row, or nil when there is none. The caller must not change it.
func (t *Table[T]) get(id string) *T {
	if id == "" {
		return nil
	}
	r, ok := t.rows[id]
	if !ok {
		panic("bank: an op reads a row it did not name")
	}
	return r.value
}

// edit returns the row to be changed in place. It must exist.
func (t *Table[T]) edit(v *View, id string) *T {
	r := t.rows[id]
	if r == nil || r.value == nil {
		panic("bank: an op changes a row that is not there")
	}
	t.touch(v, r)
	changed := *r.value
	r.value = &changed
	return r.value
}

// add puts a new row.
func (t *Table[T]) add(v *View, id string, value T) *T {
	r := t.rows[id]
	if r == nil {
		t.Put(id, nil)
		r = t.rows[id]
	}
	if r.value != nil {
		panic("bank: an op adds a row that is there already")
	}
	t.touch(v, r)
	r.value = &value
	return r.value
}

// Row is a copy of a row, or false when there is none. It is for the tests of
// stores.
func (t *Table[T]) Row(id string) (row T, ok bool) {
	if value := t.peek(id); value != nil {
		return *value, true
	}
	return row, false
}

// Set makes a row new, different or, with nil, gone, as ops do. It is for the
// tests of stores.
func (t *Table[T]) Set(v *View, id string, value *T) {
	if !t.has(id) {
		t.Put(id, nil)
	}
	r := t.rows[id]
	t.touch(v, r)
	r.value = value
}

// remove deletes the row; one that is not there stays so.
func (t *Table[T]) remove(v *View, id string) {
	if r := t.rows[id]; r != nil && r.value != nil {
		t.touch(v, r)
		r.value = nil
	}
}

func (t *Table[T]) touch(v *View, r *row[T]) {
	value, changed := r.value, r.changed
	n := len(t.order)
	v.undo = append(v.undo, func() {
		r.value, r.changed = value, changed
		t.order = t.order[:n]
	})
	if !changed {
		r.changed = true
		t.order = append(t.order, r)
	}
}
