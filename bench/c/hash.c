/* Reads every record of the ledger in order, hashes it as an RFC 6962 leaf and
 * compares the hash with the one stored beside it: the least that any
 * verification has to do. */
#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  sqlite3 *db;
  sqlite3_stmt *st;
  unsigned char leaf[SHA256_DIGEST_LENGTH], *buf = NULL;
  int cap = 0, rc;
  long rows = 0, bad = 0;
  if (argc != 2 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) ||
      sqlite3_prepare_v2(db, "SELECT record, leaf_hash FROM audit_records ORDER BY seq", -1, &st, NULL)) {
    fprintf(stderr, "cannot read the ledger\n");
    return 2;
  }
  while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
    const void *record = sqlite3_column_blob(st, 0);
    int n = sqlite3_column_bytes(st, 0);
    if (n + 1 > cap) {
      cap = 2 * (n + 1);
      if (!(buf = realloc(buf, cap))) return 2;
      buf[0] = 0;
    }
    memcpy(buf + 1, record, n);
    SHA256(buf, n + 1, leaf);
    rows++;
    if (sqlite3_column_bytes(st, 1) != sizeof leaf || memcmp(leaf, sqlite3_column_blob(st, 1), sizeof leaf)) bad++;
  }
  printf("%ld rows, %ld bad\n", rows, bad);
  sqlite3_finalize(st);
  sqlite3_close(db);
  free(buf);
  return rc != SQLITE_DONE || bad != 0;
}
