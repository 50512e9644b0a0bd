/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The path of a snapshot, as the product makes it:
 *
 *   /api/v1/media/snapshot/CHANNEL-STREAM/[KIND/]OBJECT-STAMP.jpg?ttl=SECONDS
 *
 * KIND is thumbnail, best-N or aligned-N; STAMP 19 digits, nanoseconds since
 * 1970.
 */
#include <config.h>

#include "check-impl.h"
#include "digits.h"

struct scan {
	const char *p, *end;
};

KX_INLINE bool
literal(struct scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return false;
	s->p += len;
	return true;
}
#define LITERAL(s, word) literal(s, word, sizeof(word) - 1)

static inline bool
number(struct scan *s, struct kx_span *out)
{
	*out = (struct kx_span){ s->p, kx_digits_count(s->p,
	    (size_t)(s->end - s->p)) };
	s->p += out->len;
	return out->len > 0;
}

bool
kx_path_parse(struct kx_span path, struct path_parts *parts)
{
	struct scan s = { path.ptr, path.ptr + path.len };
	struct kx_span n;

	if (!LITERAL(&s, "/api/v1/media/snapshot/") ||
	    !number(&s, &parts->channel) || !LITERAL(&s, "-") ||
	    !number(&s, &parts->stream) || !LITERAL(&s, "/"))
		return false;
	if (LITERAL(&s, "best-") || LITERAL(&s, "aligned-")) {
		if (!number(&s, &n) || !LITERAL(&s, "/"))
			return false;
	} else {
		(void)LITERAL(&s, "thumbnail/");
	}
	return number(&s, &n) && LITERAL(&s, "-") &&
	    number(&s, &parts->stamp) && parts->stamp.len == 19 &&
	    LITERAL(&s, ".jpg?ttl=") && number(&s, &parts->ttl) &&
	    s.p == s.end;
}
