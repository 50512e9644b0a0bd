/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a replay: which events of one certain input have been
 * delivered.
 *
 * A file that is only ever appended to.  What was torn by a crash is cut off
 * when it is opened again, and costs what it would have said.  It begins with
 * lines that say what input it belongs to; behind them stand runs of ordinals,
 * some bytes for each write (lib/journal.c has the form): five where events are
 * written one by one in their order, so that a hundred million events take
 * half a gigabyte, and far less where they are written together.
 */
#ifndef KX_JOURNAL_H
#define KX_JOURNAL_H

#include "kx/base.h"

/* A check of an input that cannot be read twice: its digest so far. */
#define KX_JOURNAL_CHECK 8

struct kx_journal;

/*
 * `input` names the input and how it is cut into records: a line of printable
 * ASCII without its end.  With `read_only` nothing is made or locked, and a
 * missing file is an empty journal.
 *
 * KX_OK; KX_BAD: the file is no journal, damaged, in use, or of another input,
 * and err says which; KX_FAIL: a system call failed.
 */
enum kx_status kx_journal_open(const char *path, const char *input,
    bool read_only, struct kx_journal **out, struct kx_error *err)
    KX_MUST_CHECK;

/* How many events it held when it was opened, and the greatest ordinal among
 * them (0 where there is none). */
uint64_t kx_journal_count(const struct kx_journal *journal);
uint64_t kx_journal_last(const struct kx_journal *journal);

/* Did it hold the event when it was opened?  Fast where ordinals go forward.
 * For one thread. */
bool kx_journal_has(struct kx_journal *journal, uint64_t ordinal);

/*
 * Record events.  When _add returns KX_OK they are written, which outlives this
 * process; when a _sync that began behind it does, they are on the disk.  One
 * thread at a time may add, one may sync, one may call kx_journal_check(), all
 * beside each other.  Between two syncs no more than 2,000 events are added.
 * Sorts ordinals[].  A failure is final: what follows fails, too, but for a
 * sync of what was written before a write failed.
 */
enum kx_status kx_journal_add(struct kx_journal *journal, uint64_t *ordinals,
    size_t n, struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_journal_sync(struct kx_journal *journal,
    struct kx_error *err) KX_MUST_CHECK;

/*
 * The digest of all records in front of `ordinal`.  Where the journal has one
 * for that place KX_BAD says that it is another, so another input; where it
 * has none, and `keep`, it is recorded (and written with what comes next).
 * Ordinals go forward.
 */
enum kx_status kx_journal_check(struct kx_journal *journal, uint64_t ordinal,
    const uint8_t digest[KX_JOURNAL_CHECK], bool keep, struct kx_error *err)
    KX_MUST_CHECK;

void kx_journal_close(struct kx_journal *journal);

#endif
