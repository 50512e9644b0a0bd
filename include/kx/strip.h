/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event without its image payloads.
 */
#ifndef KX_STRIP_H
#define KX_STRIP_H

#include "kx/json.h"

/*
 * Append the scanned event to *out without the members `image` of the elements
 * of its `snapshots`, each with one comma beside it; every other byte is as it
 * was.  False, and nothing appended, where there is no such member.  Without
 * memory out->failed is set.
 */
bool kx_strip_images(const struct kx_json *json, struct kx_buf *out);

#endif
