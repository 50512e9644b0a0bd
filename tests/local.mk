# SPDX-License-Identifier: GPL-3.0-or-later
# Everything that `make check' runs speaks TAP: the .bats files, which try the
# tools from outside, and the programs of tests/unit, which try the library.
# (cmocka 1.1 prints a skipped test as `not ok': unit tests do not skip().)

TEST_EXTENSIONS = .bats
KX_TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
  $(top_srcdir)/build-aux/tap-driver.sh
BATS_LOG_DRIVER = $(KX_TAP_DRIVER)
BATS_LOG_COMPILER = $(BATS)
AM_BATS_LOG_FLAGS = --formatter tap
LOG_DRIVER = $(KX_TAP_DRIVER)

# KX_BUILDDIR: the folder of the programs; KX_TESTDIR: that of what is built
# for tests; KX_SRCDIR: the top of the sources.  All are absolute and may hold
# spaces.  KX_SANITIZERS is empty, or names those that the programs carry.
AM_TESTS_ENVIRONMENT = \
  KX_BUILDDIR='$(abs_top_builddir)/cmd'; export KX_BUILDDIR; \
  KX_TESTDIR='$(abs_top_builddir)/tests'; export KX_TESTDIR; \
  KX_SRCDIR='$(abs_top_srcdir)'; export KX_SRCDIR; \
  PATH="$$KX_BUILDDIR:$$PATH"; export PATH; \
  CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
  LC_ALL=C.UTF-8; export LC_ALL; \
  KX_SANITIZERS='$(KX_SANITIZERS)'; export KX_SANITIZERS; \
  unset KX_KERNEL;

if HAVE_BATS
TESTS += \
  tests/docs.bats \
  tests/extract-snapshots.bats \
  tests/fault.bats \
  tests/filter.bats \
  tests/replay-journal.bats \
  tests/replay-request.bats \
  tests/replay.bats \
  tests/rules.bats \
  tests/schema.bats \
  tests/suite.bats \
  tests/to-csv-readers.bats \
  tests/to-csv.bats \
  tests/validate.bats
endif

EXTRA_DIST += \
  build-aux/tap-driver.sh \
  tests/docs.bats \
  tests/extract-snapshots.bats \
  tests/fault.bats \
  tests/filter.bats \
  tests/replay-journal.bats \
  tests/replay-request.bats \
  tests/replay.bats \
  tests/rules.bats \
  tests/schema.bats \
  tests/suite.bats \
  tests/to-csv-readers.bats \
  tests/to-csv.bats \
  tests/validate.bats
EXTRA_DIST += \
  tests/agree.mjs \
  tests/agree.py \
  tests/arm64.sh \
  tests/bench/ajv.mjs \
  tests/bench/extract.sh \
  tests/bench/replay.sh \
  tests/bench/run.sh \
  tests/bench/to-csv-duckdb.mjs \
  tests/bench/to-csv.sh \
  tests/bench/validate.sh \
  tests/data \
  tests/demo.sh \
  tests/fault/refuse.c \
  tests/fault/slowdisk.c \
  tests/fault/walk.py \
  tests/fuzz/saved \
  tests/genprograms.py \
  tests/helper.bash \
  tests/mkcompletions.sh \
  tests/mkrules.sh \
  tests/page-test.js \
  tests/peers/package.json \
  tests/receiver.py \
  tests/replay.bash \
  tests/rules.bash \
  tests/table.py \
  tests/transcript.py

if HAVE_CMOCKA
KX_UNIT_CFLAGS = $(KX_CFLAGS) -D_GNU_SOURCE $(CMOCKA_CFLAGS)
LDADD = $(KX_LIBS) $(CMOCKA_LIBS) $(LIBARCHIVE_LIBS) $(ZLIB_LIBS) \
  $(KX_HASH_LIBS)

check_PROGRAMS += \
  tests/unit/arena \
  tests/unit/base \
  tests/unit/base64 \
  tests/unit/buf \
  tests/unit/bundle \
  tests/unit/column \
  tests/unit/criteria \
  tests/unit/csv \
  tests/unit/csvread \
  tests/unit/diag \
  tests/unit/digest \
  tests/unit/digits \
  tests/unit/event \
  tests/unit/filter \
  tests/unit/fold \
  tests/unit/hash \
  tests/unit/histogram \
  tests/unit/image \
  tests/unit/journal \
  tests/unit/json \
  tests/unit/lanes \
  tests/unit/num \
  tests/unit/output \
  tests/unit/plan \
  tests/unit/pool \
  tests/unit/program \
  tests/unit/reader \
  tests/unit/relog \
  tests/unit/sched \
  tests/unit/sign \
  tests/unit/snapname \
  tests/unit/source \
  tests/unit/stream \
  tests/unit/strip \
  tests/unit/time \
  tests/unit/unique \
  tests/unit/zip
TESTS += \
  tests/unit/arena \
  tests/unit/base \
  tests/unit/base64 \
  tests/unit/buf \
  tests/unit/bundle \
  tests/unit/column \
  tests/unit/criteria \
  tests/unit/csv \
  tests/unit/csvread \
  tests/unit/diag \
  tests/unit/digest \
  tests/unit/digits \
  tests/unit/event \
  tests/unit/filter \
  tests/unit/fold \
  tests/unit/hash \
  tests/unit/histogram \
  tests/unit/image \
  tests/unit/journal \
  tests/unit/json \
  tests/unit/lanes \
  tests/unit/num \
  tests/unit/output \
  tests/unit/plan \
  tests/unit/pool \
  tests/unit/program \
  tests/unit/reader \
  tests/unit/relog \
  tests/unit/sched \
  tests/unit/sign \
  tests/unit/snapname \
  tests/unit/source \
  tests/unit/stream \
  tests/unit/strip \
  tests/unit/time \
  tests/unit/unique \
  tests/unit/zip
tests_unit_arena_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_base_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_base64_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_buf_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_bundle_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_column_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_criteria_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_criteria_LDADD = $(LDADD) $(UNISTRING_LIBS) -lm
tests_unit_csv_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_csvread_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_diag_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_digest_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_digits_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_event_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_filter_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_filter_LDADD = $(LDADD) $(LIBJQ_LIBS)
tests_unit_fold_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_fold_LDADD = $(LDADD) $(UNISTRING_LIBS)
tests_unit_hash_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_histogram_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_image_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_journal_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_json_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_lanes_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_num_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_output_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_plan_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_pool_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_program_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_reader_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_relog_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_sched_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_sign_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_snapname_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_source_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_stream_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_strip_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_time_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_unique_CFLAGS = $(KX_UNIT_CFLAGS)
tests_unit_zip_CFLAGS = $(KX_UNIT_CFLAGS)
endif

# An entry point a parser.  With --enable-fuzzers libFuzzer drives it; without,
# main.c feeds it what was saved.
if ENABLE_FUZZERS
KX_LDFLAGS_FUZZ = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
KX_FUZZ_MAIN =
else
KX_LDFLAGS_FUZZ = $(AM_LDFLAGS)
KX_FUZZ_MAIN = tests/fuzz/main.c
TESTS += \
  tests/fuzz/base64 \
  tests/fuzz/json \
  tests/fuzz/program \
  tests/fuzz/reader
endif
check_PROGRAMS += \
  tests/fuzz/base64 \
  tests/fuzz/json \
  tests/fuzz/program \
  tests/fuzz/reader
tests_fuzz_base64_SOURCES = tests/fuzz/base64.c $(KX_FUZZ_MAIN)
tests_fuzz_base64_CFLAGS = $(KX_CFLAGS)
tests_fuzz_base64_LDFLAGS = $(KX_LDFLAGS_FUZZ)
tests_fuzz_base64_LDADD = $(KX_LIBS) $(LIBARCHIVE_LIBS) $(ZLIB_LIBS) $(KX_HASH_LIBS)
tests_fuzz_json_SOURCES = tests/fuzz/json.c $(KX_FUZZ_MAIN)
tests_fuzz_json_CFLAGS = $(KX_CFLAGS)
tests_fuzz_json_LDFLAGS = $(KX_LDFLAGS_FUZZ)
tests_fuzz_json_LDADD = $(KX_LIBS) $(LIBARCHIVE_LIBS) $(ZLIB_LIBS) $(KX_HASH_LIBS)

tests_fuzz_program_SOURCES = tests/fuzz/program.c $(KX_FUZZ_MAIN)
tests_fuzz_program_CFLAGS = $(KX_CFLAGS)
tests_fuzz_program_LDFLAGS = $(KX_LDFLAGS_FUZZ)
tests_fuzz_program_LDADD = $(KX_LIBS)
tests_fuzz_reader_SOURCES = tests/fuzz/reader.c $(KX_FUZZ_MAIN)
tests_fuzz_reader_CFLAGS = $(KX_CFLAGS) -D_GNU_SOURCE
tests_fuzz_reader_LDFLAGS = $(KX_LDFLAGS_FUZZ)
tests_fuzz_reader_LDADD = $(KX_LIBS) $(LIBARCHIVE_LIBS) $(ZLIB_LIBS) $(KX_HASH_LIBS)

# Preloaded, they let calls fail or take their time; so they are no archives and
# no programs, and made by hand here instead of by libtool.
KX_FAULTS = tests/fault/refuse.so tests/fault/slowdisk.so
check_DATA += $(KX_FAULTS)
CLEANFILES += $(KX_FAULTS)
tests/fault/refuse.so: tests/fault/refuse.c
tests/fault/slowdisk.so: tests/fault/slowdisk.c
$(KX_FAULTS):
	$(AM_V_at)$(MKDIR_P) tests/fault
	$(AM_V_CCLD)$(CC) $(KX_STD_CFLAGS) $(WARN_CFLAGS) -D_GNU_SOURCE -O1 \
	  -fPIC -shared -o $@ $(srcdir)/$(@:.so=.c)

# The maker of test logs: `make demo', `make bench' and the tests run it.
if HAVE_PICTURES
noinst_PROGRAMS += tests/genlog
tests_genlog_CFLAGS = $(KX_CFLAGS) -D_GNU_SOURCE $(LIBJPEG_CFLAGS) $(LIBPNG_CFLAGS)
tests_genlog_SOURCES = \
  tests/genevent.c \
  tests/genfaults.def \
  tests/genframes.c \
  tests/genframes.h \
  tests/genlog.c \
  tests/genlog.h
tests_genlog_LDADD = $(LIBJPEG_LIBS) $(LIBPNG_LIBS) -lm
endif

# What `make bench' sends to.
noinst_PROGRAMS += tests/bench/sink
tests_bench_sink_CFLAGS = $(KX_CFLAGS) -D_GNU_SOURCE
tests_bench_sink_SOURCES = tests/bench/sink.c
tests_bench_sink_LDADD = $(LIB_CLOCK_GETTIME)

demo: all
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) "$$KX_SRCDIR/tests/demo.sh"

bench: all
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) "$$KX_SRCDIR/tests/bench/run.sh"

.PHONY: demo bench
