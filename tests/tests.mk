# The part of the Makefile that tests. Each part of the check and of lint is a
# target of its own (`make check-unit`); tests/check.sh runs them, keeps what
# they say in $B/check and sums up.

SECONDS		= 60
UNIT		= $(patsubst %.c,$B/%,$(wildcard tests/unit/*/*.c))
FUZZ		= $(patsubst %.c,$B/%,$(filter-out %/replay.c,\
		  $(wildcard tests/fuzz/*.c)))
PLAYER		= $(patsubst %.c,$B/%,$(wildcard tests/dialogue.c))
SPELLINGS	= $B/tests/spellings
STARVE		= $B/tests/starve.so
INJECTOR	= $B/tests/spool/inject
SPOOL		= $(wildcard tests/spool/*.t)
DIALOGUES	= $(wildcard tests/dialogues/*.dialogue)
SERVE_PLAYER	= $(patsubst %.c,$B/%,$(wildcard tests/serve.c))
SERVE_DIALOGUES	= $(wildcard tests/serve/*.dialogue)
SCRIPTS		= $(filter-out $(END_TO_END) $(FLEET) $(IMPORTED),\
		  $(wildcard tests/*.t))
END_TO_END	= $(wildcard tests/postfix.t tests/aiosmtpd.t tests/setup.t \
		  tests/recipes.t)
PEERS		= $(wildcard tests/peers/*.t)
FLEET		= $(wildcard tests/fleet.t)
TREES		= $(wildcard tests/trees/*.t)
IMPORTED	= $(wildcard tests/imported.t)

# What tests link: the library, and of cmd/ all but main.
TESTED		= $(filter-out $B/cmd/sendling.o,$(CMD)) $B/libsendling.a

$(UNIT): $B/%: $B/%.o $B/tests/tap.o $(TESTED)
	$(LINK) -o $@ $^ $(PKG_LIBS) -lcmocka
$(PLAYER) $(SERVE_PLAYER): $B/tests/script.o
$(PLAYER) $(SERVE_PLAYER) $(SPELLINGS): $B/%: $B/%.o $(TESTED)
	$(LINK) -o $@ $^ $(PKG_LIBS)

# Is loaded before the C library, whose allocator it stands in for.
$B/tests/starve.o: HARDEN = -fPIC -fno-builtin
$(STARVE): $B/tests/starve.o
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $<

$(INJECTOR): $B/tests/spool/inject.o
	$(LINK) -o $@ $<

# libFuzzer brings its own main; replay.o has one that plays files once, so
# that every compiler can run the corpus.
$(FUZZ): $B/%: $B/%.o $(TESTED)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)
$(FUZZ:=-replay): $B/%-replay: $B/%.o $B/tests/fuzz/replay.o $(TESTED)
	$(LINK) -o $@ $^ $(PKG_LIBS)

# What README shows of the demo, made anew where the demo has changed.
recording: all
	@tests/deps.sh build recording
	tests/recording.sh man/demo.svg
bench: all
	tests/bench/run
mutants: all
	B=$B tests/mutants.sh

# What a change should pass; what takes longer or wants more; and style.
CHECK		= check-build check-unit check-player check-socket \
		  check-scripts check-e2e
MORE		= check-callers check-peers check-fleet check-imported \
		  check-corpus check-sanitize check-clang check-valgrind \
		  check-feed check-spool
LINT		= lint-gcc lint-clang lint-cppcheck lint-man lint-levels \
		  lint-format lint-shell
# LAST_OF is the make that was called, which ends last.
PARTS		= LAST_OF=$${LAST_OF-$$PPID} B=$B MAKE=$(MAKE) tests/check.sh

# Nothing before what is needed is there: then make starts anew, and finds it.
check: deps-check
	@LAST_OF=$$PPID $(MAKE) --no-print-directory check-all
check-more: deps-more
	@LAST_OF=$$PPID $(MAKE) --no-print-directory more-all
lint: deps-lint
	@LAST_OF=$$PPID $(MAKE) --no-print-directory lint-all
# What a part cannot fetch now it will miss, and say so.
deps-check:
	@tests/deps.sh build check
	-@tests/postfix.t --fetch
	-@tests/setup.t --fetch
	-@tests/recipes.t --fetch
deps-more: deps-check
	@tests/deps.sh more
	-@test "$$(id -u)" != 0 || tests/callers/packages build/callers
	-@for test in $(PEERS) $(FLEET) $(IMPORTED); do $$test --fetch; done
	-@for test in outage power; do tests/spool/$$test.t --fetch; done
deps-lint:
	@tests/deps.sh build check lint
check-all:
	@$(PARTS) $(CHECK)
more-all:
	@$(PARTS) $(MORE)
lint-all:
	@$(PARTS) $(LINT)
# For .ci/run.
parts:
	@echo $(CHECK) $(MORE) $(LINT)

# The programs under test and how the sanitizers speak up, for all of them.
export SENDLING	= $(abspath $B/sendling)
export INJECT	= $(abspath $(INJECTOR))
export STARVE_LIBRARY = $(abspath $(STARVE))
export ASAN_OPTIONS = detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS = print_stacktrace=1
export PYTHONDONTWRITEBYTECODE = 1
SANITIZE	= CFLAGS='-O1 -g -fno-omit-frame-pointer \
		  -fsanitize=address,undefined -fno-sanitize-recover=all'
PROVE		= prove --verbose --jobs 2

check-build: all
check-unit: $(UNIT)
	$(PROVE) --exec tests/tap.sh $(UNIT)
check-player: $(PLAYER) $(SERVE_PLAYER)
	@$(if $(DIALOGUES),$(PLAYER) $(DIALOGUES))
	@$(if $(SERVE_DIALOGUES),$(SERVE_PLAYER) $(SERVE_DIALOGUES))
check-socket: all $(PLAYER)
	tests/dialogue_socket.py
check-dialogues: check-player check-socket
check-scripts: all $(SPELLINGS) $(STARVE)
	$(PROVE) $(SCRIPTS)
check-e2e: all
	$(PROVE) $(END_TO_END)
check-callers: all
	@tests/callers/run || test $$? = 77 # nothing could be run
# Servers wait more than they work, and each is in namespaces of its own.
check-peers: all
	prove --verbose --jobs 4 $(PEERS)
check-fleet: all
	prove --verbose $(FLEET)
check-imported: all
	prove --verbose $(IMPORTED)
# The Debian package, in trees that are fetched: not for every day.
check-trees:
	@tests/deps.sh build trees
	prove --verbose --jobs 2 $(TREES)
# They use all processors themselves.
check-spool: all $(INJECTOR)
	prove --verbose $(SPOOL)
check-spool-slice: all $(INJECTOR)
	SPOOL_EVERY=40 prove --verbose tests/spool/faults.t
check-corpus:
	$(MAKE) B=$B/asan $(SANITIZE) replay
check-sanitize:
	$(MAKE) B=$B/asan $(SANITIZE) check-unit check-dialogues \
	    check-scripts check-e2e check-spool-slice
check-clang:
	$(MAKE) B=$B/clang CC=clang CFLAGS='-O2 -g -Werror' all check-unit \
	    check-player
check-valgrind: $(PLAYER) all
	tests/valgrind.sh $(PLAYER) $B/sendling
replay: $(FUZZ:=-replay)
	tests/fuzz/run.sh replay $B $(notdir $(FUZZ))

fuzz:
	$(MAKE) B=$B/fuzz CC=clang CFLAGS='-O1 -g -fsanitize=address,undefined \
	    -fsanitize=fuzzer-no-link -fno-sanitize-recover=all' fuzz-run
fuzz-run: $(FUZZ)
	tests/fuzz/run.sh $(SECONDS) $B $(notdir $(FUZZ))

# The whole program gets what fuzzing left, if it did.
feed:
	$(MAKE) B=$B/asan FOUND=$(wildcard $B/fuzz/corpus) $(SANITIZE) feed-run
feed-run: all
	tests/feed.py $(SECONDS) $(SENDLING) $(FOUND) $(SEED)
check-feed:
	$(MAKE) SECONDS=20 SEED='--seed 1' feed

lint-gcc:
	$(MAKE) B=$B/lint/gcc CC=gcc CFLAGS='-O2 -Werror' objects
lint-clang:
	$(MAKE) B=$B/lint/clang CC=clang CFLAGS='-O2 -Werror' objects
objects: $(ROOMS) $(CMD) $(UNIT:=.o) $(FUZZ:=.o) $(PLAYER:=.o) \
	$(SERVE_PLAYER:=.o) $(SPELLINGS:=.o) $(STARVE:.so=.o) $(INJECTOR:=.o)
lint-cppcheck:
	mkdir -p $B/lint/cppcheck
	cppcheck -q -j2 --cppcheck-build-dir=$B/lint/cppcheck --std=c11 \
	    --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 -D_GNU_SOURCE -Isrc -I. src cmd
lint-man:
	command -v mandoc
	! mandoc -Tlint $(wildcard man/*.[157]) | \
	    grep -v 'STYLE: referenced manual not found'
lint-levels:
	tests/levels.sh
lint-format:
	clang-format --dry-run -Werror $(wildcard src/*/*.[ch] cmd/*.[ch] \
	    tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
# SC1091: a script that is run in a sandbox names its library as seen there.
lint-shell:
	shellcheck -e SC1091 $$(grep -rlE '^#!.*\b(ba)?sh$$' .ci tests cmd) \
	    cmd/setup-files cmd/oauth-login cmd/completions/sendling.bash \
	    cmd/debian/spools

-include $B/tests/tap.d $(UNIT:=.d) $(FUZZ:=.d) $(PLAYER:=.d) $(SERVE_PLAYER:=.d) \
	$(SPELLINGS:=.d) $(STARVE:.so=.d) $(INJECTOR:=.d)
.PHONY: recording bench mutants check check-more lint parts deps-check deps-more deps-lint \
	check-all more-all lint-all check-dialogues check-spool-slice \
	fuzz fuzz-run feed check-trees \
	feed-run replay objects $(CHECK) $(MORE) $(LINT)
