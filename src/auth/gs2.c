#include "auth/gs2.h"

void
gs2_add_name(struct text name, struct buf *out)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		if (name.at[i] == ',')
			buf_add_string(out, "=2C");
		else if (name.at[i] == '=')
			buf_add_string(out, "=3D");
		else
			buf_add_char(out, name.at[i]);
	}
}
