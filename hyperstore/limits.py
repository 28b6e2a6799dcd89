"""Every constant of the format and every bound on memory, with the relations between them.

What stands under "Format" is fixed by FORMAT_VERSION and written down in FORMAT.md; the rest may
change from release to release.
"""

# Format: objects and values.
FORMAT_VERSION = 1
ID_BYTES = 32
OBJECT_BYTES_MAX = 16 * 1024 * 1024
DEPTH_MAX = 64  # Nested containers, counted from the object's root.
ITEMS_MAX = 1_000_000  # Values in one object, containers and keys included.
INT_MIN = -(2**63)
INT_MAX = 2**64 - 1

# Format: frames.
FRAME_ID_BYTES_MAX = 255
CONTEXT_BYTES_MAX = 8 * 1024
TIMESTAMP_BYTES = 8
POLY_SENTINEL = -999999999  # Stands between the parts of a complex polygon.

# Format: trees. A node ends after an entry whose key hash falls under the cut, once it holds the
# minimum, and always at the maximum.
NODE_ENTRIES_MIN = 8
NODE_ENTRIES_MAX = 24
NODE_CUT_ONE_IN = 4
TREE_HEIGHT_MAX = 16
# An order key is the context with each NUL escaped, a terminator, the time, and the frame's key.
ORDER_KEY_BYTES_MAX = 2 * CONTEXT_BYTES_MAX + 2 + TIMESTAMP_BYTES + 1 + FRAME_ID_BYTES_MAX
KEY_BYTES_MAX = 20 * 1024

# Format: history.
PARENTS_MAX = 64
NAME_BYTES_MAX = 255
MESSAGE_BYTES_MAX = 1024 * 1024

# What a person types.
ID_PREFIX_DIGITS_MIN = 6

assert ORDER_KEY_BYTES_MAX <= KEY_BYTES_MAX
assert 2 * NODE_ENTRIES_MAX * KEY_BYTES_MAX < OBJECT_BYTES_MAX
assert NODE_ENTRIES_MIN < NODE_ENTRIES_MAX
assert NODE_ENTRIES_MIN**TREE_HEIGHT_MAX > 2**40
