# libbarsvt: ./libbarsvt.so (loadable), ./libbarsvt.a (static), ./backtest (program)
#
#   make                 build the three
#   make test            every check (see scripts/check.sh); needs what scripts/deps.sh installs
#   make docs            pages of docs/ that are generated from the library's tables
#   make bench           figures beside the peers, one JSON line each
#   make install         into $(DESTDIR)$(PREFIX)/{lib,include,bin}
#   make clean
#   make unit            the unit tests alone
#   make unit-bin | bench-bin | tool-bin | example-bin | fuzz-bin    build those programs, run none
#
# Variables: CC, OPT (optimisation and sanitizers), BUILD (object directory), OUT (where the three
# results go), PREFIX, DESTDIR.

ifeq ($(origin CC),default)
CC = gcc
endif
OPT     ?= -O2 -g
BUILD   ?= build/default
OUT     ?= .
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3

WARN     = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla -Werror
CPPFLAGS = -Iext -Iinclude -D_POSIX_C_SOURCE=200809L
CFLAGS   = -std=c11 $(OPT) $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off -pthread
LIBS     = -lzstd -lz -lm -ldl -pthread

# The kernels of the indicators are compiled for every processor and, on x86-64, once more for each newer
# level of it; at run time calc/indicator.c takes the best the processor has.  Only their table is visible
# outside of such a set, so the names do not clash.
KERNELS := $(sort $(wildcard ext/calc/ind_*.c ext/calc/roll_*.c) ext/calc/candle.c ext/calc/fold.c)
KERNEL_OPT = $(patsubst -O2,-O3,$(OPT))
ifneq ($(and $(filter x86_64%,$(shell $(CC) -dumpmachine)),$(filter 0,$(shell $(CC) -march=x86-64-v4 -E -x c /dev/null >/dev/null 2>&1; echo $$?))),)
LEVELS   = v3 v4
CPPFLAGS += -DBV_LEVELS
endif
LEVEL_v3 = -march=x86-64-v3 -DBV_IND_TABLE=bv_ind_table_v3
LEVEL_v4 = -march=x86-64-v4 -mprefer-vector-width=512 -DBV_IND_TABLE=bv_ind_table_v4
OBJCOPY ?= objcopy

SRC  := $(sort $(wildcard ext/base/*.c ext/time/*.c ext/calc/*.c ext/col/*.c ext/data/*.c \
                   ext/sim/*.c ext/run/*.c ext/api/*.c))
SQL  := $(sort $(wildcard sql/*.sql))
GEN   = $(BUILD)/gen/sql_text.c
CLI  := $(sort $(wildcard ext/cli/*.c))
HDR  := $(wildcard ext/*/*.h include/*.h)

# The loadable reaches SQLite through the host's function table; the static library calls it directly.
LEVEL_OBJ = $(LEVELS:%=$(BUILD)/level/kernels_%.o)
SO_OBJ = $(SRC:%.c=$(BUILD)/so/%.o) $(BUILD)/so/gen/sql_text.o $(LEVEL_OBJ)
A_OBJ  = $(SRC:%.c=$(BUILD)/a/%.o) $(BUILD)/a/gen/sql_text.o $(LEVEL_OBJ)

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN  = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
BENCH_SRC := $(sort $(wildcard bench/*.c))
BENCH_BIN  = $(BENCH_SRC:bench/%.c=$(BUILD)/bench/%)
TOOL_BIN    = $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(wildcard tests/tools/*.c))
EXAMPLE_BIN = $(patsubst tests/examples/%.c,$(BUILD)/examples/%,$(wildcard tests/examples/*.c))
FUZZ_BIN    = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))

all: $(OUT)/libbarsvt.so $(OUT)/libbarsvt.a $(OUT)/backtest

# Rewritten only when compiler or flags differ from the last run in this BUILD, so that no result
# mixes objects of two settings.
FLAGS = $(BUILD)/flags
$(FLAGS): FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' > $@

$(GEN): $(SQL) scripts/embed.sh
	@mkdir -p $(@D)
	scripts/embed.sh $(SQL) > $@

$(BUILD)/so/gen/%.o: $(BUILD)/gen/%.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/a/gen/%.o: $(BUILD)/gen/%.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -c -o $@ $<
$(KERNELS:%.c=$(BUILD)/so/%.o) $(KERNELS:%.c=$(BUILD)/a/%.o): OPT := $(KERNEL_OPT)
$(BUILD)/so/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/a/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -MMD -MP -c -o $@ $<

define LEVEL_RULES
$(BUILD)/level/$(1)/%.o: %.c $(FLAGS)
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(LEVEL_$(1)) $$(CFLAGS) -c -MMD -MP -o $$@ $$<
$(BUILD)/level/kernels_$(1).o: $$(KERNELS:%.c=$(BUILD)/level/$(1)/%.o)
	$$(LD) -r -o $$@ $$^
	$$(OBJCOPY) --keep-global-symbol=bv_ind_table_$(1) $$@
$(BUILD)/level/$(1)/%.o: OPT := $$(KERNEL_OPT)
endef
$(foreach level,$(LEVELS),$(eval $(call LEVEL_RULES,$(level))))

# Exactly one exported symbol, whatever the objects or linked archives define.
$(OUT)/libbarsvt.so: $(SO_OBJ) scripts/exports.map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -o $@ $(SO_OBJ) -Wl,--version-script=scripts/exports.map \
	  -Wl,--exclude-libs,ALL -Wl,-z,defs -Wl,-z,relro $(LIBS)

$(OUT)/libbarsvt.a: $(A_OBJ)
	@mkdir -p $(@D)
	rm -f $@
	ar rcs $@ $(A_OBJ)

$(OUT)/backtest: $(CLI:%.c=$(BUILD)/a/%.o) $(OUT)/libbarsvt.a
	$(CC) $(CFLAGS) -o $@ $(CLI:%.c=$(BUILD)/a/%.o) $(OUT)/libbarsvt.a -lsqlite3 -lyaml $(LIBS)

# Unit tests see the library's insides: they link the static objects.
$(BUILD)/unit/%: tests/unit/%.c $(OUT)/libbarsvt.a $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE -Itests/unit $(CFLAGS) -o $@ $< $(OUT)/libbarsvt.a -lcmocka -lsqlite3 $(LIBS)

$(BUILD)/bench/%: bench/%.c $(OUT)/libbarsvt.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -o $@ $< $(OUT)/libbarsvt.a -lsqlite3 $(LIBS)

# Programs the Python checks compare with another source (tests/tools/x_dump.c, tests/x_check.py).
$(BUILD)/tools/%: tests/tools/%.c $(OUT)/libbarsvt.a $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE -Itests/unit $(CFLAGS) -o $@ $< $(OUT)/libbarsvt.a -lsqlite3 $(LIBS)

# Examples are users: they see include/ only.
$(BUILD)/examples/%: tests/examples/%.c $(OUT)/libbarsvt.a include/barsvt.h
	@mkdir -p $(@D)
	$(CC) -Iinclude -D_POSIX_C_SOURCE=200809L -DSQLITE_CORE $(CFLAGS) -o $@ $< $(OUT)/libbarsvt.a -lsqlite3 $(LIBS)

# For libFuzzer: CC=clang OPT='-O1 -g -fsanitize=fuzzer-no-link,address,undefined', own BUILD and OUT.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(OUT)/libbarsvt.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(OUT)/libbarsvt.a -lsqlite3 $(LIBS)

$(BUILD)/scripts/%: scripts/%.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $<

unit-bin: $(UNIT_BIN)
bench-bin: $(BENCH_BIN)
tool-bin: $(TOOL_BIN)
example-bin: $(EXAMPLE_BIN)
fuzz-bin: $(FUZZ_BIN)
make-bars: $(BUILD)/scripts/make-bars

unit: $(UNIT_BIN)
	@scripts/run-units.sh $(UNIT_BIN)

test:
	scripts/check.sh

# The pages of docs/ that are made from the tables of the extension; through a file, so that a failure
# leaves a page as it was.
docs: all
	@for page in indicators metrics; do \
	  scripts/docs-$$page.sh $(OUT)/libbarsvt.so > $(BUILD)/docs-$$page.md && \
	  mv $(BUILD)/docs-$$page.md docs/$$page.md || exit 1; \
	done

bench: all $(BENCH_BIN)
	bench/run.sh $(BUILD)/bench

install: all
	install -d $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(OUT)/libbarsvt.so $(DESTDIR)$(PREFIX)/lib/
	install -m 644 $(OUT)/libbarsvt.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 include/barsvt.h $(DESTDIR)$(PREFIX)/include/
	install -m 755 $(OUT)/backtest $(DESTDIR)$(PREFIX)/bin/

clean:
	rm -rf build libbarsvt.so libbarsvt.a backtest tests/tmp bench/out quickstart

-include $(foreach level,$(LEVELS),$(KERNELS:%.c=$(BUILD)/level/$(level)/%.d))
-include $(SO_OBJ:.o=.d) $(A_OBJ:.o=.d) $(CLI:%.c=$(BUILD)/a/%.d)
.SECONDARY:
.PHONY: all docs unit test bench install clean FORCE \
        unit-bin bench-bin tool-bin example-bin fuzz-bin make-bars
