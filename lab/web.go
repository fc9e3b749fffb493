package lab

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"sotto/card/screen/png"
)

//go:embed page
var page embed.FS

// fonts are the Go family, so that the page looks alike everywhere.
var fonts = map[string][]byte{
	"regular": goregular.TTF, "medium": gomedium.TTF, "bold": gobold.TTF, "italic": goitalic.TTF, "mono": gomono.TTF,
}

// policyOfPage lets the page use what comes with it and nothing else.
const policyOfPage = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// handler serves the page, the lab's own requests below /lab, and everything
// else as the bank does.
func (l *Lab) handler() http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", l.index)
	own.HandleFunc("GET /lab/assets/{name}", l.asset)
	own.HandleFunc("GET /lab/fonts/{name}", l.font)
	own.HandleFunc("GET /lab/state", l.state)
	own.HandleFunc("GET /lab/events", l.events)
	own.HandleFunc("GET /lab/card.png", l.picture)
	own.HandleFunc("GET /lab/card/voice.wav", l.voice)
	for path, do := range l.actions() {
		own.HandleFunc("POST /lab/"+path, l.act(do))
	}
	guarded := http.NewCrossOriginProtection().Handler(own)
	bank := l.watched(l.bank.handler())
	return l.hosts(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" && !strings.HasPrefix(r.URL.Path, "/lab/") {
			bank.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policyOfPage)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	}))
}

// hosts refuses requests for names that are not this machine's: another site
// whose name has been made to lead here could otherwise read the page.
func (l *Lab) hosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !l.c.Anywhere && !loopback(strings.Trim(host, "[]")) {
			http.Error(w, "the lab answers on this machine only: open "+l.url, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// watched looks at the payment after whatever may have changed it: the code may
// be typed on the bank's own page as well.
func (l *Lab) watched(bank http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bank.ServeHTTP(w, r)
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/pay/") {
			l.refreshPayment(context.WithoutCancel(r.Context()))
		}
	})
}

func (l *Lab) index(w http.ResponseWriter, _ *http.Request) {
	l.file(w, "index.html")
}

func (l *Lab) asset(w http.ResponseWriter, r *http.Request) {
	l.file(w, r.PathValue("name"))
}

var types = map[string]string{
	"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
	"js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
}

func (l *Lab) file(w http.ResponseWriter, name string) {
	text, err := fs.ReadFile(page, "page/"+name)
	_, ending, _ := strings.Cut(name, ".")
	if err != nil || types[ending] == "" {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", types[ending])
	_, _ = w.Write(text) //nolint:gosec // a file that was compiled in, whole
}

func (l *Lab) font(w http.ResponseWriter, r *http.Request) {
	ttf, ok := fonts[strings.TrimSuffix(r.PathValue("name"), ".ttf")]
	if !ok {
		http.Error(w, "there is no such font", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "font/ttf")
	w.Header().Set("Cache-Control", "max-age=86400")
	_, _ = w.Write(ttf)
}

func (l *Lab) state(w http.ResponseWriter, _ *http.Request) { l.answer(w, http.StatusOK, l.State()) }

func (l *Lab) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		l.c.Log.Debug("an answer was not sent", "err", err)
	}
}

func (l *Lab) picture(w http.ResponseWriter, _ *http.Request) {
	frame := l.card.face.panel.picture()
	w.Header().Set("Content-Type", "image/png")
	if err := png.Encode(w, &frame, 4); err != nil {
		l.c.Log.Debug("a picture was not sent", "err", err)
	}
}

// request is the body of every POST to the lab; each takes what it needs.
type request struct {
	Good     string `json:"good"`
	Quantity int    `json:"quantity"`
	Code     string `json:"code"`
	Wrong    bool   `json:"wrong"`
	Switch   string `json:"switch"`
	On       bool   `json:"on"`
	Language string `json:"language"`

	Link     string   `json:"link"`
	Distance *float64 `json:"distance_m"`
	Away     bool     `json:"away"`
	Presents          // how the card does

	Amount int64  `json:"amount"` // minor units
	Pull   Pull   `json:"pull"`
	After  int    `json:"after"`
	Slow   bool   `json:"slow"`
	Class  Class  `json:"class"`
	Applet string `json:"applet"` // AID, hex
	Policy string `json:"policy"`
}

// actions are what the page can do, by the last part of their path.
func (l *Lab) actions() map[string]func(context.Context, request) error {
	return map[string]func(context.Context, request) error{
		"basket":   func(_ context.Context, r request) error { return l.SetBasket(r.Good, r.Quantity) },
		"checkout": func(ctx context.Context, _ request) error { return l.Checkout(ctx) },
		"confirm": func(ctx context.Context, r request) error {
			if r.Wrong {
				return l.ConfirmWrong(ctx)
			}
			return l.Confirm(ctx, r.Code)
		},
		"resend":    func(ctx context.Context, _ request) error { return l.Resend(ctx) },
		"cancel":    func(ctx context.Context, _ request) error { return l.Cancel(ctx) },
		"leave":     func(context.Context, request) error { return l.Leave() },
		"topup":     func(ctx context.Context, _ request) error { return l.TopUp(ctx) },
		"card/page": func(context.Context, request) error { return l.TurnPage() },
		"switch":    func(ctx context.Context, r request) error { return l.Switch(ctx, r.Switch, r.On) },
		"language":  func(_ context.Context, r request) error { return l.Speak(r.Language) },

		"air/link":     func(_ context.Context, r request) error { return l.ChooseLink(r.Link) },
		"air/distance": func(_ context.Context, r request) error { return l.moveTo(r.Distance) },
		"air/walk":     func(_ context.Context, r request) error { return l.Walk(r.Away) },
		"air/slow":     func(_ context.Context, r request) error { return l.WatchSlowly(r.On) },
		"card/present": func(_ context.Context, r request) error { return l.Present(r.Presents) },

		"tap": func(ctx context.Context, r request) error {
			return l.Tap(ctx, Touch{Amount: r.Amount, Pull: r.Pull, After: r.After, Slow: r.Slow})
		},
		"tap/pull":    func(context.Context, request) error { return l.PullAway() },
		"till/new":    func(ctx context.Context, _ request) error { return l.NewSale(ctx) },
		"till/reader": func(ctx context.Context, r request) error { return l.SetReader(ctx, r.Class) },
		"till/upload": func(ctx context.Context, _ request) error { return l.Upload(ctx) },
		"till/settle": func(ctx context.Context, _ request) error { return l.Settle(ctx) },
		"sim/prefer":  func(ctx context.Context, r request) error { return l.Prefer(ctx, r.Applet) },
		"sim/policy":  func(ctx context.Context, r request) error { return l.SetPolicy(ctx, r.Policy) },
		"sim/lock":    func(ctx context.Context, r request) error { return l.LockApplet(ctx, r.Applet, r.On) },
		"sim/load":    func(ctx context.Context, r request) error { return l.Load(ctx, r.Applet, r.Amount) },
	}
}

const requestMax = 4 << 10 // bytes

// act answers with the state after the action.
func (l *Lab) act(do func(context.Context, request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q request
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestMax))
		d.DisallowUnknownFields()
		if r.Header.Get("Content-Type") != "application/json" || d.Decode(&q) != nil {
			l.answer(w, http.StatusBadRequest, map[string]string{"error": "send one JSON object as application/json, {} at least"})
			return
		}
		if !l.ready.Load() {
			l.answer(w, http.StatusServiceUnavailable, map[string]string{"error": "the lab is still making its demo data: try again in a moment"})
			return
		}
		err := do(r.Context(), q)
		var ask errAsk
		switch {
		case errors.As(err, &ask):
			l.answer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		case err != nil:
			l.c.Log.Warn("the lab could not do that", "path", r.URL.Path, "err", err)
			l.answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			l.answer(w, http.StatusOK, l.State())
		}
	}
}
