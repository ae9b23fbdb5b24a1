#!/bin/sh
# Each rule of tests/levels.sh is broken once in a small tree of its own.

cd "$(dirname "$0")" || exit 1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
n=0 failed=0

ok() {
	n=$((n + 1))
	if test "$1" = "$2"; then
		printf '%s\n' "ok $n - $3"
	else
		printf '%s\n' "not ok $n - $3"
		sed 's/^/# /' "$tree/said"
		failed=1
	fi
}

plant() {
	rm -rf "$tree/src" "$tree/cmd"
	mkdir "$tree/src" "$tree/cmd"
	for room in base/error base/mem base/text smtp/reply smtp/session \
	    config/config world/net world/stream \
	    world/clock; do
		mkdir -p "$tree/src/${room%/*}"
		echo "#include \"$room.h\"" >"$tree/src/$room.c"
		echo "/* $room: exit(3) is spoken of only. */" \
		    >"$tree/src/$room.h"
	done
	echo 'int main(void);' >"$tree/cmd/sendling.c"
}

# breaks EXPECTED FILE 'code, as printf writes it' SENTENCE
breaks() {
	plant
	printf '%b\n' "$3" >>"$tree/$2"
	./levels.sh "$tree" >"$tree/said" 2>&1
	ok $? "$1" "$4"
}

plant
./levels.sh "$tree" >"$tree/said" 2>&1
ok $? 0 'a tree that keeps the rules'
while read -r status file what; do
	breaks "$status" "$file" "$what" "$file: $what"
done <<'END'
1 src/base/text.c #include "smtp/session.h"
1 src/base/text.h #include "smtp/reply.h"
1 src/smtp/session.c #include "world/net.h"
1 src/smtp/session.c #include "config/config.h"
0 src/smtp/session.c #include "smtp/reply.h"
0 src/smtp/reply.h #include "smtp/session.h"
0 src/world/stream.c #include "world/net.h"
0 src/world/net.c #include "world/stream.h"
1 src/world/net.c #include "util.h"
1 src/world/net.c #include "lib/util.h"
1 src/base/util.c int util;
1 cmd/table.c int x;
1 src/world/net.c #include <gnutls/gnutls.h>
1 src/world/net.c int x = gnutls_init(y);
1 src/world/net.c #include <sysexits.h>
1 cmd/sendling.c int x = EX_USAGE;
1 src/world/net.c	exit(1);
1 src/base/mem.c	exit(1);
0 cmd/sendling.c	errx(1, "x");
1 src/world/net.c	err(1, "x");
0 src/world/net.c	say("exit(1)");
0 src/world/net.c	/*\n * exit(1)\n */
1 src/world/net.c	/*\n * harmless\n */ exit(1);
0 src/world/net.c	x = socket(1, 2, 3);
1 src/world/stream.c	x = socket(1, 2, 3);
1 src/world/stream.c	if (connect (fd, a, l) == -1)
1 src/world/stream.c	getaddrinfo(a, b, c, d);
0 src/world/clock.c	poll(p, 1, t);
1 src/world/net.c	poll(p, 1, t);
1 src/world/net.c	x = getenv("HOME");
1 src/world/net.c	x = getpwuid(1);
1 src/world/access.c	x = getgrgid(1);
1 src/world/net.c	pthread_create(a, b, c, d);
1 src/world/resolve.c	pid = fork();
1 src/world/net.c	x = time(NULL);
1 src/world/net.c	clock_gettime(a, b);
0 src/world/clock.c	clock_gettime(a, b);
1 src/world/net.c	x = fork();
1 src/world/net.c	execve(a, b, c);
1 src/world/net.c	posix_spawn(a, b, c);
1 src/smtp/session.c	x = isalpha(c);
1 src/smtp/session.c	x = strcasecmp(a, b);
1 src/smtp/session.c	printf("x");
1 src/smtp/session.c	x = open("/etc/passwd", 0);
0 src/smtp/session.c	x = store->read(store, 0);
1 src/smtp/session.c #include <unistd.h>
1 src/smtp/session.c static int calls;
1 src/smtp/session.c	static char *last = 0;
0 src/smtp/session.c static const int table[] = {
0 src/smtp/session.c static int f(int);
0 src/world/net.c static int calls;
END

long=$(awk 'BEGIN { for (i = 0; i < 99; i++) printf "\tx++;\\n" }')
breaks 1 src/world/net.c "int\nf(void)\n{\n$long}" 'a function of 101 lines'
breaks 0 src/world/net.c "int\nf(void)\n{\n${long#????????????????????????}}" \
    'a function of 98 lines'
breaks 1 src/world/net.c "$(yes '/**/' | head -n 900)" 'a file of 901 lines'
breaks 0 src/world/net.c "$(yes '/**/' | head -n 898)" 'a file of 899 lines'

plant
echo '#include "smtp/session.h"' >>"$tree/src/smtp/reply.c"
echo '#include "smtp/reply.h"' >>"$tree/src/smtp/session.h"
./levels.sh "$tree" >"$tree/said" 2>&1
ok $? 1 'two rooms of a folder that include each other'
grep -q '^a circle: ' "$tree/said"
ok $? 0 '... and the circle is shown'

./mutants.sh --places >"$tree/said"
ok $? 0 'what mutants.sh breaks is still there'
grep '^not' "$tree/said" | sed 's/^/# /'

echo "1..$n"
exit $failed
