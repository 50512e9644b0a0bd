/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The events of genlog.  An event is drawn at random into struct event, then
 * printed by the tables of struct member, in the manner of the serialiser that
 * its camera sits behind: order of keys at every depth, separators, escapes,
 * spellings.  Every one satisfies the event document in its default reading.
 *
 * Pictures are drawn when first used, some 400 in all; afterwards each use is
 * a copy with a new number stamped into it, so no two are the same bytes
 * unless meant.  An event without pictures costs about five microseconds.
 */

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "genlog.h"

#define NONE		INT64_MIN	/* an absent integer */
#define ORDERS		8		/* of keys, in each kind of object */
#define MEMBERS_MAX	24
#define CAMERAS		64
#define SNAPSHOTS_MAX	5
#define IDENTITIES_MAX	4
#define FIRST_MS	INT64_C(1685973361368)

/* ---- Growing text. ---- */

void
text_reserve(struct text *t, size_t more)
{
	if (t->size - t->len >= more)
		return;
	t->size = 2 * (t->len + more) + 4096;
	if ((t->at = realloc(t->at, t->size)) == NULL)
		err(2, "a record");
}

void
text_put(struct text *t, const char *src, size_t len)
{
	text_reserve(t, len);
	memcpy(t->at + t->len, src, len);
	t->len += len;
}

void
text_puts(struct text *t, const char *src)
{
	text_put(t, src, strlen(src));
}

void
text_putc(struct text *t, char c)
{
	text_put(t, &c, 1);
}

void
text_put_int(struct text *t, int64_t n)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--at = '-';
	text_put(t, at, (size_t)(digits + sizeof(digits) - at));
}

/* ---- What is in an event. ---- */

struct list {
	const void	*items;
	int		 n;		/* -1: absent */
};

struct address {
	int		 here;		/* first in each object: present? */
	const char	*country, *region, *county, *city, *district, *street;
	const char	*place_info;
};

struct tag {
	int		 here;
	int64_t		 id;
	const char	*name;
};

struct channel {
	int		 here;
	int64_t		 id, stream_id;
	const char	*type, *name;
	char		 latitude[24], longitude[24];
	struct address	 address;
	struct list	 tags;
};

struct face {
	int		 here;
	int64_t		 id;
	char		 similarity[16];
	const char	*first_name, *last_name;
};

struct plate {
	int		 here;
	int64_t		 id;
	const char	*state, *first_name, *last_name;
	char		 number[32];
};

struct watch_list {
	int		 here;
	int64_t		 id, level;
	const char	*name;
};

struct identity {
	int		 here;
	struct list	 faces, plates;
	struct watch_list list;
};

struct attributes {
	int		 here;
	int64_t		 age;
	const char	*gender, *race;
	int		 glasses, beard, has, mask;	/* -1: absent */
};

struct rated {
	int		 here;
	const char	*value;
	char		 reliability[16];
};

struct object {
	int		 here;
	struct rated	 color, type;
};

struct params {
	int		 here;
	struct list	 identities;
	struct attributes attributes;
	struct object	 object;
	char		 reliability[16], event_id[24];
};

struct snapshot {
	int		 here;
	const char	*type;
	char		 path[160];
	const char	*uri;		/* before the base64 text, or "" */
	const struct frame *image;	/* NULL: a path only */
};

struct event {
	int		 here;
	int64_t		 monitor_id, level, start_time;
	char		 id[64], event_id[24], end_time[24];
	const char	*topic, *module, *source_name;
	struct params	 params;
	struct list	 snapshots;
	struct channel	 channel;	/* here is 0 where it is spelled flat */
	struct channel	 flat;
};

/* ---- How it is printed. ---- */

enum kind {
	INT,		/* int64_t */
	TEXT,		/* const char *, UTF-8 */
	CHARS,		/* char[], ASCII */
	RAW,		/* char[], printed as it is; "" is absent */
	BOOL,		/* int */
	OBJECT,		/* a struct */
	ARRAY,		/* struct list of structs */
	IMAGE		/* uri and image of struct snapshot */
};

struct shape;

struct member {
	const char	*key;
	enum kind	 kind;
	size_t		 off;
	const struct shape *shape;
};

struct shape {
	const struct member *members;
	unsigned	 members_len;
	size_t		 size;		/* of one in an ARRAY */
};

#define AT(key, kind, type, field) \
	{ key, kind, offsetof(struct type, field), NULL }
#define IN(key, kind, type, field, shape) \
	{ key, kind, offsetof(struct type, field), &shape##_shape }
#define SHAPE(name) \
	static const struct shape name##_shape = \
	    { name##_members, LEN(name##_members), sizeof(struct name) }

static const struct member address_members[] = {
	AT("country", TEXT, address, country),
	AT("region", TEXT, address, region),
	AT("county", TEXT, address, county),
	AT("city", TEXT, address, city),
	AT("district", TEXT, address, district),
	AT("street", TEXT, address, street),
	AT("place_info", TEXT, address, place_info),
};
SHAPE(address);

static const struct member tag_members[] = {
	AT("id", INT, tag, id),
	AT("name", TEXT, tag, name),
};
SHAPE(tag);

static const struct member channel_members[] = {
	AT("id", INT, channel, id),
	AT("channel_type", TEXT, channel, type),
	AT("stream_id", INT, channel, stream_id),
	AT("name", TEXT, channel, name),
	AT("latitude", RAW, channel, latitude),
	AT("longitude", RAW, channel, longitude),
	IN("address", OBJECT, channel, address, address),
	IN("tags", ARRAY, channel, tags, tag),
};
SHAPE(channel);

static const struct member face_members[] = {
	AT("id", INT, face, id),
	AT("similarity", RAW, face, similarity),
	AT("first_name", TEXT, face, first_name),
	AT("last_name", TEXT, face, last_name),
};
SHAPE(face);

static const struct member plate_members[] = {
	AT("id", INT, plate, id),
	AT("number", CHARS, plate, number),
	AT("state", TEXT, plate, state),
	AT("owner_first_name", TEXT, plate, first_name),
	AT("owner_last_name", TEXT, plate, last_name),
};
SHAPE(plate);

static const struct member watch_list_members[] = {
	AT("id", INT, watch_list, id),
	AT("name", TEXT, watch_list, name),
	AT("level", INT, watch_list, level),
};
SHAPE(watch_list);

static const struct member identity_members[] = {
	IN("faces", ARRAY, identity, faces, face),
	IN("plates", ARRAY, identity, plates, plate),
	IN("list", OBJECT, identity, list, watch_list),
};
SHAPE(identity);

static const struct member attributes_members[] = {
	AT("age", INT, attributes, age),
	AT("gender", TEXT, attributes, gender),
	AT("race", TEXT, attributes, race),
	AT("glasses", BOOL, attributes, glasses),
	AT("beard", BOOL, attributes, beard),
	AT("has", BOOL, attributes, has),
	AT("mask", BOOL, attributes, mask),
};
SHAPE(attributes);

static const struct member rated_members[] = {
	AT("value", TEXT, rated, value),
	AT("reliability", RAW, rated, reliability),
};
SHAPE(rated);

static const struct member object_members[] = {
	IN("color", OBJECT, object, color, rated),
	IN("object_type", OBJECT, object, type, rated),
};
SHAPE(object);

static const struct member params_members[] = {
	IN("identities", ARRAY, params, identities, identity),
	IN("attributes", OBJECT, params, attributes, attributes),
	IN("object", OBJECT, params, object, object),
	AT("reliability", RAW, params, reliability),
	AT("eventId", RAW, params, event_id),
};
SHAPE(params);

static const struct member snapshot_members[] = {
	AT("type", TEXT, snapshot, type),
	AT("path", CHARS, snapshot, path),
	AT("image", IMAGE, snapshot, image),
};
SHAPE(snapshot);

static const struct member event_members[] = {
	AT("monitor_id", INT, event, monitor_id),
	AT("id", CHARS, event, id),
	AT("event_id", RAW, event, event_id),
	AT("topic", TEXT, event, topic),
	AT("module", TEXT, event, module),
	AT("source_name", TEXT, event, source_name),
	AT("level", INT, event, level),
	AT("start_time", INT, event, start_time),
	AT("end_time", RAW, event, end_time),
	IN("params", OBJECT, event, params, params),
	IN("snapshots", ARRAY, event, snapshots, snapshot),
	IN("channel", OBJECT, event, channel, channel),
	AT("channel_id", INT, event, flat.id),
	AT("channel_type", TEXT, event, flat.type),
	AT("stream_id", INT, event, flat.stream_id),
	AT("channel_name", TEXT, event, flat.name),
	AT("channel_latitude", RAW, event, flat.latitude),
	AT("channel_longitude", RAW, event, flat.longitude),
	IN("channel_address", OBJECT, event, flat.address, address),
	IN("tags", ARRAY, event, flat.tags, tag),
};
SHAPE(event);

/* A serialiser in front of some cameras. */
struct manner {
	unsigned char	 order;		/* 0: as documented, 1: backwards */
	bool		 spaced;	/* ", " and ": " */
	enum { PLAIN, LOWER, UPPER } escape;	/* of non-ASCII: \u00e9 \u00E9 */
	bool		 slash;		/* '/' as "\/" */
	bool		 id_integer;
	bool		 flat;
	bool		 uri;		/* images as data URIs */
};

static const struct manner manners[] = {
	{ 0, false, PLAIN, false, false, false, false },
	{ 2, true,  LOWER, false, false, false, true },
	{ 1, false, PLAIN, false, true,  false, false },
	{ 3, false, PLAIN, false, false, false, true },
	{ 0, false, UPPER, false, true,  false, false },
	{ 4, false, PLAIN, false, false, false, false },
	{ 5, true,  PLAIN, false, true,  true,  true },
	{ 0, false, PLAIN, false, false, false, true },
	{ 6, false, LOWER, false, false, false, false },
	{ 1, false, PLAIN, false, false, true,  false },
	{ 7, false, PLAIN, false, true,  false, false },
	{ 0, true,  PLAIN, false, false, false, false },
	/* The last is rare: see cameras_make(). */
	{ 2, false, LOWER, true,  false, false, false },
};

/* ---- What to draw from. ---- */

static const char *const people[][2] = {
	{ "Mark", "Frol" }, { "Anna", "Kowalska" }, { "José", "Núñez" },
	{ "Zoë", "Brontë" }, { "John", "Smith" }, { "Mary-Jane", "O'Neill" },
	{ "Łukasz", "Żółć" }, { "Søren", "Ångström" }, { "Jürgen", "Groß" },
	{ "Emily", "Clark" }, { "Ivan", "Petrov" }, { "Olga", "Sidorova" },
	{ "Liam", "Murphy" }, { "Noah", "van der Berg" }, { "N", "N" },
	{ "", "" }, { "Chloé", "Lefèvre" }, { "İlker", "Çağlayan" },
	{ "Сергей", "Иванов" }, { "Ольга", "Кузнецова" },
	{ "Алесь", "Шыманоўскі" }, { "Ганна", "Їжакевич" },
	{ "Пётр", "Щёголев" }, { "Александра", "Воскресенская" },
	{ "Γιώργος", "Παπαδόπουλος" }, { "Ελένη", "Αγγελίδου" },
	{ "محمد", "الأحمد" }, { "فاطمة", "حسين" }, { "علی", "رضایی" },
	{ "伟", "王" }, { "小明", "欧阳" }, { "太郎", "山田" },
	{ "さくら", "佐藤" }, { "민준", "김" }, { "𠮷彦", "𠮷野" },
	{ "Ann \"Nan\"", "Back\\slash" }, { "Tab\tless", "Line" },
	{ "Anna 🙂", "Test" }, { "अमित", "शर्मा" }, { "ნინო", "ბერიძე" },
};

static const struct watch_list lists[] = {
	{ 1, 552, 1, "List" }, { 1, 3, 2, "GSM" }, { 1, 17, 3, "Wanted" },
	{ 1, 18, 0, "Staff" }, { 1, 21, 1, "Guests / visitors" },
	{ 1, 40, 2, "Чёрный список" }, { 1, 41, 3, "Розыск" },
	{ 1, 42, 0, "Сотрудники" }, { 1, 77, 1, "VIP ⭐" },
	{ 1, 90, 2, "黑名单" }, { 1, 91, 0, "従業員" },
	{ 1, 120, 3, "مطلوبون" }, { 1, 121, 1, "Πελάτες" },
	{ 1, 300, 2, "Stolen 🚗" }, { 1, 9007199254740993, 1, "Big id" },
};

static const struct address places[] = {
	{ 1, "USA", "A region", "123 district", "Miami", "Beavers",
	    "Highway street", "32" },
	{ 1, "Беларусь", "Минская область", "Минский район", "Минск",
	    "Центральный", "проспект Независимости", "д. 4, подъезд 2" },
	{ 1, "Россия", NULL, NULL, "Санкт-Петербург", "Адмиралтейский",
	    "Невский проспект", "28" },
	{ 1, "Ελλάδα", "Αττική", NULL, "Αθήνα", "Πλάκα", "Ερμού", "15" },
	{ 1, "مصر", "القاهرة", NULL, "القاهرة", NULL, "شارع التحرير", "7" },
	{ 1, "中国", "广东省", NULL, "深圳市", "南山区", "科技园路", "1号" },
	{ 1, "日本", NULL, NULL, "東京", "千代田区", "丸の内", "1-9-1" },
	{ 1, "España", "Cataluña", "Barcelonès", "Barcelona", "Gràcia",
	    "Carrer de València", "401" },
	{ 1, "Germany", "Bayern", NULL, "München", NULL, "Straße 7", NULL },
	{ 1, "Kazakhstan", NULL, NULL, "Almaty", NULL, NULL, NULL },
	{ 1, "Ireland", "Leinster", "County Dublin", "Dublin", "Docklands",
	    "Sir John Rogerson's Quay", "Gate \"B\" \\ left" },
	{ 1, "Poland", "mazowieckie", NULL, "Warszawa", "Śródmieście",
	    "Świętokrzyska", "14 🚪" },
};

static const char *const tag_names[] = {
	"Face", "Entrance", "Parking", "Gate", "Вход", "Парковка", "Είσοδος",
	"入口", "停车场", "مدخل", "north", "night ☾", "VIP 🅿", "a/b", "2nd floor",
};

static const char *const channel_names[] = {
	"1-4-09", "1-4-10", "Gate North", "Gate South", "Lobby", "Проходная 2",
	"Въезд", "Πύλη 3", "北门", "駐車場", "بوابة 1", "Cam #7 <old>", "P1/ramp",
};

static const char *const others[][2] = {	/* topic, module */
	{ "FaceDetected", "KX.Faces" }, { "PlateRecognized", "KX.PDD" },
	{ "LineCrossed", "KX.Perimeter" }, { "MotionDetected", "KX.Perimeter" },
	{ "QueueTooLong", "KX.Crowd" }, { "SmokeDetected", "KX.Fire" },
	{ "CameraOffline", "KX.Health" }, { "WrongDirection", "KX.PDD" },
};

static const char *const states[] = {
	"AT", "AZ", "AM", "BY", "BG", "UK", "HU", "DE", "GR", "GE", "IL", "IE",
	"ES", "IT", "KZ", "CN", "KG", "LV", "LT", "NW", "MT", "MD", "MS", "MN",
	"NL", "AE", "PL", "PT", "RU", "RO", "RS", "SK", "US", "TJ", "TH", "TR",
	"UZ", "UA", "FI", "FR", "HR", "ME", "CZ", "CH", "SE", "EE", "UNKNOWN",
};

static const char *const races[] = {
	"asian", "black", "Caucasian", "caucasian", "hindu", "unknown",
};

static const char *const colors[] = {
	"unknown", "white", "yellow", "orange", "red", "green", "blue",
	"brown", "gray", "black",
};

static const char *const vehicles[] = { "car", "car", "truck", "bus", "van" };

/* What stands before a JPEG [0] or a PNG [1]; the last row says the wrong. */
static const char *const uris[][2] = {
	{ "data:image/jpeg;base64,", "data:image/png;base64," },
	{ "DATA:IMAGE/JPEG;BASE64,", "DATA:IMAGE/PNG;BASE64," },
	{ "data:image/jpeg;name=f.jpg;base64,",
	    "data:image/png;name=f.png;base64," },
	{ "data:image/png;base64,", "data:image/jpeg;base64," },
};

/* Pictures of one motif; every fifth thumbnail is a PNG. */
struct pool {
	enum frame_motif motif;
	unsigned	 frames_len;
	unsigned	 made, next;
	struct frame	 frames[200];
};

struct camera {
	struct channel	 channel;
	struct tag	 tags[4];
	const struct manner *manner;
	int64_t		 monitor_id, stream_id, object;
	unsigned	 origin;
};

struct world {
	struct camera	 cameras[CAMERAS];
	const struct manner *manner;	/* of the record at hand */
	unsigned char	 orders[ORDERS][MEMBERS_MAX + 1][MEMBERS_MAX];
	struct pool	 scenes, faces, plates;
};

/* ---- Printing. ---- */

static void
put_unit(struct text *t, unsigned unit, const char *digits)
{
	char escape[6] = { '\\', 'u', digits[unit >> 12],
	    digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15] };

	text_put(t, escape, sizeof(escape));
}

/* The code point at *s, which is sound UTF-8; moves *s past it. */
static unsigned
utf8_next(const unsigned char **s)
{
	unsigned c = *(*s)++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

	for (c &= 0x3fu >> more; more > 0; more--)
		c = c << 6 | (*(*s)++ & 0x3f);
	return c;
}

static void
put_string(struct text *t, const char *src, const struct manner *m)
{
	const char *digits = m->escape == UPPER ? "0123456789ABCDEF" :
	    "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)src;

	text_putc(t, '"');
	while (*s != '\0') {
		const unsigned char *run = s;

		while (*s >= ' ' && *s != '"' && *s != '\\' &&
		    (*s != '/' || !m->slash) &&
		    (*s < 0x80 || m->escape == PLAIN))
			s++;
		text_put(t, (const char *)run, (size_t)(s - run));
		if (*s >= 0x80) {
			unsigned c = utf8_next(&s);

			if (c >= 0x10000) {
				c -= 0x10000;
				put_unit(t, 0xd800 | c >> 10, digits);
				c = 0xdc00 | (c & 0x3ff);
			}
			put_unit(t, c, digits);
		} else if (*s == '\t' || *s == '\n') {
			text_puts(t, *s++ == '\t' ? "\\t" : "\\n");
		} else if (*s != '\0') {
			text_putc(t, '\\');
			text_putc(t, (char)*s++);
		}
	}
	text_putc(t, '"');
}

static void
put_image(struct text *t, const struct snapshot *s, const struct manner *m)
{
	const char *at = s->image->text, *end = at + s->image->text_len;
	const char *slash;

	text_reserve(t, 2 * s->image->text_len + 64);
	text_putc(t, '"');
	if (m->slash) {
		for (const char *u = s->uri; *u != '\0'; u++) {
			if (*u == '/')
				text_putc(t, '\\');
			text_putc(t, *u);
		}
		while ((slash = memchr(at, '/', (size_t)(end - at))) != NULL) {
			text_put(t, at, (size_t)(slash - at));
			text_put(t, "\\/", 2);
			at = slash + 1;
		}
	} else
		text_puts(t, s->uri);
	text_put(t, at, (size_t)(end - at));
	text_putc(t, '"');
}

void
text_put_quoted(struct text *t, const char *src)
{
	put_string(t, src, &manners[0]);
}

static bool
is_absent(const struct member *m, const void *at)
{
	switch (m->kind) {
	case INT:
		return *(const int64_t *)at == NONE;
	case TEXT:
		return *(const char *const *)at == NULL;
	case RAW:
		return *(const char *)at == '\0';
	case BOOL:
		return *(const int *)at < 0;
	case OBJECT:
		return *(const int *)at == 0;
	case ARRAY:
		return ((const struct list *)at)->n < 0;
	case IMAGE:
		return *(const struct frame *const *)at == NULL;
	case CHARS:
		break;
	}
	return false;
}

static void
put_object(struct gen *g, const struct shape *shape, const void *base)
{
	const struct manner *manner = g->world->manner;
	const unsigned char *order =
	    g->world->orders[manner->order][shape->members_len];
	struct text *t = &g->record;
	bool first = true;

	text_putc(t, '{');
	for (unsigned i = 0; i < shape->members_len; i++) {
		const struct member *m = &shape->members[order[i]];
		const void *at = (const char *)base + m->off;
		const struct list *list = at;

		if (is_absent(m, at))
			continue;
		if (!first)
			text_put(t, ", ", manner->spaced ? 2 : 1);
		first = false;
		text_putc(t, '"');
		text_puts(t, m->key);
		text_put(t, "\": ", manner->spaced ? 3 : 2);
		switch (m->kind) {
		case INT:
			text_put_int(t, *(const int64_t *)at);
			break;
		case TEXT:
			put_string(t, *(const char *const *)at, manner);
			break;
		case CHARS:
			put_string(t, at, manner);
			break;
		case RAW:
			text_puts(t, at);
			break;
		case BOOL:
			text_puts(t, *(const int *)at ? "true" : "false");
			break;
		case OBJECT:
			put_object(g, m->shape, at);
			break;
		case ARRAY:
			text_putc(t, '[');
			for (int n = 0; n < list->n; n++) {
				if (n > 0)
					text_put(t, ", ", manner->spaced ?
					    2 : 1);
				put_object(g, m->shape,
				    (const char *)list->items +
				    (size_t)n * m->shape->size);
			}
			text_putc(t, ']');
			break;
		case IMAGE:
			put_image(t, base, manner);
			break;
		}
	}
	text_putc(t, '}');
}

/* ---- Drawing an event. ---- */

/*
 * Orders of keys: as documented, backwards (which puts the small values that
 * a filter wants behind the pictures), and shuffled by fixed seeds.
 */
static void
orders_make(struct gen *g)
{
	for (unsigned o = 0; o < ORDERS; o++)
		for (unsigned n = 1; n <= MEMBERS_MAX; n++) {
			unsigned char *order = g->world->orders[o][n];
			uint64_t seed = o * 100 + n;

			for (unsigned i = 0; i < n; i++)
				order[i] = (unsigned char)(o == 1 ?
				    n - 1 - i : i);
			for (unsigned i = n; o > 1 && i > 1; i--) {
				unsigned j = rnd_below(&seed, i);
				unsigned char swap = order[i - 1];

				order[i - 1] = order[j];
				order[j] = swap;
			}
		}
}

/* A number below one million in degrees, with up to 17 digits. */
static void
degrees_make(struct gen *g, char *dst, size_t dst_size, unsigned limit)
{
	const char *sign = below(g, 4) == 0 ? "-" : "";
	unsigned whole = 1 + below(g, limit - 1);
	unsigned a = below(g, 10000000), b = below(g, 10000000);

	if (below(g, 3) == 0)
		snprintf(dst, dst_size, "%s%u.%06u", sign, whole, a / 10);
	else
		snprintf(dst, dst_size, "%s%u.%07u%07u", sign, whole, a, b);
}

static void
cameras_make(struct gen *g)
{
	for (unsigned i = 0; i < CAMERAS; i++) {
		struct camera *c = &g->world->cameras[i];
		struct channel *ch = &c->channel;

		c->manner = &manners[i % 32 == 31 ? LEN(manners) - 1 :
		    i % (LEN(manners) - 1)];
		c->monitor_id = 101 + i / 4;
		c->origin = 200 + i % 7;
		c->object = 1000 + below(g, 9000);
		ch->here = 1;
		ch->id = 100 + 13 * i + below(g, 13);
		c->stream_id = ch->id + 300 + below(g, 50);
		ch->stream_id = i % 3 == 0 ? c->stream_id : NONE;
		ch->type = "STREAM";
		ch->name = PICK(g, channel_names);
		degrees_make(g, ch->latitude, sizeof(ch->latitude), 89);
		degrees_make(g, ch->longitude, sizeof(ch->longitude), 179);
		ch->address = PICK(g, places);
		ch->tags.n = (int)below(g, 4);
		for (int n = 0; n < ch->tags.n; n++) {
			unsigned t = below(g, LEN(tag_names));

			c->tags[n] = (struct tag){ 1, 170 + t, tag_names[t] };
		}
		if (ch->tags.n == 0 && below(g, 2) == 0)
			ch->tags.n = -1;
		ch->tags.items = c->tags;
	}
}

void
gen_init(struct gen *g)
{
	if ((g->world = calloc(1, sizeof(*g->world))) == NULL)
		err(2, "the cameras");
	g->stamps = rnd(&g->seed);
	g->clock_ms = FIRST_MS;
	g->world->scenes = (struct pool){ .motif = FRAME_SCENE,
	    .frames_len = 160 };
	g->world->faces = (struct pool){ .motif = FRAME_FACE,
	    .frames_len = 150 };
	g->world->plates = (struct pool){ .motif = FRAME_PLATE,
	    .frames_len = 130 };
	orders_make(g);
	cameras_make(g);
}

/* "0." and eight digits, from low/100 up; as a JSON string where quoted. */
static void
share_make(struct gen *g, char *dst, size_t dst_size, unsigned low, bool quoted)
{
	const char *quote = quoted ? "\"" : "";
	unsigned n = low * 1000000 + below(g, (100 - low) * 1000000 - 1) + 1;
	int digits = 8;

	if (chance(g, 4)) {
		snprintf(dst, dst_size, "%s1%s", quote, quote);
		return;
	}
	for (; n % 10 == 0; n /= 10)
		digits--;
	snprintf(dst, dst_size, "%s0.%0*u%s", quote, digits, n, quote);
}

static void
number_make(struct gen *g, char *dst)
{
	static const char *const forms[] = {
		"0000AA0", "A000AA00", "AA-0000", "AA_000A", "000AAA", "AA00AAA",
		"0000AA-0", "A000AA000", "B-AA-000", "x000aa", "00-00-AA",
	};
	/* Cyrillic look-alikes, as a reader of Russian plates sends them. */
	const char *form = chance(g, 20) ? "А000ВС00" : PICK(g, forms);

	if (chance(g, 3))
		form = "";
	for (; *form != '\0'; form++)
		*dst++ = *form == '0' ? (char)('0' + below(g, 10)) :
		    *form == 'A' ? "ABCEHKMOPTXY"[below(g, 12)] : *form;
	*dst = '\0';
}

/*
 * Unlike every other of the log: the last eight digits are the event's count,
 * shuffled by a factor prime to ten.  Mostly 16 digits; one in eight is above
 * 2^53, up to 19 digits.
 */
void
event_id_make(struct gen *g, char *dst, size_t dst_size)
{
	uint64_t low = g->events * 61803399 % 100000000, high;

	switch (below(g, 16)) {
	case 0:
		high = 90071993 + (uint64_t)below(g, 900000) * 100000;
		break;
	case 1:
		high = 90071993 + below(g, 9000000);
		break;
	case 2:
		high = 1 + below(g, 9999);
		break;
	default:
		high = 10000000 + below(g, 80000000);
	}
	snprintf(dst, dst_size, "%" PRIu64, high * 100000000 + low);
}

static const struct frame *
pool_next(struct gen *g, struct pool *p)
{
	unsigned slot = p->next++ % p->frames_len;
	struct frame_spec spec = { .motif = p->motif };
	uint64_t seed = p->motif * 1000 + slot;
	struct frame *f = &p->frames[slot];

	if (slot == p->made) {
		p->made++;
		rnd(&seed);
		if (p->motif == FRAME_SCENE) {
			spec.width = 1280;
			spec.height = 720;
			spec.quality = 70 + rnd_below(&seed, 10);
			spec.noise = 9 + rnd_below(&seed, 10);
		} else if (slot % 5 == 4) {
			spec.flags = FRAME_PNG;
			spec.width = 96 + rnd_below(&seed, 40);
			spec.height = p->motif == FRAME_FACE ?
			    spec.width * 5 / 4 : spec.width / 2;
			spec.noise = 3 + rnd_below(&seed, 9);
		} else {
			spec.width = 240 + rnd_below(&seed, 160);
			spec.height = p->motif == FRAME_FACE ?
			    spec.width * 5 / 4 : spec.width * 3 / 4;
			spec.quality = 80 + rnd_below(&seed, 12);
			spec.noise = 12 + rnd_below(&seed, 16);
		}
		frame_make(f, &spec, seed);
	}
	frame_stamp(f, rnd(&g->stamps));
	return f;
}

static void
identity_make(struct gen *g, struct identity *id, bool face,
    struct face *faces, struct plate *plates)
{
	id->here = 1;
	id->faces.n = id->plates.n = -1;
	id->list = PICK(g, lists);
	/* A list has a level of its own, mostly what its name suggests. */
	if (chance(g, 200))
		id->list.level = below(g, 4);
	if (face) {
		id->faces = (struct list){ faces, chance(g, 30) ? 2 : 1 };
		for (int i = 0; i < id->faces.n; i++) {
			const char *const *name = PICK(g, people);

			faces[i] = (struct face){ .here = 1,
			    .id = 10000 + below(g, 90000),
			    .first_name = name[0], .last_name = name[1] };
			share_make(g, faces[i].similarity,
			    sizeof(faces[i].similarity), 55, false);
		}
	} else {
		const char *const *name = PICK(g, people);

		id->plates = (struct list){ plates, 1 };
		plates[0] = (struct plate){ .here = 1,
		    .id = 100000 + below(g, 900000),
		    .first_name = name[0], .last_name = name[1] };
		plates[0].state = PICK(g, states);
		number_make(g, plates[0].number);
	}
}

static int
maybe(struct gen *g)
{
	return chance(g, 60) ? -1 : (int)below(g, 2);
}

static void
attributes_make(struct gen *g, struct attributes *a)
{
	/* One draw a statement: C leaves the order inside initialisers open. */
	a->here = !chance(g, 50);
	a->age = chance(g, 60) ? NONE : 5 + below(g, 80);
	a->gender = chance(g, 60) ? NULL : below(g, 3) ? "male" : "female";
	a->race = chance(g, 60) ? NULL : PICK(g, races);
	a->glasses = maybe(g);
	a->beard = maybe(g);
	a->has = maybe(g);
	a->mask = maybe(g);
}

static void
object_make(struct gen *g, struct params *p)
{
	struct object *o = &p->object;
	bool quoted = below(g, 4) == 0;

	o->here = !chance(g, 40);
	o->color.here = !chance(g, 40);
	o->color.value = PICK(g, colors);
	o->type.here = !chance(g, 40);
	o->type.value = PICK(g, vehicles);
	share_make(g, o->color.reliability, sizeof(o->color.reliability), 30,
	    quoted);
	share_make(g, o->type.reliability, sizeof(o->type.reliability), 60,
	    quoted);
	share_make(g, p->reliability, sizeof(p->reliability), 50, quoted);
}

static void
snapshot_make(struct gen *g, const struct event *e, struct camera *c,
    struct snapshot *s, int n, struct pool *thumbs, bool embed)
{
	int64_t ms = e->start_time + (n > 1 ? below(g, 5000) : 0);
	char kind[32] = "";
	int64_t channel = chance(g, 15) ? c->channel.id + 408 : c->channel.id;

	*s = (struct snapshot){ .here = 1, .uri = "",
	    .type = n == 0 ? "FULLSCREEN" : "THUMBNAIL" };
	if (n > 0 && thumbs == &g->world->plates)
		snprintf(kind, sizeof(kind), "%s-%u/", n % 2 ? "best" :
		    "aligned", 1000 + below(g, 9000));
	else if (n > 0)
		snprintf(kind, sizeof(kind), "thumbnail/");
	snprintf(s->path, sizeof(s->path), "/api/v1/media/snapshot/%" PRId64
	    "-%" PRId64 "/%s%" PRId64 "-%" PRId64 "%06u.jpg?ttl=2592000",
	    channel, c->stream_id, kind, c->object, ms, below(g, 1000000));
	if (!embed)
		return;
	if (n > 1 && chance(g, 4)) {	/* meant: the same picture again */
		s->image = s[-1].image;
		s->uri = s[-1].uri;
		return;
	}
	s->image = pool_next(g, n == 0 ? &g->world->scenes : thumbs);
	if (c->manner->uri)
		s->uri = uris[chance(g, 960) ? 0 : below(g, LEN(uris))]
		    [s->image->chunk_off > 0];
}

void
clock_move(struct gen *g)
{
	if (chance(g, 30))
		return;
	g->clock_ms += 1 + below(g, 1400);
	if (chance(g, 2))	/* a quiet spell */
		g->clock_ms += below(g, 1200000);
}

void
event_make(struct gen *g)
{
	struct camera *c = &g->world->cameras[below(g, CAMERAS)];
	struct face faces[IDENTITIES_MAX][2];
	struct plate plates[IDENTITIES_MAX];
	struct identity identities[IDENTITIES_MAX];
	struct snapshot snapshots[SNAPSHOTS_MAX];
	unsigned lot = below(g, 100);
	bool face = lot < 44, plate = lot >= 44 && lot < 80;
	const char *const *other = PICK(g, others);
	struct event e = { .here = 1, .monitor_id = c->monitor_id };
	struct pool *thumbs = face || (!plate && below(g, 2)) ? &g->world->faces :
	    &g->world->plates;
	bool embed = g->images && !chance(g, face || plate ? 12 : 60);
	int64_t id_ms;
	char digits[24];

	g->world->manner = c->manner;
	g->events++;
	clock_move(g);
	c->object++;
	e.topic = face ? "FaceMatched" : plate ? "PlateMatched" : other[0];
	e.module = face ? "KX.Faces" : plate ? "KX.PDD" : other[1];
	e.source_name = !face && !plate && below(g, 2) ? c->channel.name : NULL;
	e.start_time = g->clock_ms - (chance(g, 80) ? below(g, 4000) : 0);
	if (chance(g, 3))
		memcpy(e.end_time, "null", sizeof("null"));
	else if (!chance(g, 60))
		snprintf(e.end_time, sizeof(e.end_time), "%" PRId64,
		    e.start_time + 500 + below(g, 12000));
	event_id_make(g, digits, sizeof(digits));
	id_ms = chance(g, 30) ? e.start_time - below(g, 5000) : e.start_time;
	snprintf(e.id, sizeof(e.id), "%u:%" PRId64 ":%s", c->origin, id_ms,
	    digits);
	snprintf(e.event_id, sizeof(e.event_id),
	    g->world->manner->id_integer ? "%s" : "\"%s\"", digits);

	e.params.here = 1;
	e.params.identities = (struct list){ identities, -1 };
	if (face || plate) {
		unsigned more = below(g, 100);

		e.params.identities.n = 1 + (more < 14) + (more < 4) +
		    (more < 1);
		for (int i = 0; i < e.params.identities.n; i++) {
			identity_make(g, &identities[i], face, faces[i],
			    &plates[i]);
			if (identities[i].list.level > e.level)
				e.level = identities[i].list.level;
		}
		if (chance(g, 150))
			e.level = below(g, 4);
	} else
		e.level = below(g, 4);
	if (face || (!plate && thumbs == &g->world->faces && below(g, 3) == 0))
		attributes_make(g, &e.params.attributes);
	if (plate)
		object_make(g, &e.params);
	if (chance(g, 40))
		memcpy(e.params.event_id, digits, sizeof(digits));

	e.snapshots = (struct list){ snapshots, 3 };
	lot = below(g, 100);
	if (lot < 7)
		e.snapshots.n = 2;
	else if (lot < 17)
		e.snapshots.n = lot < 15 ? 4 : 5;
	else if (!embed && !face && !plate)	/* none: absent, or [] */
		e.snapshots.n = (int)below(g, 5) - 1;
	for (int n = 0; n < e.snapshots.n; n++)
		snapshot_make(g, &e, c, &snapshots[n], n, thumbs, embed);

	e.channel = e.flat = c->channel;
	if (g->world->manner->flat) {
		e.channel.here = 0;
	} else {
		e.flat = (struct channel){ .id = NONE, .stream_id = NONE,
		    .tags = { NULL, -1 } };
	}
	g->record.len = 0;
	put_object(g, &event_shape, &e);
}
