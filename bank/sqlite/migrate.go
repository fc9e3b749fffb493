package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver that goose works through
)

//go:embed migrations/*.sql
var migrations embed.FS

// upToDate brings the schema up to this version of the program, if it is not.
func (c *conn) upToDate(ctx context.Context, uri string) error {
	current, err := c.schema(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if err := fits(current); !errors.Is(err, errOlder) {
		return err
	}
	return migrate(ctx, uri)
}

// schema is the schema's version, 0 for a file that has none yet.
func (c *conn) schema(ctx context.Context) (int64, error) {
	tables, err := c.number(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'")
	if err != nil || tables == 0 {
		return 0, err
	}
	return c.number(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied")
}

// migrate goes through goose and so through database/sql.
func migrate(ctx context.Context, uri string) error {
	db, err := sql.Open("sqlite", uri)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	return nil
}

// fits compares the schema of a file with the newest this program knows.
func fits(current int64) error {
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	number, _, _ := strings.Cut(names[len(names)-1].Name(), "_")
	newest, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("a migration has no number: %w", err)
	case current > newest:
		return fmt.Errorf("%w (schema %d, this one knows %d)", errNewer, current, newest)
	case current < newest:
		return fmt.Errorf("%w (schema %d, this one needs %d)", errOlder, current, newest)
	}
	return nil
}
