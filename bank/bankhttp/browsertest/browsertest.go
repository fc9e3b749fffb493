// Package browsertest opens the project's web pages in a real Chromium, for
// tests.
//
// Start with New: it starts a browser of its own with an empty profile, or
// fails the test and says what to install; it never skips. Page and Shot do
// what most tests want. The browser reaches loopback only, and every error that
// a page throws or logs fails the test.
package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// binary is where Debian's package chromium puts it.
const binary = "/usr/bin/chromium"

// Times of a test.
const (
	startMax = 60 * time.Second
	stepMax  = 20 * time.Second
)

// Browser is one Chromium. Tests that share it open a page each.
type Browser struct{ ctx context.Context }

// Tab is one page.
type Tab struct {
	t     testing.TB
	ctx   context.Context
	quiet bool
}

// New starts a browser that ends with the test.
func New(t testing.TB) *Browser {
	t.Helper()
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("there is no %s: install the Debian package chromium", binary)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(startMax),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(func() { leave(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", binary, err)
	}
	return &Browser{ctx}
}

// Option changes a tab before it opens its page.
type Option func(*Tab) chromedp.Action[chromedp.Void]

// Size sets the viewport, in CSS pixels.
func Size(width, height int64) Option {
	return func(*Tab) chromedp.Action[chromedp.Void] {
		return chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2))
	}
}

// command sends one command of the DevTools protocol.
func command[P, R any](c cdp.Command[P, R], params P) Option {
	return func(*Tab) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, c, params)
			return err
		})
	}
}

// NoScript turns JavaScript off.
func NoScript() Option {
	return command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// Media sets a CSS media feature: "prefers-color-scheme", "dark".
func Media(name, value string) Option {
	features := []*emulation.MediaFeature{{Name: name, Value: value}}
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// Language sets which languages the browser asks for.
func Language(accept string) Option {
	return command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Chromium", AcceptLanguage: accept})
}

// Quiet lets the page log errors: for tests that cause them.
func Quiet() Option {
	return func(tab *Tab) chromedp.Action[chromedp.Void] {
		tab.quiet = true
		return chromedp.Steps()
	}
}

// Page opens a page in a tab of its own, which closes with the test.
func (b *Browser) Page(t testing.TB, url string, options ...Option) *Tab {
	t.Helper()
	ctx, leave := chromedp.NewContext(b.ctx)
	t.Cleanup(leave)
	tab := &Tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		tab.Do(o(tab))
	}
	tab.Do(chromedp.Navigate(url))
	return tab
}

// hear fails the test for what the page complains of.
func (tab *Tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tab.t.Errorf("the page threw %v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !tab.quiet {
			tab.t.Errorf("the page logged %s %s", e.Entry.Text, e.Entry.URL)
		}
	}
}

// Do runs actions.
func (tab *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	run(tab, chromedp.Steps(actions...))
}

func run[T any](tab *Tab, a chromedp.Action[T]) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, stepMax)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		tab.t.Fatal(err)
	}
	return v
}

// Text waits until an element is visible and returns the text it shows.
func (tab *Tab) Text(selector chromedp.CSS) string {
	tab.t.Helper()
	return run(tab, chromedp.Text(selector, chromedp.NodeVisible))
}

// Click clicks an element once it is visible.
func (tab *Tab) Click(selector chromedp.CSS) {
	tab.t.Helper()
	tab.Do(chromedp.Click(selector, chromedp.NodeVisible))
}

// Type types into an element.
func (tab *Tab) Type(selector chromedp.CSS, text string) {
	tab.t.Helper()
	tab.Do(chromedp.SendKeys(selector, text, chromedp.NodeVisible))
}

// Eval evaluates JavaScript.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	return run(tab, chromedp.Evaluate[T](expression))
}

// Await waits until an element that a selector finds is visible.
func (tab *Tab) Await(selector chromedp.CSS) {
	tab.t.Helper()
	tab.Do(chromedp.WaitVisible(selector))
}

// settled waits for the transitions and animations that end.
const settled = `Promise.all(document.getAnimations()
	.filter((a) => a.effect.getComputedTiming().iterations !== Infinity).map((a) => a.finished)).then(() => true)`

// Shot writes a screenshot of the whole page, for people to look at, into the
// test's artifacts: "go test -artifacts" keeps them.
func (tab *Tab) Shot(name string) {
	tab.t.Helper()
	tab.shoot(name, chromedp.FullScreenshot(100))
}

// Glance is Shot of what the viewport shows.
func (tab *Tab) Glance(name string) {
	tab.t.Helper()
	tab.shoot(name, chromedp.CaptureScreenshot())
}

func (tab *Tab) shoot(name string, shot chromedp.Action[[]byte]) {
	tab.t.Helper()
	run(tab, chromedp.Evaluate[bool](settled, chromedp.EvalAwaitPromise))
	path := filepath.Join(tab.t.ArtifactDir(), name+".png")
	if err := os.WriteFile(path, run(tab, shot), 0o600); err != nil {
		tab.t.Fatal(err)
	}
	tab.t.Logf("screenshot: %s", path)
}
