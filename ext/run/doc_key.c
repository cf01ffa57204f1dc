/* doc_key.c - the keys of a document that describes a backtest; see doc_key.h. */
#include "run/doc_key.h"
#include "base/text.h"
#include "run/config.h"
#include "sim/profile.h"

#include <stddef.h>
#include <string.h>

#define SECTION(path, doc)                                                                         \
  { path, BV_DOC_SECTION, NULL, doc }
#define TEXT(path, doc)                                                                            \
  { path, BV_DOC_TEXT, NULL, doc }
#define NUMBER(path, doc)                                                                          \
  { path, BV_DOC_NUMBER, NULL, doc }
#define FILES(path, doc)                                                                           \
  { path, BV_DOC_FILE, NULL, doc }
#define TREE(path, doc)                                                                            \
  { path, BV_DOC_TREE, NULL, doc }
#define ANY(path, doc)                                                                             \
  { path, BV_DOC_ANY, NULL, doc }
#define FLAT(path, to)                                                                             \
  { path, BV_DOC_FLAT, to, "the same as " to }
#define MAP(path, map, doc)                                                                        \
  { path, BV_DOC_MAP, map, doc }
#define RISK(path, rule)                                                                           \
  { path, BV_DOC_RISK, rule, "a fraction; risk rule " rule " in percent" }

/* A source of signals or context. */
#define SOURCE(path)                                                                               \
  SECTION(path, "a source of the feed"), TEXT(path ".table", "a table or view"),                   \
      FILES(path ".path", "a CSV or Parquet file instead, as a TEMP view of the section's name"),  \
      MAP(path ".format", "csv;parquet", "csv or parquet; the format is told from the file"),      \
      TEXT(path ".timestamp_column", "its column of times; default timestamp"),                    \
      TEXT(path ".asset_column", "its column of assets; default asset_id"),                        \
      TREE(path ".columns", "list of the columns wanted; default all others"),                     \
      TEXT(path ".timing", "strict, next_bar or custom"),                                          \
      NUMBER(path ".lag", "bars, with timing custom"), TEXT(path ".match", "exact or asof"),       \
      TEXT(path ".tolerance", "span"), TEXT(path ".max_age", "span"),                              \
      TEXT(path ".span", "timestep of the bars that the times label")

static const bv_doc_key keys[] = {
    TEXT("name", "name of the backtest, and of its strategy view where that is written here"),
    ANY("description", "text"),
    ANY("metadata", "anything"),
    TEXT("strategy", "name of a view, or its text: SELECT ..."),
    SECTION("strategy", "the same as an object"),
    TEXT("strategy.view", "name of a view"),
    TEXT("strategy.sql", "text of a view: SELECT ..."),
    FILES("strategy.file", "a file with that text"),

    SECTION("data_sources", "what there is to read"),
    SECTION("data_sources.prices", "bars: stored ones, or a file that is imported first"),
    FLAT("data_sources.prices.assets", "assets"),
    FLAT("data_sources.prices.timestep", "timestep"),
    FILES("data_sources.prices.path", "file of bars"),
    MAP("data_sources.prices.format", "csv;parquet;dbn;zip",
        "csv, parquet, dbn or zip; the format is told from the file"),
    TEXT("data_sources.prices.asset", "asset of a file without a column of assets"),
    TEXT("data_sources.prices.timestamp_column", "the file's column of times; found by itself"),
    TEXT("data_sources.prices.asset_column", "the file's column of assets; found by itself"),
    TREE("data_sources.prices.columns",
         "{\"close\": \"Settle\"}: the file's columns, found by themselves; a list is accepted"),
    TEXT("data_sources.prices.tz", "zone of the file's times"),
    TEXT("data_sources.prices.label", "start or end: what the file's times are"),
    SOURCE("data_sources.signals"),
    SOURCE("data_sources.features"),
    SOURCE("data_sources.context"),

    SECTION("feed", "how signals and context meet prices"),
    TEXT("feed.name", "name of the table; default feed"),
    TEXT("feed.timing", "strict, next_bar or custom"),
    NUMBER("feed.lag", "bars, with timing custom"),
    TEXT("feed.match", "exact or asof"),
    TEXT("feed.tolerance", "span"),
    TEXT("feed.max_age", "span"),

    SECTION("features", "of ml4t's first generation"),
    MAP("features.type", "",
        "precomputed features are data_sources.features; a callable is an SQL"
        " function that the program registers and the strategy calls"),
    ANY("features.path", "see features.type"),
    ANY("features.columns", "see features.type"),
    ANY("features.timestamp_column", "see features.type"),
    ANY("features.asset_column", "see features.type"),
    ANY("features.module", "see features.type"),
    ANY("features.function", "see features.type"),
    ANY("features.kwargs", "see features.type"),

    SECTION("execution", "how orders fill, and any knob"),
    SECTION("costs", "commission, slippage, and any knob"),
    SECTION("account", "the account, and any knob"),
    FLAT("execution.initial_capital", "cash"),
    MAP("execution.commission.type",
        "percentage>commission.model=\"percentage\";per_share>commission.model=\"per_share\"",
        "fixed is commission.model per_trade with commission.fixed, tiered is commission.model "
        "tiered"
        " with commission.tiers"),
    MAP("execution.slippage.type", "percentage>slippage.model=\"percentage\"",
        "fixed is slippage.model fixed with slippage.amount, volume_share is slippage.model"
        " volume_share with slippage.impact"),
    MAP("execution.enable_margin", "true;false>leverage=1", "true or false"),
    FLAT("execution.max_leverage", "leverage"),
    MAP("execution.execution_delay", "true>fill_at=\"next_open\";false>fill_at=\"signal_close\"",
        "true or false"),
    MAP("execution.allow_immediate_reentry", "true", "false has no like; use the strategy"),
    MAP("execution.execution_mode",
        "next_bar>fill_at=\"next_open\";same_bar>fill_at=\"signal_close\"", "next_bar or same_bar"),
    MAP("execution.execution_price", "open;close>fill_at=\"signal_close\"",
        "orders fill at opens or, with fill_at signal_close, at closes"),
    MAP("execution.mark_price", "price;close", "positions are marked at closes"),

    SECTION("risk_rules", "limits of ml4t's first generation; risk takes the full set"),
    RISK("risk_rules.max_position_size", "max_position"),
    RISK("risk_rules.max_portfolio_heat", "heat"),
    RISK("risk_rules.stop_loss", "stop_loss"),
    RISK("risk_rules.take_profit", "take_profit"),
    NUMBER("risk_rules.min_vix", "risk rule context of asset VIX, key min"),
    NUMBER("risk_rules.max_vix", "risk rule context of asset VIX, key max"),
    TEXT("risk_rules.vix_asset", "the asset whose closes they speak of; default VIX"),

    SECTION("outputs", "of the metrics"),
    FLAT("outputs.tz", "tz"),
    FLAT("outputs.risk_free", "risk_free"),
    FLAT("outputs.periods", "periods"),
    FLAT("benchmark.asset", "benchmark"),
    FLAT("benchmark.timestep", "benchmark_timestep"),
    SECTION("benchmark", "an asset, or an object"),

    /* ml4t's second generation and later */
    FLAT("account.allow_short_selling", "allow_short"),
    MAP("account.allow_leverage", "false>leverage=1;true>account=\"reg_t\"", "true or false"),
    FLAT("account.initial_margin", "initial_margin"),
    MAP("account.short_cash_policy",
        "credit>short_cash=\"credit\";lock_notional>short_cash=\"lock_notional\";"
        "lock_proceeds>short_cash=\"lock_proceeds\"",
        "short_cash"),
    FLAT("account.long_maintenance_margin", "long_maintenance"),
    FLAT("account.short_maintenance_margin", "short_maintenance"),
    MAP("account.fixed_margin_schedule", "", "initial_margin"),
    MAP("account.margin_pct_schedule", "", "initial_margin"),
    MAP("account.lock_notional_update_mode", "position_legs", "see short_cash"),
    SECTION("stops", "see risk.md"),
    MAP("stops.stop_fill_mode", "stop_price", "stops fill at their level, or at an open beyond it"),
    MAP("stops.stop_level_basis", "fill_price", "levels of risk rules follow the average price"),
    MAP("stops.trail_hwm_source", "high", "risk rule trailing_stop, key closes for closes"),
    MAP("stops.initial_hwm_source", "fill_price", "a trail begins at the entry"),
    MAP("stops.trail_stop_timing", "lagged", "a bar's own high never moves the stop for that bar"),
    MAP("stops.trail_include_entry_bar_extremes", "false", "only what is certain counts"),
    SECTION("position_sizing", "see units"),
    MAP("position_sizing.share_type",
        "fractional>units=\"fractional\";integer>units=\"whole\";whole>units=\"whole\"", "units"),
    MAP("position_sizing.share_rounding", "down", "units are cut toward zero"),
    MAP("commission.per_share", "0", "commission.model per_share with commission.rate"),
    MAP("commission.per_trade", "0", "commission.model per_trade with commission.fixed"),
    MAP("slippage.fixed", "0", "slippage.model fixed with slippage.amount"),
    MAP("slippage.stop_rate", "0", "stops slip as other orders do"),
    MAP("slippage.spread", "0", "spread"),
    ANY("slippage.spread_by_asset", "see spread"),
    MAP("slippage.spread_convention", "full_spread", "see spread"),
    SECTION("cash", "an amount, or an object"),
    FLAT("cash.initial", "cash"),
    MAP("cash.buffer_pct", "0", "leverage below 1"),
    SECTION("settlement", "see settlement_days"),
    FLAT("settlement.delay", "settlement_days"),
    MAP("settlement.reduces_buying_power", "true", "account cash"),
    SECTION("orders", "see backtest.md"),
    MAP("orders.reject_on_insufficient_cash", "true>funds=\"reject\";false>funds=\"shrink\"",
        "true or false"),
    MAP("orders.skip_cash_validation", "false;true>funds=\"allow\"", "true or false"),
    MAP("orders.partial_fills_allowed", "false;true", "volume.model"),
    MAP("orders.fill_ordering",
        "exit_first>priority=\"reduce_first\";fifo>priority=\"queue\";submission>priority="
        "\"queue\"",
        "priority"),
    MAP("orders.entry_order_priority", "submission", "orders of one turn fill by their number"),
    MAP("orders.next_bar_submission_precheck", "false", "funds are looked at when an order fills"),
    MAP("orders.next_bar_simple_cash_check", "false", "funds are looked at when an order fills"),
    MAP("orders.next_bar_queue_shadow_validation", "false", "funds are looked at when it fills"),
    MAP("orders.buying_power_reservation", "false", "funds are looked at when an order fills"),
    MAP("orders.immediate_fill", "false;true>fill_at=\"signal_close\"", "fill_at"),
    MAP("orders.rebalance_mode", "incremental>flip=\"net\"", "flip"),
    MAP("orders.rebalance_headroom_pct", "1;1.0", "leverage below 1"),
    MAP("orders.missing_price_policy", "skip", "an order waits while its asset has no bar"),
    MAP("orders.late_asset_policy", "allow", "an asset comes in when a row first names it"),
    MAP("orders.late_asset_min_bars", "1", "an asset comes in when a row first names it"),
    SECTION("calendar", "of sessions and days"),
    MAP("calendar.calendar", "", "sessions come with the bars; bars_agg has an argument session"),
    FLAT("calendar.timezone", "tz"),
    MAP("calendar.data_frequency",
        "daily>timestep=\"day\";1m>timestep=\"minute\";5m>timestep=\"5 minutes\";"
        "15m>timestep=\"15 minutes\";30m>timestep=\"30 minutes\";1h>timestep=\"hour\"",
        "timestep"),
    MAP("calendar.enforce_sessions", "false", "sessions come with the bars"),
    MAP("retain_intent_history", "true;false", "every order is kept in bt_order"),
    MAP("retain_lifecycle_history", "true;false", "every order is kept in bt_order"),
};

#define COUNT ((int)(sizeof keys / sizeof *keys))

const bv_doc_key *bv_doc_keys(int *n) {
  *n = COUNT;
  return keys;
}

const bv_doc_key *bv_doc_key_find(const char *path) {
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(keys[i].path, path) == 0 && keys[i].kind != BV_DOC_SECTION) return &keys[i];
  }
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(keys[i].path, path) == 0) return &keys[i];
  }
  return NULL;
}

static const char *without_section(const char *path) {
  static const char *const sections[] = {"execution.", "costs.", "account."};
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    const size_t n = strlen(sections[i]);
    if (strncmp(path, sections[i], n) == 0) return path + n;
  }
  return path;
}

static bool in_flat(const char *name, bool *section) {
  const size_t n = strlen(name);
  *section = false;
  for (int i = 0;; i++) {
    const char *key = bv_run_config_key(i);
    if (!key) return *section;
    if (bv_text_ieq(key, name)) return true;
    if (strncmp(key, name, n) == 0 && key[n] == '.') *section = true;
  }
}

const char *bv_doc_flat(const char *path, bool *section) {
  const char *name = without_section(path);
  if (in_flat(name, section)) return name;
  return name != path && in_flat(path, section) ? path : NULL;
}

static size_t section_of(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? (size_t)(dot - path) + 1 : 0;
}

void bv_doc_near(const char *path, const char **out, int max) {
  const size_t n = section_of(path);
  int k = 0;
  for (int i = 0; i < COUNT && k + 1 < max; i++) {
    const bool inside = strncmp(keys[i].path, path, n) == 0 && !strchr(keys[i].path + n, '.');
    if (inside) out[k++] = keys[i].path + n;
  }
  const char *name = without_section(path);
  const size_t prefix = section_of(name);
  for (int i = 0; k + 1 < max; i++) {
    const char *key = bv_run_config_key(i);
    if (!key) break;
    if (strncmp(key, name, prefix) == 0) out[k++] = key + prefix;
  }
  out[k] = NULL;
}
