/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the bytes of an image say: its format by signature, its size in
 * pixels, and whether it goes on to its end.  Paths and declared types are
 * not asked: in the vendor's own examples the three disagree.
 *
 * The structure is walked, pixels are not decoded: an image that is whole
 * here has all its parts, which says nothing about what they show.
 */
#ifndef KX_IMAGE_H
#define KX_IMAGE_H

#include "kx/base.h"

enum kx_image_type {
	KX_IMAGE_UNKNOWN,
	KX_IMAGE_JPEG,
	KX_IMAGE_PNG,
	KX_IMAGE_GIF,
	KX_IMAGE_WEBP,
	KX_IMAGE_BMP,
	KX_N_IMAGE_TYPES
};

enum kx_image_state {
	KX_IMAGE_WHOLE,
	KX_IMAGE_TRUNCATED,	/* the bytes end before the image does */
	KX_IMAGE_DAMAGED	/* a part contradicts its format or checksum */
};

struct kx_image {
	enum kx_image_type type;	/* UNKNOWN: nothing below means much */
	enum kx_image_state state;
	uint32_t width, height;		/* pixels; 0 where not found */
	size_t end;		/* KX_IMAGE_WHOLE: bytes up to the image's end;
				   more may follow.  Else: where the walk
				   stopped */
	const char *fault;	/* words for a state that is not WHOLE */
};

/* The type by signature alone. */
enum kx_image_type kx_image_sniff(const void *ptr, size_t len);

/*
 * Sniff and walk.  JPEG (ITU-T T.81, B): segment by segment and through every
 * scan to EOI; PNG (its third edition, 5): chunk by chunk to IEND, with their
 * CRCs; GIF (89a): block by block to the trailer; WebP (RFC 9649): its RIFF
 * size and chunks; BMP: its declared size.  Cost: a memchr() over a JPEG's
 * scans, a CRC over a PNG, next to nothing for the others.
 */
void kx_image_probe(const void *ptr, size_t len, struct kx_image *image);

/* "image/jpeg" and "jpg"; "application/octet-stream" and "bin". */
const char *kx_image_media_type(enum kx_image_type type);
const char *kx_image_extension(enum kx_image_type type);

/* The type that a media type ("image/jpeg"; unregistered names of old are
 * known) or a file name's ending ("JPG", no dot) declares, in any case of
 * letters; KX_IMAGE_UNKNOWN for any other. */
enum kx_image_type kx_image_by_media_type(struct kx_span name);
enum kx_image_type kx_image_by_extension(struct kx_span extension);

#endif
