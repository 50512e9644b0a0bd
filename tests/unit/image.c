/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images: each format whole, cut after every byte, with every byte changed,
 * and with bytes behind it; then the pictures of tests/data/frames.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/image.h"

/* 3 x 2: SOI, APP0, DQT (cut short: tables are not read), SOF0, an APP1 with
 * markers in it, SOS, data with a stuffed byte and a restart, a second scan,
 * EOI */
static const uint8_t jpeg[] = {
	0xff, 0xd8, 0xff, 0xe0, 0x00, 0x04, 'J', 'F', 0xff, 0xdb, 0x00, 0x03,
	0x00, 0xff, 0xff, 0xe1, 0x00, 0x06, 0xff, 0xd9, 0xff, 0xda, 0xff,
	0xc0, 0x00, 0x0b, 0x08, 0x00, 0x02, 0x00, 0x03, 0x01, 0x01, 0x11,
	0x00, 0xff, 0xda, 0x00, 0x02, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd3,
	0x56, 0xff, 0xff, 0xc4, 0x00, 0x02, 0xff, 0xda, 0x00, 0x03, 0x01,
	0x78, 0xff, 0xd9
};

/* 3 x 2: the height is 0 in the frame and comes behind the scan. */
static const uint8_t jpeg_dnl[] = {
	0xff, 0xd8, 0xff, 0xc2, 0x00, 0x0b, 0x08, 0x00, 0x00, 0x00, 0x03,
	0x01, 0x01, 0x11, 0x00, 0xff, 0xda, 0x00, 0x02, 0x12, 0xff, 0xdc,
	0x00, 0x04, 0x00, 0x02, 0xff, 0xd9
};

static const uint8_t png[] = {
	0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00,
	0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
	0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0x12, 0x16, 0xf1, 0x4d,
	0x00, 0x00, 0x00, 0x12, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63,
	0x60, 0x60, 0xf8, 0x0f, 0x45, 0x1a, 0x22, 0xff, 0x21, 0x08, 0x00,
	0x39, 0xda, 0x06, 0xaf, 0xb8, 0x0c, 0x4a, 0x49, 0x00, 0x00, 0x00,
	0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};

/* A colour table of two, an extension, one image */
static const uint8_t gif[] = {
	'G', 'I', 'F', '8', '9', 'a', 3, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 255,
	255, 255, 0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 3, 0, 2, 0,
	0, 2, 3, 0x84, 0x1f, 0x05, 0, 0x3b
};

/* Lossless, and extended with an odd chunk and its padding */
static const uint8_t webp_l[] = {
	'R', 'I', 'F', 'F', 18, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
	'L', 5, 0, 0, 0, 0x2f, 2, 0x40, 0, 0, 0
};
static const uint8_t webp_x[] = {
	'R', 'I', 'F', 'F', 44, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
	'X', 10, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 'V', 'P', '8', ' ',
	5, 0, 0, 0, 1, 2, 3, 4, 5, 0, 'E', 'X', 'I', 'F', 0, 0, 0, 0
};
static const uint8_t webp_y[] = {
	'R', 'I', 'F', 'F', 22, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
	' ', 10, 0, 0, 0, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 3, 0, 2, 0
};

/* 24 bits, rows from top to bottom; and the oldest header, its size left 0 */
static const uint8_t bmp[] = {
	'B', 'M', 78, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 3, 0, 0,
	0, 0xfe, 0xff, 0xff, 0xff, 1, 0, 24, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0
};
static const uint8_t bmp_core[] = {
	'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 26, 0, 0, 0, 12, 0, 0, 0, 3, 0, 2,
	0, 1, 0, 24, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6,
	7, 8, 9, 0, 0, 0
};

#define SAMPLE(array, type) { #array, array, sizeof(array), KX_IMAGE_##type }

static const struct {
	const char *name;
	const uint8_t *ptr;
	size_t len;
	enum kx_image_type type;
} samples[] = {
	SAMPLE(jpeg, JPEG),
	SAMPLE(jpeg_dnl, JPEG),
	SAMPLE(png, PNG),
	SAMPLE(gif, GIF),
	SAMPLE(webp_l, WEBP),
	SAMPLE(webp_x, WEBP),
	SAMPLE(webp_y, WEBP),
	SAMPLE(bmp, BMP),
	SAMPLE(bmp_core, BMP),
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* In a block of its very size, so that a checker sees a read behind it */
static void
probe(const uint8_t *ptr, size_t len, struct kx_image *image)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, ptr, len);
	kx_image_probe(copy, len, image);
	free(copy);
	assert_true(image->end <= len);
	assert_int_equal(image->state == KX_IMAGE_WHOLE,
	    image->fault == NULL);
}

static void
test_whole(void **state)
{
	struct kx_image image;
	uint8_t more[200];
	size_t i;

	(void)state;
	for (i = 0; i < N_SAMPLES; i++) {
		probe(samples[i].ptr, samples[i].len, &image);
		if (image.type != samples[i].type ||
		    image.state != KX_IMAGE_WHOLE || image.width != 3 ||
		    image.height != 2 || image.end != samples[i].len)
			fail_msg("%s: type %d, state %d, %u x %u, end %zu, "
			    "%s", samples[i].name, (int)image.type,
			    (int)image.state, image.width, image.height,
			    image.end, image.fault);
		memset(more, 0xff, sizeof(more));
		memcpy(more, samples[i].ptr, samples[i].len);
		probe(more, sizeof(more), &image);
		assert_int_equal(image.state, KX_IMAGE_WHOLE);
		assert_int_equal(image.end, samples[i].len);
	}
}

static void
test_cut(void **state)
{
	struct kx_image image;
	size_t i, len;

	(void)state;
	for (i = 0; i < N_SAMPLES; i++) {
		for (len = 0; len < samples[i].len; len++) {
			probe(samples[i].ptr, len, &image);
			/* The pad byte at the end may be left out. */
			if (samples[i].ptr == webp_l &&
			    len == samples[i].len - 1)
				continue;
			if (image.state != (image.type == KX_IMAGE_UNKNOWN ?
			    KX_IMAGE_DAMAGED : KX_IMAGE_TRUNCATED) ||
			    (image.type != samples[i].type && len >= 18))
				fail_msg("%s, %zu bytes: type %d, state %d",
				    samples[i].name, len, (int)image.type,
				    (int)image.state);
		}
	}
}

static void
test_changed(void **state)
{
	struct kx_image image;
	uint8_t copy[200];
	unsigned byte;
	size_t i, at;

	(void)state;
	for (i = 0; i < N_SAMPLES; i++) {
		memcpy(copy, samples[i].ptr, samples[i].len);
		for (at = 0; at < samples[i].len; at++) {
			for (byte = 0; byte < 256; byte++) {
				copy[at] = (uint8_t)byte;
				probe(copy, samples[i].len, &image);
				/* No bit of a PNG goes unnoticed. */
				if (samples[i].ptr == png &&
				    byte != png[at])
					assert_int_not_equal(image.state,
					    KX_IMAGE_WHOLE);
			}
			copy[at] = samples[i].ptr[at];
		}
	}
}

static void
test_faults(void **state)
{
	struct kx_image image;
	uint8_t copy[200];

	(void)state;
	memcpy(copy, png, sizeof(png));
	copy[45]++;
	probe(copy, sizeof(png), &image);
	assert_int_equal(image.state, KX_IMAGE_DAMAGED);
	assert_string_equal(image.fault, "a chunk's CRC does not match");
	assert_int_equal(image.width, 3);
	/* A frame without a scan */
	probe((const uint8_t *)"\xff\xd8\xff\xd9", 4, &image);
	assert_int_equal(image.state, KX_IMAGE_DAMAGED);
	/* Not an image at all */
	probe((const uint8_t *)"BMxxxxxxxxxxxxxxxxxxx", 20, &image);
	assert_int_equal(image.type, KX_IMAGE_UNKNOWN);
	probe((const uint8_t *)"<html>", 6, &image);
	assert_int_equal(image.type, KX_IMAGE_UNKNOWN);
}

static void
test_names(void **state)
{
	unsigned type;

	(void)state;
	for (type = KX_IMAGE_JPEG; type < KX_N_IMAGE_TYPES; type++) {
		assert_int_equal(kx_image_by_media_type(kx_span_str(
		    kx_image_media_type(type))), type);
		assert_int_equal(kx_image_by_extension(kx_span_str(
		    kx_image_extension(type))), type);
	}
	assert_int_equal(kx_image_by_media_type(KX_SPAN("Image/JPG")),
	    KX_IMAGE_JPEG);
	assert_int_equal(kx_image_by_extension(KX_SPAN("JPEG")),
	    KX_IMAGE_JPEG);
	assert_int_equal(kx_image_by_media_type(KX_SPAN("image/svg+xml")),
	    KX_IMAGE_UNKNOWN);
	assert_int_equal(kx_image_by_extension(KX_SPAN_NULL),
	    KX_IMAGE_UNKNOWN);
	assert_string_equal(kx_image_extension(KX_IMAGE_UNKNOWN), "bin");
}

/* A real picture: whole, and truncated once its last two bytes are gone. */
static void
check_file(const char *path, enum kx_image_type type)
{
	FILE *file = fopen(path, "rb");
	struct kx_image image;
	uint8_t *bytes;
	size_t len;

	assert_non_null(file);
	bytes = malloc((size_t)1 << 22);
	assert_non_null(bytes);
	len = fread(bytes, 1, (size_t)1 << 22, file);
	(void)fclose(file);
	kx_image_probe(bytes, len, &image);
	if (image.type != type || image.state != KX_IMAGE_WHOLE ||
	    image.end != len || image.width == 0 || image.height == 0)
		fail_msg("%s: type %d, state %d, end %zu of %zu: %s", path,
		    (int)image.type, (int)image.state, image.end, len,
		    image.fault);
	kx_image_probe(bytes, len - 2, &image);
	assert_int_equal(image.state, KX_IMAGE_TRUNCATED);
	kx_image_probe(bytes, len / 2, &image);
	assert_int_equal(image.state, KX_IMAGE_TRUNCATED);
	free(bytes);
}

static void
test_frames(void **state)
{
	const char *top = getenv("KX_SRCDIR"), *dot;
	char folder[2048], path[4096];
	enum kx_image_type type;
	struct dirent *entry;
	DIR *dir;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/tests/data/frames",
	    top != NULL ? top : ".");
	dir = opendir(folder);
	if (dir == NULL)
		skip();
	while ((entry = readdir(dir)) != NULL) {
		dot = strrchr(entry->d_name, '.');
		if (dot == NULL)
			continue;
		type = kx_image_by_extension(kx_span_str(dot + 1));
		if (type == KX_IMAGE_UNKNOWN)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    entry->d_name);
		check_file(path, type);
	}
	(void)closedir(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_frames),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
