/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and plates as people compare them, and patterns over them.
 *
 * A name is folded by Unicode's full case folding (CaseFolding.txt, without
 * the rules of Turkic languages) and put into normalisation form C, so that
 * "STRASSE" is "straße" and a letter with its accent is one, however it was
 * typed.  Nothing else is taken for the same: е is not ё.
 *
 * A plate is folded like a name; then the Cyrillic letters that number plates
 * take for Latin ones, А В Е К М Н О Р С Т У Х, are those Latin letters, and
 * what separates (blanks of any kind, and - _ . , / · and the dashes) is
 * dropped: "а123ВС-77" is "A 123 BC 77".
 *
 * Source: libunistring, a reading of the Unicode character database.
 */
#ifndef KX_FOLD_H
#define KX_FOLD_H

#include "kx/base.h"
#include "kx/buf.h"

enum kx_fold { KX_FOLD_NAME, KX_FOLD_PLATE };

/* Append the folded text to *out; what is not valid UTF-8 in it as U+FFFD.
 * Without memory out->failed is set. */
void kx_fold(enum kx_fold how, struct kx_span text, struct kx_buf *out);

/*
 * A pattern for whole texts: `*` any characters or none, `?` any one, `[a-z]`
 * one of these and `[!a-z]` one that is none of them, `\` takes what follows
 * as it is.  Letters in it are folded as the texts are; ranges are between
 * folded characters.
 */
struct kx_glob;

/* KX_BAD: err->message says what is wrong, err->off where.  The pattern is
 * valid UTF-8 or it is KX_BAD. */
enum kx_status kx_glob_new(enum kx_fold how, struct kx_span pattern,
    struct kx_glob **out, struct kx_error *err) KX_MUST_CHECK;
void kx_glob_free(struct kx_glob *glob);

/* Does a text that has been folded the same way match?  Time is at most the
 * product of both lengths.  Any number of threads may call it. */
bool kx_glob_match(const struct kx_glob *glob, struct kx_span folded);

#endif
