#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Feeds files to a fuzz target without libFuzzer: replay FILE ... */

#define INPUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
replay(const char *path)
{
	uint8_t *bytes;
	size_t len;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	if ((bytes = malloc(INPUT_MAX)) == NULL)
		err(1, NULL);
	len = fread(bytes, 1, INPUT_MAX, f);
	if (ferror(f))
		err(1, "%s", path);
	fclose(f);
	/* Of exactly that size, so that ASan sees the first byte behind it. */
	if (len > 0 && (bytes = realloc(bytes, len)) == NULL)
		err(1, NULL);
	LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		/* On stderr before the call: a crash names its input. */
		fprintf(stderr, "%s\n", argv[i]);
		replay(argv[i]);
	}
	return 0;
}
