/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Made pictures for made logs: street scenes, faces and number plates, as
 * real JPEG and PNG files that any decoder opens.
 *
 * Drawing is in integers from a seed, so that a picture is the same on every
 * machine that has the same libjpeg and libpng.  A drawn picture costs
 * milliseconds; stamping a number into its comment, which makes it a file
 * unlike any other, costs less than a microsecond.
 */

#ifndef GENFRAMES_H
#define GENFRAMES_H

#include <stddef.h>
#include <stdint.h>

/* What the picture shows. */
enum frame_motif {
	FRAME_SCENE,
	FRAME_FACE,
	FRAME_PLATE
};

/* How it is encoded; flags of struct frame_spec. */
#define FRAME_PNG		1u	/* else JPEG */
#define FRAME_GRAY		2u	/* one component */
#define FRAME_PROGRESSIVE	4u	/* JPEG: several scans; PNG: Adam7 */
#define FRAME_PALETTE		8u	/* PNG: 64 colours */

struct frame_spec {
	enum frame_motif motif;
	unsigned	 width, height;		/* pixels, 1..4096 */
	unsigned	 flags;
	unsigned	 quality;		/* JPEG, 1..100 */
	unsigned	 noise;			/* 0..64: grain, hence size */
};

/*
 * An encoded picture and its base64 text.  Both belong to the frame until
 * frame_fini(); frame_stamp() changes them in place, never their lengths.
 */
struct frame {
	unsigned char	*data;
	size_t		 data_len;
	char		*text;		/* padded, no line feeds, no NUL */
	size_t		 text_len;
	size_t		 tag_off;	/* of the stamp's 16 digits in data */
	size_t		 chunk_off;	/* PNG: of the stamp's chunk; else 0 */
};

/* Draws and encodes.  Ends the program when memory or a library fails. */
void	 frame_make(struct frame *, const struct frame_spec *, uint64_t seed);

/*
 * Writes serial into the file's comment (JPEG COM, PNG tEXt with its CRC) and
 * into the base64 text.
 */
void	 frame_stamp(struct frame *, uint64_t serial);

void	 frame_fini(struct frame *);

/* RFC 4648, with padding.  dst takes 4 * ((len + 2) / 3) bytes; no NUL. */
size_t	 base64_put(char *dst, const unsigned char *src, size_t len);

/* splitmix64 (Steele, Lea and Flood, 2014): any state is a good seed. */
static inline uint64_t
rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A number in 0..n-1; n is at least 1 and below 2^32. */
static inline unsigned
rnd_below(uint64_t *state, unsigned n)
{
	return (unsigned)((rnd(state) >> 32) * n >> 32);
}

#endif
