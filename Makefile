# `make demo` shows sendling at work, `make check` runs the tests. Everything
# that is built lies under $B, so a variant is a folder of its own:
#	make B=build/clang CC=clang
#	make B=build/asan CFLAGS='-O1 -g -fsanitize=address,undefined'

B		= build
CC		= cc
CFLAGS		= -O2 -g
PREFIX		= /usr/local
SYSCONFDIR	= /etc
DESTDIR		=
INSTALL		= install
PKG_CONFIG	= pkg-config
LIBS		= gnutls libbsd-overlay
# Not `=': asked for once.
VERSION		:= $(shell cmd/version.sh)

WARN		= -Wall -Wextra -Wshadow -Wstrict-prototypes \
		  -Wmissing-prototypes -Wformat=2 -Wconversion
# Of files over 2 GiB and large inodes also where off_t has 32 bits, in all rooms
# alike; not time_t, of which GnuTLS has that of the system.
WIDE		= -D_FILE_OFFSET_BITS=64
# _FORTIFY_SOURCE needs an optimising compiler, and its checks would hide from
# a sanitizer what they catch themselves.
FORTIFY		= $(if $(findstring -fsanitize,$(CFLAGS)),,$(if \
		  $(filter-out -O0,$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE \
		  -D_FORTIFY_SOURCE=2))
HARDEN		= -fPIE -fstack-protector-strong $(FORTIFY)
HARDEN_LD	= -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# Not `:=`: pkg-config is asked when the first file is compiled, so that
# `make deps` has had its turn; and once only, as each asking costs time.
PKG_CFLAGS	= $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags \
		  $(LIBS)))$(PKG_CFLAGS)
PKG_LIBS	= $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs \
		  $(LIBS)))$(PKG_LIBS)

COMPILE		= $(CC) -std=c11 -D_GNU_SOURCE $(WIDE) $(TOLD) \
		  -Isrc -I. $(HARDEN) $(WARN) $(PKG_CFLAGS) $(CPPFLAGS) \
		  $(CFLAGS) -MMD -MP -c
LINK		= $(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS)

ROOMS		= $(patsubst %.c,$B/%.o,$(wildcard src/*/*.c))
CMD		= $(patsubst %.c,$B/%.o,$(wildcard cmd/*.c))

all: $B/sendling

$B/sendling: $(CMD) $B/libsendling.a
	$(LINK) -o $@ $^ $(PKG_LIBS)

# Made anew, or objects of sources that are gone would stay in it.
$B/libsendling.a: $(ROOMS)
	@rm -f $@
	$(AR) rcs $@ $^

$B/%.o: %.c | $B/found
	@mkdir -p $(@D)
	$(COMPILE) -o $@ $<

# The compiler is told these alone: the folder of the system's settings, and the
# version. Who knows one is made anew when it is another.
NAMES_FOLDER	= $(patsubst %,$B/%.o,src/config/keyword src/world/settings \
		  tests/unit/config/config tests/unit/world/settings \
		  tests/unit/run/service)
$(NAMES_FOLDER): TOLD = -DSYSCONFDIR='"$(SYSCONFDIR)"'
$(NAMES_FOLDER): $B/sysconfdir
$B/cmd/sendling.o: TOLD = -DSENDLING_VERSION='"$(VERSION)"'
$B/cmd/sendling.o: $B/version
# $(call keep,FILE,VALUE): a file that is as old as its value.
define keep
ifneq ($$(shell cat $B/$1 2>/dev/null),$2)
.PHONY: $B/$1
endif
$B/$1:
	@mkdir -p $B && echo '$2' >$$@
endef
$(eval $(call keep,sysconfdir,$(SYSCONFDIR)))
$(eval $(call keep,version,$(VERSION)))

$B/found:
	@$(PKG_CONFIG) --print-errors --exists $(LIBS) || \
	    { echo 'A library is missing: try "make deps".'; exit 1; }
	@mkdir -p $B && touch $@

-include $(ROOMS:.o=.d) $(CMD:.o=.d)

# As many as there are processors, unless the caller has said how many.
JOBS		= $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc || echo 2))
# $(call install_pages,FILES,FOLDER): they tell of the files of this SYSCONFDIR
# and PREFIX. $(call install_file,FILE,NAME) is the same for one.
install_pages	= for page in $1; do to=$(DESTDIR)$2/$$(basename $$page); \
		  $(install_page)
install_file	= for page in $1; do to=$(DESTDIR)$2; $(install_page)
install_page	= sed -e 's|XDG_CONFIG_HOME=/etc|XDG_CONFIG_HOME=$(SYSCONFDIR)|' \
		      -e 's|/etc/sendling|$(SYSCONFDIR)/sendling|g' \
		      -e 's|/etc/aliases|$(SYSCONFDIR)/aliases|g' \
		      -e 's|/usr/local/bin/sendling|$(PREFIX)/bin/sendling|g' \
		      -e 's|/usr/local/share/sendling|$(PREFIX)/share/sendling|g' \
		      -e 's|/usr/local/share/doc|$(PREFIX)/share/doc|g' \
		      $$page >$$to && chmod 644 $$to || exit 1; done

deps:
	@tests/deps.sh build
demo: deps
	@$(MAKE) -s -q all 2>/dev/null || { echo 'Building ...'; \
	    $(MAKE) --no-print-directory -s $(JOBS) all; }
	@SENDLING=$B/sendling tests/demo.sh
# Scripts beside the program, and what they read.
COMMANDS	= sendling-setup sendling-token sendling-import
COMMANDS_DATA	= cmd/providers cmd/setup-files cmd/oauth cmd/oauth-login
IMPORT		= $(wildcard cmd/import/*.awk)
UNITS		= cmd/sendling-flush.service cmd/sendling-flush.timer
# These are of the service that sends for a whole machine.
SERVICE_UNITS	= cmd/sendling.socket cmd/sendling-tcp.socket \
		  cmd/sendling@.service cmd/sendling-service-flush.service \
		  cmd/sendling-service-flush.timer
EXAMPLES	= cmd/sendling-online cmd/Containerfile
MAN		= $(PREFIX)/share/man
DOC		= $(PREFIX)/share/doc/sendling
SHARE		= $(PREFIX)/share/sendling
# One pair of units is for the system and for each user.
UNITDIR		= $(PREFIX)/lib/systemd/system
USERUNITDIR	= $(PREFIX)/lib/systemd/user
SYSUSERSDIR	= $(PREFIX)/lib/sysusers.d
TMPFILESDIR	= $(PREFIX)/lib/tmpfiles.d
# A shell looks for completions by the name of the command; one file has all.
COMPLETED	= $(COMMANDS) sendmail mailq newaliases
BASHDIR		= $(PREFIX)/share/bash-completion/completions
ZSHDIR		= $(PREFIX)/share/zsh/site-functions
FISHDIR		= $(PREFIX)/share/fish/vendor_completions.d
install: all
	$(INSTALL) -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(MAN)/man1 \
	    $(MAN)/man5 $(MAN)/man7 $(DOC)/examples $(SHARE)/import $(UNITDIR) \
	    $(USERUNITDIR) $(SYSUSERSDIR) $(TMPFILESDIR) $(BASHDIR) $(ZSHDIR) \
	    $(FISHDIR))
	$(INSTALL) -m 755 $B/sendling $(DESTDIR)$(PREFIX)/bin
	for script in $(COMMANDS); do \
	    to=$(DESTDIR)$(PREFIX)/bin/$$script; \
	    sed -e 's|^etc=.*|etc=$(SYSCONFDIR)|' \
	        -e 's|/etc/sendling|$(SYSCONFDIR)/sendling|' \
	        -e 's|^share=.*|share=$(PREFIX)/share/sendling|' \
	        cmd/$$script >$$to && chmod 755 $$to || exit 1; done
	$(call install_pages,man/*.1,$(MAN)/man1)
	$(call install_pages,man/*.5,$(MAN)/man5)
	$(call install_pages,man/*.7,$(MAN)/man7)
	$(call install_pages,README cmd/NEWS config.example,$(DOC))
	$(call install_pages,$(EXAMPLES),$(DOC)/examples)
	$(call install_pages,$(COMMANDS_DATA),$(SHARE))
	$(call install_pages,$(IMPORT),$(SHARE)/import)
	$(call install_pages,$(UNITS),$(UNITDIR))
	$(call install_pages,$(UNITS),$(USERUNITDIR))
	$(call install_pages,$(SERVICE_UNITS),$(UNITDIR))
	cp $(DESTDIR)$(UNITDIR)/sendling@.service \
	    $(DESTDIR)$(UNITDIR)/sendling-tcp@.service
	$(call install_file,cmd/sendling.sysusers,$(SYSUSERSDIR)/sendling.conf)
	$(call install_file,cmd/sendling.tmpfiles,$(TMPFILESDIR)/sendling.conf)
	$(call install_file,cmd/completions/sendling.bash,$(BASHDIR)/sendling)
	$(call install_file,cmd/completions/_sendling,$(ZSHDIR)/_sendling)
	$(call install_file,cmd/completions/sendling.fish,$(FISHDIR)/sendling.fish)
	for name in $(COMPLETED); do \
	    ln -sf sendling $(DESTDIR)$(BASHDIR)/$$name && \
	    ln -sf sendling.fish $(DESTDIR)$(FISHDIR)/$$name.fish || \
	    exit 1; done
# Folders that no system makes below its PREFIX, which go when they are empty;
# that of zsh some do.
OURS		= $(MAN)/man1 $(MAN)/man5 $(MAN)/man7 $(UNITDIR) $(USERUNITDIR) \
		  $(dir $(USERUNITDIR)) $(SYSUSERSDIR) $(TMPFILESDIR) \
		  $(BASHDIR) $(dir $(BASHDIR)) $(FISHDIR) $(dir $(FISHDIR)) \
		  $(dir $(DOC))
uninstall:
	rm -f $(patsubst %,$(DESTDIR)$(PREFIX)/bin/%,sendling $(COMMANDS))
	rm -f $(foreach n,1 5 7,$(patsubst man/%,$(DESTDIR)$(MAN)/man$n/%,\
	    $(wildcard man/*.$n)))
	rm -f $(foreach folder,$(UNITDIR) $(USERUNITDIR),\
	    $(patsubst cmd/%,$(DESTDIR)$(folder)/%,$(UNITS)))
	rm -f $(patsubst cmd/%,$(DESTDIR)$(UNITDIR)/%,$(SERVICE_UNITS) \
	    cmd/sendling-tcp@.service)
	rm -f $(DESTDIR)$(SYSUSERSDIR)/sendling.conf \
	    $(DESTDIR)$(TMPFILESDIR)/sendling.conf
	rm -f $(patsubst %,$(DESTDIR)$(BASHDIR)/%,sendling $(COMPLETED)) \
	    $(DESTDIR)$(ZSHDIR)/_sendling \
	    $(patsubst %,$(DESTDIR)$(FISHDIR)/%.fish,sendling $(COMPLETED))
	rm -rf $(DESTDIR)$(DOC) $(DESTDIR)$(SHARE)
	for folder in $(OURS); do \
	    rmdir $(DESTDIR)$$folder 2>/dev/null || :; done
# Sources with their version, and packages of them.
dist:
	@cmd/dist.sh '$(VERSION)' $B/dist
deb:
	@tests/deps.sh build deb
	@cmd/deb.sh "$$(cmd/dist.sh '$(VERSION)' $B/dist)" $B/deb
rpm: # a skeleton, see there
	@command -v rpmbuild >/dev/null || { echo 'rpmbuild is missing.'; exit 1; }
	@rpmbuild -bb --define "_topdir $(abspath $B)/rpm" \
	    --define "_sourcedir $$(dirname "$$(cmd/dist.sh '$(VERSION)' \
	    $B/dist)")" --define 'upstream $(VERSION)' $(RPMFLAGS) \
	    cmd/rpm/sendling.spec
clean:
	rm -rf $B

# bench, check, lint, fuzz
include tests/tests.mk

.SECONDARY:
.PHONY: all deps demo install uninstall dist deb rpm clean
