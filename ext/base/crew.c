/* crew.c - threads that work ahead of their owner; see crew.h. */
#include "base/crew.h"
#include "base/alloc.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { IDLE, WAITING, RUNNING, DONE };

/* Tasks take microseconds and the queue is held for less; falling asleep takes longer than either. */
#define SPINS 2000
#define LONG  (10 * SPINS)
#define STACK ((size_t)1 << 20)

typedef struct member {
  bv_crew *crew;
  void *tool;
  pthread_t thread;
} member;

struct bv_crew {
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  bv_task *first, *last;
  int asleep;   /* threads that wait for work and were not called */
  bool awaited; /* the owner waits for a task */
  bool over;
  bv_tool how;
  int n;
  member one[BV_CREW_MOST];
};

static void lock(bv_crew *c) {
  for (int i = 0; i < SPINS; i++) {
    if (pthread_mutex_trylock(&c->lock) == 0) return;
  }
  pthread_mutex_lock(&c->lock);
}

static void unlink_task(bv_crew *c, bv_task *t) {
  *(t->before ? &t->before->after : &c->first) = t->after;
  *(t->after ? &t->after->before : &c->last) = t->before;
}

static int state_of(bv_task *t) {
  return atomic_load_explicit(&t->state, memory_order_acquire);
}

static void set_state(bv_task *t, int state) {
  atomic_store_explicit(&t->state, state, memory_order_release);
}

static void *work(void *arg) {
  member *m = arg;
  bv_crew *c = m->crew;
  lock(c);
  while (!c->over) {
    bv_task *t = c->first;
    if (!t) {
      c->asleep++;
      pthread_cond_wait(&c->work, &c->lock);
      continue;
    }
    unlink_task(c, t);
    set_state(t, RUNNING);
    pthread_mutex_unlock(&c->lock);
    t->run(t, m->tool);
    lock(c);
    set_state(t, DONE);
    if (c->awaited) pthread_cond_signal(&c->done);
  }
  pthread_mutex_unlock(&c->lock);
  return NULL;
}

static bool start(bv_crew *c, const pthread_attr_t *attr) {
  member *m = &c->one[c->n];
  *m = (member){.crew = c};
  if (c->how.make(&m->tool) != BV_OK) return false;
  if (pthread_create(&m->thread, attr, work, m) == 0) return true;
  c->how.drop(m->tool);
  return false;
}

static void start_all(bv_crew *c, int threads) {
  pthread_attr_t attr;
  sigset_t all, before;
  if (pthread_attr_init(&attr) != 0) return;
  (void)pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (c->n < threads && start(c, &attr)) c->n++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
}

bv_rc bv_crew_new(int threads, bv_tool tool, bv_crew **out) {
  *out = NULL;
  bv_crew *c = bv_alloc0(BV_MEM_BASE, sizeof *c);
  if (!c) return BV_NOMEM;
  c->how = tool;
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->work, NULL);
  pthread_cond_init(&c->done, NULL);
  start_all(c, threads < BV_CREW_MOST ? threads : BV_CREW_MOST);
  if (c->n > 0) {
    *out = c;
  } else {
    bv_crew_free(c);
  }
  return BV_OK;
}

void bv_crew_free(bv_crew *c) {
  if (!c) return;
  assert(!c->first);
  pthread_mutex_lock(&c->lock);
  c->over = true;
  pthread_cond_broadcast(&c->work);
  pthread_mutex_unlock(&c->lock);
  for (int i = 0; i < c->n; i++) {
    pthread_join(c->one[i].thread, NULL);
    c->how.drop(c->one[i].tool);
  }
  pthread_cond_destroy(&c->done);
  pthread_cond_destroy(&c->work);
  pthread_mutex_destroy(&c->lock);
  bv_free(c);
}

void bv_crew_give(bv_crew *c, bv_task *t) {
  assert(state_of(t) == IDLE);
  lock(c);
  set_state(t, WAITING);
  t->after = NULL;
  t->before = c->last;
  *(c->last ? &c->last->after : &c->first) = t;
  c->last = t;
  const bool wake = c->asleep > 0;
  c->asleep -= wake;
  pthread_mutex_unlock(&c->lock);
  if (wake) pthread_cond_signal(&c->work);
}

static bool spin(bv_task *t, int most) {
  for (int i = 0; i < most && state_of(t) == RUNNING; i++) {
  }
  return state_of(t) == DONE;
}

/* Do the task that waits longest; false where there is none. */
static bool help(bv_crew *c, void *tool) {
  lock(c);
  bv_task *next = c->first;
  if (next) {
    unlink_task(c, next);
    set_state(next, RUNNING);
  }
  pthread_mutex_unlock(&c->lock);
  if (!next) return false;
  next->run(next, tool);
  set_state(next, DONE);
  return true;
}

static void await(bv_crew *c, bv_task *t, void *tool) {
  while (!spin(t, 100) && tool && help(c, tool)) {
  }
  if (spin(t, LONG)) return;
  pthread_mutex_lock(&c->lock);
  c->awaited = true;
  while (state_of(t) != DONE) pthread_cond_wait(&c->done, &c->lock);
  c->awaited = false;
  pthread_mutex_unlock(&c->lock);
}

bool bv_crew_take(bv_crew *c, bv_task *t, void *tool) {
  int state = state_of(t);
  if (state == WAITING) {
    lock(c);
    state = state_of(t);
    if (state == WAITING) {
      unlink_task(c, t);
      set_state(t, IDLE);
    }
    pthread_mutex_unlock(&c->lock);
  }
  if (state == RUNNING) await(c, t, tool);
  if (state == RUNNING || state == DONE) set_state(t, IDLE);
  return state == RUNNING || state == DONE;
}
