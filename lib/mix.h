/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A 64-bit digest of bytes, to tell them apart within one run: fast, the same
 * on every machine, and no protection against somebody who makes two texts of
 * one digest on purpose.
 */
#ifndef KX_MIX_H
#define KX_MIX_H

#include "kx/base.h"

uint64_t kx_mix(const void *ptr, size_t len);

#endif
