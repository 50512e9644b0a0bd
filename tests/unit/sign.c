/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signatures: the example of Standard Webhooks and what python's hmac says; keys
 * that are none.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kx/sign.h"

#define EXAMPLE_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define EXAMPLE_BODY "{\"test\": 2432232314}"
#define EXAMPLE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
/* 64 bytes, from 0 to 63: the longest key. */
#define LONG_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss" \
	"LS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

static struct kx_span
span(const char *s)
{
	return (struct kx_span){ s, strlen(s) };
}

static struct kx_signer *
signer_of(const char *key, const char *other)
{
	struct kx_signer *signer = kx_signer_new();
	struct kx_error err;

	assert_non_null(signer);
	assert_int_equal(kx_signer_keys(signer), 0);
	assert_int_equal(kx_signer_add(signer, span(key), &err), KX_OK);
	if (other != NULL)
		assert_int_equal(kx_signer_add(signer, span(other), &err),
		    KX_OK);
	assert_int_equal(kx_signer_keys(signer), other == NULL ? 1 : 2);
	return signer;
}

/* It is appended to what is there. */
static void
signs(const struct kx_signer *signer, const char *id, int64_t stamp,
    const char *body, const char *want)
{
	struct kx_buf out = { NULL, 0, 0, false };

	kx_buf_adds(&out, "x: ");
	kx_signer_sign(signer, span(id), stamp, span(body), &out);
	kx_buf_addc(&out, '\0');
	assert_false(kx_buf_failed(&out));
	assert_string_equal(out.ptr + 3, want);
	assert_memory_equal(out.ptr, "x: ", 3);
	kx_buf_free(&out);
}

static void
test_example(void **state)
{
	struct kx_signer *signer = signer_of(EXAMPLE_KEY, NULL);

	(void)state;
	signs(signer, EXAMPLE_ID, 1614265330, EXAMPLE_BODY, EXAMPLE);
	kx_signer_free(signer);
	/* The prefix may be left out. */
	signer = signer_of(&EXAMPLE_KEY[6], NULL);
	signs(signer, EXAMPLE_ID, 1614265330, EXAMPLE_BODY, EXAMPLE);
	kx_signer_free(signer);
}

static void
test_other_stamps(void **state)
{
	struct kx_signer *signer = signer_of(LONG_KEY, NULL);

	(void)state;
	signs(signer, "203:1", 0, "",
	    "v1,0JFMZ7AxsE4mGvfwYBEZDbk4OyVDF+8Kl5vIaXqHFWc=");
	signs(signer, "203:1", -5, "",
	    "v1,0W7cZolLWuHGkVEdU5ZvKM3bF+A/sTTKzNxEfv7K3lI=");
	kx_signer_free(signer);
}

static void
test_two_keys(void **state)
{
	struct kx_signer *signer = signer_of(LONG_KEY, EXAMPLE_KEY);

	(void)state;
	signs(signer, "203:1", 0, "",
	    "v1,0JFMZ7AxsE4mGvfwYBEZDbk4OyVDF+8Kl5vIaXqHFWc= "
	    "v1,iNkUbgcMLaNjJfzeH9wMfbF/UaDP1SACGDh/7ce2xzQ=");
	kx_signer_free(signer);
}

/* Each is refused, is not quoted, and leaves the keys that are there. */
static void
test_no_keys(void **state)
{
	static const char *const none[] = {
		"", "whsec_", "whsec_AAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2L",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!w",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
		"Whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		" " EXAMPLE_KEY, EXAMPLE_KEY "\n",
		/* 65 bytes */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss"
		"LS4vMDEyMzQ1Njc4OTo7PD0+P0A="
	};
	struct kx_signer *signer = signer_of(EXAMPLE_KEY, NULL);
	struct kx_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(kx_signer_add(signer, span(none[i]), &err),
		    KX_BAD);
		assert_null(strstr(err.message, "MfKQ"));
	}
	assert_int_equal(kx_signer_keys(signer), 1);
	signs(signer, EXAMPLE_ID, 1614265330, EXAMPLE_BODY, EXAMPLE);
	kx_signer_free(signer);
	kx_signer_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_other_stamps),
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_no_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
