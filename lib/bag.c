/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * BagIt texts: UTF-8, LF, two blanks between hash and path, which RFC 8493
 * allows and coreutils, bagit.py and busybox all read.
 */
#include <config.h>

#include <strings.h>

#include "kx/bag.h"
#include "kx/time.h"

void
kx_bag_declaration(struct kx_buf *out)
{
	kx_buf_adds(out, "BagIt-Version: 1.0\n"
	    "Tag-File-Character-Encoding: UTF-8\n");
}

void
kx_bag_info(struct kx_buf *out, const char *label, struct kx_span value)
{
	size_t i;

	kx_buf_adds(out, label);
	kx_buf_adds(out, ": ");
	for (i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		kx_buf_addc(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	kx_buf_addc(out, '\n');
}

void
kx_bag_oxum(struct kx_buf *out, uint64_t size, uint64_t files)
{
	kx_buf_adds(out, "Payload-Oxum: ");
	kx_buf_addu64(out, size);
	kx_buf_addc(out, '.');
	kx_buf_addu64(out, files);
	kx_buf_addc(out, '\n');
}

void
kx_bag_date(struct kx_buf *out, int64_t ms)
{
	struct kx_civil at;

	if (!kx_time_civil(ms, 0, &at) || at.year < 0 || at.year > 9999)
		return;
	kx_buf_addf(out, "Bagging-Date: %04d-%02d-%02d\n", at.year, at.month,
	    at.day);
}

static bool
is_ours(struct kx_span label)
{
	static const char *const ours[] = { "Bag-Software-Agent",
		"Bagging-Date", "Payload-Oxum", "Kx-Source",
		"Kx-Snapshot-Type" };
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (label.len == strlen(ours[i]) &&
		    !strncasecmp(label.ptr, ours[i], label.len))
			return true;
	}
	return false;
}

const char *
kx_bag_info_parse(const char *text, struct kx_span *label,
    struct kx_span *value)
{
	const char *colon = strchr(text, ':'), *p;

	if (colon == NULL || colon == text)
		return "it is not 'Label: value'";
	for (p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "it holds a control byte";
	}
	if (*text == ' ' || colon[-1] == ' ')
		return "its label begins or ends with a blank";
	for (p = colon + 1; *p == ' '; p++)
		continue;
	*label = (struct kx_span){ text, (size_t)(colon - text) };
	*value = kx_span_str(p);
	if (value->len == 0)
		return "it has no value";
	return is_ours(*label) ? "that label is written by itself" : NULL;
}

void
kx_bag_line(struct kx_buf *out, const uint8_t *sum, size_t sum_len,
    const char *path)
{
	char hex[2 * KX_HASH_MOST + 1];

	kx_hex(sum, sum_len, hex);
	kx_buf_add(out, hex, 2 * sum_len);
	kx_buf_adds(out, "  ");
	kx_buf_adds(out, path);
	kx_buf_addc(out, '\n');
}
