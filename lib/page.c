/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page.  Markup is written by hand, text goes through add_text() alone.
 * Style and script stand here as they stand in the page, and their hashes are
 * taken when it is made, so the policy cannot fall behind them.
 *
 * Ten thousand cards: pictures load as they are scrolled to, and what is out
 * of sight is not laid out (content-visibility).
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "kx/page.h"
#include "kx/time.h"

static const char style[] = "\n"
    ":root{color-scheme:light dark}\n"
    "body{font:1rem/1.4 system-ui,sans-serif;margin:0 auto;max-width:75rem;"
    "padding:0 1rem}\n"
    "header{position:sticky;top:0;background:Canvas;padding:.5rem 0;"
    "border-bottom:1px solid #8886;z-index:1}\n"
    "h1{font-size:1.3rem;margin:.2rem 0}\n"
    "form{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center}\n"
    "label{display:flex;gap:.3rem;align-items:center}\n"
    "form[hidden]{display:none}\n"
    "input,select,button{font:inherit;padding:.2rem .3rem;"
    "box-sizing:border-box;max-width:100%}\n"
    "input{width:min(22rem,100%)}\n"
    "select{max-width:14rem}\n"
    "kbd{border:1px solid #8888;border-radius:.2rem;padding:0 .2rem}\n"
    ".keys{font-size:.8rem;opacity:.8;margin:.3rem 0}\n"
    "article{border:1px solid #8886;border-left:.5rem solid #888;"
    "border-radius:.4rem;margin:1rem 0;padding:.5rem 1rem;"
    "content-visibility:auto;contain-intrinsic-size:auto 26rem;"
    "overflow-wrap:anywhere;scroll-margin-top:8rem}\n"
    "article:focus{outline:.2rem solid Highlight}\n"
    "article.low{border-left-color:#3a7}\n"
    "article.normal{border-left-color:#28d}\n"
    "article.high{border-left-color:#e80}\n"
    "article.critical{border-left-color:#d22}\n"
    "h2{font-size:1.1rem;margin:.2rem 0}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;"
    "margin:.5rem 0}\n"
    "dt{opacity:.7}\n"
    "dd{margin:0}\n"
    ".frames{display:flex;flex-wrap:wrap;gap:.5rem;align-items:flex-start}\n"
    "figure{margin:0;width:min-content;min-width:16rem}\n"
    "img{display:block;max-width:min(24rem,85vw);max-height:18rem;width:auto;"
    "height:auto;background:#8883}\n"
    "figcaption,.record{font-size:.8rem;opacity:.8}\n"
    ".none{border:1px dashed #888;padding:.5rem}\n"
    "[hidden]{display:none}\n"
    "@media print{header{position:static}form,.keys{display:none}"
    "body{max-width:none;font-size:.8rem}"
    "article{break-inside:avoid;content-visibility:visible}"
    "img{max-height:12rem}}\n";

/* Values of events get into the page's controls as text alone. */
static const char script[] = "\n"
    "'use strict';\n"
    "const form = document.forms[0], keys = ['topic', 'level', 'camera', "
    "'day'];\n"
    "const cards = Array.from(document.querySelectorAll('article'));\n"
    "const texts = cards.map(c => c.textContent.toLowerCase());\n"
    "const shown = document.getElementById('shown');\n"
    "for (const key of keys) {\n"
    "  const values = new Set(cards.map(c => c.dataset[key]));\n"
    "  for (const value of Array.from(values).sort())\n"
    "    form[key].add(new Option(value, '=' + value));\n"
    "}\n"
    "function search() {\n"
    "  const words = form.q.value.toLowerCase().split(/\\s+/);\n"
    "  const wanted = keys.filter(k => form[k].value !== '');\n"
    "  let n = 0;\n"
    "  cards.forEach((c, i) => {\n"
    "    const hit = wanted.every(k => form[k].value === '=' + "
    "c.dataset[k]) &&\n"
    "      words.every(w => texts[i].includes(w));\n"
    "    c.hidden = !hit;\n"
    "    n += hit;\n"
    "  });\n"
    "  shown.textContent = n + ' of ' + cards.length + ' events';\n"
    "}\n"
    "function go(step) {\n"
    "  const at = cards.indexOf(document.activeElement.closest('article'));\n"
    "  let i = at < 0 ? (step > 0 ? 0 : cards.length - 1) : at + step;\n"
    "  while (cards[i] && cards[i].hidden)\n"
    "    i += step;\n"
    "  if (cards[i])\n"
    "    cards[i].focus();\n"
    "}\n"
    "form.onsubmit = e => e.preventDefault();\n"
    "form.oninput = search;\n"
    "form.onreset = () => setTimeout(search);\n"
    "document.onkeydown = e => {\n"
    "  const typing = e.target.matches('input, select');\n"
    "  if (e.ctrlKey || e.altKey || e.metaKey)\n"
    "    return;\n"
    "  if (e.key === 'Escape' && typing)\n"
    "    e.target.blur();\n"
    "  else if (typing)\n"
    "    return;\n"
    "  else if (e.key === '/')\n"
    "    form.q.focus();\n"
    "  else if (e.key === 'j')\n"
    "    go(1);\n"
    "  else if (e.key === 'k')\n"
    "    go(-1);\n"
    "  else\n"
    "    return;\n"
    "  e.preventDefault();\n"
    "};\n"
    "window.onbeforeprint = () => {\n"
    "  for (const c of cards)\n"
    "    if (!c.hidden)\n"
    "      c.querySelectorAll('img').forEach(i => { i.loading = 'eager'; "
    "});\n"
    "};\n"
    "form.hidden = document.getElementById('keys').hidden = false;\n"
    "search();\n";

static void
add_text(struct kx_buf *out, struct kx_span text)
{
	size_t i, plain = 0;
	const char *escape;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		switch (c) {
		case '&':
			escape = "&amp;";
			break;
		case '<':
			escape = "&lt;";
			break;
		case '>':
			escape = "&gt;";
			break;
		case '"':
			escape = "&quot;";
			break;
		case '\'':
			escape = "&#39;";
			break;
		default:
			if (c >= 0x20 && c != 0x7f)
				continue;
			escape = c == '\t' || c == '\n' || c == '\r' ? " " :
			    "\xef\xbf\xbd";
			break;
		}
		kx_buf_add(out, text.ptr + plain, i - plain);
		kx_buf_adds(out, escape);
		plain = i + 1;
	}
	if (i > plain)
		kx_buf_add(out, text.ptr + plain, i - plain);
}

/* Text of an event, which must not reorder what stands around it. */
static void
add_value(struct kx_buf *out, struct kx_span text)
{
	kx_buf_adds(out, "<bdi>");
	add_text(out, text);
	kx_buf_adds(out, "</bdi>");
}

/* Thirty-two bytes as base64 (RFC 4648): what a policy's hash is written
 * in. */
static void
add_hash(struct kx_buf *out, const uint8_t sum[KX_SHA256_SIZE])
{
	static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;
	uint32_t v;

	for (i = 0; i < KX_SHA256_SIZE; i += 3) {
		v = (uint32_t)sum[i] << 16 | (uint32_t)sum[i + 1] << 8;
		if (i + 2 < KX_SHA256_SIZE)
			v |= sum[i + 2];
		kx_buf_addc(out, symbols[v >> 18]);
		kx_buf_addc(out, symbols[v >> 12 & 63]);
		kx_buf_addc(out, symbols[v >> 6 & 63]);
		kx_buf_addc(out, i + 2 < KX_SHA256_SIZE ? symbols[v & 63] :
		    '=');
	}
}

bool
kx_page_begin(struct kx_buf *out, struct kx_hash *hash)
{
	static const struct {
		const char *name, *label;
	} filters[] = {
		{ "topic", "Topic" }, { "level", "Level" },
		{ "camera", "Camera" }, { "day", "Day" }
	};
	uint8_t style_sum[KX_SHA256_SIZE], script_sum[KX_SHA256_SIZE];
	size_t i;

	if (kx_hash_all(hash, style, strlen(style), style_sum) != KX_OK ||
	    kx_hash_all(hash, script, strlen(script), script_sum) != KX_OK)
		return false;
	kx_buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; img-src 'self' file:; style-src 'sha256-");
	add_hash(out, style_sum);
	kx_buf_adds(out, "'; script-src 'sha256-");
	add_hash(out, script_sum);
	kx_buf_adds(out, "'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<title>Events</title>\n<style>");
	kx_buf_adds(out, style);
	kx_buf_adds(out, "</style>\n</head>\n<body>\n<header>\n"
	    "<h1>Events</h1>\n"
	    "<form hidden role=\"search\"><label>Search "
	    "<input name=\"q\" type=\"search\" autocomplete=\"off\">"
	    "</label>\n");
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		kx_buf_addf(out, "<label>%s <select name=\"%s\" "
		    "autocomplete=\"off\"><option value=\"\">any</option>"
		    "</select></label>\n", filters[i].label,
		    filters[i].name);
	kx_buf_adds(out, "<button type=\"reset\">All</button> "
	    "<output id=\"shown\"></output></form>\n"
	    "<p class=\"keys\" id=\"keys\" hidden><kbd>/</kbd> search, "
	    "<kbd>Esc</kbd> leave it, <kbd>j</kbd> <kbd>k</kbd> next and "
	    "previous event, <kbd>Tab</kbd> <kbd>Enter</kbd> open a frame"
	    "</p>\n</header>\n<main>\n");
	return true;
}

/* One card being made. */
struct card {
	struct kx_buf *out;
	const struct kx_event *event;
	struct kx_buf *scratch;
};

static struct kx_span
text_of(const struct card *c, uint32_t node)
{
	struct kx_span text;

	if (!kx_value_text(c->event->json, node, c->scratch, &text))
		return KX_SPAN_NULL;
	return text;
}

static struct kx_span
field_of(const struct card *c, enum kx_field f)
{
	return text_of(c, kx_event_get(c->event, f));
}

static void
add_time(const struct card *c, enum kx_field f)
{
	char text[KX_TIME_SIZE];
	struct kx_span span;
	int64_t ms;

	if (kx_value_int(c->event->json, kx_event_get(c->event, f), &ms) &&
	    kx_time_format(ms, 0, text) > 0) {
		kx_buf_addf(c->out, "<time datetime=\"%s\">%s</time>", text,
		    text);
		return;
	}
	span = field_of(c, f);
	if (span.len == 0)
		span = KX_SPAN("time unknown");
	add_value(c->out, span);
}

/* `sep` and the text, where there is one. */
static bool
add_part(const struct card *c, const char *sep, uint32_t node)
{
	struct kx_span text = text_of(c, node);

	if (text.len == 0)
		return false;
	kx_buf_adds(c->out, sep);
	add_value(c->out, text);
	return true;
}

static void
add_level(const struct card *c, uint32_t node)
{
	const char *name = NULL;
	int64_t level;

	if (kx_value_int(c->event->json, node, &level))
		name = kx_level_name(level);
	if (name != NULL)
		kx_buf_adds(c->out, name);
	else if (!add_part(c, "", node))
		kx_buf_adds(c->out, "unknown");
}

static void
add_camera(const struct card *c)
{
	static const enum kx_field parts[] = {
		KX_EVENT_COUNTRY, KX_EVENT_REGION, KX_EVENT_COUNTY,
		KX_EVENT_CITY, KX_EVENT_DISTRICT, KX_EVENT_STREET,
		KX_EVENT_PLACE_INFO
	};
	const char *sep = "<dt>Place</dt><dd>";
	size_t i;

	kx_buf_adds(c->out, "<dt>Camera</dt><dd>");
	add_part(c, "", kx_event_get(c->event, KX_EVENT_CHANNEL_NAME));
	if (add_part(c, " (", kx_event_get(c->event, KX_EVENT_CHANNEL_ID)))
		kx_buf_addc(c->out, ')');
	kx_buf_adds(c->out, "</dd>\n");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (add_part(c, sep, kx_event_get(c->event, parts[i])))
			sep = ", ";
	}
	if (*sep == ',')
		kx_buf_adds(c->out, "</dd>\n");
}

static void
add_face(const struct card *c, const struct kx_row *face)
{
	kx_buf_adds(c->out, "<dt>Person</dt><dd>");
	add_part(c, "", kx_row_get(face, KX_FACE_FIRST_NAME));
	add_part(c, " ", kx_row_get(face, KX_FACE_LAST_NAME));
	add_part(c, ", similarity ", kx_row_get(face, KX_FACE_SIMILARITY));
	add_part(c, ", id ", kx_row_get(face, KX_FACE_ID));
	kx_buf_adds(c->out, "</dd>\n");
}

static void
add_plate(const struct card *c, const struct kx_row *plate)
{
	kx_buf_adds(c->out, "<dt>Plate</dt><dd>");
	add_part(c, "", kx_row_get(plate, KX_PLATE_NUMBER));
	add_part(c, " ", kx_row_get(plate, KX_PLATE_STATE));
	add_part(c, ", owner ", kx_row_get(plate, KX_PLATE_OWNER_FIRST_NAME));
	add_part(c, " ", kx_row_get(plate, KX_PLATE_OWNER_LAST_NAME));
	add_part(c, ", reliability ",
	    kx_event_get(c->event, KX_EVENT_RELIABILITY));
	kx_buf_adds(c->out, "</dd>\n");
}

static void
add_identities(const struct card *c)
{
	const struct kx_rows *ids = &c->event->rows[KX_GROUP_IDENTITY];
	const struct kx_rows *faces = &c->event->rows[KX_GROUP_FACE];
	const struct kx_rows *plates = &c->event->rows[KX_GROUP_PLATE];
	uint32_t i, f = 0, p = 0;

	for (i = 0; i < ids->n; i++) {
		const struct kx_row *id = &ids->row[i];

		for (; f < faces->n && faces->row[f].identity <= i; f++)
			add_face(c, &faces->row[f]);
		for (; p < plates->n && plates->row[p].identity <= i; p++)
			add_plate(c, &plates->row[p]);
		if (!add_part(c, "<dt>List</dt><dd>",
		    kx_row_get(id, KX_IDENTITY_LIST_NAME)) &&
		    !add_part(c, "<dt>List</dt><dd>",
		    kx_row_get(id, KX_IDENTITY_LIST_ID)))
			continue;
		kx_buf_adds(c->out, ", level ");
		add_level(c, kx_row_get(id, KX_IDENTITY_LIST_LEVEL));
		kx_buf_adds(c->out, "</dd>\n");
	}
}

/* What analytics saw: the fields that are there, by their names. */
static void
add_seen(const struct card *c)
{
	static const struct {
		enum kx_field field;
		const char *name;
	} seen[] = {
		{ KX_EVENT_AGE, "age " },
		{ KX_EVENT_GENDER, "gender " },
		{ KX_EVENT_RACE, "appearance " },
		{ KX_EVENT_GLASSES, "glasses " },
		{ KX_EVENT_BEARD, "beard " },
		{ KX_EVENT_HAS, "headdress " },
		{ KX_EVENT_MASK, "mask " },
		{ KX_EVENT_COLOR, "colour " },
		{ KX_EVENT_COLOR_RELIABILITY, "reliability " },
		{ KX_EVENT_OBJECT_TYPE, "vehicle " },
		{ KX_EVENT_OBJECT_TYPE_RELIABILITY, "reliability " }
	};
	const char *sep = "<dt>Seen</dt><dd>";
	size_t i;

	for (i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		const struct kx_json *json = c->event->json;
		uint32_t node = kx_event_get(c->event, seen[i].field);
		struct kx_span text = KX_SPAN_NULL;

		if (node == 0)
			continue;
		switch (kx_json_type(json, node)) {
		case KX_JSON_TRUE:
			text = KX_SPAN("yes");
			break;
		case KX_JSON_FALSE:
			text = KX_SPAN("no");
			break;
		default:
			text = text_of(c, node);
			break;
		}
		if (text.len == 0)
			continue;
		kx_buf_adds(c->out, sep);
		kx_buf_adds(c->out, seen[i].name);
		add_value(c->out, text);
		sep = ", ";
	}
	if (*sep == ',')
		kx_buf_adds(c->out, "</dd>\n");
}

/* What the filters go by. */
static void
begin_card(const struct card *c, const char *level)
{
	struct kx_span camera = field_of(c, KX_EVENT_CHANNEL_NAME);
	char day[KX_TIME_SIZE] = "unknown";
	int64_t ms;

	kx_buf_addf(c->out, "<article tabindex=\"-1\" class=\"%s\" "
	    "data-level=\"%s\" data-camera=\"", level, level);
	add_text(c->out, camera);
	if (camera.len == 0)
		add_text(c->out, field_of(c, KX_EVENT_CHANNEL_ID));
	kx_buf_adds(c->out, "\" data-topic=\"");
	add_text(c->out, field_of(c, KX_EVENT_TOPIC));
	if (kx_value_int(c->event->json, kx_event_get(c->event,
	    KX_EVENT_START_TIME), &ms) && kx_time_format(ms, 0, day) > 0)
		*strchrnul(day, 'T') = '\0';
	else
		memcpy(day, "unknown", sizeof("unknown"));
	kx_buf_addf(c->out, "\" data-day=\"%s\">\n<h2>", day);
}

bool
kx_page_card(struct kx_buf *out, const struct kx_event *event,
    struct kx_buf *scratch)
{
	struct card c = { out, event, scratch };
	const char *level = NULL;
	int64_t n;

	if (kx_value_int(event->json, kx_event_get(event, KX_EVENT_LEVEL),
	    &n))
		level = kx_level_name(n);
	begin_card(&c, level == NULL ? "unknown" : level);
	add_time(&c, KX_EVENT_START_TIME);
	kx_buf_addc(out, ' ');
	add_value(out, field_of(&c, KX_EVENT_TOPIC));
	kx_buf_adds(out, "</h2>\n<dl>\n<dt>Level</dt><dd>");
	add_level(&c, kx_event_get(event, KX_EVENT_LEVEL));
	kx_buf_adds(out, "</dd>\n");
	add_camera(&c);
	add_identities(&c);
	add_seen(&c);
	kx_buf_adds(out, "<dt>Event</dt><dd>");
	add_value(out, field_of(&c, KX_EVENT_ID));
	add_part(&c, ", ", kx_event_get(event, KX_EVENT_EVENT_ID));
	add_part(&c, ", module ", kx_event_get(event, KX_EVENT_MODULE));
	add_part(&c, ", monitor ", kx_event_get(event, KX_EVENT_MONITOR_ID));
	kx_buf_adds(out, "</dd>\n</dl>\n<div class=\"frames\">\n");
	return !scratch->failed;
}

void
kx_page_frame(struct kx_buf *out, const struct kx_page_frame *frame)
{
	char text[KX_TIME_SIZE];

	kx_buf_adds(out, "<figure>");
	if (frame->href != NULL) {
		kx_buf_adds(out, "<a href=\"");
		add_text(out, kx_span_str(frame->href));
		kx_buf_adds(out, "\"><img loading=\"lazy\" src=\"");
		add_text(out, kx_span_str(frame->href));
		kx_buf_addc(out, '"');
		if (frame->width > 0 && frame->height > 0)
			kx_buf_addf(out, " width=\"%" PRIu32 "\" height=\"%"
			    PRIu32 "\"", frame->width, frame->height);
		kx_buf_adds(out, " alt=\"");
		add_text(out, frame->type);
		kx_buf_adds(out, "\"></a>");
	} else {
		kx_buf_adds(out, "<div class=\"none\">not here</div>");
	}
	kx_buf_adds(out, "<figcaption>");
	add_value(out, frame->type);
	if (frame->width > 0 && frame->height > 0)
		kx_buf_addf(out, " %" PRIu32 " &times; %" PRIu32,
		    frame->width, frame->height);
	if (frame->sha256.len > 0) {
		kx_buf_adds(out, "<br>SHA-256 <code>");
		add_text(out, frame->sha256);
		kx_buf_adds(out, "</code>");
	}
	if (frame->reason.len > 0) {
		kx_buf_adds(out, "<br>");
		add_text(out, frame->reason);
	}
	if (frame->expires && kx_time_format(frame->expires_ms, 0, text) > 0)
		kx_buf_addf(out, "<br>on the server until %s", text);
	kx_buf_adds(out, "</figcaption></figure>\n");
}

void
kx_page_card_end(struct kx_buf *out, struct kx_span source, uint64_t line,
    struct kx_span record_sha256)
{
	kx_buf_adds(out, "</div>\n<p class=\"record\">Record ");
	add_value(out, source);
	kx_buf_addf(out, ", line %" PRIu64 ", SHA-256 <code>", line);
	add_text(out, record_sha256);
	kx_buf_adds(out, "</code></p>\n</article>\n");
}

void
kx_page_end(struct kx_buf *out, const struct kx_page_totals *totals)
{
	kx_buf_addf(out, "</main>\n<footer>\n<p>Events: %" PRIu64 ". Frames: %"
	    PRIu64 ". Frames that are not here: %" PRIu64
	    ". Records that could not be used: %" PRIu64 ".</p>\n"
	    "<p>Times are UTC. <a href=\"events.ndjson\">Records</a>, "
	    "<a href=\"manifest.csv\">manifest</a>.</p>\n</footer>\n<script>",
	    totals->events, totals->frames, totals->not_here,
	    totals->malformed);
	kx_buf_adds(out, script);
	kx_buf_adds(out, "</script>\n</body>\n</html>\n");
}
