/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A web hook's other end, for the bench: takes every request, says 200, and
 * does as little as can be done.
 *
 * usage: sink PORTFILE
 *
 * It listens on a free port of 127.0.0.1, whose number it writes to PORTFILE,
 * and goes on until SIGTERM; then it prints how many requests there were and
 * how many bytes of bodies.  HTTP/1.1 with Content-Length, kept alive and
 * pipelined; one thread.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNS 4096
#define READ_MAX (256 << 10)

/* A connection, by its descriptor. */
struct conn {
	uint64_t skip;		/* of a body, not yet come */
	size_t len;		/* of a header, come in part */
	char head[4096];
};

static struct conn *conns[MAX_CONNS];
static char space[READ_MAX];
static uint64_t n_requests, n_bytes;
static volatile sig_atomic_t stop;

static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* Content-Length of a header; 0 where there is none. */
static uint64_t
content_length(const char *head, size_t len)
{
	static const char name[] = "\r\ncontent-length:";
	const char *end = head + len, *p = head;
	uint64_t n = 0;

	while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		if ((size_t)(end - p) > sizeof(name) - 1 &&
		    (p[2] | 0x20) == 'c' &&
		    strncasecmp(p, name, sizeof(name) - 1) == 0) {
			for (p += sizeof(name) - 1; *p == ' '; p++)
				continue;
			for (; *p >= '0' && *p <= '9'; p++)
				n = n * 10 + (uint64_t)(*p - '0');
			return n;
		}
		p++;
	}
	return 0;
}

/* Requests that ended with these bytes; -1: this is no HTTP of ours. */
static int
eat(struct conn *c, const char *p, size_t len)
{
	size_t take, body;
	const char *end, *head;
	int n = 0;

	while (len > 0) {
		if (c->skip > 0) {
			take = c->skip < len ? (size_t)c->skip : len;
			c->skip -= take;
			p += take;
			len -= take;
			n += c->skip == 0;
			continue;
		}
		head = p;
		if (c->len > 0) {
			take = sizeof(c->head) - c->len;
			take = take < len ? take : len;
			memcpy(c->head + c->len, p, take);
			head = c->head;
		} else {
			take = len;
		}
		end = memmem(head, c->len + take, "\r\n\r\n", 4);
		if (end == NULL) {
			if (c->len + take >= sizeof(c->head))
				return -1;
			if (c->len == 0)
				memcpy(c->head, p, take);
			c->len += take;
			return n;
		}
		take = (size_t)(end + 4 - head) - c->len;
		body = (size_t)content_length(head, (size_t)(end + 2 - head));
		c->len = 0;
		p += take;
		len -= take;
		c->skip = body;
		n_bytes += body;
		n += body == 0;
	}
	return n;
}

static void
drop(int fd)
{
	free(conns[fd]);
	conns[fd] = NULL;
	(void)close(fd);
}

static void
serve(int fd)
{
	ssize_t got = recv(fd, space, sizeof(space), 0);
	int n;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	n = got <= 0 ? -1 : eat(conns[fd], space, (size_t)got);
	if (n < 0) {
		drop(fd);
		return;
	}
	for (n_requests += (uint64_t)n; n > 0; n--)
		if (send(fd, yes, sizeof(yes) - 1, MSG_NOSIGNAL) < 0) {
			drop(fd);
			return;
		}
}

static void
welcome(int listener, int poller)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd, one = 1;

	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (fd >= MAX_CONNS || (conns[fd] = calloc(1, sizeof(struct conn))) ==
	    NULL) {
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event.data.fd = fd;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
		drop(fd);
}

static int
open_port(const char *portfile)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	char temp[4096];
	FILE *file;
	int fd;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		die("listen");
	(void)snprintf(temp, sizeof(temp), "%s.new", portfile);
	file = fopen(temp, "w");
	if (file == NULL || fprintf(file, "%d\n", ntohs(at.sin_port)) < 0 ||
	    fclose(file) != 0 || rename(temp, portfile) != 0)
		die(portfile);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	struct epoll_event events[256], event = { .events = EPOLLIN };
	int listener, poller, i, n;

	if (argc != 2) {
		fprintf(stderr, "usage: sink PORTFILE\n");
		return 2;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	listener = open_port(argv[1]);
	poller = epoll_create1(0);
	event.data.fd = listener;
	if (poller < 0 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0)
		die("epoll");
	while (!stop) {
		n = epoll_wait(poller, events, 256, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				welcome(listener, poller);
			else if (conns[events[i].data.fd] != NULL)
				serve(events[i].data.fd);
		}
	}
	printf("%llu requests, %llu bytes\n", (unsigned long long)n_requests,
	    (unsigned long long)n_bytes);
	return 0;
}
