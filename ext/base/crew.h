/*
** crew.h - threads that do ahead of time what their owner would otherwise do when it is needed.
**
** A task is given out as soon as it can be done, and taken back when its result is needed.  Whoever takes back a task
** that no thread has begun does it himself, and where a thread is at it he does what comes next meanwhile; without threads the same work is done at the same places.
**
**      idle -- give --> waiting -- a thread --> running --> done -- take: true --> idle
**                          |
**                          '-- take: false --> idle, and the owner does it
**
** The owner must leave alone what a task reads and writes from when it gives the task until it has it back.  Tasks are
** begun in the order they were given.  Threads take no signals.
*/
#ifndef BV_BASE_CREW_H
#define BV_BASE_CREW_H

#include "base/status.h"

#include <stdbool.h>

#define BV_CREW_MOST 16 /* threads */

typedef struct bv_crew bv_crew;

typedef struct bv_task {
  void (*run)(struct bv_task *t, void *tool);
  _Atomic int state; /* the crew's; begins as 0 */
  struct bv_task *before, *after;
} bv_task;

/* What each thread works with. */
typedef struct bv_tool {
  bv_rc (*make)(void **tool);
  void (*drop)(void *tool);
} bv_tool;

/* So many threads, or as many of them as can be made: *out = NULL where that is none. */
BV_MUST bv_rc bv_crew_new(int threads, bv_tool tool, bv_crew **out);

/* All tasks must have been taken back.  NULL is fine. */
void bv_crew_free(bv_crew *c);

void bv_crew_give(bv_crew *c, bv_task *t);

/* True: the task has been done; false: it was not begun, or never given.  Without a crew (NULL) it is never given.  While
** a thread is at it, the caller does others that wait, with `tool`; NULL: it only waits. */
bool bv_crew_take(bv_crew *c, bv_task *t, void *tool);

#endif
