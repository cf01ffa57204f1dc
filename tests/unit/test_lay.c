/* test_lay.c - columns laid out row by row, on every instruction set. */
#include "col/lay.h"
#include "col/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 37, ROWS = 23, WIDTH = 50 };

static void test_rows(void **state) {
  (void)state;
  double *column[COLUMNS];
  for (int p = 0; p < COLUMNS; p++) { /* of exact size, so that a read past an end is seen */
    column[p] = malloc(ROWS * sizeof(double));
    assert_non_null(column[p]);
    for (int i = 0; i < ROWS; i++) column[p][i] = 1000.0 * p + i;
  }
  for (int level = 0; level < BV_SIMD_COUNT; level++) {
    bv_simd_force((bv_simd)level);
    for (int n = 0; n <= COLUMNS; n++) {
      for (int m = 0; m <= ROWS; m++) {
        double out[ROWS * WIDTH];
        for (int i = 0; i < ROWS * WIDTH; i++) out[i] = -1;
        bv_lay_rows((const double *const *)column, n, m, out, WIDTH);
        for (int i = 0; i < ROWS; i++) {
          for (int p = 0; p < WIDTH; p++) {
            double want = i < m && p < n ? 1000.0 * p + i : -1;
            assert_memory_equal(&out[i * WIDTH + p], &want, sizeof want);
          }
        }
      }
    }
  }
  bv_simd_force(BV_SIMD_COUNT);
  for (int p = 0; p < COLUMNS; p++) free(column[p]);
}

static void test_fill(void **state) {
  (void)state;
  for (int n = 0; n < 50; n++) {
    int64_t out[51];
    memset(out, 0, sizeof out);
    bv_fill_i64(out, -7, n);
    for (int i = 0; i < 51; i++) assert_int_equal(out[i], i < n ? -7 : 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_fill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
