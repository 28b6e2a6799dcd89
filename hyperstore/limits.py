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
TREE_ENTRIES_MAX = 2**48
# Where keys share less than this, writing it apart saves less than it costs to read.
NODE_PREFIX_BYTES_MIN = 8
VALUE_BYTES_MAX = 2**16 - 1
# An order key is the context with each NUL escaped, a terminator, the time, and the frame's key.
ORDER_KEY_BYTES_MAX = 2 * CONTEXT_BYTES_MAX + 2 + TIMESTAMP_BYTES + 1 + FRAME_ID_BYTES_MAX
KEY_BYTES_MAX = 20 * 1024

# Format: storage.
CHECK_BYTES = 8
RECORD_OVERHEAD_BYTES = 4 + 2 + ID_BYTES + 1 + CHECK_BYTES  # Length, place, id, kind, check.
REF_NAME_BYTES_MAX = 480  # LMDB's keys end at 511 bytes.
OPERATION_BYTES_MAX = 64 * 1024 * 1024

# Format: history.
PARENTS_MAX = 64
NAME_BYTES_MAX = 255
MESSAGE_BYTES_MAX = 1024 * 1024

# Format: locks of views.
LOCK_FORMAT_VERSION = 1
LOCK_VERSIONS_MAX = 16_384
LOCK_QUERIES_MAX = 16_384
LOCK_BEGINS = 1_024

# What a person types.
LABELS_SHOWN = 8  # Versions and tags that `log` names beside one commit.
ID_PREFIX_DIGITS_MIN = 6

assert ORDER_KEY_BYTES_MAX <= KEY_BYTES_MAX
assert 2 * NODE_ENTRIES_MAX * KEY_BYTES_MAX < OBJECT_BYTES_MAX
assert NODE_ENTRIES_MIN < NODE_ENTRIES_MAX
assert NODE_ENTRIES_MIN**TREE_HEIGHT_MAX > 2**40

# Trees.
CACHE_LEAVES_MAX = 8192
CACHE_LEAF_BYTES_MAX = 64 * 1024 * 1024
CACHE_INNER_BYTES_MAX = 64 * 1024 * 1024
BUILD_BATCH = 1024  # Entries that a build takes at a time.
CHANGES_CHUNK = 8192  # Changes that one pass of an edit holds.
SCAN_LEAVES_MAX = 64  # Leaves that a scan reads ahead.
DIFF_NODES_MAX = 512  # Nodes that a diff holds at each level.

assert NODE_ENTRIES_MAX * (KEY_BYTES_MAX + VALUE_BYTES_MAX + 16) < OBJECT_BYTES_MAX

# Storage. A row of packed objects has at most sixteen pages of 4 KiB, less LMDB's head on the
# first; an object that does not fit is in a row of its own.
PAGE_BYTES = 4096
PAGE_HEAD_BYTES = 16
ROW_BYTES_MAX = 16 * PAGE_BYTES - PAGE_HEAD_BYTES
ROW_BYTES_MIN = 10 * PAGE_BYTES  # Below this, a row is not ended for the sake of a full page.
ROW_RECORDS_MAX = 4096
ROW_CHUNKS_MAX = 4096  # Times 1,024 numbers, of which it is remembered where they lie: 16 MB.
ROW_VIEWS_MAX = 65_536  # Rows that are looked at again without being looked up: 2.5 m frames.
MAP_BYTES_START = 2**40  # Address space, not disk: the file behind it is as long as what is stored.
MAP_BYTES_MIN = 2**28  # Where the system grants no more than this, it is tried no further.
MAP_RESERVE_BYTES = 2**32  # What a write transaction finds free at least when it begins.
READERS_MAX = 2048
LOCK_FILE_BYTES = 64 * READERS_MAX + 4096  # A reader's slot is a line of the processor's cache.
FILE_SLACK_BYTES = 128 * 1024  # Allocated behind the last page; twice what a damaged page reaches.
OWN_READERS_WAIT_S = 60  # How long growing the map waits for readers of this process.
FORK_WAIT_S = 10  # How long a fork waits for the reads of other threads.
SOLE_USER_WAIT_S = 60  # How long opening waits for who prunes or compacts.

assert ROW_BYTES_MIN < ROW_BYTES_MAX < OBJECT_BYTES_MAX
assert REF_NAME_BYTES_MAX + 1 < 511
assert MAP_BYTES_MIN < MAP_BYTES_START
assert MAP_RESERVE_BYTES < MAP_BYTES_START

# Geometry. Edges times slabs: seconds of work, on outlines that cross each other everywhere.
OVERLAP_STEPS_MAX = 4_000_000

# Other formats. What is refused here could not be stored either, or would fill memory.
JSON_CHUNK_BYTES = 256 * 1024  # Read at a time.
JSON_VALUE_CHARS_MAX = OBJECT_BYTES_MAX  # One image, one annotation, one field of the file.
FOREIGN_DEPTH_MAX = DEPTH_MAX - 8  # Kept values stand this much deeper in a frame or a snapshot.
RLE_SIDE_MAX = 65_536
RLE_PIXELS_MAX = 64 * 1024 * 1024
XML_BYTES_MAX = 4 * 1024 * 1024  # One VOC file.
XML_DEPTH_MAX = 32
XML_ELEMENTS_MAX = 200_000

assert XML_BYTES_MAX < OBJECT_BYTES_MAX
assert XML_DEPTH_MAX < FOREIGN_DEPTH_MAX < DEPTH_MAX
COORDINATE_MAX = 10**15  # Beyond it, an imported shape is kept as data and not drawn.
PICTURE_RECORDS_MAX = 64  # Images of one file that name one picture.

# Maintenance. How long what no ref names any more can be undone, and how much is swept at a time.
GRACE_S = 24 * 3600  # Of gc, where config.toml does not say otherwise.
HEAD_MOVES_KEPT_MS = 90 * 24 * 3600 * 1000
WORKING_MOVES_KEPT = 200  # Of each draft, since its last commit.
WORKING_MOVES_KEPT_MS = 24 * 3600 * 1000
PLACES_LOOKED = 256  # Operations in which undo looks for where HEAD stood before.
MARK_BATCH = 512  # Nodes that are read at once.
SWEEP_OBJECTS_MAX = 4096  # In one transaction.
SWEEP_CUT = 8  # So many times fewer where the disk had no room for it.
RESERVE_BYTES = 1536 * 1024  # For two sweeps of one object from a row of many small ones.
RESERVE_PARTS = 4  # In which it is given up,
RESERVE_SHARE = 4  # and of the disk so many times as much is free before it is taken.
JOIN_ROWS_MAX = 256  # The same.
COPY_BYTES = 8 * 1024 * 1024  # Of rows, in one transaction of a copy.
AUTO_OBJECTS = 20_000  # Of gc.auto, where config.toml does not say otherwise: 1,700 small edits.
AUTO_SHARE = 4  # Nor before this part of what was kept: a collection costs 9 us for each of those.
AUTO_LATE = 2  # So many times as much piles up where only short processes write.
AUTO_LOOK = 16  # Writes of a process, of which one asks whether to collect: 26 us each time.
AUTO_SLICE = 512  # Objects looked at in one slice at least: some 1.5 ms,
AUTO_SLICE_SHARE = 16  # or so many for each one written since the slice before.
AUTO_BATCH = 16  # Nodes that it reads at once.
AUTO_OPERATIONS = 64  # Rows of the log.
AUTO_SWEEP = 32  # Objects that it takes out in one transaction.
AUTO_JOIN = 16  # Rows that it joins in one.
AUTO_ALIVE_MS = 10 * 60 * 1000  # A collection in slices that rests for longer is given up.
SUMMED_LEAVES_MAX = 65_536  # Leaves of each tree whose sums fsck remembers.

# A collection looks at each object up to four times, so it ends before as much again piles up.
assert AUTO_SLICE_SHARE >= 4 * AUTO_SHARE
assert AUTO_SWEEP <= SWEEP_OBJECTS_MAX
assert AUTO_JOIN <= JOIN_ROWS_MAX
# Lengthening the data file takes up to twice the slack.
assert RESERVE_BYTES // RESERVE_PARTS > 2 * FILE_SLACK_BYTES

# Media. What is fetched, and how patiently.
URI_BYTES_MAX = 8 * 1024  # Where it can be fetched; pointers of users' own may be longer.
URI_NAME_CHARS_MAX = 80  # Of a cached file's name, after its hash.
FETCH_TIMEOUT_S = 30  # Without a byte, where media.timeout does not say otherwise.
FETCH_CONNECT_S = 10  # For a server to answer at all, which a living one does at once.
FETCH_RETRIES = 4  # Where media.retries does not say otherwise.
FETCH_BACKOFF_S = 0.25  # Before the first retry; twice as long before each further one.
FETCH_BACKOFF_S_MAX = 8.0  # By the sixth try.
FETCH_REDIRECTS_MAX = 10  # More go round in a circle.
FETCH_CHUNK_BYTES = 256 * 1024  # In memory at once, however long the file.
FETCH_STORES_MAX = 16  # Buckets to which a process keeps connections.
CACHE_FREE_BYTES_MIN = 1024 * 1024 * 1024  # Where cache.min_free_bytes does not say otherwise.
CACHE_YOUNG_S = 60  # What was handed out since then is not evicted.
CACHE_TOUCH_S = 20  # How exactly a cached file says when it was last handed out.
CACHE_MARGIN = 20  # One part in so many is freed beyond what has to be.
CACHE_EVICT_FILES = 10_000  # That one pass over the cache remembers.
CACHE_PARTIAL_S = 24 * 3600  # After which what a killed download left behind is swept.

assert 2 * CACHE_TOUCH_S < CACHE_YOUNG_S < CACHE_PARTIAL_S
assert URI_NAME_CHARS_MAX + 64 < NAME_BYTES_MAX
assert URI_BYTES_MAX <= CONTEXT_BYTES_MAX  # A frame's context is its source's URI unless set.

# Uploads. Memory is bounded by a small file for each thread, and by the parts of large ones.
UPLOAD_THREADS = 16  # Most of them wait for an answer;
UPLOAD_THREADS_LOCAL = 8  # those that write to folders take turns at Python, and more are slower.
UPLOAD_SMALL_BYTES = 1024 * 1024  # Files up to this go to a bucket in one request.
UPLOAD_PART_BYTES = 5 * 1024 * 1024  # Of larger ones; S3 takes no smaller part but the last.
UPLOAD_PARTS = 3  # Of one file, at once.
UPLOAD_LARGE = 4  # Larger files at once.
UPLOAD_RATE_MIN = 64 * 1024  # Bytes per second that a slow line is granted beyond media.timeout.
UPLOAD_AHEAD = 64  # Frames that wait for their files, so that the threads have work.
UPLOAD_RETRIES = 5  # Of each file, where upload_retries does not say otherwise.
UPLOAD_NAME_BYTES_MAX = 160  # Of a version's name in the folder of its uploads.
UPLOAD_LEFT_S = 24 * 3600  # After which what a killed upload left in a folder is swept.
UPLOAD_KNOWN_MAX = 4  # Places of one content that are tried before it is sent anew.

assert UPLOAD_AHEAD > UPLOAD_THREADS
assert UPLOAD_NAME_BYTES_MAX + 33 < NAME_BYTES_MAX

# Exports.
EXPORT_LEFT_S = 24 * 3600  # After which what a killed export left beside its target is swept.

# Pictures. Their headers say how large they are before a pixel is decoded.
PICTURE_PIXELS_MAX = 64 * 1024 * 1024  # Where the call does not say otherwise.
PICTURE_MEMORY_BYTES = 32 * 1024 * 1024  # Files up to this are read at once.
PICTURE_CHUNK_BYTES = 1024 * 1024  # Of larger ones, while they are hashed.
PICTURE_SECONDS_MAX = 30  # For which a worker decodes one picture.
PICTURE_WORKER_BYTES = 512 * 1024 * 1024  # Of address space, besides
PICTURE_PIXEL_BYTES = 16  # so much for each pixel that may be decoded.
THUMBNAIL_SIDE_MAX = 4096
THUMBNAIL_QUALITY = 85  # Of JPEG.
THUMBNAIL_RECIPE = 1  # Goes up when thumbnails come to look otherwise, so that they are made anew.
PREVIEWS_BYTES_MAX = 1024 * 1024 * 1024  # Where media.previews_max_bytes does not say otherwise.
THUMBNAIL_BATCH = 8  # Pictures that a worker takes at a time.
THUMBNAIL_PART_S = 24 * 3600  # After which what a killed process left behind is swept.
MASK_COLOURS_MAX = 65_536  # A picture of more is no mask.
DRAWN_LABEL_CHARS_MAX = 60  # Of the text beside a shape.
DRAWN_COORDINATE_MAX = 2**20  # Beyond it a shape is cut off before it is drawn.
GLANCE_SIDE_MAX = 480  # Of what a notebook shows of a frame.
GLANCE_FILE_BYTES_MAX = 64 * 1024 * 1024  # Larger files are not opened for a glance,
GLANCE_PIXELS_MAX = 40_000_000  # nor larger pictures decoded,
GLANCE_SHARES_MAX = 3  # of one of several a part of that,
GLANCE_ROIS_MAX = 300  # nor more annotations drawn,
GLANCE_NUMBERS_MAX = 10_000  # nor more coordinates.
GLANCE_ROWS_MAX = 10  # Annotations that are listed beside it.
GLANCE_MEMBERS_MAX = 8  # Of a group.

assert PICTURE_PIXELS_MAX <= RLE_PIXELS_MAX  # What can be shown can be a mask too.

# Kept media. Copies are made by threads, which wait for the disk more than they compute.
KEEP_THREADS = 8
KEEP_FRAMES = 128  # Of which the files are copied before the folders are synced.
KEEP_REMEMBERED = 4_096  # Files of one call, so that one that many frames name is copied once.
KEEP_CHUNK_BYTES = 1024 * 1024  # Of a file, in memory at once.
PRUNE_WAIT_S = 10  # For those who keep files, before prune gives up.

# Runs. What a record of one holds, and how often it is written.
RUN_STATES_MAX = 16  # Commits or snapshots of one version that are named; of more, the last one.
RUN_TOUCHED_MAX = 4_096  # Versions.
RUN_LOCKS_MAX = 256  # Views.
RUN_PARAMETERS_MAX = 4_096  # Further ones are not recorded.
RUN_TEXT_MAX = 4_096  # Characters of one parameter, argument or message.
RUN_ARGUMENTS_MAX = 1_024  # Of the command line; further ones are not recorded.
RUN_SAVES_AT_ONCE = 32  # New versions that are recorded at once; further ones once in a while,
RUN_SAVE_PAUSE_S = 1.0  # which is so long.
ARCHIVE_FILES_MAX = 1_000_000  # Of one that is unpacked,
ARCHIVE_BYTES_MAX = 64 * 1024 * 1024 * 1024  # and the bytes that they claim.
RUN_EVENTS_BYTES_MAX = 64 * 1024 * 1024  # Of what a program reports to its logger,
RUN_NUMBERS_CHARS_MAX = 65_536  # and of the JSON of one list of numbers in it.

assert (
    RUN_TOUCHED_MAX * (2 * RUN_STATES_MAX * (ID_BYTES + 2) + 4 * NAME_BYTES_MAX) < OBJECT_BYTES_MAX
)

# Locks of views, as files and as they are made.
LOCK_FILE_BYTES_MAX = 2 * OBJECT_BYTES_MAX  # As JSON, ids take twice the bytes.
LOCK_NEIGHBOURS_MAX = 1_024  # Lock files of one folder in which `which` looks for a content.
LOCK_COMMITS_BACK = 64  # Commits among which that of a draft is looked for which moved on.
LOCK_TRIES = 5  # Times that a view is locked anew where a draft of it moved on.
LOCK_CHUNK = 65_536  # Frame ids that are hashed at a time.

# Each takes two ids, and two more with the names.
assert LOCK_VERSIONS_MAX * (2 * (ID_BYTES + 2) + 2 * (NAME_BYTES_MAX + 36)) < OBJECT_BYTES_MAX

# Folders. What `add` reads of one, and what it remembers of it.
FOLDER_THREADS = 8
FOLDER_BATCH = 16  # Files that a thread takes at a time.
FOLDER_CHUNK = 256  # Frames of a version that are looked at together.
FOLDER_LISTED_MAX = 5  # Files that one message names.
FOLDER_SAVE_S = 10.0  # After so long, what was read is written down, should the rest be broken off.
FOLDER_MOMENT_NS = 50_000_000  # A file may change again without a trace so soon after a change,
FOLDER_COARSE_NS = 2_000_000_000  # or so, where times are whole seconds.
FOLDER_ROW_BYTES_MAX = OBJECT_BYTES_MAX  # Of one remembered file.
PATTERN_FIELDS_MAX = 6  # Of a pattern: each more lets a name be read in more ways.
SIDE_BYTES_MAX = OBJECT_BYTES_MAX  # One side file, or a legend.
VIDEO_MOMENTS_MAX = 1_000_000  # Frames of one video.
RELOCATE_PREFIXES = 1_000  # Folders of sources among which the nearest one is looked for.

# Statistics. What is counted by name is counted exactly; names beyond these are counted together.
STATS_NAMES_MAX = 50_000  # Labels, sources, types of content, and sizes of pictures, each.
STATS_PAIRS_MAX = 200_000  # Pairs of labels that share a frame.
STATS_PAIRED_MAX = 64  # Labels of one frame; pairs in frames of more are not told apart.
STATS_CONTEXTS_KEPT = 1_000  # The largest.
STATS_CHUNK = 1_024  # Frames that are counted together.
STATS_SIZE_MAX = 2**30  # Pixels; shapes that are longer are counted, and no more.
STATS_ROWS = 10  # Of a chart on a terminal, unless more are asked for,
STATS_ROWS_DRAWN = 20  # and of one that is drawn.
STATS_GRID = 16  # Labels, in the chart of pairs.
PLOT_COLUMNS = 2  # Charts beside each other in a PNG,
PLOT_PANEL_PIXELS = 560  # each so wide.

assert STATS_PAIRED_MAX**2 // 2 < STATS_PAIRS_MAX

# Queries. What one asks is bounded, whoever typed it.
QUERY_CHARS_MAX = 65_536
QUERY_DEPTH_MAX = 64  # Groups in groups.
QUERY_TERMS_MAX = 1_024
QUERY_PATTERNS_MAX = 64  # Wildcards and regular expressions: of a million URIs, up to 1 s each.
NUMBER_DIGITS_MAX = 400  # Of a number in a query; no float has more before its point.

# Tables. What of frames is in memory at once, and how wide their metadata makes a table.
TABLE_BATCH_FRAMES = 256  # More make the garbage collector walk them again and again.
PARQUET_ROWS = 4_096  # Frames in a group of rows of a Parquet file.
TABLE_META_COLUMNS_MAX = 512  # Further keys stand in the JSON of the whole alone.
TABLE_META_DEPTH_MAX = 8  # Maps below are JSON text.
TABLE_META_PATHS_MAX = 4_096  # Keys, at any depth, of which the types of values are remembered.
SQL_MEMORY_BYTES = 1024 * 1024 * 1024  # Of DuckDB, before it goes on on disk,
SQL_DISK_BYTES = 64 * 1024 * 1024 * 1024  # and there, in the folder for temporary files.
SQL_PROCESS_BYTES = 512 * 1024 * 1024  # Of the command beside: strings of a row, batches, output.
SQL_CHARS_MAX = 100_000  # Of one statement.

# Integrations. What loaders of other libraries keep of what comes next.
AHEAD_THREADS = 4  # Of one worker process, which fetch media.
AHEAD_FRAMES = 32  # Whose media are fetched before they are asked for, unless set.
LOADER_CHUNK = 64  # Frames that are read together.

# Sets of the frames of a version. 4 bytes for each frame, and a bitmap.
VERSION_SETS_HELD_MAX = 16  # In memory, for each open store,
VERSION_SETS_HELD_BYTES_MAX = 64 * 1024 * 1024  # and of no more bytes, unless one alone is longer.
VERSION_SETS_SAVED_MAX = 64  # Files in the cache,
VERSION_SETS_SAVED_BYTES_MAX = 512 * 1024 * 1024  # and their bytes.
VERSION_SET_SAVED_MIN = 1_024  # Frames or changes; less is made anew in some milliseconds.
VERSION_SET_PATCHES_MAX = 1_024  # Numbers that stand beside a relative's, before all are copied.
VERSION_SETS_TRIED = 3  # Known sets from which one is derived, before a walk.
VERSION_SET_CHANGES_MIN = 64  # So many differences are looked for in any case,
VERSION_SET_CHANGES_SHARE = 50  # and of many frames this part; a walk costs less than more of them.

# The index over frames. A segment of it covers so many sequence numbers at most, a block.
INDEX_BATCH = 512  # Frames of which each field is taken in together.
INDEX_BUCKET = 1_024  # Sorted numbers that share a bitmap.
INDEX_HEAVY = 96  # Frames or ROIs with one string, from which on it has a bitmap.
INDEX_DEALT_MAX = (
    8_192  # Distinct strings of one field that are dealt out while a segment is built.
)
INDEX_DEALT_NUMBERS_MAX = 1_024  # Distinct numbers; the same.
INDEX_ANCHORS = 4_096  # Frames, of which one is remembered to know the store again by.
INDEX_COLUMNS_MAX = 8_192  # Fields in one segment; frames that bring more are decoded instead.
INDEX_POSITIONS_MAX = 4_096  # ROIs or sources of a frame; the same.
INDEX_LIST_MAX = 64  # Values of one list; of longer ones only the place is kept.
INDEX_TEXT_BYTES = 160 * 1024 * 1024  # Of frames in one segment, before a new one is begun.
INDEX_TAIL = 1_024  # Objects that came since; so many are indexed in memory by whoever asks.
INDEX_UNHURRIED = 128  # New frames that the first query reads by itself, in less time.
INDEX_MEMORY_SEGMENTS = 4  # That a process keeps of these before it merges some.
INDEX_CHUNK_BYTES = 8 * 1024 * 1024  # Of objects that are read at a time.
INDEX_DECODED = 256  # Frames that no segment knows, read together.
INDEX_HELD_BYTES = 256 * 1024 * 1024  # Of columns in the memory of a process, whatever it asks.
INDEX_MERGE = 2  # A segment is built anew with those behind it once they are a part so large of it.

assert INDEX_POSITIONS_MAX <= 2**16

# Orders that follow from a seed.
PERMUTATION_TABLE_MAX = 1_024  # Of so few things the whole permutation is a table.
PERMUTATION_LANES_MIN = 64  # Places that are computed together.
SHARE_BLOCK = 4_096  # Draws that change places among each other.

# Selections.
SELECTION_DATASETS_MAX = 256  # Of one; which one a frame is of takes a byte.
SPLITS_MAX = 65_536  # Of one plan.
SPLIT_CHUNK = 256  # Frames that a split reads together.
SPLIT_PLANS_KEPT = 4  # Whose frames a process finds and orders once, for all of their splits.
WILDCARD_PARTS_MAX = 1_000
REGEX_CHARS_MAX = 1_000
REGEX_REPEATS_MAX = 1_000
REGEX_STATES_MAX = 1_000  # All of which one character may have to be tried in.
REGEX_STEPS_MAX = 50_000  # Of compiling one.
REGEX_MEMORY_MAX = 4_096  # Characters whose way is remembered, of each expression.

# Views.
PREFETCH_THREADS_MAX = 64
PREFETCH_END_S = 5  # That a program's end waits for what it told to give up.
ITERATE_BATCH = 512  # Frames that are read at once,
ITERATE_BATCH_FIRST = 16  # and at first.
STATE_LEFT_MAX = 65_536  # Steps by which shards may be apart.
PARQUET_READ_ROWS = 64  # Of a Parquet file, at once, or fewer, where they might have more
PARQUET_READ_BYTES = 1024 * 1024 * 1024  # than this, and fewer again as values of Python,
PARQUET_VALUES_BYTES = 64 * 1024 * 1024  # where they have more than this;
PARQUET_GROUP_BYTES_MAX = 4 * 1024 * 1024 * 1024  # larger groups of rows are refused.
PARQUET_FILE_BYTES = 512 * 1024 * 1024  # Of one file of several, with pictures in it,
PARQUET_PICTURES = 100  # and how many of them stand in one group of rows at most,
PARQUET_PICTURES_BYTES = 64 * 1024 * 1024  # or how many bytes.
ROWS_IN_BLOCK = 4_096  # Frames that travel together between workers of a cluster.
SHARD_BYTES = 1024 * 1024 * 1024  # After so many, or so many frames, a tar of WebDataset ends.
SHARD_FRAMES = 10_000
SHARD_KEY_CHARS_MAX = 56  # Of a frame's name in a tar: longer ids are told by their hash,
SHARD_FIELD_CHARS_MAX = 16  # as are longer names of sources and masks.
SHARD_MEMBER_BYTES_MAX = 256 * 1024 * 1024  # One file in a tar,
SHARD_SAMPLE_BYTES_MAX = 512 * 1024 * 1024  # and all that belong to one frame, held in memory.
SHARD_NAME_BYTES_MAX = 4_096  # Of a file in a tar, in whatever way it is written there.
SHARD_INFLATED = 200  # A tar that is so many times as long as when it was compressed
SHARD_INFLATED_FREE = 64 * 1024 * 1024  # is refused beyond this.
SHARD_MEMBERS_MAX = 10_000_000  # Of one tar.

# A name in a tar: frame, source, mask, and the type of its content.
assert SHARD_KEY_CHARS_MAX + 2 * (SHARD_FIELD_CHARS_MAX + 1) + len("mask-") + 5 <= 100
