/* Writes the rows of one ledger to another of the same schema, each record
 * with its tree hashes in a transaction of its own, synchronous=FULL:
 * the least that any program has to do for one durable record. */
#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *from, *to;

static int fail(sqlite3 *db) {
  fprintf(stderr, "%s\n", sqlite3_errmsg(db));
  return 1;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &st, NULL)) fail(db);
  return st;
}

static int run(sqlite3_stmt *st) {
  int rc = sqlite3_step(st);
  sqlite3_reset(st);
  return rc != SQLITE_DONE;
}

int main(int argc, char **argv) {
  if (argc != 3 || sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READONLY, NULL) || sqlite3_open_v2(argv[2], &to, SQLITE_OPEN_READWRITE, NULL))
    return fail(from);
  if (sqlite3_exec(to, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=1; PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY", NULL, NULL, NULL))
    return fail(to);
  sqlite3_stmt *records = prepare(from,
      "SELECT seq, record, leaf_hash FROM audit_records ORDER BY seq");
  sqlite3_stmt *hashes = prepare(from, "SELECT idx, hash FROM audit_hashes ORDER BY idx");
  sqlite3_stmt *begin = prepare(to, "BEGIN IMMEDIATE"), *commit = prepare(to, "COMMIT");
  sqlite3_stmt *record = prepare(to, "INSERT INTO audit_records (seq, record, leaf_hash) VALUES (?, ?, ?)");
  sqlite3_stmt *hash = prepare(to, "INSERT INTO audit_hashes (idx, hash) VALUES (?, ?)");
  if (!records || !hashes || !begin || !commit || !record || !hash) return 1;
  while (sqlite3_step(records) == SQLITE_ROW) {
    sqlite3_int64 seq = sqlite3_column_int64(records, 0);
    if (run(begin)) return fail(to);
    sqlite3_bind_int64(record, 1, seq);
    sqlite3_bind_text(record, 2, (const char *)sqlite3_column_text(records, 1), sqlite3_column_bytes(records, 1), SQLITE_STATIC);
    sqlite3_bind_blob(record, 3, sqlite3_column_blob(records, 2), sqlite3_column_bytes(records, 2), SQLITE_STATIC);
    if (run(record)) return fail(to);
    /* A record completes as many subtrees as its number has trailing zeros. */
    for (sqlite3_int64 s = seq; ; s /= 2) {
      if (sqlite3_step(hashes) != SQLITE_ROW) return fail(from);
      sqlite3_bind_int64(hash, 1, sqlite3_column_int64(hashes, 0));
      sqlite3_bind_blob(hash, 2, sqlite3_column_blob(hashes, 1), sqlite3_column_bytes(hashes, 1), SQLITE_STATIC);
      if (run(hash)) return fail(to);
      if (s % 2) break;
    }
    if (run(commit)) return fail(to);
  }
  return 0;
}
