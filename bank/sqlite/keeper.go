package sqlite

import (
	"context"

	lib "modernc.org/sqlite/lib"
)

// keeperPages is how many pages are written to the WAL before they are taken
// over into the file. More would have rows that many payments touch taken over
// less often, and commits wait longer for a disk that is busy with them.
const keeperPages = 2_000

// keeper takes the WAL's pages over into the file, which SQLite would otherwise
// do within a commit that then lasts ten times as long. It does so beside the
// writer, once more for the many pages that came meanwhile, and at last in the
// writer's turn for the few that came during that: only a WAL that is taken over
// whole is begun anew instead of growing.
//
// A checkpoint that fails loses nothing; the next one has more to do.
type keeper struct {
	c     *conn
	pages int
	wake  chan struct{}
	ended chan struct{}
}

func newKeeper(ctx context.Context, uri string) (*keeper, error) {
	c, err := openConn(uri)
	if err != nil {
		return nil, err
	}
	if err := c.setUp(ctx, false); err != nil {
		c.close()
		return nil, err
	}
	return &keeper{c: c, wake: make(chan struct{}, 1), ended: make(chan struct{})}, nil
}

// count is told of each commit, by the writer.
func (k *keeper) count(writer *conn) {
	k.pages += writer.pagesWritten()
	if k.pages < keeperPages {
		return
	}
	k.pages = 0
	select {
	case k.wake <- struct{}{}:
	default: // it is at work
	}
}

func (k *keeper) run(turn chan struct{}, closed <-chan struct{}) {
	defer close(k.ended)
	for {
		select {
		case <-k.wake:
		case <-closed:
			return
		}
		k.c.checkpoint()
		k.c.checkpoint()
		select {
		case <-turn:
		case <-closed:
			return
		}
		k.c.checkpoint()
		turn <- struct{}{}
	}
}

func (c *conn) checkpoint() {
	lib.Xsqlite3_wal_checkpoint_v2(c.tls, c.db, 0, lib.SQLITE_CHECKPOINT_PASSIVE, 0, 0)
}

// pagesWritten is how many pages this connection has written since it was last
// asked.
func (c *conn) pagesWritten() int {
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	current := (*[2]int32)(pointer(out))
	lib.Xsqlite3_db_status(c.tls, c.db, lib.SQLITE_DBSTATUS_CACHE_WRITE, out, out+4, 1)
	return int(current[0])
}
