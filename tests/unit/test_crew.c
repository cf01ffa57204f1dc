/*
** test_crew.c - threads that work ahead: every task is done once, by them or by who takes it back.
**
** scripts/check.sh runs it under ThreadSanitizer, too.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/crew.h"

enum { TASKS = 300, ROUNDS = 200 };

typedef struct sum {
  bv_task task;
  int64_t from, to, result;
  int done, length;
} sum;

static sum all[TASKS];
static _Atomic int tools, refuse, finished;

static bv_rc make_tool(void **tool) {
  if (refuse > 0 && --refuse == 0) return BV_NOMEM;
  *tool = bv_alloc0(BV_MEM_BASE, sizeof(int64_t));
  if (!*tool) return BV_NOMEM;
  tools++;
  return BV_OK;
}

static void drop_tool(void *tool) {
  bv_free(tool);
  tools--;
}

static const bv_tool tool = {make_tool, drop_tool};

/* Uses its tool, which no other thread may use at the same time. */
static void add_up(bv_task *t, void *with) {
  sum *s = (sum *)t;
  int64_t *acc = with;
  *acc = 0;
  for (int k = 0; k < s->length; k++) {
    for (int64_t i = s->from; i < s->to; i++) *acc += i;
  }
  s->result = *acc;
  s->done++;
  finished++;
}

static void prepare(int length) {
  for (int i = 0; i < TASKS; i++) {
    all[i] = (sum){.task.run = add_up, .from = i, .to = i + 100, .length = length};
  }
}

static void nap(long ns) {
  nanosleep(&(struct timespec){0, ns}, NULL);
}

static void take_back(bv_crew *c, int i, int times) {
  int64_t mine;
  if (!bv_crew_take(c, &all[i].task, i % 3 ? &mine : NULL)) all[i].task.run(&all[i].task, &mine);
  assert_int_equal(all[i].done, times);
  assert_int_equal(all[i].result, all[i].length * (100 * (int64_t)i + 4950));
}

/* Given and taken back in all orders; several times each. */
static void tasks_are_done_once(void **state) {
  (void)state;
  for (int threads = 0; threads <= 3; threads++) {
    bv_crew *c = NULL;
    if (threads > 0) assert_int_equal(bv_crew_new(threads, tool, &c), BV_OK);
    assert_int_equal(tools, c ? threads : 0);
    prepare(1);
    for (int round = 1; round <= ROUNDS; round++) {
      for (int i = 0; c && i < TASKS; i++) {
        if ((i + round) % 7) bv_crew_give(c, &all[i].task);
      }
      for (int k = 0; k < TASKS; k++) {
        take_back(c, round % 3 == 0 ? k : round % 3 == 1 ? TASKS - 1 - k : k * 7 % TASKS, round);
      }
    }
    bv_crew_free(c);
    assert_int_equal(tools, 0);
  }
}

/* The threads do work, also after they have slept. */
static void threads_work(void **state) {
  (void)state;
  bv_crew *c;
  assert_int_equal(bv_crew_new(2, tool, &c), BV_OK);
  assert_non_null(c);
  prepare(1);
  finished = 0;
  for (int round = 1; round <= 20; round++) {
    bv_crew_give(c, &all[0].task);
    bv_crew_give(c, &all[1].task);
    for (int i = 0; i < 5000 && finished < 2 * round; i++) nap(1000000);
    for (int i = 0; i < 2; i++) {
      assert_true(bv_crew_take(c, &all[i].task, NULL));
      assert_int_equal(all[i].done, round);
    }
    assert_false(bv_crew_take(c, &all[0].task, NULL)); /* it was taken back */
  }
  bv_crew_free(c);
}

/* Tasks that take long are waited for. */
static void long_tasks(void **state) {
  (void)state;
  bv_crew *c;
  assert_int_equal(bv_crew_new(1, tool, &c), BV_OK);
  prepare(20000);
  for (int i = 0; i < 8; i++) bv_crew_give(c, &all[i].task);
  nap(200000);
  for (int i = 0; i < 8; i++) take_back(c, i, 1);
  bv_crew_free(c);
}

/* Threads that cannot be made are done without. */
static void fewer_threads(void **state) {
  (void)state;
  bv_crew *c;
  refuse = 1;
  assert_int_equal(bv_crew_new(2, tool, &c), BV_OK);
  assert_null(c);
  refuse = 2;
  assert_int_equal(bv_crew_new(2, tool, &c), BV_OK);
  assert_non_null(c);
  assert_int_equal(tools, 1);
  refuse = 0;
  bv_crew_free(c);
  assert_int_equal(bv_crew_new(1000, tool, &c), BV_OK);
  assert_true(tools <= BV_CREW_MOST);
  bv_crew_free(c);
  bv_alloc_fail_after(0, 0);
  assert_int_equal(bv_crew_new(2, tool, &c), BV_NOMEM);
  bv_alloc_fail_after(-1, 0);
  assert_null(c);
  assert_int_equal(tools, 0);
}

static int nothing_left(void **state) {
  (void)state;
  return bv_mem_total() == 0 ? 0 : 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tasks_are_done_once),
      cmocka_unit_test(threads_work),
      cmocka_unit_test(long_tasks),
      cmocka_unit_test(fewer_threads),
  };
  return cmocka_run_group_tests(tests, NULL, nothing_left);
}
