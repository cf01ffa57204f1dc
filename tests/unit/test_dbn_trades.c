/* test_dbn_trades.c - trades into bars, one series at a time. */
#include "dbn_help.h"

#include "data/dbn_trades.h"

#define NS 1000000000u

static bv_dbn_trades minutes(void) {
  return (bv_dbn_trades){{1, BV_MINUTE, BV_OF_TRADES}, bv_zone_utc(), 0, false};
}

static bv_dbn_trade trade(double s, double received_s, int64_t price, uint32_t size) {
  return (bv_dbn_trade){price, size, (uint64_t)(s * 1e9), (uint64_t)(received_s * 1e9)};
}

static void add(bv_dbn_trades *all, bv_dbn_series *s, bv_dbn_trade t, int64_t line) {
  bv_err err = {0};
  assert_int_equal(bv_dbn_series_add(all, s, &t, line, "f", &err), BV_OK);
}

static void one_bar(void **state) {
  (void)state;
  bv_dbn_trades all = minutes();
  bv_dbn_series s = {.late = 57 * (uint64_t)NS};
  bv_bar_row row;
  assert_false(bv_dbn_series_pop(&all, &s, true, &row));
  add(&all, &s, trade(61, 61, 5000000000, 2), 1);
  add(&all, &s, trade(62, 62, 7000000000, 1), 2);
  add(&all, &s, trade(119.5, 120, -1000000000, 1), 3);
  assert_false(bv_dbn_series_pop(&all, &s, false, &row)); /* late ones may follow */
  add(&all, &s, trade(63, 120, 6000000000, 4), 4);        /* received later, happened earlier */
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_row(&row, 60, (const double[5]){5, 7, -1, -1, 8});
  assert_true(row.trades == 4);
  assert_true(row.vwap == (2 * 5.0 + 7.0 - 1.0 + 4 * 6.0) / 8); /* 5, exact */
  assert_true(isnan(row.bid) && isnan(row.ask) && isnan(row.open_interest));
  assert_int_equal(row.line, 1);
  assert_int_equal(all.open, 0);
  assert_false(bv_dbn_series_pop(&all, &s, true, &row));
  bv_dbn_series_reset(&s);
}

/* Open and close go by time, and by place where times are equal. */
static void first_and_last(void **state) {
  (void)state;
  bv_dbn_trades all = minutes();
  bv_dbn_series s = {0};
  bv_bar_row row;
  add(&all, &s, trade(10, 20, 3, 1), 1);
  add(&all, &s, trade(10, 21, 4, 1), 2);
  add(&all, &s, trade(5, 22, 1, 1), 3);
  add(&all, &s, trade(5, 23, 2, 1), 4);
  add(&all, &s, trade(8, 24, 9, 1), 5);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_row(&row, 0, (const double[5]){1e-9, 9e-9, 1e-9, 4e-9, 5});
  bv_dbn_series_reset(&s);
}

/* As many bars stay open as trades are late, and no more; they come out in order of time. */
static void lateness_is_learned(void **state) {
  (void)state;
  for (int late = 0; late <= 600; late += 150) {
    bv_dbn_trades all = minutes();
    bv_dbn_series s = {0};
    bv_bar_row row;
    int64_t last = -1, bars = 0;
    double volume = 0;
    size_t most = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < 3000; i++) {
        double at = 10.0 * i, behind = i % 50 == 49 ? late : 0;
        bv_dbn_trade t = trade(at < behind ? 0 : at - behind, at, 1, 1);
        if (pass == 0) {
          bv_dbn_series_learn(&s, &t);
          continue;
        }
        add(&all, &s, t, i);
        while (bv_dbn_series_pop(&all, &s, false, &row)) {
          assert_true(row.ts > last);
          last = row.ts;
          volume += row.volume;
          bars++;
        }
        if (all.open > most) most = all.open;
      }
      if (pass == 0) {
        assert_true(s.late == (uint64_t)late * NS);
        bv_dbn_series_rewind(&s);
      }
    }
    assert_true(most >= 1 && most <= (size_t)late / 60 + 2);
    while (bv_dbn_series_pop(&all, &s, true, &row)) {
      assert_true(row.ts > last);
      last = row.ts;
      volume += row.volume;
      bars++;
    }
    assert_int_equal(bars, 500);
    assert_true(volume == 3000);
    assert_int_equal(all.open, 0);
    bv_dbn_series_reset(&s);
  }
}

/* What was not learned shows that the file is another one. */
static void a_finished_bar_is_finished(void **state) {
  (void)state;
  bv_dbn_trades all = minutes();
  bv_dbn_series s = {0};
  bv_bar_row row;
  bv_err err = {0};
  add(&all, &s, trade(10, 10, 1, 1), 1);
  add(&all, &s, trade(70, 70, 1, 1), 2);
  assert_true(bv_dbn_series_pop(&all, &s, false, &row));
  bv_dbn_trade t = trade(20, 71, 1, 1);
  assert_int_equal(bv_dbn_series_add(&all, &s, &t, 3, "f", &err), BV_IO);
  assert_non_null(strstr(err.msg, "changed while it was read"));
  bv_dbn_series_reset(&s);
}

static void open_bars_have_a_ceiling(void **state) {
  (void)state;
  bv_dbn_trades all = minutes();
  bv_dbn_series s = {.late = UINT64_MAX};
  bv_err err = {0};
  bv_dbn_trade t = trade(0, 0, 1, 1);
  for (size_t i = 0; i < BV_DBN_OPEN_MAX; i++, t.event += 60 * (uint64_t)NS) {
    assert_int_equal(bv_dbn_series_add(&all, &s, &t, 1, "f", &err), BV_OK);
  }
  assert_int_equal(bv_dbn_series_add(&all, &s, &t, 1, "f", &err), BV_LIMIT);
  assert_non_null(strstr(err.msg, "longer timestep"));
  t.event = 0; /* open ones still take trades */
  assert_int_equal(bv_dbn_series_add(&all, &s, &t, 1, "f", NULL), BV_OK);
  bv_dbn_series_reset(&s);
}

/* Sums of extreme terms: 2^32 - 2 units at the largest price, a thousand times. */
static void sums_are_exact(void **state) {
  (void)state;
  bv_dbn_trades all = minutes();
  bv_dbn_series s = {0};
  bv_bar_row row;
  for (int i = 0; i < 1000; i++) {
    add(&all, &s, trade(1, 1, INT64_MAX - 1, UINT32_MAX - 1), 1);
    add(&all, &s, trade(2, 2, INT64_MIN, UINT32_MAX - 1), 1);
  }
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_true(row.volume == 2000.0 * (UINT32_MAX - 1));
  assert_true(row.vwap == -1e-9); /* (2^63 - 2 - 2^63) / 2 billionths */
  add(&all, &s, trade(61, 61, 1234567, 0), 1);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_true(isnan(row.vwap) && row.volume == 0 && row.trades == 1);
  /* Trades of one price: that price, whatever the sizes. */
  for (int i = 1; i < 100; i++) add(&all, &s, trade(121, 121, 9007199254740993, (uint32_t)i), 1);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_true(row.vwap == row.open && row.vwap == 9007199.254740993);
  bv_dbn_series_reset(&s);
}

/* Of quotes the volume is the size at the close, whichever record comes last. */
static void quotes_keep_the_last_size(void **state) {
  (void)state;
  bv_bar_row row;
  bv_dbn_series s = {0};
  bv_dbn_trades all = {{1, BV_MINUTE, BV_OF_BID}, bv_zone_utc(), 0, true};
  add(&all, &s, trade(30, 30, 5, 100), 1);
  add(&all, &s, trade(50, 50, 7, 20), 2);
  add(&all, &s, trade(50, 50, 6, 30), 3); /* at the same time, later in the file */
  add(&all, &s, trade(10, 60, 4, 40), 4); /* late: it is the open */
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_true(row.open == 4e-9 && row.high == 7e-9 && row.low == 4e-9 && row.close == 6e-9);
  assert_true(row.volume == 30 && isnan(row.vwap) && isnan(row.trades));
  bv_dbn_series_reset(&s);
}

static void calendar_buckets(void **state) {
  (void)state;
  const bv_zone *zone;
  bv_bar_row row;
  bv_dbn_series s = {0};
  assert_int_equal(bv_zone_find("+05:30", &zone, NULL), BV_OK);
  bv_dbn_trades all = {{1, BV_DAY, BV_OF_TRADES}, zone, 0, false};
  add(&all, &s, trade(86400.0 * 10 - 19801, 0, 1, 1), 1); /* 23:59:59 of a local day */
  add(&all, &s, trade(86400.0 * 10 - 19800, 0, 2, 1), 2); /* and its end */
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_int_equal(row.ts, 86400 * 9 - 19800);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_int_equal(row.ts, 86400 * 10 - 19800);
  bv_dbn_series_reset(&s);
  add(&all, &s, (bv_dbn_trade){1, 1, 0, 0}, 1); /* 1970: the day began before */
  add(&all, &s, (bv_dbn_trade){1, 1, UINT64_MAX - 1, 0}, 1);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_int_equal(row.ts, -19800);
  assert_true(bv_dbn_series_pop(&all, &s, true, &row));
  assert_true(row.ts > 18446744073 - 86400 && row.ts <= 18446744073);
  bv_dbn_series_reset(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_bar),
      cmocka_unit_test(first_and_last),
      cmocka_unit_test(lateness_is_learned),
      cmocka_unit_test(a_finished_bar_is_finished),
      cmocka_unit_test(open_bars_have_a_ceiling),
      cmocka_unit_test(sums_are_exact),
      cmocka_unit_test(quotes_keep_the_last_size),
      cmocka_unit_test(calendar_buckets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
