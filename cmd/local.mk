# SPDX-License-Identifier: GPL-3.0-or-later
# The programs: one file each, what all of them share, and what some do.  LDADD is a tool's
# list of foreign libraries: what is not named here cannot creep in.

noinst_LIBRARIES += cmd/libcli.a
cmd_libcli_a_CFLAGS = $(KX_CFLAGS)
cmd_libcli_a_SOURCES = \
  cmd/cli.c \
  cmd/run.c \
  cmd/zone.c

noinst_HEADERS += \
  cmd/cli.h \
  cmd/filter.h \
  cmd/programs.h \
  cmd/run.h \
  cmd/suggest.h \
  cmd/when.h \
  cmd/zone.h

KX_CMD_LIBS = cmd/libcli.a $(KX_LIBS) lib/gnulib/libgnu.a \
  $(LIBARCHIVE_LIBS) $(ZLIB_LIBS) $(LIB_CLOCK_GETTIME)

bin_PROGRAMS += cmd/kx-validate
cmd_kx_validate_CFLAGS = $(KX_CFLAGS)
cmd_kx_validate_SOURCES = \
  cmd/kx-validate.c \
  cmd/rule-options.c \
  cmd/rule-options.h \
  cmd/verdict.c \
  cmd/verdict.h
cmd_kx_validate_LDADD = $(KX_CMD_LIBS)

bin_PROGRAMS += cmd/kx-filter
cmd_kx_filter_SOURCES = \
  cmd/filter.c \
  cmd/kx-filter.c \
  cmd/programs.c \
  cmd/suggest.c \
  cmd/when.c
cmd_kx_filter_CFLAGS = $(KX_CFLAGS)
cmd_kx_filter_LDADD = $(KX_CMD_LIBS) $(LIBJQ_LIBS) $(UNISTRING_LIBS) -lm

bin_PROGRAMS += cmd/kx-to-csv
cmd_kx_to_csv_CFLAGS = $(KX_CFLAGS)
cmd_kx_to_csv_LDADD = $(KX_CMD_LIBS) $(LIBJQ_LIBS) $(KX_HASH_LIBS)

bin_PROGRAMS += cmd/kx-extract-snapshots
cmd_kx_extract_snapshots_CFLAGS = $(KX_CFLAGS)
cmd_kx_extract_snapshots_LDADD = $(KX_CMD_LIBS) $(KX_HASH_LIBS)

bin_PROGRAMS += cmd/kx-replay
cmd_kx_replay_SOURCES = \
  cmd/kx-replay.c \
  cmd/replay-input.c \
  cmd/replay-item.c \
  cmd/replay-options.c \
  cmd/replay-stats.c \
  cmd/replay.h
cmd_kx_replay_CFLAGS = $(KX_CFLAGS)
cmd_kx_replay_LDADD = $(KX_CMD_LIBS) $(LIBCURL_LIBS) $(KX_HASH_LIBS)

dist_man_MANS += \
  cmd/kx-event.5 \
  cmd/kx-extract-snapshots.1 \
  cmd/kx-filter.1 \
  cmd/kx-replay.1 \
  cmd/kx-to-csv.1 \
  cmd/kx-validate.1 \
  cmd/kx.7
