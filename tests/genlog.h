/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of genlog share: the state of a log, text that grows, and
 * events.  Whatever fails ends the program.
 */

#ifndef GENLOG_H
#define GENLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "genframes.h"

#define LEN(a)		(sizeof(a) / sizeof((a)[0]))
#define PICK(g, a)	((a)[below(g, LEN(a))])

struct text {
	char		*at;
	size_t		 len, size;
};

struct world;		/* cameras, serialisers and pictures: genevent.c */

struct gen {
	uint64_t	 seed;		/* moves on with every draw */
	uint64_t	 stamps;	/* of pictures; every one is new */
	bool		 images;
	bool		 huge;		/* of faults: the huge ones too */
	int64_t		 clock_ms;
	uint64_t	 events;	/* drawn; counts into event_id */
	struct world	*world;
	struct text	 record;	/* the line at hand */

	/* genlog.c alone */
	uint64_t	 lines, bytes;	/* written */
	struct frame	 small[2];	/* of faults: a JPEG, a PNG */
	struct text	 again;		/* a record to be delivered twice */
	unsigned	 again_in;	/* after so many events; 0: none */
	FILE		*out, *index;
};

/* A number in 0..n-1. */
static inline unsigned
below(struct gen *g, unsigned n)
{
	return rnd_below(&g->seed, n);
}

/* Yes in pm of a thousand. */
static inline bool
chance(struct gen *g, unsigned pm)
{
	return below(g, 1000) < pm;
}

/* Makes room for more bytes after t->len. */
void	 text_reserve(struct text *, size_t more);
void	 text_put(struct text *, const char *, size_t);
void	 text_puts(struct text *, const char *);
void	 text_putc(struct text *, char);
void	 text_put_int(struct text *, int64_t);
/* As a JSON string; the source is sound UTF-8. */
void	 text_put_quoted(struct text *, const char *);

/* Before the first event; seed and images are set, the rest is zero. */
void	 gen_init(struct gen *);

/* Draws the next event into g->record, without a line feed. */
void	 event_make(struct gen *);

/* The parts of that which faulty events want as well. */
void	 clock_move(struct gen *);
void	 event_id_make(struct gen *, char *dst, size_t dst_size);

#endif
