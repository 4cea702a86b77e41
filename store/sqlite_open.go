package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"cxseal/internal/fault"
	"cxseal/migrations"
)

const (
	sqliteMagic = "SQLite format 3\x00"

	// busyTimeout bounds how long a statement waits for another process.
	busyTimeout = 10_000 // ms

	// maxReaders is how many connections each pool of readers may have. One that
	// was not used for a while gives its page cache back.
	maxReaders    = 4
	readerMaxIdle = time.Minute

	// Page caches, in KiB as SQLite counts them (negative: a size, not pages). A
	// page takes about twice its size, by how the driver allocates. The readers'
	// hold what a search walks down through; rows come from the system's cache.
	writerCache = -8_000
	readerCache = -1_000

	// walLimit is what the WAL is cut to when it starts over, and what the
	// writer tries to keep it under.
	walLimit = 8 << 20
)

// dsn is the URI of the database with the pragmas each connection starts with.
func dsn(path string, query url.Values, pragmas ...string) string {
	query.Set("_dqs", "0")
	query.Set("_error_rc", "1")
	for _, p := range pragmas {
		query.Add("_pragma", p)
	}
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p, RawQuery: query.Encode()}).String()
}

// open makes the file when it is absent, and opens a connection that writes and
// the pools that read.
func (e *sqliteEngine) open(ctx context.Context) (_ connections, err error) {
	if err := prepareFile(e.path); err != nil {
		return connections{}, err
	}
	var opened []*sql.DB
	defer func() {
		if err == nil {
			return
		}
		err = explainFile(err, e.path)
		for _, db := range opened {
			err = errors.Join(err, db.Close())
		}
	}()
	writer, err := openWriter(ctx, e.path)
	if err != nil {
		return connections{}, err
	}
	opened = append(opened, writer)
	if err := migrate(ctx, writer, e.path, e.log); err != nil {
		return connections{}, err
	}
	var pools [len(poolNames)]*pool
	for i := range pools {
		db, err := openReaders(e.path, url.Values{})
		if err != nil {
			return connections{}, err
		}
		opened = append(opened, db)
		pools[i] = newPool(poolNames[i], db, e.rewrite)
	}
	if err := pools[0].db.PingContext(ctx); err != nil {
		return connections{}, err
	}
	return connections{writer: writer, pages: pools[0], long: pools[1], searches: pools[2]}, nil
}

func openWriter(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, url.Values{"_txlock": {"immediate"}},
		fmt.Sprintf("busy_timeout(%d)", busyTimeout),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
		fmt.Sprintf("journal_size_limit(%d)", walLimit),
		fmt.Sprintf("cache_size(%d)", writerCache),
		"temp_store(MEMORY)",
	))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func openReaders(path string, query url.Values) (*sql.DB, error) {
	query = maps.Clone(query)
	query.Set("mode", "ro")
	db, err := sql.Open("sqlite", dsn(path, query,
		fmt.Sprintf("busy_timeout(%d)", busyTimeout),
		"query_only(1)",
		fmt.Sprintf("cache_size(%d)", readerCache),
		"temp_store(MEMORY)",
	))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	db.SetConnMaxIdleTime(readerMaxIdle)
	return db, nil
}

// prepareFile makes an absent database file and refuses one that is not a
// SQLite database before SQLite itself touches it.
func prepareFile(path string) error {
	if fi, err := os.Stat(filepath.Dir(path)); err != nil || !fi.IsDir() {
		return fault.New(fault.Invalid, "The folder %s for the database does not exist: make it, or name another file with --db.", filepath.Dir(path))
	}
	finishRestore(path)
	if err := checkLeftover(path); err != nil {
		return err
	}
	// The path is the operator's own setting.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: see above
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be opened for writing: check the permissions of the file and its folder.", path)
	}
	if err := f.Close(); err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be read.", path)
	}
	return checkMagic(path)
}

// checkMagic refuses a file that is not empty and no SQLite database.
func checkMagic(path string) error {
	head, err := header(path)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be read.", path)
	}
	if len(head) > 0 && string(head[:min(len(head), len(sqliteMagic))]) != sqliteMagic {
		return notOurs(path)
	}
	return nil
}

func notOurs(path string) error {
	return fault.New(fault.Invalid, "The file %s is not a cxseal database: name another file with --db.", path)
}

// migrate brings the schema up to date. Two processes may open a new database
// at the same moment: the loser of a step finds it done and goes on.
func migrate(ctx context.Context, db *sql.DB, path string, log *slog.Logger) error {
	newest, err := newestMigration()
	if err != nil {
		return err
	}
	const attempts = 5
	for attempt := 1; ; attempt++ {
		have, err := schemaVersion(ctx, db, path)
		if err != nil {
			return err
		}
		if have > newest {
			return newerSchema(path, have, newest)
		}
		if have == newest {
			return nil
		}
		if have > 0 && have < migrations.First {
			return firstBuilds(path, have)
		}
		p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.Files,
			goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
		if err != nil {
			return fmt.Errorf("read migrations: %w", err)
		}
		_, err = p.Up(ctx)
		if err == nil {
			log.LogAttrs(ctx, slog.LevelInfo, "database schema brought up to date",
				slog.Int64("from", have), slog.Int64("to", newest))
			continue
		}
		if attempt == attempts || ctx.Err() != nil {
			return fmt.Errorf("migrate %s: %w", path, err)
		}
	}
}

func newerSchema(path string, have, newest int64) error {
	return fault.New(fault.Conflict, "The database %s was written by a newer release of cxseal (schema %d; this release knows %d): use that release, or restore a backup made before the upgrade.", path, have, newest)
}

func firstBuilds(path string, have int64) error {
	return fault.New(fault.Conflict, "The database %s was made by a build from before the first release of cxseal (schema %d), which this release cannot bring up to date: name a new file with --db, and keep the old one with the build that made it.", path, have)
}

// newestMigration is the version this release knows.
func newestMigration() (int64, error) {
	files, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, name := range files {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, v)
	}
	return newest, nil
}

// schemaVersion is the database's version, -1 for a new file. It writes
// nothing, so a database of another program stays as it was.
func schemaVersion(ctx context.Context, db *sql.DB, path string) (int64, error) {
	var tables, ours int
	err := db.QueryRowContext(ctx,
		`SELECT count(*), coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_master WHERE type = 'table'`).
		Scan(&tables, &ours)
	if err != nil {
		return 0, explainFile(err, path)
	}
	if ours == 0 {
		if tables > 0 {
			return 0, notOurs(path)
		}
		return -1, nil
	}
	var version int64
	err = db.QueryRowContext(ctx,
		`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	if err != nil {
		return 0, explainFile(err, path)
	}
	return version, nil
}
