/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pictures of genframes.h: a canvas of RGB bytes, a few shapes on it,
 * grain over it, then libjpeg or libpng.
 *
 * Grain decides the size of the file: a flat drawing of 1280x720 would pack
 * into 15 KB, where a camera's frame takes 100.  Each row reads one table of
 * noise from another place, which costs an addition a byte.
 */

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "genframes.h"

#define TAG		"kx-genlog "	/* before the 16 digits */
#define TAG_DIGITS	16
#define NOISE_LEN	16384

struct canvas {
	unsigned char	*rgb;
	int		 width, height;
};

struct colour {
	int		 r, g, b;
};

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0 to 9, A, B, E, H, K, M: five columns by seven rows, a byte a row. */
static const unsigned char glyphs[][7] = {
	{ 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e },
	{ 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e },
	{ 0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f },
	{ 0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e },
	{ 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 },
	{ 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e },
	{ 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e },
	{ 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 },
	{ 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e },
	{ 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c },
	{ 0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 },
	{ 0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e },
	{ 0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f },
	{ 0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 },
	{ 0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11 },
	{ 0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11 },
};

static void *
grab(size_t len)
{
	void *p = malloc(len);

	if (p == NULL)
		err(2, "pictures");
	return p;
}

static struct colour
some_colour(uint64_t *seed, int low, int high)
{
	unsigned span = (unsigned)(high - low + 1);
	struct colour k;

	/* One draw a statement, here and below: C leaves other orders open. */
	k.r = low + (int)rnd_below(seed, span);
	k.g = low + (int)rnd_below(seed, span);
	k.b = low + (int)rnd_below(seed, span);
	return k;
}

static void
draw_span(struct canvas *c, int y, int x0, int x1, struct colour k)
{
	if (y < 0 || y >= c->height)
		return;
	if (x0 < 0)
		x0 = 0;
	if (x1 > c->width)
		x1 = c->width;
	for (int x = x0; x < x1; x++) {
		unsigned char *p = c->rgb + 3 * ((size_t)y * c->width + x);

		p[0] = k.r;
		p[1] = k.g;
		p[2] = k.b;
	}
}

static void
draw_box(struct canvas *c, int x, int y, int w, int h, struct colour k)
{
	for (int row = y; row < y + h; row++)
		draw_span(c, row, x, x + w, k);
}

/* Shaded a little darker towards the bottom, as a round thing is. */
static void
draw_ellipse(struct canvas *c, int cx, int cy, int rx, int ry, struct colour k)
{
	if (rx < 1 || ry < 1)
		return;
	for (int dy = -ry; dy <= ry; dy++) {
		long room = (long)rx * rx * (ry * ry - dy * dy);
		int half = 0, shade = 24 * dy / (ry + 1);

		while ((long)(half + 1) * (half + 1) * ry * ry <= room)
			half++;
		draw_span(c, cy + dy, cx - half, cx + half + 1, (struct colour){
		    k.r > shade + 24 ? k.r - shade : k.r,
		    k.g > shade + 24 ? k.g - shade : k.g,
		    k.b > shade + 24 ? k.b - shade : k.b });
	}
}

static void
draw_slope(struct canvas *c, int y0, int y1, struct colour a, struct colour b)
{
	for (int y = y0; y < y1; y++) {
		int n = y1 - y0, i = y - y0;

		draw_span(c, y, 0, c->width, (struct colour){
		    a.r + (b.r - a.r) * i / n, a.g + (b.g - a.g) * i / n,
		    a.b + (b.b - a.b) * i / n });
	}
}

static void
draw_plate(struct canvas *c, int x, int y, int w, int h, uint64_t *seed)
{
	const struct colour ink = { 16, 16, 24 }, paper = { 232, 232, 224 };
	int cell = w / 44 > 0 ? w / 44 : 1, left = x + 2 * cell;
	int top = y + (h - 7 * cell) / 2;

	draw_box(c, x, y, w, h, ink);
	draw_box(c, x + 1 + cell / 2, y + 1 + cell / 2, w - 2 - cell,
	    h - 2 - cell, paper);
	for (int n = 0; n < 7; n++, left += 6 * cell) {
		const unsigned char *g =
		    glyphs[rnd_below(seed, sizeof(glyphs) / sizeof(glyphs[0]))];

		for (int i = 0; i < 35; i++)
			if (g[i / 5] >> (4 - i % 5) & 1)
				draw_box(c, left + i % 5 * cell,
				    top + i / 5 * cell, cell, cell, ink);
	}
}

static void
draw_face(struct canvas *c, int cx, int cy, int r, uint64_t *seed)
{
	const struct colour white = { 236, 236, 232 }, dark = { 30, 26, 30 };
	struct colour hair = some_colour(seed, 20, 110);
	int tone = 90 + (int)rnd_below(seed, 130);
	struct colour skin = { tone + 30, tone, tone - 40 };
	int eye = r / 8 > 0 ? r / 8 : 1, look = (int)rnd_below(seed, 3) - 1;

	draw_box(c, cx - r, cy + r, 2 * r, 2 * r, some_colour(seed, 30, 200));
	draw_ellipse(c, cx, cy - r / 5, r, r + r / 6, hair);
	draw_ellipse(c, cx, cy, r - r / 6, r + r / 8, skin);
	for (int side = -1; side <= 1; side += 2) {
		int x = cx + side * r / 3;

		draw_ellipse(c, x, cy - r / 5, eye + eye / 2, eye, white);
		draw_ellipse(c, x + look * eye / 2, cy - r / 5, eye / 2 + 1,
		    eye / 2 + 1, dark);
	}
	draw_ellipse(c, cx, cy + r / 6, r / 10 + 1, r / 5, (struct colour){
	    tone + 10, tone - 20, tone - 55 });
	draw_ellipse(c, cx, cy + r / 2 + r / 10, r / 3, r / 12 + 1,
	    (struct colour){ 150, 60, 64 });
}

static void
draw_car(struct canvas *c, int x, int y, int w, uint64_t *seed)
{
	struct colour body = some_colour(seed, 20, 235);

	draw_box(c, x + w / 6, y, 2 * w / 3, w / 4, body);
	draw_box(c, x + w / 5, y + w / 40, 3 * w / 5, w / 6,
	    (struct colour){ 60, 70, 84 });
	draw_box(c, x, y + w / 4, w, w / 4, body);
	draw_ellipse(c, x + w / 5, y + w / 2, w / 9, w / 9,
	    (struct colour){ 24, 24, 26 });
	draw_ellipse(c, x + 4 * w / 5, y + w / 2, w / 9, w / 9,
	    (struct colour){ 24, 24, 26 });
	draw_plate(c, x + w / 3, y + w / 3, w / 3, w / 12, seed);
}

static void
draw_scene(struct canvas *c, uint64_t *seed)
{
	int horizon = c->height * (30 + (int)rnd_below(seed, 25)) / 100;
	int unit = c->width / 16 + 1;
	struct colour above, below;

	above = some_colour(seed, 90, 200);
	below = some_colour(seed, 150, 240);
	draw_slope(c, 0, horizon, above, below);
	above = some_colour(seed, 70, 110);
	below = some_colour(seed, 90, 150);
	draw_slope(c, horizon, c->height, above, below);
	for (int x = 0; x < c->width; x += unit) {
		int h = (int)rnd_below(seed, (unsigned)horizon + 1);
		struct colour wall = some_colour(seed, 60, 190);

		draw_box(c, x, horizon - h, unit * 4 / 5, h, wall);
		for (int y = horizon - h + 6; y < horizon - 8; y += unit / 4 + 2)
			draw_box(c, x + unit / 8, y, unit / 2, unit / 10,
			    (struct colour){ wall.r / 2, wall.g / 2, 90 });
	}
	for (int n = 2 + (int)rnd_below(seed, 4); n > 0; n--) {
		int x = (int)rnd_below(seed, (unsigned)c->width);
		int y = horizon +
		    (int)rnd_below(seed, (unsigned)c->height / 3 + 1);
		int w = c->width / 8 +
		    (int)rnd_below(seed, 2 * (unsigned)unit);

		draw_car(c, x, y, w, seed);
	}
	for (int n = 1 + (int)rnd_below(seed, 3); n > 0; n--) {
		int x = (int)rnd_below(seed, (unsigned)c->width);

		draw_face(c, x, horizon + c->height / 6, c->height / 14 + 2,
		    seed);
	}
}

static void
draw_grain(struct canvas *c, unsigned amplitude, uint64_t *seed)
{
	signed char noise[NOISE_LEN];
	size_t row_len = 3 * (size_t)c->width;
	int last = 0;

	if (amplitude == 0)
		return;
	for (size_t i = 0; i < NOISE_LEN; i++) {
		int fresh = (int)rnd_below(seed, 2 * amplitude + 1) -
		    (int)amplitude;

		last = (last + fresh) / 2;
		noise[i] = (signed char)last;
	}
	for (int y = 0; y < c->height; y++) {
		unsigned char *row = c->rgb + (size_t)y * row_len;
		const signed char *from = noise +
		    rnd_below(seed, (unsigned)(NOISE_LEN - row_len));

		for (size_t i = 0; i < row_len; i++) {
			int v = row[i] + from[i];

			row[i] = v < 0 ? 0 : v > 255 ? 255 : v;
		}
	}
}

static void
canvas_draw(struct canvas *c, const struct frame_spec *spec, uint64_t seed)
{
	int w = c->width, h = c->height;
	struct colour above = some_colour(&seed, 40, 200);
	struct colour below = some_colour(&seed, 40, 200);

	draw_slope(c, 0, h, above, below);
	switch (spec->motif) {
	case FRAME_SCENE:
		draw_scene(c, &seed);
		break;
	case FRAME_FACE:
		draw_face(c, w / 2, h * 4 / 9, (w < h ? w : h) * 2 / 5, &seed);
		break;
	case FRAME_PLATE:
		draw_box(c, w / 12, h / 6, w * 5 / 6, h * 2 / 3,
		    some_colour(&seed, 10, 120));
		draw_plate(c, w / 8, h / 2 - w / 11, w * 3 / 4, w / 6, &seed);
		break;
	}
	draw_grain(c, spec->noise, &seed);
	if (spec->flags & FRAME_GRAY)
		for (size_t i = 0; i < (size_t)w * h; i++)
			c->rgb[i] = (c->rgb[3 * i] * 77 +
			    c->rgb[3 * i + 1] * 150 +
			    c->rgb[3 * i + 2] * 29) >> 8;
}

static void
encode_jpeg(struct frame *f, const struct canvas *c,
    const struct frame_spec *spec)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr jerr;
	unsigned long len = 0;
	bool gray = (spec->flags & FRAME_GRAY) != 0;
	size_t row_len = (size_t)c->width * (gray ? 1 : 3);

	f->data = NULL;
	jpeg.err = jpeg_std_error(&jerr);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &f->data, &len);
	jpeg.image_width = (JDIMENSION)c->width;
	jpeg.image_height = (JDIMENSION)c->height;
	jpeg.input_components = gray ? 1 : 3;
	jpeg.in_color_space = gray ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, (int)spec->quality, TRUE);
	jpeg.dct_method = JDCT_ISLOW;	/* exact, so the same with SIMD */
	if (spec->flags & FRAME_PROGRESSIVE)
		jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	jpeg_write_marker(&jpeg, JPEG_COM,
	    (const JOCTET *)TAG "0000000000000000",
	    sizeof(TAG) - 1 + TAG_DIGITS);
	while (jpeg.next_scanline < jpeg.image_height) {
		JSAMPROW row = c->rgb + jpeg.next_scanline * row_len;

		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	f->data_len = len;
}

static void
png_append(png_structp png, png_bytep src, size_t len)
{
	struct frame *f = png_get_io_ptr(png);

	/* data_len grows to at most what encode_png() has set aside. */
	memcpy(f->data + f->data_len, src, len);
	f->data_len += len;
}

static void
png_flush_nothing(png_structp png)
{
	(void)png;
}

static void
encode_png(struct frame *f, const struct canvas *c,
    const struct frame_spec *spec)
{
	static const png_byte chunk[] = "Comment\0" TAG "0000000000000000";
	png_color palette[64];
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL,
	    NULL, NULL);
	png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
	int type = spec->flags & FRAME_GRAY ? PNG_COLOR_TYPE_GRAY :
	    spec->flags & FRAME_PALETTE ? PNG_COLOR_TYPE_PALETTE :
	    PNG_COLOR_TYPE_RGB;
	size_t row_len = (size_t)c->width *
	    (type == PNG_COLOR_TYPE_RGB ? 3 : 1);

	if (info == NULL)
		errx(2, "libpng: no memory");
	if (setjmp(png_jmpbuf(png)))
		errx(2, "libpng failed");
	f->data = grab(2 * row_len * (size_t)c->height + 65536);
	f->data_len = 0;
	png_set_write_fn(png, f, png_append, png_flush_nothing);
	png_set_compression_level(png, 6);
	png_set_filter(png, 0, type == PNG_COLOR_TYPE_PALETTE ?
	    PNG_FILTER_NONE : PNG_FILTER_SUB);
	png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height,
	    8, type, spec->flags & FRAME_PROGRESSIVE ? PNG_INTERLACE_ADAM7 :
	    PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
	    PNG_FILTER_TYPE_DEFAULT);
	if (type == PNG_COLOR_TYPE_PALETTE) {
		for (unsigned i = 0; i < 64; i++)
			palette[i] = (png_color){ (i >> 4) * 85,
			    (i >> 2 & 3) * 85, (i & 3) * 85 };
		for (size_t i = 0; i < (size_t)c->width * c->height; i++) {
			const unsigned char *p = c->rgb + 3 * i;

			c->rgb[i] = (p[0] >> 6) << 4 | (p[1] >> 6) << 2 |
			    p[2] >> 6;
		}
		png_set_PLTE(png, info, palette, 64);
	}
	png_write_info_before_PLTE(png, info);
	png_write_chunk(png, (png_const_bytep)"tEXt", chunk,
	    sizeof(chunk) - 1);
	png_write_info(png, info);
	for (int pass = png_set_interlace_handling(png); pass > 0; pass--)
		for (int y = 0; y < c->height; y++)
			png_write_row(png, c->rgb + (size_t)y * row_len);
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
}

size_t
base64_put(char *dst, const unsigned char *src, size_t len)
{
	char *at = dst;
	size_t i;

	for (i = 0; i + 3 <= len; i += 3) {
		unsigned v = (unsigned)src[i] << 16 | src[i + 1] << 8 |
		    src[i + 2];

		*at++ = base64_digits[v >> 18];
		*at++ = base64_digits[v >> 12 & 63];
		*at++ = base64_digits[v >> 6 & 63];
		*at++ = base64_digits[v & 63];
	}
	if (i < len) {
		unsigned v = (unsigned)src[i] << 16 |
		    (i + 1 < len ? src[i + 1] << 8 : 0);

		*at++ = base64_digits[v >> 18];
		*at++ = base64_digits[v >> 12 & 63];
		*at++ = i + 1 < len ? base64_digits[v >> 6 & 63] : '=';
		*at++ = '=';
	}
	return (size_t)(at - dst);
}

void
frame_make(struct frame *f, const struct frame_spec *spec, uint64_t seed)
{
	struct canvas c = { NULL, (int)spec->width, (int)spec->height };
	unsigned char *tag;

	c.rgb = grab(3 * (size_t)c.width * c.height);
	canvas_draw(&c, spec, seed);
	if (spec->flags & FRAME_PNG)
		encode_png(f, &c, spec);
	else
		encode_jpeg(f, &c, spec);
	free(c.rgb);

	if ((tag = memmem(f->data, f->data_len, TAG, sizeof(TAG) - 1)) == NULL)
		errx(2, "pictures: the comment was not written");
	f->tag_off = (size_t)(tag - f->data) + sizeof(TAG) - 1;
	f->chunk_off = 0;
	if (spec->flags & FRAME_PNG)
		f->chunk_off = f->tag_off - (sizeof(TAG) - 1) -
		    sizeof("Comment") - 4;
	f->text = grab(4 * ((f->data_len + 2) / 3));
	f->text_len = base64_put(f->text, f->data, f->data_len);
}

/* CRC-32 as PNG has it (ISO 3309), bit by bit: forty bytes want no table. */
static uint32_t
crc32_of(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffff;

	while (len-- > 0) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

void
frame_stamp(struct frame *f, uint64_t serial)
{
	size_t end = f->tag_off + TAG_DIGITS;

	for (int i = 0; i < TAG_DIGITS; i++)
		f->data[f->tag_off + (size_t)i] =
		    (unsigned char)"0123456789abcdef"[serial >> (60 - 4 * i) &
		    15];
	if (f->chunk_off > 0) {
		uint32_t crc = crc32_of(f->data + f->chunk_off,
		    end - f->chunk_off);

		for (int i = 0; i < 4; i++)
			f->data[end++] = (unsigned char)(crc >> (24 - 8 * i));
	}
	/* Whole groups of three: the file goes on well beyond. */
	base64_put(f->text, f->data, (end + 2) / 3 * 3);
}

void
frame_fini(struct frame *f)
{
	free(f->data);
	free(f->text);
}
