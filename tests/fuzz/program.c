/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as a jq program: what is read out of it without libjq stays within
 * bounds, and is the same however often it is asked.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "kx/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char event[] =
    "{\"id\":\"203:1691055920965:1\",\"event_id\":4829655691653739123,"
    "\"topic\":\"Face\\u004datched\",\"level\":2,\"start_time\":"
    "1691055920965,\"params\":{\"identities\":[{\"faces\":[{\"id\":1,"
    "\"similarity\":0.93}],\"list\":{\"name\":\"L\"}}]},\"x\":null,"
    "\"snapshots\":[{\"image\":\"aGk=\"}],\"channel\":{\"id\":-0.5e1}}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[sizeof event + KX_PADDING];
	char *source = malloc(len + 1);
	struct kx_program *program;
	struct kx_reach reach;
	struct kx_buf scratch = { 0 };
	struct kx_json json;
	enum kx_answer answer;

	if (source == NULL)
		abort();
	memcpy(source, data, len);
	source[len] = '\0';
	memcpy(text, event, sizeof event);
	if (kx_json_init(&json, NULL) != KX_OK ||
	    kx_json_scan(&json, text, sizeof event - 1, NULL) != KX_OK ||
	    kx_program_new(source, &program) != KX_OK)
		abort();
	if (strcmp(kx_program_text(program), source) != 0)
		abort();
	(void)kx_program_refused(program);
	(void)kx_program_needs_line(program);
	kx_reach_init(&reach);
	kx_program_reach(program, true, &reach);
	kx_buf_reset(&scratch, 1 << 16);
	kx_reach_reduce(&reach, &json, &scratch);
	answer = kx_program_answer(program, &json, &scratch);
	if (answer != kx_program_answer(program, &json, &scratch))
		abort();
	/* What is native compiles, so it is not refused either. */
	if (kx_program_native(program) && kx_program_refused(program) != NULL)
		abort();
	kx_program_free(program);
	kx_buf_free(&scratch);
	kx_json_fini(&json);
	free(source);
	return 0;
}
