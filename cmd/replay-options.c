/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options of kx-replay.  Secrets come from files, for what stands on a
 * command line is seen by everybody on the machine.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "replay.h"

#define TIMEOUT_DEFAULT 30.0
#define RETRIES_DEFAULT 5
#define CONCURRENCY_DEFAULT 8	/* where the order allows it */
#define CONCURRENCY_MOST 1024
#define SECRET_MOST ((size_t)64 << 10)

enum {
	OPT_URL = CLI_FIRST, OPT_METHOD, OPT_SNAPSHOTS, OPT_BODY, OPT_SPEED,
	OPT_RATE, OPT_MAX_GAP, OPT_ORDER, OPT_CONCURRENCY, OPT_RETRIES,
	OPT_TIMEOUT, OPT_JOURNAL, OPT_HEADER, OPT_USER_FILE, OPT_BEARER_FILE,
	OPT_CACERT, OPT_CERT, OPT_KEY, OPT_INSECURE, OPT_SIGN,
	OPT_SECRET_FILE, OPT_DRY_RUN, OPT_STATS
};

static const struct cli_option options[] = {
	{ OPT_URL, 0, "url", "URL",
	    "send each event there, http or https (standard output)" },
	{ OPT_METHOD, 0, "method",
	    "DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE",
	    "the request's method (POST)" },
	{ OPT_SNAPSHOTS, 0, "snapshots", "auto|keep|strip",
	    "images in the events (auto: kept with POST alone)" },
	{ OPT_BODY, 0, "body", "auto|always|never",
	    "send the event as the body (auto: not with GET, HEAD, DELETE; "
	    "never with TRACE)" },
	{ OPT_SPEED, 0, "speed", "FACTOR",
	    "divide the gaps between start times by FACTOR, or 'max': leave "
	    "none (1)" },
	{ OPT_RATE, 0, "rate", "N",
	    "N events a second, whatever their start times" },
	{ OPT_MAX_GAP, 0, "max-gap", "SECONDS",
	    "wait no longer than that between two events" },
	{ OPT_ORDER, 0, "order", "strict|channel|none",
	    "what must not overtake: any event, those of a camera, nothing "
	    "(strict)" },
	{ OPT_CONCURRENCY, 0, "concurrency", "N",
	    "events under way at a time (8; strict: 1)" },
	{ OPT_RETRIES, 0, "retries", "N",
	    "attempts after the first, where one may help (5)" },
	{ OPT_TIMEOUT, 0, "timeout", "SECONDS",
	    "how long an attempt may take (30)" },
	{ OPT_JOURNAL, 0, "journal", "FILE",
	    "record there what is delivered, and do not send it again" },
	{ OPT_HEADER, 'H', "header", "LINE",
	    "add 'Name: value' to each request; may be repeated" },
	{ OPT_USER_FILE, 0, "user-file", "FILE",
	    "basic authentication: NAME:PASSWORD in FILE" },
	{ OPT_BEARER_FILE, 0, "bearer-file", "FILE",
	    "bearer authentication: the token in FILE" },
	{ OPT_CACERT, 0, "cacert", "FILE",
	    "certificates to trust, PEM (those of the system)" },
	{ OPT_CERT, 0, "cert", "FILE", "the client's certificate, PEM" },
	{ OPT_KEY, 0, "key", "FILE",
	    "its key, PEM (in the file of --cert)" },
	{ OPT_INSECURE, 0, "insecure", NULL,
	    "accept any certificate of the receiver" },
	{ OPT_SIGN, 0, "sign", "standard-webhooks",
	    "sign each request, with the keys of --secret-file" },
	{ OPT_SECRET_FILE, 0, "secret-file", "FILE",
	    "whsec_ keys, one a line; may be repeated" },
	{ OPT_DRY_RUN, 0, "dry-run", NULL,
	    "print what would be sent and when, and send nothing" },
	{ OPT_STATS, 0, "stats", NULL,
	    "print counts, throughput and percentiles at the end" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-replay",
	.usage = "[OPTION]... [FILE]...",
	.purpose = "Send the events of webhook event logs again, on the clock "
	    "of their start times.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
};

/* What depends on more than one option. */
struct raw {
	const char *body, *snapshots, *speed, *sign;
	const char *needs_url;		/* an option that does */
	bool secrets, concurrency, order;
};

/* --- secrets ------------------------------------------------------------- */

/* A whole small file, terminated, for the caller to free. */
static char *
read_secret(const char *option, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(SECRET_MOST + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (text == NULL)
		cli_die(ENOMEM, "%s", option);
	if (fd < 0)
		cli_die(errno, "%s: %s", option, cli_quotes(path));
	while (n > 0 && len < SECRET_MOST) {
		n = read(fd, text + len, SECRET_MOST - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			cli_die(errno, "%s: %s", option, cli_quotes(path));
		else
			len += (size_t)n;
	}
	(void)close(fd);
	if (len == SECRET_MOST || memchr(text, '\0', len) != NULL)
		cli_die(0, "%s: %s is no text of a few lines", option,
		    cli_quotes(path));
	text[len] = '\0';
	return text;
}

/* Its only line. */
static char *
read_line(const char *option, const char *path)
{
	char *text = read_secret(option, path), *p;

	text[strcspn(text, "\r\n")] = '\0';
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			cli_die(0, "%s: %s holds a control character", option,
			    cli_quotes(path));
	if (*text == '\0')
		cli_die(0, "%s: %s has no text in its first line", option,
		    cli_quotes(path));
	return text;
}

static char *
read_user(const char *path)
{
	char *text = read_line("--user-file", path);

	if (strchr(text, ':') == NULL)
		cli_die(0, "--user-file: %s holds no NAME:PASSWORD",
		    cli_quotes(path));
	return text;
}

static char *
read_bearer(const char *path)
{
	static const char prefix[] = "Authorization: Bearer ";
	char *token = read_line("--bearer-file", path);
	size_t len = strlen(token) + 1;
	char *line = malloc(sizeof(prefix) - 1 + len);

	if (line == NULL)
		cli_die(ENOMEM, "--bearer-file");
	memcpy(line, prefix, sizeof(prefix) - 1);
	memcpy(line + sizeof(prefix) - 1, token, len);
	explicit_bzero(token, len);
	free(token);
	return line;
}

static void
read_keys(struct replay_settings *s, const char *path)
{
	char *text = read_secret("--secret-file", path), *line, *next;
	struct kx_error err;
	unsigned n = 0;

	if (s->signer == NULL && (s->signer = kx_signer_new()) == NULL)
		cli_die(ENOMEM, "--secret-file");
	for (line = text; line != NULL; line = next) {
		n++;
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		if (*line != '\0' && *line != '#' && kx_signer_add(s->signer,
		    kx_span_str(line), &err) != KX_OK)
			cli_die(err.errnum, "--secret-file: %s:%u: %s",
			    cli_quotes(path), n, err.message);
	}
	explicit_bzero(text, strlen(text));
	free(text);
	if (kx_signer_keys(s->signer) == 0)
		cli_die(0, "--secret-file: %s holds no key",
		    cli_quotes(path));
}

void
replay_forget(struct replay_settings *s)
{
	if (s->user != NULL)
		explicit_bzero(s->user, strlen(s->user));
	if (s->bearer != NULL)
		explicit_bzero(s->bearer, strlen(s->bearer));
	free(s->user);
	free(s->bearer);
	kx_signer_free(s->signer);
}

/* --- options ------------------------------------------------------------- */

static void
add_header(struct replay_settings *s, const char *line)
{
	static const char ours[] = "webhook-";
	const char *fault = kx_http_header_fault(line);

	if (fault != NULL)
		cli_usage("-H: '%s' %s", cli_quotes(line), fault);
	if (strncasecmp(line, ours, sizeof(ours) - 1) == 0)
		cli_usage("-H: '%s': such headers are those of --sign",
		    cli_quotes(line));
	if (s->n_headers == REPLAY_HEADERS - 1)
		cli_usage("-H: more than %d headers", REPLAY_HEADERS - 1);
	s->headers[s->n_headers++] = line;
}

/* Better said now than for each event. */
static const char *
readable(const char *option, const char *path)
{
	if (access(path, R_OK) != 0)
		cli_die(errno, "%s: %s", option, cli_quotes(path));
	return path;
}

static void
take_clock(struct replay_settings *s, struct raw *raw, int id,
    const char *arg)
{
	switch (id) {
	case OPT_SPEED:
		raw->speed = arg;
		s->speed = !strcmp(arg, "max") ? 0 :
		    cli_real("--speed", arg, 1e-6, 1e9);
		break;
	case OPT_RATE:
		s->rate = cli_real("--rate", arg, 1e-6, 1e9);
		break;
	case OPT_MAX_GAP:
		s->max_gap = cli_real("--max-gap", arg, 0, 1e9);
		break;
	}
}

static void
take_secret(struct replay_settings *s, struct raw *raw, int id,
    const char *arg)
{
	switch (id) {
	case OPT_USER_FILE:
		free(s->user);
		s->user = read_user(arg);
		break;
	case OPT_BEARER_FILE:
		free(s->bearer);
		s->bearer = read_bearer(arg);
		break;
	case OPT_SECRET_FILE:
		raw->secrets = true;
		read_keys(s, arg);
		break;
	case OPT_SIGN:
		raw->sign = arg;
		break;
	case OPT_CACERT:
		s->cacert = readable("--cacert", arg);
		break;
	case OPT_CERT:
		s->cert = readable("--cert", arg);
		break;
	case OPT_KEY:
		s->key = readable("--key", arg);
		break;
	case OPT_INSECURE:
		s->insecure = true;
		break;
	}
}

static void
take_request(struct replay_settings *s, struct raw *raw, int id,
    const char *arg)
{
	switch (id) {
	case OPT_METHOD:
		s->method = arg;
		break;
	case OPT_BODY:
		raw->body = arg;
		break;
	case OPT_ORDER:
		raw->order = true;
		s->order = *arg == 's' ? KX_ORDER_STRICT : *arg == 'c' ?
		    KX_ORDER_CHANNEL : KX_ORDER_NONE;
		break;
	case OPT_CONCURRENCY:
		raw->concurrency = true;
		s->concurrency = (unsigned)cli_number("--concurrency", arg, 1,
		    CONCURRENCY_MOST);
		break;
	case OPT_RETRIES:
		s->retries = (unsigned)cli_number("--retries", arg, 0,
		    1000000);
		break;
	case OPT_TIMEOUT:
		s->timeout = cli_real("--timeout", arg, 0.001, 86400);
		break;
	case OPT_JOURNAL:
		s->journal = arg;
		break;
	case OPT_HEADER:
		add_header(s, arg);
		break;
	}
}

static const char *
name_of(int id)
{
	const struct cli_option *row = options;

	while (row->id != id)
		row++;
	return row->name;
}

static void
take(struct replay_settings *s, struct raw *raw, int id, const char *arg)
{
	switch (id) {
	case OPT_URL:
		s->url = arg;
		break;
	case OPT_SNAPSHOTS:
		raw->snapshots = arg;
		break;
	case OPT_DRY_RUN:
		s->dry_run = true;
		break;
	case OPT_STATS:
		s->stats = true;
		break;
	case OPT_SPEED:
	case OPT_RATE:
	case OPT_MAX_GAP:
		take_clock(s, raw, id, arg);
		break;
	default:
		raw->needs_url = name_of(id);
		take_secret(s, raw, id, arg);
		take_request(s, raw, id, arg);
		break;
	}
}

/* --- what follows from them ---------------------------------------------- */

static bool
is_any(const char *word, const char *list)
{
	const char *p = strstr(list, word);
	size_t len = strlen(word);

	return p != NULL && (p == list || p[-1] == ' ') &&
	    (p[len] == ' ' || p[len] == '\0');
}

static void
decide_body(struct replay_settings *s, const struct raw *raw)
{
	bool plain = is_any(s->method, "DELETE GET HEAD");

	s->strip = *raw->snapshots == 's' ||
	    (*raw->snapshots == 'a' && strcmp(s->method, "POST") != 0);
	s->body = *raw->body == 'a' && raw->body[1] == 'l' ? true :
	    *raw->body == 'a' && !plain;
	if (*raw->body == 'a' && raw->body[1] == 'l' && plain)
		cli_note("a body has no meaning in a %s (RFC 9110, 9.3): the "
		    "receiver must expect it", s->method);
	if (strcmp(s->method, "TRACE") == 0) {
		if (strcmp(raw->body, "always") == 0)
			cli_note("TRACE never has a body (RFC 9110, 9.3.8)");
		s->body = false;
	}
}

static void
check(struct replay_settings *s, const struct raw *raw)
{
	if (raw->speed != NULL && s->rate > 0)
		cli_usage("--speed and --rate are two clocks: give one");
	if (s->max_gap >= 0 && s->rate > 0)
		cli_usage("--rate leaves no gaps for --max-gap");
	if (raw->needs_url != NULL && s->url == NULL && !s->dry_run)
		cli_usage("--%s needs --url", raw->needs_url);
	if (cli.output != NULL && (s->url != NULL || s->dry_run))
		cli_usage("--output takes the events that --%s keeps from "
		    "standard output", s->url != NULL ? "url" : "dry-run");
	if (s->key != NULL && s->cert == NULL)
		cli_usage("--key needs --cert");
	if (raw->sign != NULL && !raw->secrets)
		cli_usage("--sign needs --secret-file");
	if (raw->secrets && raw->sign == NULL)
		cli_usage("--secret-file needs --sign");
	if (s->user != NULL && s->bearer != NULL)
		cli_usage("--user-file and --bearer-file are two ways to say "
		    "who sends: give one");
	if (s->order == KX_ORDER_STRICT && s->concurrency > 1)
		cli_note("in strict order one event is under way at a time: "
		    "--concurrency has no effect without --order");
}

void
replay_parse(struct replay_settings *s, int argc, char **argv)
{
	struct raw raw = { .body = "auto", .snapshots = "auto" };
	char *arg;
	int id;

	*s = (struct replay_settings){
		.method = "POST", .speed = 1, .max_gap = -1,
		.timeout = TIMEOUT_DEFAULT, .retries = RETRIES_DEFAULT,
	};
	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END)
		take(s, &raw, id, arg);
	check(s, &raw);
	decide_body(s, &raw);
	if (s->order == KX_ORDER_STRICT)
		s->concurrency = 1;
	else if (s->concurrency == 0)
		s->concurrency = CONCURRENCY_DEFAULT;
	if (s->bearer != NULL)
		s->headers[s->n_headers++] = s->bearer;
	cli_claim("journal", s->journal);
}
