/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * genlog writes webhook event logs for tests and measurements: NDJSON, the
 * same bytes from the same options on every machine with the same libjpeg and
 * libpng (no clock, no locale, no floating point).
 *
 * genevent.c makes the events and genframes.c their pictures; here are the
 * faulty lines that --broken puts between them, after genfaults.def, and the
 * order of things in a log.  Lean logs are made at some 200 MB/s.
 */

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "genlog.h"

/* ---- Lines with faults. ---- */

struct fault {
	const char	*name;
	char		 class;		/* see fault_classes */
	char		 base;		/* which of the templates */
	const char	*find, *put;	/* find NULL: put is the whole line */
	const char	*unit;		/* what @REP@ repeats, and how often */
	unsigned	 count;
	enum { ALWAYS, HUGE, LAST } when;
};

static const struct {
	char		 class;
	const char	*name;
} fault_classes[] = {
	{ 'm', "malformed" },	/* no JSON text in UTF-8 (RFC 8259) */
	{ 'w', "wellformed" },	/* one, whatever it says */
	{ 'l', "limit" },	/* one that a reader may refuse for its depth */
	{ 'b', "blank" },	/* no text at all, and no fault of the log */
};

#define FAULT(name, class, base, find, put) \
	{ name, class, base, find, put, NULL, 0, ALWAYS },
#define FAULT_REP(name, class, base, find, put, unit, count) \
	{ name, class, base, find, put, unit, count, ALWAYS },
#define FAULT_HUGE(name, class, base, find, put, unit, count) \
	{ name, class, base, find, put, unit, count, HUGE },
#define FAULT_LAST(name, class, base, find, put) \
	{ name, class, base, find, put, NULL, 0, LAST },
static const struct fault faults[] = {
#include "genfaults.def"
};

/*
 * What faults are made in: the document's examples.  @NAME@ stands for what
 * is new in each line; see token_put().
 */
#define HEAD(topic, module, level) "{\"monitor_id\":114," \
	"\"id\":\"203:@MS@:@EID@\",\"event_id\":\"@EID@\"," \
	"\"topic\":\"" topic "\",\"module\":\"" module "\"," \
	"\"level\":" level ",\"start_time\":@MS@,\"end_time\":@END@,"
#define TAIL "\"snapshots\":[{\"type\":\"FULLSCREEN\"," \
	"\"path\":\"/api/v1/media/snapshot/274-610/3824-@NS@.jpg" \
	"?ttl=2592000\",\"image\":\"@JPG@\"},{\"type\":\"THUMBNAIL\"," \
	"\"path\":\"/api/v1/media/snapshot/274-610/thumbnail/3824-@NS2@.jpg" \
	"?ttl=2592000\",\"image\":\"@PNG@\"}],\"channel\":{\"id\":274," \
	"\"channel_type\":\"STREAM\",\"name\":\"1-4-09\"," \
	"\"latitude\":13.90930437837479,\"longitude\":17.596215903759006," \
	"\"address\":{\"country\":\"USA\",\"region\":\"A region\"," \
	"\"county\":\"123 district\",\"city\":\"Miami\"," \
	"\"district\":\"Beavers\",\"street\":\"Highway street\"," \
	"\"place_info\":\"32\"},\"tags\":[{\"id\":170,\"name\":\"Face\"}]}}"

static const struct {
	char		 base;
	const char	*line;
} bases[] = {
	{ 'F', HEAD("FaceMatched", "KX.Faces", "1")
	    "\"params\":{\"identities\":[{\"faces\":[{\"id\":14461,"
	    "\"similarity\":0.93269664,\"first_name\":\"Mark\","
	    "\"last_name\":\"Frol\"}],\"list\":{\"id\":552,"
	    "\"name\":\"List\",\"level\":1}}],\"attributes\":{\"age\":44,"
	    "\"gender\":\"male\",\"race\":\"caucasian\",\"glasses\":true,"
	    "\"beard\":true,\"has\":false,\"mask\":false}}," TAIL },
	{ 'P', HEAD("PlateMatched", "KX.PDD", "2")
	    "\"params\":{\"identities\":[{\"plates\":[{\"id\":186177,"
	    "\"number\":\"2222HH7\",\"state\":\"BY\","
	    "\"owner_first_name\":\"Sergey\","
	    "\"owner_last_name\":\"Ivanov\"}],\"list\":{\"id\":3,"
	    "\"name\":\"GSM\",\"level\":2}}],\"object\":{\"color\":{"
	    "\"value\":\"gray\",\"reliability\":0.98652285},"
	    "\"object_type\":{\"value\":\"car\","
	    "\"reliability\":0.99994373}},\"reliability\":0.9884001}," TAIL },
	{ 'O', HEAD("LineCrossed", "KX.Perimeter", "1") "\"params\":{}," TAIL },
};

/* Values of the line at hand. */
struct line {
	const struct fault *fault;
	int64_t		 ms;
	char		 event_id[24];
};

/* The base64 text of a small picture, spoilt in the way that is named. */
static void
picture_put(struct gen *g, struct text *t, const char *name)
{
	struct frame *f = &g->small[strncmp(name, "PNG", 3) == 0];
	const char *how = name[3] == '-' ? name + 4 : "";
	size_t cut = f->data_len * 2 / 3 + 1, at = t->len;

	if (strcmp(how, "truncated") == 0) {
		text_reserve(t, f->text_len);
		t->len += base64_put(t->at + t->len, f->data, cut);
		return;
	}
	text_put(t, f->text, f->text_len);	/* ends in two '=' */
	if (strcmp(how, "unpadded") == 0) {
		t->len -= 2;
	} else if (strcmp(how, "short") == 0) {
		t->len -= 3;		/* one digit left over */
	} else if (strcmp(how, "pad-bits") == 0) {
		t->at[t->len - 3]++;	/* of A, Q, g or w; all else is zero */
	} else if (strcmp(how, "alphabet") == 0) {
		t->at[at + f->text_len / 2] = '*';
	} else if (strcmp(how, "inner-pad") == 0) {
		t->at[at + f->text_len / 2] = '=';
	} else if (strcmp(how, "space") == 0) {
		t->at[at + f->text_len / 2] = ' ';
	} else if (strcmp(how, "url") == 0) {
		for (; at < t->len; at++)
			t->at[at] = t->at[at] == '+' ? '-' :
			    t->at[at] == '/' ? '_' : t->at[at];
	} else if (strcmp(how, "folded") == 0) {
		t->len = at;
		for (size_t i = 0; i < f->text_len; i += 76) {
			size_t n = f->text_len - i;

			text_put(t, f->text + i, n < 76 ? n : 76);
			text_put(t, "\\r\\n", 4);
		}
	} else if (strcmp(how, "percent") == 0) {
		t->len = at;
		for (size_t i = 0; i < f->data_len; i++) {
			text_reserve(t, 4);
			t->len += (size_t)snprintf(t->at + t->len, 4, "%%%02X",
			    f->data[i]);
		}
	} else if (*how != '\0')
		errx(2, "genfaults.def: no picture %s", name);
}

static void	 line_expand(struct gen *, struct text *, const struct line *,
		    const char *);

static const char *
base_of(const struct fault *fault)
{
	for (size_t i = 0; i < LEN(bases); i++)
		if (bases[i].base == fault->base)
			return bases[i].line;
	errx(2, "genfaults.def: %s: no base", fault->name);
}

static void
token_put(struct gen *g, struct text *t, const struct line *line,
    const char *name)
{
	static const struct {
		const char	*name;
		int64_t		 times, plus;
	} stamps[] = {		/* the start, in other units and places */
		{ "MS", 1, 0 }, { "END", 1, 7829 }, { "BEFORE", 1, -5000 },
		{ "DAY2", 1, 90000000 }, { "LATE", 1000000, 9999000000 },
		{ "US", 1000, 123 }, { "NS", 1000000, 531712 },
		{ "NS2", 1000000, 3179655104 }, { "LONG", 1000000, 500000000000 },
	};
	struct text whole = { NULL, 0, 0 };

	for (size_t i = 0; i < LEN(stamps); i++)
		if (strcmp(name, stamps[i].name) == 0) {
			text_put_int(t, line->ms * stamps[i].times + stamps[i].plus);
			return;
		}
	if (strcmp(name, "EID") == 0) {
		text_puts(t, line->event_id);
	} else if (strcmp(name, "SEC") == 0) {
		text_put_int(t, line->ms / 1000);
	} else if (strcmp(name, "NUL") == 0) {
		text_putc(t, '\0');
	} else if (strcmp(name, "REP") == 0) {
		for (unsigned i = 0; i < line->fault->count; i++)
			text_puts(t, line->fault->unit);
	} else if (strcmp(name, "CLOSE") == 0) {
		for (unsigned i = 0; i < line->fault->count; i++)
			text_putc(t, ']');
	} else if (strncmp(name, "JPG", 3) == 0 ||
	    strncmp(name, "PNG", 3) == 0) {
		picture_put(g, t, name);
	} else {
		line_expand(g, &whole, line, base_of(line->fault));
		if (strcmp(name, "LINE") == 0) {
			text_put(t, whole.at, whole.len);
		} else if (strcmp(name, "HALF") == 0) {
			text_put(t, whole.at, whole.len / 2);
		} else if (strcmp(name, "QUOTED") == 0) {
			text_putc(&whole, '\0');
			text_put_quoted(t, whole.at);
		} else if (strcmp(name, "UTF16") == 0) {
			for (size_t i = 0; i < whole.len; i++) {
				text_putc(t, whole.at[i]);
				text_putc(t, '\0');
			}
		} else
			errx(2, "genfaults.def: no @%s@", name);
		free(whole.at);
	}
}

static void
line_expand(struct gen *g, struct text *t, const struct line *line,
    const char *src)
{
	const char *at, *end;
	char name[24];

	while ((at = strchr(src, '@')) != NULL) {
		text_put(t, src, (size_t)(at - src));
		if ((end = strchr(++at, '@')) == NULL ||
		    (size_t)(end - at) >= sizeof(name))
			errx(2, "genfaults.def: %s: stray @",
			    line->fault->name);
		memcpy(name, at, (size_t)(end - at));
		name[end - at] = '\0';
		token_put(g, t, line, name);
		src = end + 1;
	}
	text_puts(t, src);
}

static void
fault_make(struct gen *g, const struct fault *fault)
{
	struct line line = { .fault = fault, .ms = g->clock_ms };
	struct text edited = { NULL, 0, 0 };
	const char *base = base_of(fault), *at;

	g->events++;
	clock_move(g);
	event_id_make(g, line.event_id, sizeof(line.event_id));
	frame_stamp(&g->small[0], rnd(&g->stamps));
	frame_stamp(&g->small[1], rnd(&g->stamps));
	g->record.len = 0;
	if (fault->find == NULL) {
		line_expand(g, &g->record, &line, fault->put);
		return;
	}
	if ((at = strstr(base, fault->find)) == NULL)
		errx(2, "genfaults.def: %s: nothing to replace", fault->name);
	text_put(&edited, base, (size_t)(at - base));
	text_puts(&edited, fault->put);
	text_puts(&edited, at + strlen(fault->find));
	text_putc(&edited, '\0');
	line_expand(g, &g->record, &line, edited.at);
	free(edited.at);
}

/* Small pictures whose base64 text has two '=' to spoil and both + and /. */
static void
small_make(struct gen *g)
{
	for (unsigned png = 0; png < 2; png++) {
		struct frame_spec spec = { FRAME_FACE, 40, 48,
		    png ? FRAME_PNG | FRAME_PALETTE : 0, 60, 4 };
		struct frame *f = &g->small[png];

		for (uint64_t seed = 1;; seed++) {
			frame_make(f, &spec, seed);
			if (f->data_len % 3 == 1 &&
			    memchr(f->text, '+', f->text_len) != NULL &&
			    memchr(f->text, '/', f->text_len) != NULL)
				break;
			frame_fini(f);
		}
	}
}

/* ---- The log. ---- */

static void
record_write(struct gen *g, const struct text *t, bool lf)
{
	if (lf)
		text_putc(&g->record, '\n');
	if (fwrite(t->at, 1, t->len, g->out) != t->len)
		err(2, "write");
	g->bytes += t->len;
	g->lines++;
}

static void
fault_write(struct gen *g, const struct fault *fault)
{
	size_t class = 0;

	fault_make(g, fault);
	record_write(g, &g->record, fault->when != LAST);
	if (g->index == NULL)
		return;
	while (fault_classes[class].class != fault->class)
		class++;
	if (fprintf(g->index, "%" PRIu64 "\t%s\t%s\n", g->lines, fault->name,
	    fault_classes[class].name) < 0)
		err(2, "write");
}

static void
good_write(struct gen *g)
{
	if (g->again_in > 0 && --g->again_in == 0) {
		record_write(g, &g->again, false);
		return;
	}
	event_make(g);
	record_write(g, &g->record, true);
	if (g->again_in == 0 && chance(g, 4)) {
		g->again.len = 0;
		text_put(&g->again, g->record.at, g->record.len);
		g->again_in = 1 + below(g, 12);
	}
}

static void
log_write(struct gen *g, uint64_t size, uint64_t records, bool broken)
{
	size_t n = 0, passes = 0;

	if (broken)
		small_make(g);
	while (size > 0 ? g->bytes < size : records > 0 ? g->lines < records :
	    broken ? passes == 0 : g->lines < 1000) {
		/*
		 * A fault stands between good events, or next to others; a
		 * byte order mark is first in the log or it is a fault.
		 */
		if (broken && (g->lines == 0 || below(g, 3) > 0)) {
			if (faults[n].when == ALWAYS ||
			    (faults[n].when == HUGE && g->huge))
				fault_write(g, &faults[n]);
			if (++n == LEN(faults)) {
				n = 1;
				passes++;
			}
		} else
			good_write(g);
	}
	for (n = 0; broken && n < LEN(faults); n++)
		if (faults[n].when == LAST)
			fault_write(g, &faults[n]);
}

/* The pictures of tests/data/frames. */
static void
frames_write(const char *dir)
{
	static const struct {
		const char	*name;
		struct frame_spec spec;
	} files[] = {
		{ "face.jpg", { FRAME_FACE, 96, 120, 0, 75, 4 } },
		{ "plate.jpg", { FRAME_PLATE, 120, 48, 0, 75, 2 } },
		{ "scene-progressive.jpg",
		    { FRAME_SCENE, 128, 72, FRAME_PROGRESSIVE, 60, 2 } },
		{ "gray.jpg", { FRAME_FACE, 64, 64, FRAME_GRAY, 70, 3 } },
		{ "dot.jpg", { FRAME_SCENE, 1, 1, 0, 50, 0 } },
		{ "face.png", { FRAME_FACE, 40, 48, FRAME_PNG, 0, 0 } },
		{ "plate-palette.png", { FRAME_PLATE, 120, 48,
		    FRAME_PNG | FRAME_PALETTE, 0, 8 } },
		{ "scene-interlaced.png", { FRAME_SCENE, 64, 36,
		    FRAME_PNG | FRAME_PROGRESSIVE, 0, 0 } },
		{ "gray.png", { FRAME_PLATE, 64, 32, FRAME_PNG | FRAME_GRAY,
		    0, 2 } },
		{ "dot.png", { FRAME_SCENE, 1, 1, FRAME_PNG, 0, 0 } },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < LEN(files); i++) {
		struct frame f;
		FILE *out;

		if (snprintf(path, sizeof(path), "%s/%s", dir, files[i].name) >=
		    (int)sizeof(path))
			errx(2, "%s: the name is too long", dir);
		frame_make(&f, &files[i].spec, i + 1);
		frame_stamp(&f, i + 1);
		if ((out = fopen(path, "wb")) == NULL ||
		    fwrite(f.data, 1, f.data_len, out) != f.data_len ||
		    fclose(out) != 0)
			err(2, "%s", path);
		frame_fini(&f);
	}
}

static uint64_t
number_of(const char *option, const char *arg)
{
	char *end;
	uint64_t n = strtoull(arg, &end, 10), times = 1;

	switch (*end) {
	case 'G':
		times *= 1000;
		/* FALLTHROUGH */
	case 'M':
		times *= 1000;
		/* FALLTHROUGH */
	case 'K':
		times *= 1000;
		end++;
	}
	if (*arg < '0' || *arg > '9' || *end != '\0' ||
	    __builtin_mul_overflow(n, times, &n))
		errx(2, "--%s=%s: not a number", option, arg);
	return n;
}

static FILE *
output_open(const char *path)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");

	if (out == NULL)
		err(2, "%s", path);
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	return out;
}

static const char usage[] =
"Usage: genlog [OPTION]...\n"
"Write a webhook event log for tests: NDJSON, the same for the same options.\n"
"\n"
"  --seed=N             another log\n"
"  --size=BYTES         of so many bytes or a record more; suffix K, M or G,\n"
"                       powers of 1000\n"
"  --events=N           of so many lines (default 1000)\n"
"  --images             with pictures in most events\n"
"  --broken             with faulty lines; by default each kind once\n"
"  --huge               and with faults that take tens of megabytes\n"
"  --broken-index=FILE  list them: line number, name and one of malformed,\n"
"                       wellformed, limit and blank, between tabs\n"
"  --frames=DIR         write a few small pictures into DIR instead\n"
"  -o, --output=FILE    default: standard output\n"
"  -h, --help\n";

int
main(int argc, char **argv)
{
	enum { SEED = 256, SIZE, EVENTS, IMAGES, BROKEN, HUGE_ONES, INDEX, FRAMES };
	static const struct option options[] = {
		{ "seed", required_argument, NULL, SEED },
		{ "size", required_argument, NULL, SIZE },
		{ "events", required_argument, NULL, EVENTS },
		{ "images", no_argument, NULL, IMAGES },
		{ "broken", no_argument, NULL, BROKEN },
		{ "huge", no_argument, NULL, HUGE_ONES },
		{ "broken-index", required_argument, NULL, INDEX },
		{ "frames", required_argument, NULL, FRAMES },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct gen gen;
	struct gen *g = &gen;
	uint64_t size = 0, records = 0, seed = 1;
	const char *output = "-", *index = NULL;
	bool broken = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1)
		switch (opt) {
		case SEED:
			seed = number_of("seed", optarg);
			break;
		case SIZE:
			size = number_of("size", optarg);
			break;
		case EVENTS:
			records = number_of("events", optarg);
			break;
		case IMAGES:
			g->images = true;
			break;
		case BROKEN:
			broken = true;
			break;
		case HUGE_ONES:
			g->huge = true;
			break;
		case INDEX:
			index = optarg;
			break;
		case FRAMES:
			frames_write(optarg);
			return 0;
		case 'o':
			output = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return fflush(stdout) == 0 ? 0 : 2;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind < argc || (index != NULL && !broken)) {
		fputs(usage, stderr);
		return 2;
	}
	g->seed = seed;
	gen_init(g);
	g->out = output_open(output);
	g->index = index != NULL ? output_open(index) : NULL;
	log_write(g, size, records, broken);
	if (fclose(g->out) != 0)
		err(2, "%s", output);
	if (g->index != NULL && fclose(g->index) != 0)
		err(2, "%s", index);
	return 0;
}
