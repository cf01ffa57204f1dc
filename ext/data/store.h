/*
** store.h - one connection's view of the store: schema, catalog, statements, clock, settings.
**
** Every connection that loads the extension has one bv_store, shared by its tables and functions
** (refcounted).  Prepared statements live while at least one of our virtual tables is connected:
** the core disconnects them before it checks for busy statements at close, so a cached statement
** never keeps a connection open.  A function that needs a statement first makes sure that is so.
**
** `generation` changes whenever stored bars may have changed: own writes, rollbacks, and commits of
** other connections (seen through the pager's data version).  Everything cached remembers the
** generation it was made in.
**
** Attached databases that hold a store of their own are read too: each has a bv_store of its own
** for its statements and decoded chunks, owned by the connection's.  An asset is looked for in main
** first, then in the attached ones in their order.  Everything is written to main.
**
** Partitions (data/partition.h) are files that hold a store's bars of past periods; each open one has a bv_store
** too, on a connection of its own.
**
** The clock: readers see a bar only if its end is <= clock.  bv_store_limit() turns that into the
** one comparison every read goes through (data/view.c).
*/
#ifndef BV_DATA_STORE_H
#define BV_DATA_STORE_H

#include "base/map.h"
#include "col/bars.h"
#include "data/db.h"
#include "data/sql.h"
#include "time/asset.h"
#include "time/timestep.h"

#include <stdbool.h>

#define BV_NO_CLOCK INT64_MAX

/* The first version of the schema whose sealed chunks have a hash; a file of an earlier one gets none, since
** the library that made it must go on reading it. */
#define BV_VERSION_HASHED 3

struct bv_store;

/* A stored series, by value: safe to keep after the catalog was reloaded. */
typedef struct bv_series {
  int64_t id;
  struct bv_store
      *home; /* NULL: the main database; else the attached one or the partition it is stored in */
  char asset[BV_ASSET_MAX + 1];
  char step_text[32]; /* canonical */
  bv_timestep step;
  const bv_zone *zone;
  double multiplier;
} bv_series;

typedef enum bv_stmt {
  BV_ST_HAS_SCHEMA,
  BV_ST_TOUCH,
  BV_ST_SERIES_FIND,
  BV_ST_SERIES_OF_ASSET,
  BV_ST_SERIES_BY_ID,
  BV_ST_SERIES_NEXT,
  BV_ST_SERIES_SIGN,
  BV_ST_ASSET_FIND,
  BV_ST_ASSET_ADD,
  BV_ST_ASSET_TZ,
  BV_ST_SERIES_ADD,
  BV_ST_HOT_INSERT,
  BV_ST_HOT_REPLACE,
  BV_ST_HOT_GET,
  BV_ST_HOT_COUNT,
  BV_ST_HOT_CLEAR,
  BV_ST_HOT_CHUNK,
  BV_ST_SPAN,
  BV_ST_SEG_GET,
  BV_ST_SEG_NEXT,
  BV_ST_SEG_PREV,
  BV_ST_SEG_SPAN,
  BV_ST_SEG_PUT,
  BV_ST_SEG_DROP,
  BV_ST_REJECT,
  /* The same for tables without checksums (schema version 1): this much further. */
  BV_ST_UNSUMMED,
  BV_ST_COUNT = BV_ST_UNSUMMED + BV_ST_UNSUMMED
} bv_stmt;

typedef enum bv_counter {
  BV_N_HIT,     /* reads answered by a window in memory */
  BV_N_MISS,    /* reads that were not */
  BV_N_HIT_AGG, /* of these, windows of aggregates */
  BV_N_MISS_AGG,
  BV_N_HIT_IND, /* indicator values read from memory */
  BV_N_MISS_IND,
  BV_N_LOAD,      /* windows filled from the store */
  BV_N_EXTEND,    /* windows extended at their end */
  BV_N_STREAM,    /* scans that streamed past the windows */
  BV_N_TRIM,      /* times that bars before the history were dropped */
  BV_N_EVICT,     /* windows, blocks and indicator columns dropped to stay under the memory limit */
  BV_N_DROP,      /* windows dropped because their bars have changed */
  BV_N_READ,      /* bars read from the database */
  BV_N_DECODE,    /* columns of sealed chunks decoded */
  BV_N_RESAMPLE,  /* aggregated bars made */
  BV_N_DERIVE,    /* indicator values computed */
  BV_N_WARM,      /* bars run before a window, to have the state at its first bar */
  BV_N_PARTITION, /* files of partitions opened */
  BV_N_COUNTERS
} bv_counter;

typedef struct bv_read_stmt {
  unsigned mask;
  int desc;
  bool sums;
  sqlite3_stmt *st;
} bv_read_stmt;

#define BV_MAX_READ_STMT 24

struct bv_window;
struct bv_segcache;
struct bv_take;
struct bv_cachelog;
struct bv_holding;
struct bv_memo;
struct bv_across;

#define BV_MAX_ATTACHED 32
#define BV_THREADS_MOST 16

typedef struct bv_store {
  sqlite3 *db;
  char schema[64]; /* "main", or the name it is attached under */
  char file
      [256]; /* attached: its file's name, to notice another one under the same name; a partition: as recorded */
  struct bv_store *parent;    /* attached, or a partition: the connection's store */
  bool partition;             /* it is one */
  bool partitioned;           /* it has some: there are their tables */
  struct bv_partset *partset; /* its partitions (partition.c) */
  struct bv_store *attached[BV_MAX_ATTACHED];
  int nattached;
  int refs;
  int vtabs;
  int64_t generation;
  int64_t seg_generation; /* the same for sealed chunks alone */
  int64_t catalog;        /* changes whenever what is known of assets and series is forgotten */
  int64_t writes;         /* bars written one by one */
  int64_t data_version;
  int64_t clock;
  int schema_state;           /* -1 unknown, 0 absent, 1 there */
  bool hot_sums, series_sums; /* the tables have a column for checksums */
  int version;                /* of the schema, once bv_store_usable has seen it; else 0 */
  int frozen; /* > 0 during a run: the snapshot cannot change, so it is not asked for */
  sqlite3_stmt *stmt[BV_ST_COUNT];
  bv_read_stmt read[BV_MAX_READ_STMT];
  int nread;
  bv_map series; /* asset \x1f timestep -> bv_series*, of this generation */

  struct bv_window *window; /* cached windows, most recently used first */
  bv_map windows;           /* the same by source */
  bv_map blocks;            /* aggregated bars by source (blocks.c) */
  bv_map checkpoints;       /* states of indicators by source and spec (checkpoint.c) */
  int64_t tick;             /* of the last use of anything cached */
  struct bv_cachelog *log;  /* the last decisions about these (cachelog.c) */
  bv_map sources;           /* aggregates by their arguments (source.c) */
  bv_map reach;             /* series with a history and future of their own (settings.c) */
  struct bv_holding *held;  /* rows of sources (held.c) */
  struct bv_memo *memo;     /* results of features (memo.c) */
  struct bv_across *across; /* values of many assets (across.c) */
  void *features;           /* and what is called for them (api) */
  void (*drop_features)(void *features); /* lets go of their statements */
  double *scratch;                       /* for indicators on their way (derived.c) */
  void *free_handle;                     /* recycled row handles (api) */
  struct bv_segcache *segcache;          /* decoded chunks (seg.c) */
  struct bv_take *taking; /* what rows are being taken for (feature_take.c), or NULL */
  int64_t history, future, trim;
  int64_t level;   /* entropy layer of new segments, see col/segment.h */
  int64_t threads; /* of the process that a run works with, the caller's among them */
  int64_t counter[BV_N_COUNTERS];
  int64_t note_series, note_chunk, note_count; /* rows inserted one by one (compact.c) */
  int64_t last_series, last_lo, last_hi;       /* the last range read forwards (view.c) */
  const bv_zone *zone;                         /* of times given as text without an offset */

  /* Called for each series a reader opens, while set: how a run finds its strategy's feed. */
  void (*touched)(void *ctx, const bv_series *s);
  void *touched_ctx;

  char
      *left; /* SQL that drops TEMP objects which a run could not drop: no statement ran any more */
  void *run; /* the run in progress (run layer), for bt_qty() and the like */
  int64_t runs; /* how many have begun */
} bv_store;

BV_MUST bv_rc bv_store_new(sqlite3 *db, bv_store **out);
bv_store *bv_store_ref(bv_store *s);
void bv_store_unref(bv_store *s);

/* A store that another one owns: of an attached database, or of a partition.  Freeing closes no connection; NULL is
** fine. */
BV_MUST bv_rc bv_store_child(bv_store *parent, sqlite3 *db, const char *schema, const char *file,
                             bv_store **out);
void bv_store_child_free(bv_store *child);

/* The store itself, then those it owns that are open; NULL after the last. */
bv_store *bv_store_member(bv_store *s, int i);

/* A virtual table of ours was connected or disconnected. */
void bv_store_vtab(bv_store *s, int delta);

/* A cached statement, prepared on first use and reset.  Callers must reset it before they return.
 */
BV_MUST bv_rc bv_store_stmt(bv_store *s, bv_stmt which, sqlite3_stmt **out, bv_err *err);

/* Prepare a statement that names tables of the store as "main.x", for the store's own schema. */
BV_MUST bv_rc bv_store_prepare(bv_store *s, const char *sql, sqlite3_stmt **out, bv_err *err);

/* Make sure statements may be kept (see above). */
BV_MUST bv_rc bv_store_anchor(bv_store *s, bv_err *err);

/* After a commit of this connection: what changed is known. */
void bv_store_committed(bv_store *s);

/* At the start of a read: notice what other connections committed.  During a run nobody is asked. */
BV_MUST bv_rc bv_store_sync(bv_store *s, bv_err *err);

/* The same during a run too, where its transaction begins. */
BV_MUST bv_rc bv_store_look(bv_store *s, bv_err *err);

/* A read of several statements outside of any transaction: begin it, so that all of them see one state,
** and notice what other connections committed; then let go (also after an error). */
BV_MUST bv_rc bv_store_hold(bv_store *s, bv_err *err);
void bv_store_let_go(bv_store *s);

/* Stored bars may have changed: windows made before are not used again. */
void bv_store_changed(bv_store *s);

/* One bar was written or removed: what is cached of it is not used again, the rest is. */
void bv_store_wrote(bv_store *s, const bv_series *series, int64_t ts);

/* Assets or series may have changed; and: one was added. */
void bv_store_catalog_changed(bv_store *s);
void bv_store_catalog_grew(bv_store *s);

/* Forget also whether the tables exist (after a rollback). */
void bv_store_rolled_back(bv_store *s);

/* Before a function writes: take part in the transaction as a virtual table does, so that a rollback
** of it is noticed. */
BV_MUST bv_rc bv_store_enlist(bv_store *s, bv_err *err);

/* A savepoint to write and to make tables in, of a function: opened, enlisted, guarded
** (bv_savepoint_guard_schema).  After an error it is closed. */
BV_MUST bv_rc bv_store_savepoint(bv_store *s, bv_savepoint *sp, bv_err *err);

/* Whether the store's tables exist; the same, and an error where a newer library made them; and make
** them. */
BV_MUST bv_rc bv_store_has_schema(bv_store *s, bool *out, bv_err *err);
BV_MUST bv_rc bv_store_usable(bv_store *s, bool *out, bv_err *err);
BV_MUST bv_rc bv_store_create_schema(bv_store *s, bv_err *err);

/* ---- catalog (catalog.c) ---- */

/* The text of a series' timestep with what its bars are of ("minute bid"), in statements that name
** barsvt_series s. */
#define BV_SERIES_STEP "s.timestep || rtrim(' ' || s.venue)"

/* The series of (asset, timestep).  *out = NULL where the asset or the series is not stored; use
** bv_series_missing for the error text.  BV_ARG: the timestep cannot be read. */
BV_MUST bv_rc bv_series_find(bv_store *s, const char *asset, const char *timestep,
                             const bv_series **out, bv_err *err);

/* The series of that number, whatever its venue. */
BV_MUST bv_rc bv_series_by_id(bv_store *s, int64_t id, bv_series *out, bool *found, bv_err *err);

/* Write the error for a series that does not exist: the nearest asset, or the timesteps there are.
 */
bv_rc bv_series_missing(bv_store *s, const char *who, const char *asset, const char *timestep,
                        bv_err *err);

/* All series of an asset that are of trades, of the bid or of the ask, finest first; at most cap, *n tells
** how many. */
BV_MUST bv_rc bv_series_of(bv_store *s, const char *asset, bv_bars_of of, bv_series *out, int cap,
                           int *n, bv_err *err);

/* The finest of trades; NULL: none is stored. */
BV_MUST bv_rc bv_series_finest(bv_store *s, const char *asset, const bv_series **out, bv_err *err);

/* All of them, whatever they are of: those of trades, then the bid's and the ask's. */
BV_MUST bv_rc bv_series_all(bv_store *s, const char *asset, bv_series *out, int cap, int *n,
                            bv_err *err);

/* The series, made if need be (with its asset, in zone tz; tz NULL = keep, UTC for a new one). */
BV_MUST bv_rc bv_series_make(bv_store *s, const char *asset, bv_timestep step, const char *tz,
                             bv_series *out, bv_err *err);

/* After a change of an asset: write the checksums of its series.  What they were is not looked at: read the
** series before the change. */
BV_MUST bv_rc bv_series_sign(bv_store *s, int64_t asset_id, bv_err *err);

/* Times of the first and the last stored bar, and how many there are exactly. */
BV_MUST bv_rc bv_series_count(bv_store *s, const bv_series *series, int64_t *first, int64_t *last,
                              int64_t *n, bv_err *err);

/* Times of the first and the last stored bar; *n = 0 where there is none, else an estimate of how
** many there are. */
BV_MUST bv_rc bv_series_span(bv_store *s, const bv_series *series, int64_t *first, int64_t *last,
                             int64_t *n, bv_err *err);

#endif
