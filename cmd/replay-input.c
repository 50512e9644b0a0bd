/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which input a journal belongs to: the hash of all bytes of its files, and how
 * they are cut into records, for events are known by their number.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kx/hash.h"

#include "cli.h"
#include "replay.h"

static bool
is_stdin(const char *name)
{
	return strcmp(name, "-") == 0;
}

/* Bytes from where the descriptor stands to its end, which it does not move. */
static uint64_t
hash_file(struct kx_hash *hash, const char *name)
{
	static char space[256 << 10];
	int fd = is_stdin(name) ? STDIN_FILENO :
	    open(name, O_RDONLY | O_CLOEXEC);
	off_t at = fd < 0 ? 0 : lseek(fd, 0, SEEK_CUR), begin = at;
	ssize_t n = 1;

	if (fd < 0 || at < 0)
		cli_die(errno, "%s", cli_quotes(name));
	while (n > 0) {
		n = pread(fd, space, sizeof(space), at);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		if (n < 0)
			cli_die(errno, "%s", cli_quotes(name));
		if (kx_hash_add(hash, space, (size_t)n) != KX_OK)
			cli_die(0, "libcrypto failed");
		at += n;
	}
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return (uint64_t)(at - begin);
}

static bool
is_regular(const char *name)
{
	struct stat st;

	if ((is_stdin(name) ? fstat(STDIN_FILENO, &st) : stat(name, &st)) !=
	    0)
		cli_die(errno, "%s (with --journal every input must be "
		    "there)", cli_quotes(name));
	return S_ISREG(st.st_mode);
}

void
replay_identify(char **operands, int n, char *text, size_t size,
    bool *stream)
{
	static const char *const framings[] = {
		[KX_FRAMING_AUTO] = "auto", [KX_FRAMING_LINES] = "lines",
		[KX_FRAMING_SEQ] = "seq", [KX_FRAMING_CONCAT] = "concat"
	};
	char hex[2 * KX_SHA256_SIZE + 1], *dash[] = { (char[]){ "-" } };
	uint8_t digest[KX_SHA256_SIZE];
	struct kx_hash *hash;
	struct kx_error err;
	uint64_t bytes = 0, len;
	int i;

	if (n == 0) {
		operands = dash;
		n = 1;
	}
	*stream = false;
	for (i = 0; i < n; i++)
		if (!is_regular(operands[i]))
			*stream = true;
	(void)snprintf(hex, sizeof(hex), "-");
	if (!*stream) {
		if (kx_hash_new(KX_SHA256, &hash, &err) != KX_OK ||
		    kx_hash_begin(hash) != KX_OK)
			cli_die(ENOMEM, "--journal");
		for (i = 0; i < n; i++) {
			len = hash_file(hash, operands[i]);
			bytes += len;
			/* Where one ends counts, for a record ends there. */
			if (n > 1 && kx_hash_add(hash, &len, sizeof(len)) !=
			    KX_OK)
				cli_die(0, "libcrypto failed");
		}
		if (kx_hash_end(hash, digest) != KX_OK)
			cli_die(0, "libcrypto failed");
		kx_hex(digest, sizeof(digest), hex);
		kx_hash_free(hash);
	}
	(void)snprintf(text, size, "%s sha256 %s bytes %" PRIu64
	    " framing %s max-record %zu", *stream ? "stream" : "file", hex,
	    bytes, framings[cli.framing], cli.max_record);
}
