/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names and plates that are the same, and patterns over them.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/fold.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
folds_to(enum kx_fold how, const char *text, const char *want)
{
	struct kx_buf out = { 0 };

	kx_fold(how, kx_span_str(text), &out);
	kx_buf_addc(&out, '\0');
	assert_false(kx_buf_failed(&out));
	assert_string_equal(out.ptr, want);
	kx_buf_free(&out);
}

static void
test_names(void **state)
{
	(void)state;
	folds_to(KX_FOLD_NAME, "", "");
	folds_to(KX_FOLD_NAME, "Mark O'Neil-Smith", "mark o'neil-smith");
	folds_to(KX_FOLD_NAME, "ФРОЛ", "фрол");
	folds_to(KX_FOLD_NAME, "STRASSE", "strasse");
	folds_to(KX_FOLD_NAME, "Straße", "strasse");
	folds_to(KX_FOLD_NAME, "ΟΔΥΣΣΕΥΣ", "οδυσσευσ");
	folds_to(KX_FOLD_NAME, "Οδυσσεύς", "οδυσσεύσ");
	/* e and an accent, and the one letter of both */
	folds_to(KX_FOLD_NAME, "Ande\xcc\x81", "and\xc3\xa9");
	folds_to(KX_FOLD_NAME, "ANDÉ", "and\xc3\xa9");
	/* й of two characters */
	folds_to(KX_FOLD_NAME, "\xd0\x98\xcc\x86", "й");
	folds_to(KX_FOLD_NAME, "Ё", "ё");
	folds_to(KX_FOLD_NAME, "従業員", "従業員");
	folds_to(KX_FOLD_NAME, "bad \xff\xc0", "bad \xef\xbf\xbd\xef\xbf\xbd");
}

static void
test_plates(void **state)
{
	(void)state;
	folds_to(KX_FOLD_PLATE, "АВЕКМНОРСТУХ", "abekmhopctyx");
	folds_to(KX_FOLD_PLATE, "авекмнорстух", "abekmhopctyx");
	folds_to(KX_FOLD_PLATE, "ABEKMHOPCTYX", "abekmhopctyx");
	folds_to(KX_FOLD_PLATE, "а123ВС-77", "a123bc77");
	folds_to(KX_FOLD_PLATE, "A 123 BC_77", "a123bc77");
	folds_to(KX_FOLD_PLATE, "A\xc2\xa0" "1\xe2\x80\x93" "2", "a12");
	folds_to(KX_FOLD_PLATE, "-", "");
	/* letters that no Latin one looks like */
	folds_to(KX_FOLD_PLATE, "Я001ЖЖ", "я001жж");
}

static void
test_globs(void **state)
{
	static const struct {
		enum kx_fold how;
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ KX_FOLD_NAME, "", "", true }, { KX_FOLD_NAME, "", "a", false },
		{ KX_FOLD_NAME, "*", "", true }, { KX_FOLD_NAME, "?", "", false },
		{ KX_FOLD_NAME, "?", "Ж", true }, { KX_FOLD_NAME, "??", "Ж", false },
		{ KX_FOLD_NAME, "mark", "MARK", true },
		{ KX_FOLD_NAME, "mark", "marko", false },
		{ KX_FOLD_NAME, "mark*", "Marko", true },
		{ KX_FOLD_NAME, "*фр?л", "Mark ФРОЛ", true },
		{ KX_FOLD_NAME, "*a*b*c*", "xaxbxcx", true },
		{ KX_FOLD_NAME, "*a*b*c", "xaxbxcx", false },
		{ KX_FOLD_NAME, "*aab", "aaaab", true },
		{ KX_FOLD_NAME, "[a-c]x", "Bx", true },
		{ KX_FOLD_NAME, "[A-C]x", "dx", false },
		{ KX_FOLD_NAME, "[!a-c]x", "dx", true },
		{ KX_FOLD_NAME, "[^а-я]", "Ж", false },
		{ KX_FOLD_NAME, "[]a]", "]", true },
		{ KX_FOLD_NAME, "[a-]", "-", true },
		{ KX_FOLD_NAME, "[\\]]", "]", true },
		{ KX_FOLD_NAME, "\\*", "*", true },
		{ KX_FOLD_NAME, "\\*", "a", false },
		{ KX_FOLD_NAME, "a\\", "a\\", true },
		{ KX_FOLD_NAME, "straße", "STRASSE", true },
		{ KX_FOLD_PLATE, "А*77", "a123bc-77", true },
		{ KX_FOLD_PLATE, "A-1-*", "а1", true },
		{ KX_FOLD_PLATE, "[АB]1", "в 1", true },
		{ KX_FOLD_PLATE, "2222HH7", "2222НН-7", true },
		{ KX_FOLD_PLATE, "?1", "1", false },
		{ KX_FOLD_PLATE, "********************************1", "a", false }
	};
	struct kx_buf folded = { 0 };
	struct kx_glob *glob;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(kx_glob_new(cases[i].how,
		    kx_span_str(cases[i].pattern), &glob, NULL), KX_OK);
		kx_buf_reset(&folded, 1000);
		kx_fold(cases[i].how, kx_span_str(cases[i].text), &folded);
		if (kx_glob_match(glob, kx_buf_span(&folded)) !=
		    cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern,
			    cases[i].text);
		kx_glob_free(glob);
	}
	kx_buf_free(&folded);
}

static void
test_bad_globs(void **state)
{
	static const struct {
		const char *pattern;
		size_t off;
	} cases[] = { { "ab[", 2 }, { "[]", 0 }, { "[!]", 0 }, { "*[a-", 1 },
	    { "[a\\]", 0 }, { "\xff", 0 }, { "[\xd0]", 0 } };
	struct kx_glob *glob;
	struct kx_error err;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(kx_glob_new(KX_FOLD_NAME,
		    kx_span_str(cases[i].pattern), &glob, &err), KX_BAD);
		assert_int_equal(err.off, cases[i].off);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_plates),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_bad_globs)
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
