#include "../unit.h"

#include "../folder.h"
#include "world/program.h"

static void
knows_what_is_there(void **state)
{
	static const struct {
		const char *command;
		const char *words; /* "" where nothing is wrong */
	} rows[] = {{"works", ""}, {"works with arguments | x", ""},
	    {"  works", ""},
	    {"missing x", "`missing': there is no such program in PATH"},
	    {"plain", "`plain' cannot be executed: Permission denied"},
	    {"sub", "`sub': there is no such program in PATH"},
	    {"/nonexistent/x y",
		"`/nonexistent/x' cannot be executed: No such file or "
		"directory"},
	    {"/etc/passwd", "`/etc/passwd' cannot be executed: Permission "
			    "denied"},
	    {"/etc", "`/etc' cannot be executed: Is a directory"},
	    /* What only the shell knows. */
	    {"exec missing", ""}, {"if missing; then x; fi", ""},
	    {"A=1 missing", ""}, {"$HOME/missing", ""}, {"~/missing", ""},
	    {"'missing'", ""}, {"(missing)", ""}, {"missing;x", ""},
	    {"{ missing; }", ""}, {"mis\\sing", ""}, {"", ""}, {" ", ""}};
	char word[5000]; /* is no path */
	struct error e;
	size_t i;

	(void)state;
	folder_put("works", "#!/bin/sh\n", 10, 0755);
	folder_put("plain", "#!/bin/sh\n", 10, 0644);
	mkdir(in_folder("sub"), 0755);
	setenv("PATH", folder, 1);
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		assert_int_equal(program_check(rows[i].command, &e),
		    rows[i].words[0] == '\0' ? 0 : -1);
		assert_string_equal(e.text, rows[i].words);
		assert_int_equal(e.hint[0] != '\0', rows[i].words[0] != '\0');
	}
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	error_clear(&e);
	assert_int_equal(program_check(word, &e), 0);
}

/* As the shell goes on to the next folder. */
static void
looks_in_all_folders(void **state)
{
	char path[400];
	struct error e;

	(void)state;
	folder_put("sub/both", "#!/bin/sh\n", 10, 0755);
	folder_put("both", "#!/bin/sh\n", 10, 0644);
	snprintf(path, sizeof(path), "/nonexistent:%s:%s/sub", folder, folder);
	setenv("PATH", path, 1);
	error_clear(&e);
	assert_int_equal(program_check("both", &e), 0);
	unsetenv("PATH"); /* then the shell has one of its own */
	assert_int_equal(program_check("missing", &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_what_is_there),
	    cmocka_unit_test(looks_in_all_folders)};
	char path[4000];
	int result;

	strlcpy(path, getenv("PATH"), sizeof(path));
	if (folder_make(NULL) == -1)
		return 1;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	setenv("PATH", path, 1);
	folder_remove(NULL);
	return result;
}
