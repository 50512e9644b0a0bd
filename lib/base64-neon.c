/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Base64 with NEON, on AArch64, where it is always there.
 *
 * LD4 deals 64 bytes out to four registers, the first symbols of 16 groups in
 * one, the second ones in the next and so on; ST3 does the reverse with the
 * three bytes of each.  TBL and TBX look up 64 entries each: an index out of
 * range gives 0 in the one and leaves the register alone in the other.
 */
#include <config.h>

#include <arm_neon.h>

#include "kx/base64.h"

#include "base64-table.h"

static const uint8_t table[128] = { BASE64_TABLE };

static inline uint8x16_t
values(uint8x16_t in, uint8x16x4_t low, uint8x16x4_t high)
{
	uint8x16_t v = vqtbl4q_u8(low, in);

	/* 64 to 127 become 0 to 63, all others run out of the table. */
	return vqtbx4q_u8(v, high, veorq_u8(in, vdupq_n_u8(0x40)));
}

void
kx_base64_neon(const uint8_t *p, size_t len, uint8_t *out, size_t *in_used,
    size_t *out_used)
{
	const uint8x16x4_t low = vld1q_u8_x4(table);
	const uint8x16x4_t high = vld1q_u8_x4(table + 64);
	size_t i = 0, o = 0, tail_in, tail_out;

	for (; len - i >= 64; i += 64, o += 48) {
		uint8x16x4_t in = vld4q_u8(p + i);
		uint8x16_t a = values(in.val[0], low, high);
		uint8x16_t b = values(in.val[1], low, high);
		uint8x16_t c = values(in.val[2], low, high);
		uint8x16_t d = values(in.val[3], low, high);
		uint8x16_t any;
		uint8x16x3_t bytes;

		any = vorrq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d)),
		    vorrq_u8(vorrq_u8(in.val[0], in.val[1]),
		    vorrq_u8(in.val[2], in.val[3])));
		if (KX_UNLIKELY(vmaxvq_u8(any) & 0x80))
			break;
		bytes.val[0] = vorrq_u8(vshlq_n_u8(a, 2), vshrq_n_u8(b, 4));
		bytes.val[1] = vorrq_u8(vshlq_n_u8(b, 4), vshrq_n_u8(c, 2));
		bytes.val[2] = vorrq_u8(vshlq_n_u8(c, 6), d);
		vst3q_u8(out + o, bytes);
	}
	kx_base64_scalar(p + i, len - i, out + o, &tail_in, &tail_out);
	*in_used = i + tail_in;
	*out_used = o + tail_out;
}
