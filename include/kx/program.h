/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be known of a jq program without running it.
 *
 * libjq alone says what a program means.  But two things can be proved by
 * reading one, and both save nearly all of the time:
 *
 * - its reach: the members of the event that it can see.  A value made of
 *   these alone gives the same outputs and the same errors;
 * - its answer, where it compares plain paths with literals: that can be read
 *   off the scanned record, with no value made at all.
 *
 * Everything is sound for libjq 1.6 to 1.8.  What the reader of programs does
 * not know for certain it does not claim: the reach is then everything, and
 * the answer KX_ANSWER_UNSURE.
 */
#ifndef KX_PROGRAM_H
#define KX_PROGRAM_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/json.h"
#include "kx/pick.h"
#include "kx/reach.h"

/* What a program says of a record: is any of its outputs neither false nor
 * null? */
enum kx_answer {
	KX_ANSWER_NO,
	KX_ANSWER_YES,
	KX_ANSWER_UNSURE	/* ask libjq; perhaps it is an error */
};

struct kx_program;

/* Read a program.  Any text will do, one that is no program too: nothing is
 * claimed of it then.  *out holds a copy of the text.  KX_FAIL without
 * memory. */
enum kx_status kx_program_new(const char *text, struct kx_program **out)
    KX_MUST_CHECK;
void kx_program_free(struct kx_program *program);

/* The program's text, terminated; lives with the program. */
const char *kx_program_text(const struct kx_program *program);

/* The first use of something that a program may do in jq but not here, where
 * it sees one event at a time and prints nothing: `input`, `halt`, `import`
 * and their like.  NULL: none.  Lives with the program. */
const char *kx_program_refused(const struct kx_program *program);

/* Can kx_program_answer() give another answer than UNSURE for events?  Then
 * the text is also known to be a program that libjq compiles. */
bool kx_program_native(const struct kx_program *program);

/*
 * The answer for a scanned record.  `scratch` is for strings with escapes.
 * Where the program is not native but begins with something that is
 * (`.level >= 2 and ...`), NO may still be certain.  Only reads the program:
 * any number of threads may call it.
 */
enum kx_answer kx_program_answer(const struct kx_program *program,
    const struct kx_json *json, struct kx_buf *scratch);

/* Add what the program can see of an event to *reach, which refers to the
 * program's memory.  `output`: what it puts out is looked at too, and not only
 * whether it is false or null. */
void kx_program_reach(const struct kx_program *program, bool output,
    struct kx_reach *reach);

/* Does it give the same for what is the same in its reach, whenever it is run?
 * One that asks for the clock or the line does not. */
bool kx_program_is_function(const struct kx_program *program);

/* Is it, or a part of it that decides, an assignment with `=`?  What that gives
 * is true for every object: a comparison was meant. */
bool kx_program_assigns(const struct kx_program *program);

/* The first integer in its text that libjq takes for another, as release 1.6
 * does beyond 2^53; empty where there is none.  Lives with the program. */
struct kx_span kx_program_rounded(const struct kx_program *program);

/* Does it name something that keeps track of paths between two outputs, as
 * `paths' does?  libjq 1.6 fails an assertion where it is told to begin again
 * before such a program has come to its end. */
bool kx_program_tracks_paths(const struct kx_program *program);

/* Does it use jq's input_line_number?  That has to be given to it. */
bool kx_program_needs_line(const struct kx_program *program);

#endif
