/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes: every kernel's scanner says what the plain checker says, all
 * kernels make the same nodes, and what walks them stays within bounds.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "kx/event.h"
#include "kx/json.h"
#include "kx/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
ignore(void *arg, uint32_t first, uint32_t again)
{
	(void)arg;
	(void)first;
	(void)again;
}

static void
use(const struct kx_json *json)
{
	static struct kx_schema *schema;
	struct kx_event event = { 0 };
	struct kx_buf scratch = { 0 }, pointer = { 0 };
	uint32_t i;

	if (schema == NULL && (schema = kx_schema_new()) == NULL)
		abort();
	if (!kx_event_walk(&event, schema, json) ||
	    kx_json_duplicates(json, ignore, NULL) != KX_OK)
		abort();
	for (i = 0; i < json->n_nodes; i++) {
		if (kx_json_type(json, i) == KX_JSON_STRING)
			kx_json_decode(json, i, &scratch, NULL);
		if (i < 100)
			kx_json_pointer(json, i, &pointer);
	}
	kx_buf_free(&scratch);
	kx_buf_free(&pointer);
	kx_event_fini(&event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct kx_kernel *const *k;
	char *text = malloc(len + KX_PADDING);
	struct kx_json first = { 0 };
	enum kx_status want;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	memset(text + len, '"', KX_PADDING);
	want = kx_json_check(text, len, NULL, NULL);
	for (k = kx_kernel_all(); *k != NULL; k++) {
		struct kx_json json;
		struct kx_json_error err;
		bool keep = k == kx_kernel_all();

		if (kx_json_init(&json, *k) != KX_OK)
			abort();
		if (kx_json_scan(&json, text, len, &err) != want) {
			fprintf(stderr, "%s disagrees\n", (*k)->name);
			abort();
		}
		if (want == KX_OK && keep) {
			use(&json);
		} else if (want == KX_OK &&
		    (json.n_nodes != first.n_nodes || memcmp(json.node,
		    first.node, json.n_nodes * sizeof *json.node) != 0)) {
			fprintf(stderr, "%s has other nodes\n", (*k)->name);
			abort();
		}
		if (keep)
			first = json;
		else
			kx_json_fini(&json);
	}
	kx_json_fini(&first);
	free(text);
	return 0;
}
