package bankbus

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// linesMax bounds what strangers can make the server write in one second.
const linesMax = 20

// serverLog hands nats-server's lines to slog. Its notices are details to the
// bank; its errors are mostly what strangers did at the door, and only what it
// calls fatal is an error here.
type serverLog struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	since   time.Time
	written int
	dropped int
}

func newServerLog(log *slog.Logger, now func() time.Time) *serverLog {
	return &serverLog{log: log, now: now}
}

func (l *serverLog) Noticef(format string, v ...any) { l.line(slog.LevelDebug, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.line(slog.LevelWarn, format, v) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.line(slog.LevelError, format, v) }

// Warnf writes what the server warns of. That clients must begin with the TLS
// handshake is no news: it is how the bank wants it.
func (l *serverLog) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if strings.Contains(format, "TLS Handshake First") {
		level = slog.LevelDebug
	}
	l.line(level, format, v)
}

// Debugf and Tracef write nothing: they could hold what a phone sent.
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

func (l *serverLog) line(level slog.Level, format string, v []any) {
	ok, dropped := l.room()
	if dropped > 0 {
		l.log.Warn("bus server: lines were left out", "count", dropped)
	}
	if ok || level >= slog.LevelError {
		l.log.Log(context.Background(), level, "bus server: "+fmt.Sprintf(format, v...))
	}
}

// room reports whether one more line may be written now, and at the beginning
// of a second how many were not written in the last.
func (l *serverLog) room() (ok bool, dropped int) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= time.Second {
		dropped = l.dropped
		l.since, l.written, l.dropped = now, 0, 0
	}
	if l.written >= linesMax {
		l.dropped++
		return false, dropped
	}
	l.written++
	return true, dropped
}
