/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kx-replay says about a run: before it (--dry-run, to standard output)
 * and behind it (--stats, to standard error), as text or as one JSON object.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "kx/time.h"

#include "cli.h"
#include "replay.h"

#define MS(ns) ((double)(ns) / 1e6)

/* --- statistics ---------------------------------------------------------- */

static void
json_times(struct kx_buf *out, const char *name,
    const struct kx_histogram *h)
{
	kx_buf_addf(out, ",\"%s\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
	    "\"max\":%.3f}", name, MS(kx_histogram_at(h, .5)),
	    MS(kx_histogram_at(h, .9)), MS(kx_histogram_at(h, .99)),
	    MS(h->max));
}

static void
text_times(struct kx_buf *out, const char *name,
    const struct kx_histogram *h)
{
	if (h->n > 0)
		kx_buf_addf(out, "%10.2f  ms %s p50, %.2f p90, %.2f p99, "
		    "%.2f max\n", MS(kx_histogram_at(h, .5)), name,
		    MS(kx_histogram_at(h, .9)), MS(kx_histogram_at(h, .99)),
		    MS(h->max));
}

static void
json_statistics(struct kx_buf *out, const struct replay_sums *t, double rate)
{
	kx_buf_addf(out, "{\"tool\":\"kx-replay\",\"delivered\":%" PRIu64
	    ",\"retried\":%" PRIu64 ",\"given_up\":%" PRIu64
	    ",\"unsent\":%" PRIu64 ",\"skipped\":%" PRIu64
	    ",\"early\":%" PRIu64 ",\"bytes\":%" PRIu64
	    ",\"seconds\":%.3f,\"events_per_second\":%.1f",
	    t->s.n_delivered, t->s.n_retried, t->s.n_given_up, t->n_unsent,
	    t->n_skipped, t->n_early, t->s.n_bytes, t->seconds, rate);
	if (t->http)
		json_times(out, "latency_ms", &t->s.latency_ns);
	json_times(out, "lateness_ms", &t->s.late_ns);
	kx_buf_adds(out, "}\n");
}

static void
text_statistics(struct kx_buf *out, const struct replay_sums *t, double rate)
{
	kx_buf_addf(out, "%10" PRIu64 "  delivered\n", t->s.n_delivered);
	if (t->http)
		kx_buf_addf(out, "%10" PRIu64 "  retried\n"
		    "%10" PRIu64 "  given up\n", t->s.n_retried,
		    t->s.n_given_up);
	if (t->n_unsent > 0)
		kx_buf_addf(out, "%10" PRIu64 "  not sent\n", t->n_unsent);
	if (t->n_skipped > 0)
		kx_buf_addf(out, "%10" PRIu64 "  skipped, in the journal\n",
		    t->n_skipped);
	kx_buf_addf(out, "%10" PRIu64 "  bytes\n", t->s.n_bytes);
	kx_buf_addf(out, "%10.1f  events a second, in %.3f s\n", rate,
	    t->seconds);
	text_times(out, "latency", &t->s.latency_ns);
	text_times(out, "lateness", &t->s.late_ns);
}

void
replay_statistics(const struct replay_sums *t)
{
	struct kx_buf out = { NULL, 0, 0, false };
	double rate = t->seconds > 0 ?
	    (double)t->s.n_delivered / t->seconds : 0;

	if (cli.diagnostics == KX_DIAG_JSON)
		json_statistics(&out, t, rate);
	else
		text_statistics(&out, t, rate);
	cli_progress(NULL);
	if (kx_buf_failed(&out))
		cli_fail(0, "no memory for the statistics");
	else
		cli_stderr(out.ptr, out.len);
	kx_buf_free(&out);
}

/* --- the plan ------------------------------------------------------------ */

static void
add_time(struct kx_buf *out, int64_t ms)
{
	char text[KX_TIME_SIZE];

	kx_time_format(ms, 0, text);
	kx_buf_adds(out, text);
}

static void
add_span(struct kx_buf *out, uint64_t ns)
{
	uint64_t ms = ns / 1000000;

	kx_buf_addf(out, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64,
	    ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

static bool
has_span(const struct kx_plan_camera *c)
{
	return c->n_events > 0 && c->first_ms <= c->last_ms;
}

static void
json_camera(struct kx_buf *out, const struct kx_plan_camera *c)
{
	kx_buf_addf(out, "\"events\":%" PRIu64 ",\"bytes\":%" PRIu64,
	    c->n_events, c->n_bytes);
	if (has_span(c))
		kx_buf_addf(out, ",\"first_ms\":%" PRId64 ",\"last_ms\":%"
		    PRId64, c->first_ms, c->last_ms);
}

static void
json_text(struct kx_buf *out, const char *name, const char *value)
{
	kx_buf_addf(out, "\"%s\":", name);
	if (value == NULL) {
		kx_buf_adds(out, "null");
		return;
	}
	kx_buf_addc(out, '"');
	kx_buf_addjson(out, kx_span_str(value));
	kx_buf_addc(out, '"');
}

static void
json_plan(struct kx_buf *out, const struct replay_settings *s,
    const struct kx_plan *plan, uint64_t n_skipped)
{
	size_t i;

	kx_buf_addc(out, '{');
	json_text(out, "url", s->url);
	kx_buf_addc(out, ',');
	json_text(out, "method", s->method);
	kx_buf_addf(out, ",\"body\":%s,\"images\":%s,\"skipped\":%" PRIu64
	    ",\"seconds\":%.3f,", s->body ? "true" : "false",
	    s->strip ? "false" : "true", n_skipped, (double)plan->end_ns / 1e9);
	json_camera(out, &plan->all);
	kx_buf_adds(out, ",\"cameras\":[");
	for (i = 0; i < plan->n_cameras; i++) {
		kx_buf_adds(out, i == 0 ? "{" : ",{");
		json_text(out, "id", plan->camera[i].id);
		kx_buf_addc(out, ',');
		json_text(out, "name", plan->camera[i].name);
		kx_buf_addc(out, ',');
		json_camera(out, &plan->camera[i]);
		kx_buf_addc(out, '}');
	}
	kx_buf_adds(out, "]}\n");
}

static void
text_camera(struct kx_buf *out, const struct kx_plan_camera *c)
{
	kx_buf_addf(out, "%10" PRIu64 " %14" PRIu64 "  ", c->n_events,
	    c->n_bytes);
	if (has_span(c)) {
		add_time(out, c->first_ms);
		kx_buf_adds(out, "  ");
		add_time(out, c->last_ms);
		kx_buf_adds(out, "  ");
	} else {
		kx_buf_addf(out, "%-24s  %-24s  ", "-", "-");
	}
}

static void
text_how(struct kx_buf *out, const struct replay_settings *s)
{
	if (s->url == NULL) {
		kx_buf_adds(out, "to        standard output");
	} else {
		kx_buf_addf(out, "to        %s ", s->method);
		kx_diag_quote(out, kx_span_str(s->url), 500);
	}
	kx_buf_adds(out, s->body ? ", the event as the body" :
	    ", without a body");
	kx_buf_adds(out, s->body && s->strip ? ", images left out\n" : "\n");
}

static void
text_plan(struct kx_buf *out, const struct replay_settings *s,
    const struct kx_plan *plan, uint64_t n_skipped)
{
	const struct kx_plan_camera *all = &plan->all;
	size_t i;

	text_how(out, s);
	kx_buf_addf(out, "events    %" PRIu64, all->n_events);
	if (n_skipped > 0)
		kx_buf_addf(out, ", and %" PRIu64 " in the journal, skipped",
		    n_skipped);
	kx_buf_addf(out, "\nbytes     %" PRIu64 "\n", all->n_bytes);
	if (has_span(all)) {
		kx_buf_adds(out, "span      ");
		add_time(out, all->first_ms);
		kx_buf_adds(out, " to ");
		add_time(out, all->last_ms);
		kx_buf_adds(out, ", ");
		add_span(out, (uint64_t)(all->last_ms - all->first_ms) *
		    1000000);
		kx_buf_addc(out, '\n');
	}
	kx_buf_adds(out, "ends      ");
	if (s->speed == 0 && s->rate == 0) {
		kx_buf_adds(out, "as soon as the receiver has taken them\n");
	} else {
		add_span(out, plan->end_ns);
		kx_buf_adds(out, " after the first, if the receiver "
		    "keeps up\n");
	}
	if (plan->n_cameras > 0)
		kx_buf_addf(out, "\n%10s %14s  %-24s  %-24s  %s\n", "events",
		    "bytes", "first", "last", "camera");
	for (i = 0; i < plan->n_cameras; i++) {
		const struct kx_plan_camera *c = &plan->camera[i];

		text_camera(out, c);
		kx_diag_quote(out, kx_span_str(c->id == NULL ? "-" : c->id),
		    200);
		if (c->name != NULL) {
			kx_buf_addc(out, ' ');
			kx_diag_quote(out, kx_span_str(c->name), 600);
		}
		kx_buf_addc(out, '\n');
	}
	if (plan->rest.n_events > 0) {
		text_camera(out, &plan->rest);
		kx_buf_adds(out, "of further cameras\n");
	}
}

void
replay_plan(const struct replay_settings *s, const struct kx_plan *plan,
    uint64_t n_skipped)
{
	struct kx_buf out = { NULL, 0, 0, false };

	if (cli.diagnostics == KX_DIAG_JSON)
		json_plan(&out, s, plan, n_skipped);
	else
		text_plan(&out, s, plan, n_skipped);
	if (kx_buf_failed(&out))
		cli_fail(0, "no memory for the plan");
	else
		(void)fwrite(out.ptr, 1, out.len, stdout);
	kx_buf_free(&out);
}
