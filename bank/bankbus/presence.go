package bankbus

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// sweepTimeout is how long the servers of a cluster may take to answer.
const sweepTimeout = 5 * time.Second

// session is one connection at one server.
type session struct {
	server string
	id     uint64
}

// presence follows the server's own events in the system account: every
// replica hears of every phone, whichever replica let it in.
type presence struct {
	system  *nats.Conn
	keys    keys
	log     *slog.Logger
	refuses func(phone string) bool

	inbox string // prefix of the subjects on which servers answer

	mu     sync.Mutex
	phones map[string][]session // oldest first
}

func newPresence(system *nats.Conn, k keys, log *slog.Logger) *presence {
	return &presence{system: system, keys: k, log: log, inbox: nats.NewInbox(), phones: map[string][]session{}}
}

func (p *presence) listen() error {
	for subject, handle := range map[string]nats.MsgHandler{
		"$SYS.ACCOUNT." + p.keys.account + ".CONNECT":    p.onConnect,
		"$SYS.ACCOUNT." + p.keys.account + ".DISCONNECT": p.onDisconnect,
		"$SYS.SERVER.*.SHUTDOWN":                         p.onShutdown,
		p.inbox + ".*.*.*":                               p.onClosed,
	} {
		if _, err := p.system.Subscribe(subject, handle); err != nil {
			return fmt.Errorf("listen on %s: %w", subject, err)
		}
	}
	if err := p.system.Flush(); err != nil {
		return fmt.Errorf("listen for connections of phones: %w", err)
	}
	return nil
}

func (p *presence) sessions(phone string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.phones[phone])
}

func (p *presence) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.phones)
}

func (p *presence) onConnect(m *nats.Msg) {
	var event server.ConnectEventMsg
	if json.Unmarshal(m.Data, &event) != nil || event.Client.User == p.keys.userPublic {
		return
	}
	phone, s := event.Client.User, session{event.Server.ID, event.Client.ID}
	p.mu.Lock()
	all := append(p.phones[phone], s)
	p.phones[phone] = all
	p.mu.Unlock()
	if p.refuses(phone) { // kicked while it logged in
		p.drop(phone)
		return
	}
	if len(all) > sessionsPhoneMax {
		p.log.Warn("a phone has too many sessions; its oldest was closed", "phone", phone)
		p.close(phone, all[0])
	}
}

func (p *presence) onDisconnect(m *nats.Msg) {
	var event server.DisconnectEventMsg
	if json.Unmarshal(m.Data, &event) == nil {
		p.forget(event.Client.User, session{event.Server.ID, event.Client.ID})
	}
}

// onShutdown forgets the sessions of a server that left the cluster.
func (p *presence) onShutdown(m *nats.Msg) {
	id := strings.TrimSuffix(strings.TrimPrefix(m.Subject, "$SYS.SERVER."), ".SHUTDOWN")
	p.mu.Lock()
	defer p.mu.Unlock()
	for phone, all := range p.phones {
		p.keep(phone, slices.DeleteFunc(slices.Clone(all), func(s session) bool { return s.server == id }))
	}
}

func (p *presence) forget(phone string, gone session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(phone, slices.DeleteFunc(slices.Clone(p.phones[phone]), func(s session) bool { return s == gone }))
}

func (p *presence) keep(phone string, all []session) {
	if len(all) == 0 {
		delete(p.phones, phone)
		return
	}
	p.phones[phone] = all
}

// drop closes every session of the phone.
func (p *presence) drop(phone string) {
	p.mu.Lock()
	all := slices.Clone(p.phones[phone])
	p.mu.Unlock()
	for _, s := range all {
		p.close(phone, s)
	}
	if p.keys.outside {
		p.sweep(phone)
	}
}

// close asks the server to close one session, and does not wait: the server's
// DISCONNECT says when it has. The server ignores a request without a reply
// subject; this one names the session, for the case that it is gone already.
func (p *presence) close(phone string, s session) {
	body, err := json.Marshal(server.KickClientReq{CID: s.id})
	if err == nil {
		reply := p.inbox + "." + phone + "." + s.server + "." + strconv.FormatUint(s.id, 10)
		err = p.system.PublishRequest("$SYS.REQ.SERVER."+s.server+".KICK", reply, body)
	}
	if err != nil {
		p.log.Error("a phone's session could not be closed", "phone", phone, "reason", err)
	}
}

// onClosed forgets a session which the server does not know.
func (p *presence) onClosed(m *nats.Msg) {
	var answer server.ServerAPIResponse
	if json.Unmarshal(m.Data, &answer) != nil || answer.Error == nil {
		return
	}
	named := strings.Split(strings.TrimPrefix(m.Subject, p.inbox+"."), ".")
	if len(named) != 3 {
		return
	}
	if id, err := strconv.ParseUint(named[2], 10, 64); err == nil {
		p.forget(named[0], session{named[1], id})
	}
}

// sweep asks all servers of an outside cluster for sessions of the phone that
// were there before this replica, and closes them.
func (p *presence) sweep(phone string) {
	body, err := json.Marshal(server.ConnzEventOptions{ConnzOptions: server.ConnzOptions{
		Username: true, User: phone, Account: p.keys.account, State: server.ConnOpen,
	}})
	if err != nil {
		return
	}
	inbox := nats.NewInbox()
	sub, err := p.system.Subscribe(inbox, func(m *nats.Msg) {
		var answer struct {
			Server server.ServerInfo `json:"server"`
			Data   server.Connz      `json:"data"`
		}
		if json.Unmarshal(m.Data, &answer) != nil {
			return
		}
		for _, c := range answer.Data.Conns {
			p.close(phone, session{answer.Server.ID, c.Cid})
		}
	})
	if err == nil {
		err = p.system.PublishRequest("$SYS.REQ.SERVER.PING.CONNZ", inbox, body)
	}
	if err != nil {
		p.log.Error("the cluster was not searched for a phone's sessions", "phone", phone, "reason", err)
		return
	}
	time.AfterFunc(sweepTimeout, func() { _ = sub.Unsubscribe() })
}
