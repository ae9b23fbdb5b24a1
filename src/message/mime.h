#ifndef MIME_H
#define MIME_H

/*
 * mime: which octets of a body belong to which part (RFC 2046 section 5.1).
 * Reads a message once, in blocks and in constant memory but for the list of
 * its parts; changes nothing.
 *
 * Lines are looked at without NULs, and fields no further than 64 KiB. A
 * delimiter line is one that holds the delimiter, "--" behind it at the end of
 * a multipart, and white space, nothing else.
 */

#include "base/error.h"
#include "message/lines.h"
#include "message/message.h"

#define MIME_BOUNDARY_MAX 994	/* has room on a line; 70 in RFC 2046 */
#define MIME_DEPTH_MAX	  32	/* of multiparts */
#define MIME_PARTS_MAX	  10000 /* messages in messages are parts too */
#define MIME_LABELS_MAX	  (2 * MIME_PARTS_MAX)

enum mime_kind {
	MIME_TEXT,
	MIME_OTHER,
	MIME_MULTIPART,
	MIME_MESSAGE, /* message/rfc822, message/global */
	MIME_SEALED,  /* may not be changed: signed, encrypted (RFC 1847),
		       * partial, external. What application/pkcs7-mime has
		       * is as any other once decoded */
	MIME_BROKEN   /* a multipart without a boundary, or whose boundary
		       * never comes */
};

/* First the domains, each in the next (RFC 2045 section 2.7 to 2.9). */
enum mime_encoding {
	MIME_NONE, /* no field */
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_UNKNOWN
};

struct mime_type {
	enum mime_kind kind;
	bool composite; /* multipart or message, of any subtype */
	bool digest;	/* parts are messages unless they say otherwise */
	size_t boundary_len;
	char boundary[MIME_BOUNDARY_MAX];
};

/* The value of a Content-Type field; what does not parse is text (RFC 2045
 * section 5.2). */
void mime_parse_type(struct text value, struct mime_type *type);

/* The value of a Content-Transfer-Encoding field. */
enum mime_encoding mime_parse_encoding(struct text value);

/* What not every server takes. Lines are those of the body of the whole
 * message, counted from 1: the first of that kind, or 0. */
struct mime_faults {
	unsigned long long high; /* octets with their high bit set */
	unsigned long long high_line;
	unsigned long long long_line; /* over LINES_MAX octets */
	unsigned long long nul_line;
	unsigned long long cr_line; /* a bare one */
};

/* A Content-Transfer-Encoding field. */
struct mime_label {
	size_t part;
	unsigned long long at;
	unsigned long long end;
};

/* Offsets are in the body of the whole message. */
struct mime_part {
	enum mime_kind kind;
	enum mime_encoding encoding; /* what its first label says */
	size_t label;		     /* the index of that, if it has one */
	size_t parent;	/* the part that it lies in; 0 lies in itself */
	bool message;	/* its fields are those of a message */
	bool version;	/* it has MIME-Version */
	bool type;	/* it has Content-Type */
	bool separator; /* an empty line ends its fields */
	unsigned long long fields_end; /* behind the last field */
	unsigned long long body;
	unsigned long long end; /* without the CRLF of the delimiter; means
				 * nothing for a multipart or a message */
	struct mime_faults fields;
	struct mime_faults content; /* of a multipart: preamble and epilogue */
};

/* Parts in the order in which they begin, and labels in that of the body. */
struct mime {
	struct mime_part *parts;
	size_t count;
	struct mime_label *labels;
	size_t label_count;
};

/*
 * Fills an uninitialised mime. Its first part is the body of the message
 * itself, of which type and encoding are given. -1: ERROR_MESSAGE past the
 * maxima, or the store's error; mime_clear() is due then too.
 */
int mime_scan(struct mime *mime, struct message *m,
    const struct mime_type *type, enum mime_encoding encoding, struct error *e);
void mime_clear(struct mime *mime);

#endif
