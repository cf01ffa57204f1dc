/* table.c - what virtual tables share that know the connection's store; see table.h. */
#include "api/table.h"

int bv_table_connect(sqlite3 *db, bv_store *store, const char *declaration, int access, size_t size,
                     sqlite3_vtab **out) {
  int code = sqlite3_declare_vtab(db, declaration);
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(db, access);
  bv_table *t = bv_alloc0(BV_MEM_CURSOR, size);
  if (!t) return SQLITE_NOMEM;
  t->store = bv_store_ref(store);
  bv_store_vtab(store, 1);
  *out = &t->base;
  return SQLITE_OK;
}

int bv_table_disconnect(sqlite3_vtab *base) {
  bv_table *t = (bv_table *)base;
  bv_store_vtab(t->store, -1);
  bv_store_unref(t->store);
  bv_free(t);
  return SQLITE_OK;
}

int bv_table_open(size_t size, sqlite3_vtab_cursor **out) {
  sqlite3_vtab_cursor *c = bv_alloc0(BV_MEM_CURSOR, size);
  if (!c) return SQLITE_NOMEM;
  *out = c;
  return SQLITE_OK;
}
