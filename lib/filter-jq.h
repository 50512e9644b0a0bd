/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two ends of the bridge to libjq: lib/filter.c in this process asks,
 * lib/filter-jq.c in a child of it answers.  Both are one program on one
 * machine, so what goes between them are plain C objects.
 *
 * An evaluator's first words are a struct greeting and a message, once it has
 * compiled the programs.
 *
 * A request is a chunk's worth of records, each a struct request and a JSON
 * text, ended by one with the length REQUEST_END.  The answer is its own
 * length (64 bits) and, for each record, a byte: enum kx_verdict.  Behind
 * ERROR stand a length (32 bits) and libjq's message.  Behind YES, where there
 * are programs whose outputs are asked for, stand the outputs, each a byte
 * (enum reply), the number of its program and its length (32 bits each) and
 * its text, ended by the byte REPLY_END.
 *
 * The parent reads nothing until it has written all, and the evaluator writes
 * nothing until it has read all: neither can wait for the other for ever.
 */
#ifndef KX_FILTER_JQ_H
#define KX_FILTER_JQ_H

#include <sys/types.h>

#include "kx/filter.h"
#include "kx/program.h"

#define REQUEST_END UINT32_MAX
/* Capacity that is kept from one chunk to the next. */
#define KEEP_LEN ((size_t)1 << 20)

/* Statuses of an evaluator that could not go on. */
enum { EXIT_BROKEN = 3, EXIT_NO_MEMORY = 12 };

/* What an evaluator says when it has compiled the programs. */
struct greeting {
	enum kx_status status;
	uint32_t which;		/* the program that it is about */
	uint32_t len;		/* of the message that follows */
};

struct request {
	uint32_t len;		/* of the text that follows, or REQUEST_END */
	uint32_t held;		/* so many conditions are known to hold */
	uint64_t line;		/* for input_line_number */
};

enum reply { REPLY_END, REPLY_OUTPUT, REPLY_FAILED };

/* What an evaluator has to know; it only reads it. */
struct kx_evaluator {
	struct kx_program **program;
	size_t n;
	size_t n_conditions;
	const struct kx_filter_arg *args;
	size_t n_args;
	bool redefined;		/* any name may mean anything (~/.jq) */
	bool lazy;		/* compile when the first record comes */
	const struct kx_kernel *kernel;
	int fd;
	pid_t parent;
	_Atomic uint32_t *at;	/* the number of the record that it is on */
};

/* The life of an evaluator, which ends with its socket. */
void kx_evaluator_main(const struct kx_evaluator *setup)
    __attribute__((noreturn));

bool kx_send_all(int fd, const void *ptr, size_t len);

#endif
