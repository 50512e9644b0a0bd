/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SARIF: what the standard requires of a log, and what its viewers show.
 * Section numbers are those of SARIF 2.1.0.
 */
#include <config.h>

#include <inttypes.h>

#include "kx/sarif.h"

static void
add_string(struct kx_buf *out, const char *name, const char *value)
{
	kx_buf_addf(out, "\"%s\":\"", name);
	kx_buf_addjson(out, kx_span_str(value));
	kx_buf_addc(out, '"');
}

/* 3.4.3: a URI reference.  A file's name with all but unreserved characters
 * and its slashes percent-encoded; standard input has a name of ours. */
static void
add_uri(struct kx_buf *out, const char *file)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~/";
	const char *p;

	if (!strcmp(file, "(stdin)")) {
		kx_buf_adds(out, "stdin");
		return;
	}
	if (*file == '/')
		kx_buf_adds(out, "file://");
	for (p = file; *p != '\0'; p++) {
		if (strchr(plain, *p) != NULL)
			kx_buf_addc(out, *p);
		else
			kx_buf_addf(out, "%%%02X", (unsigned char)*p);
	}
}

static void
add_rule(enum kx_rule rule, enum kx_severity severity, struct kx_buf *out)
{
	const struct kx_rule_info *info = &kx_rule_info[rule];

	kx_buf_addf(out, "{\"id\":\"%s\",\"shortDescription\":{", info->name);
	add_string(out, "text", info->summary);
	kx_buf_adds(out, "},\"fullDescription\":{\"text\":\"");
	kx_buf_addjson(out, kx_span_str(info->summary));
	kx_buf_adds(out, " The document: ");
	kx_buf_addjson(out, kx_span_str(info->document));
	kx_buf_adds(out, " Sent: ");
	kx_buf_addjson(out, kx_span_str(info->sent));
	kx_buf_adds(out, " Done: ");
	kx_buf_addjson(out, kx_span_str(info->done));
	kx_buf_addf(out, "\"},\"defaultConfiguration\":{\"enabled\":%s,"
	    "\"level\":\"%s\"}}", severity == KX_SEV_NONE ? "false" : "true",
	    kx_severity_name(severity));
}

void
kx_sarif_begin(struct kx_sarif *sarif, const char *tool, const char *version,
    kx_rule_severity *severity, const void *arg, enum kx_profile profile,
    struct kx_buf *out)
{
	int r;

	memset(sarif, 0, sizeof *sarif);
	kx_buf_adds(out, "{\"$schema\":\"https://json.schemastore.org/"
	    "sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{\n"
	    "\"tool\":{\"driver\":{");
	add_string(out, "name", tool);
	kx_buf_addc(out, ',');
	add_string(out, "version", version);
	kx_buf_adds(out, ",\"rules\":[\n");
	for (r = 0; r < KX_N_RULES; r++) {
		if (r > 0)
			kx_buf_adds(out, ",\n");
		add_rule((enum kx_rule)r, severity(arg, (enum kx_rule)r,
		    profile), out);
	}
	kx_buf_adds(out, "]}},\n\"columnKind\":\"unicodeCodePoints\",\n"
	    "\"results\":[");
}

static void
add_place(const struct kx_finding *f, struct kx_buf *out)
{
	kx_buf_adds(out, ",\"locations\":[{\"physicalLocation\":"
	    "{\"artifactLocation\":{\"uri\":\"");
	add_uri(out, f->file);
	kx_buf_addf(out, "\"},\"region\":{\"startLine\":%" PRIu64, f->line);
	if (f->characters > 0)
		kx_buf_addf(out, ",\"startColumn\":%" PRIu64, f->characters);
	kx_buf_addf(out, ",\"byteOffset\":%" PRIu64 "}}", f->off);
	if (f->pointer != NULL && *f->pointer != '\0') {
		kx_buf_adds(out, ",\"logicalLocations\":[{");
		add_string(out, "fullyQualifiedName", f->pointer);
		kx_buf_adds(out, ",\"kind\":\"value\"}]");
	}
	kx_buf_adds(out, "}]");
}

/* 3.58: a notification. */
static void
keep(struct kx_sarif *sarif, const struct kx_finding *f)
{
	if (sarif->n_notes == KX_SARIF_NOTES)
		return;
	if (sarif->n_notes++ > 0)
		kx_buf_addc(&sarif->notes, ',');
	kx_buf_addf(&sarif->notes, "\n{\"level\":\"%s\",\"message\":{",
	    kx_severity_name(f->severity));
	add_string(&sarif->notes, "text", f->message);
	kx_buf_adds(&sarif->notes, "}}");
}

void
kx_sarif_result(struct kx_sarif *sarif, const struct kx_finding *f,
    struct kx_buf *out)
{
	int rule = f->rule == NULL ? -1 : kx_rule_find(kx_span_str(f->rule));

	if (f->file == NULL || f->line == 0) {
		keep(sarif, f);
		return;
	}
	kx_buf_adds(out, sarif->begun ? ",\n{" : "\n{");
	sarif->begun = true;
	if (rule >= 0)
		kx_buf_addf(out, "\"ruleId\":\"%s\",\"ruleIndex\":%d,",
		    f->rule, rule);
	kx_buf_addf(out, "\"level\":\"%s\",\"message\":{",
	    kx_severity_name(f->severity));
	add_string(out, "text", f->message);
	kx_buf_addc(out, '}');
	add_place(f, out);
	kx_buf_addc(out, '}');
}

void
kx_sarif_end(struct kx_sarif *sarif, int status, const char *properties,
    struct kx_buf *out)
{
	/* 3.20.14: whether the tool did its work, not what it found. */
	kx_buf_addf(out, "],\n\"invocations\":[{\"executionSuccessful\":%s,"
	    "\"exitCode\":%d", status < 2 ? "true" : "false", status);
	if (sarif->n_notes > 0) {
		kx_buf_adds(out, ",\"toolExecutionNotifications\":[");
		kx_buf_addspan(out, kx_buf_span(&sarif->notes));
		kx_buf_addc(out, ']');
	}
	kx_buf_adds(out, "}]");
	if (properties != NULL) {
		kx_buf_adds(out, ",\n\"properties\":");
		kx_buf_adds(out, properties);
	}
	kx_buf_adds(out, "}]}\n");
	kx_buf_free(&sarif->notes);
}
