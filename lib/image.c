/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images: sniffing and walking.  All reading goes through a cursor that knows
 * its end; a step beyond it is what makes an image truncated.
 */
#include <config.h>

#include <string.h>
#include <zlib.h>

#include "kx/image.h"

struct cursor {
	const uint8_t *p;
	size_t len;
	size_t at;
	struct kx_image *image;
};

static const struct {
	const char *media_type;
	const char *extension;
} names[KX_N_IMAGE_TYPES] = {
	[KX_IMAGE_UNKNOWN] = { "application/octet-stream", "bin" },
	[KX_IMAGE_JPEG] = { "image/jpeg", "jpg" },
	[KX_IMAGE_PNG] = { "image/png", "png" },
	[KX_IMAGE_GIF] = { "image/gif", "gif" },
	[KX_IMAGE_WEBP] = { "image/webp", "webp" },
	[KX_IMAGE_BMP] = { "image/bmp", "bmp" },
};

/* Other names that are met. */
static const struct {
	const char *name;
	enum kx_image_type type;
} media_aliases[] = {
	{ "image/jpg", KX_IMAGE_JPEG },
	{ "image/pjpeg", KX_IMAGE_JPEG },
	{ "image/x-png", KX_IMAGE_PNG },
	{ "image/x-ms-bmp", KX_IMAGE_BMP },
	{ "image/x-bmp", KX_IMAGE_BMP },
}, extension_aliases[] = {
	{ "jpeg", KX_IMAGE_JPEG },
	{ "jpe", KX_IMAGE_JPEG },
	{ "jfif", KX_IMAGE_JPEG },
	{ "dib", KX_IMAGE_BMP },
};

static uint32_t
be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static uint32_t
le16(const uint8_t *p)
{
	return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t
le24(const uint8_t *p)
{
	return (uint32_t)p[2] << 16 | le16(p);
}

static uint32_t
le32(const uint8_t *p)
{
	return le16(p + 2) << 16 | le16(p);
}

static void
end(struct cursor *c, enum kx_image_state state, const char *fault)
{
	c->image->state = state;
	c->image->fault = fault;
	c->image->end = c->at;
}

static void
damaged(struct cursor *c, const char *fault)
{
	end(c, KX_IMAGE_DAMAGED, fault);
}

static void
truncated(struct cursor *c, const char *fault)
{
	c->at = c->len;
	end(c, KX_IMAGE_TRUNCATED, fault);
}

static size_t
left(const struct cursor *c)
{
	return c->len - c->at;
}

/* The next n bytes, and behind them; NULL, and the image is truncated. */
static const uint8_t *
take(struct cursor *c, size_t n, const char *fault)
{
	const uint8_t *p = c->p + c->at;

	if (n > left(c)) {
		truncated(c, fault);
		return NULL;
	}
	c->at += n;
	return p;
}

/* T.81, B.1.1.3: a start of frame of any process. */
static bool
is_frame(uint8_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
	    marker != 0xc8 && marker != 0xcc;
}

/* From inside a scan to the marker that ends it: 0xff followed by neither 0
 * (a stuffed byte) nor a restart marker. */
static bool
skip_scan(struct cursor *c)
{
	const uint8_t *p;

	for (;;) {
		p = memchr(c->p + c->at, 0xff, left(c));
		if (p == NULL || (size_t)(p - c->p) + 1 >= c->len)
			return false;
		c->at = (size_t)(p - c->p);
		if (p[1] == 0xff) {
			c->at++;
		} else if (p[1] == 0 || (p[1] >= 0xd0 && p[1] <= 0xd7)) {
			c->at += 2;
		} else {
			return true;
		}
	}
}

static void
walk_jpeg(struct cursor *c)
{
	static const char no_end[] = "no end-of-image marker";
	struct kx_image *image = c->image;
	bool scanned = false;
	const uint8_t *p;
	uint32_t size;
	uint8_t marker;

	c->at = 2;
	for (;;) {
		/* Stray bytes before a marker are skipped by every decoder,
		 * and cameras do write some. */
		p = left(c) == 0 ? NULL :
		    memchr(c->p + c->at, 0xff, left(c));
		if (p == NULL) {
			truncated(c, no_end);
			return;
		}
		c->at = (size_t)(p - c->p);
		while (left(c) > 0 && c->p[c->at] == 0xff)
			c->at++;
		p = take(c, 1, no_end);
		if (p == NULL)
			return;
		marker = *p;
		if (marker == 0xd9)
			break;
		if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8))
			continue;
		p = take(c, 2, no_end);
		if (p == NULL)
			return;
		size = be16(p);
		if (size < 2) {
			damaged(c, "impossible segment length");
			return;
		}
		size -= 2;
		p = take(c, size, no_end);
		if (p == NULL)
			return;
		if (is_frame(marker) && size >= 5 && image->width == 0) {
			image->height = be16(p + 1);
			image->width = be16(p + 3);
		} else if (marker == 0xdc && size >= 2 &&
		    image->height == 0) {
			/* DNL: the height, known only behind the scan */
			image->height = be16(p);
		} else if (marker == 0xda) {
			scanned = true;
			if (!skip_scan(c)) {
				truncated(c, no_end);
				return;
			}
		}
	}
	if (!scanned)
		damaged(c, "no scan");
	else if (image->width == 0 || image->height == 0)
		damaged(c, "no frame header");
	else
		end(c, KX_IMAGE_WHOLE, NULL);
}

static void
walk_png(struct cursor *c)
{
	static const char no_end[] = "no IEND chunk";
	struct kx_image *image = c->image;
	bool first = true, pixels = false;
	const uint8_t *head, *body;
	uint32_t size;

	c->at = 8;
	for (;; first = false) {
		head = take(c, 8, no_end);
		if (head == NULL)
			return;
		size = be32(head);
		if (size > 0x7fffffff) {
			damaged(c, "impossible chunk length");
			return;
		}
		if (first != !memcmp(head + 4, "IHDR", 4) ||
		    (first && size != 13)) {
			damaged(c, "no header chunk first");
			return;
		}
		if (first && left(c) >= 8) {
			image->width = be32(head + 8);
			image->height = be32(head + 12);
		}
		body = take(c, (size_t)size + 4, no_end);
		if (body == NULL)
			return;
		if (crc32_z(0, head + 4, (size_t)size + 4) !=
		    be32(body + size)) {
			damaged(c, "a chunk's CRC does not match");
			return;
		}
		if (!memcmp(head + 4, "IDAT", 4))
			pixels = true;
		else if (!memcmp(head + 4, "IEND", 4))
			break;
	}
	if (image->width == 0 || image->height == 0)
		damaged(c, "no size");
	else if (!pixels)
		damaged(c, "no image data chunk");
	else
		end(c, KX_IMAGE_WHOLE, NULL);
}

/* Data sub-blocks up to their terminator. */
static bool
skip_subblocks(struct cursor *c, const char *fault)
{
	const uint8_t *p;

	do {
		p = take(c, 1, fault);
		if (p == NULL || take(c, *p, fault) == NULL)
			return false;
	} while (*p != 0);
	return true;
}

/* Bytes of the colour table that a flags byte announces. */
static size_t
colour_table(uint8_t flags)
{
	return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

static void
walk_gif(struct cursor *c)
{
	static const char no_end[] = "no trailer";
	bool pixels = false;
	const uint8_t *p;

	c->at = 6;
	p = take(c, 7, no_end);
	if (p == NULL)
		return;
	c->image->width = le16(p);
	c->image->height = le16(p + 2);
	if (take(c, colour_table(p[4]), no_end) == NULL)
		return;
	for (;;) {
		p = take(c, 1, no_end);
		if (p == NULL)
			return;
		if (*p == 0x3b)
			break;
		if (*p == 0x21) {
			if (take(c, 1, no_end) == NULL ||
			    !skip_subblocks(c, no_end))
				return;
		} else if (*p == 0x2c) {
			p = take(c, 9, no_end);
			if (p == NULL ||
			    take(c, colour_table(p[8]), no_end) == NULL ||
			    take(c, 1, no_end) == NULL ||
			    !skip_subblocks(c, no_end))
				return;
			pixels = true;
		} else {
			c->at--;
			damaged(c, "unknown block");
			return;
		}
	}
	if (!pixels)
		damaged(c, "no image in it");
	else
		end(c, KX_IMAGE_WHOLE, NULL);
}

/* The size in pixels from the first chunk that gives one. */
static void
webp_size(struct kx_image *image, const uint8_t *head, const uint8_t *p,
    size_t len)
{
	if (image->width != 0)
		return;
	if (!memcmp(head, "VP8X", 4) && len >= 10) {
		image->width = le24(p + 4) + 1;
		image->height = le24(p + 7) + 1;
	} else if (!memcmp(head, "VP8L", 4) && len >= 5 && p[0] == 0x2f) {
		image->width = (le32(p + 1) & 0x3fff) + 1;
		image->height = (le32(p + 1) >> 14 & 0x3fff) + 1;
	} else if (!memcmp(head, "VP8 ", 4) && len >= 10 &&
	    !memcmp(p + 3, "\x9d\x01\x2a", 3)) {
		image->width = le16(p + 6) & 0x3fff;
		image->height = le16(p + 8) & 0x3fff;
	}
}

static void
walk_webp(struct cursor *c)
{
	static const char too_short[] = "shorter than its RIFF size";
	struct kx_image *image = c->image;
	size_t all, size;
	const uint8_t *p;

	all = (size_t)le32(c->p + 4) + 8;
	c->at = 12;
	if (all < 12) {
		damaged(c, "impossible RIFF size");
		return;
	}
	while (c->at < all && left(c) >= 8) {
		p = take(c, 8, too_short);
		size = le32(p + 4);
		webp_size(image, p, p + 8, size < left(c) ? size : left(c));
		/* Chunks are padded to an even size; the last pad byte is
		 * left out by some writers. */
		if (size % 2 != 0 && c->at + size != all)
			size++;
		if (c->at > all || size > all - c->at) {
			damaged(c, "a chunk longer than the file");
			return;
		}
		if (take(c, size, too_short) == NULL)
			return;
	}
	if (c->at < all) {
		if (all > c->len)
			truncated(c, too_short);
		else
			damaged(c, "a chunk is cut");
	} else if (image->width == 0 || image->height == 0) {
		damaged(c, "no size");
	} else {
		end(c, KX_IMAGE_WHOLE, NULL);
	}
}

/* Bytes that the rows of an uncompressed bitmap take, at the least. */
static uint64_t
bmp_rows(const struct kx_image *image, uint32_t bits)
{
	uint64_t row = ((uint64_t)image->width * bits + 31) / 32 * 4;

	return row * image->height;
}

static void
walk_bmp(struct cursor *c)
{
	struct kx_image *image = c->image;
	uint32_t bits, packing = 0;
	const uint8_t *p = c->p;
	uint64_t all, rows;

	if (c->len < 54 && !(c->len >= 26 && le32(p + 14) == 12)) {
		truncated(c, "no whole header");
		return;
	}
	c->at = 14;
	if (le32(p + 14) == 12) {
		image->width = le16(p + 18);
		image->height = le16(p + 20);
		bits = le16(p + 24);
	} else {
		image->width = le32(p + 18);
		image->height = le32(p + 22);
		/* Below zero: the rows stand from top to bottom. */
		if (image->height > 0x7fffffff)
			image->height = 0 - image->height;
		bits = le16(p + 28);
		packing = le32(p + 30);
	}
	if (image->width == 0 || image->width > 0x7fffffff ||
	    image->height == 0 || image->height > 0x7fffffff ||
	    bits > 32) {
		image->width = image->height = 0;
		damaged(c, "impossible size");
		return;
	}
	/* The declared size is 0 or wrong in many; rows that are not packed
	 * (BI_RGB, BI_BITFIELDS) cannot be fewer than they are. */
	all = le32(p + 2);
	if (packing == 0 || packing == 3) {
		rows = bmp_rows(image, bits);
		if (all < le32(p + 10) || all - le32(p + 10) < rows)
			all = le32(p + 10) + rows;
	}
	if (all > c->len) {
		truncated(c, "shorter than its declared size");
		return;
	}
	if (c->at < all)
		c->at = (size_t)all;
	end(c, KX_IMAGE_WHOLE, NULL);
}

enum kx_image_type
kx_image_sniff(const void *ptr, size_t len)
{
	const uint8_t *p = ptr;

	if (len >= 3 && !memcmp(p, "\xff\xd8\xff", 3))
		return KX_IMAGE_JPEG;
	if (len >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8))
		return KX_IMAGE_PNG;
	if (len >= 6 && (!memcmp(p, "GIF87a", 6) || !memcmp(p, "GIF89a", 6)))
		return KX_IMAGE_GIF;
	if (len >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4))
		return KX_IMAGE_WEBP;
	if (len >= 18 && !memcmp(p, "BM", 2)) {
		/* Two letters are not much: the size of the second header
		 * must be one that exists. */
		switch (le32(p + 14)) {
		case 12:
		case 40:
		case 52:
		case 56:
		case 64:
		case 108:
		case 124:
			return KX_IMAGE_BMP;
		}
	}
	return KX_IMAGE_UNKNOWN;
}

void
kx_image_probe(const void *ptr, size_t len, struct kx_image *image)
{
	struct cursor c = { ptr, len, 0, image };

	memset(image, 0, sizeof(*image));
	image->type = kx_image_sniff(ptr, len);
	switch (image->type) {
	case KX_IMAGE_JPEG:
		walk_jpeg(&c);
		break;
	case KX_IMAGE_PNG:
		walk_png(&c);
		break;
	case KX_IMAGE_GIF:
		walk_gif(&c);
		break;
	case KX_IMAGE_WEBP:
		walk_webp(&c);
		break;
	case KX_IMAGE_BMP:
		walk_bmp(&c);
		break;
	default:
		damaged(&c, "unknown format");
		break;
	}
}

const char *
kx_image_media_type(enum kx_image_type type)
{
	return names[type].media_type;
}

const char *
kx_image_extension(enum kx_image_type type)
{
	return names[type].extension;
}

static bool
is_name(struct kx_span span, const char *name)
{
	size_t i;
	char c;

	if (span.len != strlen(name))
		return false;
	for (i = 0; i < span.len; i++) {
		c = span.ptr[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != name[i])
			return false;
	}
	return true;
}

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

enum kx_image_type
kx_image_by_media_type(struct kx_span name)
{
	unsigned type;
	size_t i;

	for (type = KX_IMAGE_JPEG; type < KX_N_IMAGE_TYPES; type++) {
		if (is_name(name, names[type].media_type))
			return (enum kx_image_type)type;
	}
	for (i = 0; i < N_OF(media_aliases); i++) {
		if (is_name(name, media_aliases[i].name))
			return media_aliases[i].type;
	}
	return KX_IMAGE_UNKNOWN;
}

enum kx_image_type
kx_image_by_extension(struct kx_span extension)
{
	unsigned type;
	size_t i;

	for (type = KX_IMAGE_JPEG; type < KX_N_IMAGE_TYPES; type++) {
		if (is_name(extension, names[type].extension))
			return (enum kx_image_type)type;
	}
	for (i = 0; i < N_OF(extension_aliases); i++) {
		if (is_name(extension, extension_aliases[i].name))
			return extension_aliases[i].type;
	}
	return KX_IMAGE_UNKNOWN;
}
