# SPDX-License-Identifier: GPL-3.0-or-later
# libkx.a, and one more archive for each instruction set, with its own flags.
# gnulib is not on the include path here: the library stands on libc and the
# foreign libraries alone.  An archive member reaches a program only when it
# is called, so the foreign libraries stay with the tools that use them.

# What hash.c wants.
KX_HASH_LIBS = $(LIBCRYPTO_LIBS) $(LIBDEFLATE_LIBS)

KX_LIB_CPPFLAGS = -I$(top_srcdir)/include

noinst_LIBRARIES += lib/libkx.a
lib_libkx_a_CPPFLAGS = $(KX_LIB_CPPFLAGS) $(LIBARCHIVE_CFLAGS) $(ZLIB_CFLAGS) \
  $(LIBCRYPTO_CFLAGS) $(LIBDEFLATE_CFLAGS) $(LIBCURL_CFLAGS) $(LIBJQ_CFLAGS)
lib_libkx_a_CFLAGS = $(KX_CFLAGS)
lib_libkx_a_SOURCES = \
  lib/arena.c \
  lib/bag.c \
  lib/base.c \
  lib/base64.c \
  lib/buf.c \
  lib/bundle-archive.c \
  lib/bundle-dir.c \
  lib/bundle.c \
  lib/check-event.c \
  lib/check-field.c \
  lib/check-image.c \
  lib/check-look.c \
  lib/check-path.c \
  lib/check-text.c \
  lib/check.c \
  lib/column.c \
  lib/criteria.c \
  lib/csv.c \
  lib/csvread.c \
  lib/deliver-journal.c \
  lib/deliver.c \
  lib/diag.c \
  lib/dictionary.c \
  lib/digest.c \
  lib/event.c \
  lib/evidence.c \
  lib/extract.c \
  lib/filter-jq.c \
  lib/filter-memo.c \
  lib/filter.c \
  lib/fold.c \
  lib/frame.c \
  lib/hash.c \
  lib/histogram.c \
  lib/http.c \
  lib/image.c \
  lib/journal.c \
  lib/json-error.c \
  lib/json-scalar.c \
  lib/json.c \
  lib/jsonschema.c \
  lib/kernel.c \
  lib/keytab.c \
  lib/lanes.c \
  lib/manifest.c \
  lib/mix.c \
  lib/missing.c \
  lib/num.c \
  lib/output.c \
  lib/page.c \
  lib/pick.c \
  lib/plan.c \
  lib/pool.c \
  lib/program-native.c \
  lib/program-parse.c \
  lib/program-reach.c \
  lib/program.c \
  lib/reach.c \
  lib/reader-concat.c \
  lib/reader.c \
  lib/relog.c \
  lib/rules.c \
  lib/sarif.c \
  lib/sched.c \
  lib/sign.c \
  lib/snapname.c \
  lib/source.c \
  lib/stream.c \
  lib/strip.c \
  lib/table-derived.c \
  lib/table-program.c \
  lib/sources.c \
  lib/table.c \
  lib/time.c \
  lib/unbundle.c \
  lib/unique.c \
  lib/verify-records.c \
  lib/verify.c \
  lib/zip.c

noinst_HEADERS += \
  include/kx/arena.h \
  include/kx/bag.h \
  include/kx/base.h \
  include/kx/base64.h \
  include/kx/buf.h \
  include/kx/bundle.h \
  include/kx/check.h \
  include/kx/column.h \
  include/kx/criteria.h \
  include/kx/csv.h \
  include/kx/csvread.h \
  include/kx/deliver.h \
  include/kx/diag.h \
  include/kx/dictionary.h \
  include/kx/digest.h \
  include/kx/event.h \
  include/kx/evidence.h \
  include/kx/extract.h \
  include/kx/filter.h \
  include/kx/fold.h \
  include/kx/frame.h \
  include/kx/hash.h \
  include/kx/histogram.h \
  include/kx/http.h \
  include/kx/image.h \
  include/kx/journal.h \
  include/kx/json.h \
  include/kx/jsonschema.h \
  include/kx/kernel.h \
  include/kx/keytab.h \
  include/kx/manifest.h \
  include/kx/num.h \
  include/kx/output.h \
  include/kx/page.h \
  include/kx/pick.h \
  include/kx/plan.h \
  include/kx/pool.h \
  include/kx/program.h \
  include/kx/reach.h \
  include/kx/reader.h \
  include/kx/relog.h \
  include/kx/sarif.h \
  include/kx/sched.h \
  include/kx/sign.h \
  include/kx/snapname.h \
  include/kx/source.h \
  include/kx/stream.h \
  include/kx/sources.h \
  include/kx/strip.h \
  include/kx/table.h \
  include/kx/time.h \
  include/kx/unbundle.h \
  include/kx/unique.h \
  include/kx/verify.h \
  include/kx/zip.h \
  lib/base64-table.h \
  lib/check-impl.h \
  lib/checks.def \
  lib/deliver-impl.h \
  lib/digits.h \
  lib/bundle-impl.h \
  lib/fields.def \
  lib/filter-jq.h \
  lib/filter-memo.h \
  lib/json-kernel.h \
  lib/json-walk.h \
  lib/mix.h \
  lib/namekey.h \
  lib/lanes.h \
  lib/program-tree.h \
  lib/reader-concat.h \
  lib/rules.def \
  lib/sha-table.h \
  lib/table-cell.h \
  lib/utf8.h \
  lib/verify-impl.h

# The kernels: lib/kernel.c refers to them where config.h says so.
KX_KERNEL_LIBS =

if KX_HAVE_AVX2
noinst_LIBRARIES += lib/libkx-avx2.a
KX_KERNEL_LIBS += lib/libkx-avx2.a
lib_libkx_avx2_a_CPPFLAGS = $(KX_LIB_CPPFLAGS)
lib_libkx_avx2_a_CFLAGS = $(KX_CFLAGS) $(AVX2_CFLAGS)
lib_libkx_avx2_a_SOURCES = \
  lib/base64-avx2.c \
  lib/json-avx2.c
endif

if KX_HAVE_AVX512
noinst_LIBRARIES += lib/libkx-avx512.a
KX_KERNEL_LIBS += lib/libkx-avx512.a
lib_libkx_avx512_a_CPPFLAGS = $(KX_LIB_CPPFLAGS)
lib_libkx_avx512_a_CFLAGS = $(KX_CFLAGS) $(AVX512_CFLAGS)
lib_libkx_avx512_a_SOURCES = \
  lib/base64-avx512.c \
  lib/json-avx512.c \
  lib/sha-avx512.c
endif

if KX_HAVE_NEON
noinst_LIBRARIES += lib/libkx-neon.a
KX_KERNEL_LIBS += lib/libkx-neon.a
lib_libkx_neon_a_CPPFLAGS = $(KX_LIB_CPPFLAGS)
lib_libkx_neon_a_CFLAGS = $(KX_CFLAGS) $(NEON_CFLAGS)
lib_libkx_neon_a_SOURCES = \
  lib/base64-neon.c \
  lib/json-neon.c
endif

# What programs and unit tests link: libkx.a and the kernels refer to one
# another, so libkx.a is searched again behind them.
KX_LIBS = lib/libkx.a $(KX_KERNEL_LIBS) lib/libkx.a
