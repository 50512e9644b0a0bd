/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The texts of a BagIt bag (RFC 8493): appended to a buffer, which tells
 * about memory.
 */
#ifndef KX_BAG_H
#define KX_BAG_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/hash.h"

#define KX_BAG_DECLARATION "bagit.txt"
#define KX_BAG_INFO "bag-info.txt"
#define KX_BAG_MANIFEST "manifest-sha256.txt"
#define KX_BAG_MANIFEST512 "manifest-sha512.txt"
#define KX_BAG_TAGMANIFEST "tagmanifest-sha256.txt"
#define KX_BAG_TAGMANIFEST512 "tagmanifest-sha512.txt"
#define KX_BAG_PAYLOAD "data/"

/* bagit.txt (2.1.1). */
void kx_bag_declaration(struct kx_buf *out);

/* One element of bag-info.txt (2.2.2), "LABEL: VALUE"; control bytes in the
 * value become blanks. */
void kx_bag_info(struct kx_buf *out, const char *label, struct kx_span value);
/* Payload-Oxum: bytes and number of the payload's files. */
void kx_bag_oxum(struct kx_buf *out, uint64_t size, uint64_t files);
/* Bagging-Date: the day in UTC of a time in milliseconds since 1970; nothing
 * for a time that has no date of four-digit year. */
void kx_bag_date(struct kx_buf *out, int64_t ms);

/* What is wrong with "LABEL: VALUE" as an element that a user gives; NULL:
 * nothing, and the two are told apart.  Labels that are written here by
 * themselves are refused. */
const char *kx_bag_info_parse(const char *text, struct kx_span *label,
    struct kx_span *value);

/* A line of a manifest (2.1.3), which sha256sum -c and sha512sum -c read too.
 * The path needs no escaping: [A-Za-z0-9._/-]. */
void kx_bag_line(struct kx_buf *out, const uint8_t *sum, size_t sum_len,
    const char *path);

#endif
