/* What a store asks of the disk, seen from outside: loaded with LD_PRELOAD, it counts, records,
 * fails or kills at the calls that change files below one folder. The store knows nothing of it.
 *
 * FAULTS_FOLDER   only files below this folder are watched
 * FAULTS_LOG      where set, every watched call is appended to this file, see `struct event`
 * FAULTS_LEDGER   writes to this file are recorded as marks: what the program has acknowledged
 *
 * A program arms it by faults_arm(at, what, error): from then on calls are counted, and the `at`-th
 * is struck. `what`: 0 count only, 1 kill before the call, 2 kill in its middle (half of its
 * sectors are written), 3 kill after it, 4 fail it with `error`, 5 fail it and all after it, 6 write
 * half of its sectors and say so, then fail all after it. A sector of 512 bytes is never torn.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, RMDIR, MARK };
enum { COUNT, KILL_BEFORE, KILL_INSIDE, KILL_AFTER, FAIL, FAIL_ON, SHORT };
enum { HANDLES = 4096, IS_FILE = 1, IS_LEDGER = 2 };

struct event { /* Then `path` bytes of one or two paths ended by NUL, and `data` bytes. */
  uint32_t kind, handle, flags, path;
  uint64_t offset, data;
};

static struct { int what, synced; uint32_t serial; char path[PATH_MAX]; } handles[HANDLES];
static uint32_t serials;
static char folder[PATH_MAX], ledger[PATH_MAX];
static size_t folder_length;
static int log_handle = -1;
static long counted, strike_at;
static int strike_what, strike_error, struck_kind;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *given = getenv("FAULTS_FOLDER"), *log = getenv("FAULTS_LOG");
  if (given) snprintf(folder, sizeof folder, "%s", given);
  folder_length = strlen(folder);
  if ((given = getenv("FAULTS_LEDGER"))) snprintf(ledger, sizeof ledger, "%s", given);
  if (log) log_handle = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void faults_arm(long at, int what, int error) {
  counted = 0, strike_at = at, strike_what = what, strike_error = error, struck_kind = 0;
}
long faults_counted(void) { return counted; }
int faults_struck(void) { return struck_kind; }

static int watched(const char *path, char *full) {
  if (!path || !folder_length) return 0;
  if (path[0] == '/') snprintf(full, PATH_MAX, "%s", path);
  else if (getcwd(full, PATH_MAX / 2)) {
    size_t length = strlen(full);
    snprintf(full + length, PATH_MAX - length, "/%s", path);
  }
  if (!strcmp(full, ledger)) return IS_LEDGER;
  if (strncmp(full, folder, folder_length)) return 0;
  return full[folder_length] == '/' || !full[folder_length] ? IS_FILE : 0;
}

static void put_all(const void *bytes, size_t left) {
  const char *at = bytes;
  while (left) {
    ssize_t done = REAL(write)(log_handle, at, left);
    if (done <= 0) abort(); /* A record with a hole proves nothing. */
    at += done, left -= (size_t)done;
  }
}

static void record(uint32_t kind, uint32_t handle, uint32_t flags, const char *one,
                   const char *two, uint64_t offset, const struct iovec *data, int pieces,
                   uint64_t size) {
  if (log_handle < 0) return;
  size_t first = one ? strlen(one) + 1 : 0, second = two ? strlen(two) + 1 : 0;
  struct event event = {kind, handle, flags, (uint32_t)(first + second), offset, size};
  int kept = errno;
  put_all(&event, sizeof event);
  if (first) put_all(one, first);
  if (second) put_all(two, second);
  for (int i = 0; i < pieces && size; i++) {
    size_t here = data[i].iov_len < size ? data[i].iov_len : size;
    put_all(data[i].iov_base, here);
    size -= here;
  }
  errno = kept;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Count one call; say what to do with it: COUNT to let it through. */
static int strike(int kind) {
  if (!strike_at) return COUNT;
  counted++;
  if (strike_at < 0) return COUNT;
  int on = counted > strike_at && (strike_what == FAIL_ON || strike_what == SHORT);
  if (counted != strike_at && !on) return COUNT;
  struck_kind = kind;
  if (strike_what == KILL_BEFORE || (strike_what == KILL_INSIDE && kind != WRITE)) die();
  if (on || strike_what == FAIL || strike_what == FAIL_ON || (strike_what == SHORT && kind != WRITE)) {
    errno = strike_error;
    return FAIL;
  }
  return strike_what;
}

/* The same for a path that is relative to an open folder. */
static int watched_at(int at, const char *path, char *full) {
  if (at == AT_FDCWD || !path || path[0] == '/') return watched(path, full);
  if (at < 0 || at >= HANDLES || handles[at].what != IS_FILE) return 0;
  snprintf(full, PATH_MAX, "%.2000s/%.2000s", handles[at].path, path);
  return IS_FILE;
}

static int noted(int fd, int flags, int what, const char *full) {
  if (fd < 0 || fd >= HANDLES) return fd;
  handles[fd].what = what;
  handles[fd].synced = (flags & (O_DSYNC | O_SYNC)) != 0;
  handles[fd].serial = ++serials;
  snprintf(handles[fd].path, PATH_MAX, "%s", full);
  if (what == IS_FILE) record(OPEN, serials, (uint32_t)flags, full, NULL, 0, NULL, 0, 0);
  return fd;
}

static int open_any(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  int what = watched(path, full);
  if (!what) {
    int fd = real(path, flags, mode);
    if (fd >= 0 && fd < HANDLES) handles[fd].what = 0;
    return fd;
  }
  return noted(real(path, flags, mode), flags, what, full);
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPENER(name)                                                                               \
  int name(const char *path, int flags, ...) {                                                     \
    va_list rest;                                                                                  \
    va_start(rest, flags);                                                                         \
    mode_t mode = mode_of(flags, rest);                                                            \
    va_end(rest);                                                                                  \
    return open_any((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name), path, flags, mode);  \
  }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                                                            \
  int name(int at, const char *path, int flags, ...) {                                             \
    va_list rest;                                                                                  \
    va_start(rest, flags);                                                                         \
    mode_t mode = mode_of(flags, rest);                                                            \
    va_end(rest);                                                                                  \
    char full[PATH_MAX];                                                                           \
    int what = watched_at(at, path, full);                                                         \
    int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);                            \
    int fd = real(at, path, flags, mode);                                                          \
    if (!what && fd >= 0 && fd < HANDLES) handles[fd].what = 0;                                    \
    return what ? noted(fd, flags, what, full) : fd;                                               \
  }
OPENER_AT(openat)
OPENER_AT(openat64)

int close(int fd) {
  if (fd >= 0 && fd < HANDLES) handles[fd].what = 0;
  return REAL(close)(fd);
}

static int what_is(int fd) { return fd >= 0 && fd < HANDLES ? handles[fd].what : 0; }

/* All writes end here. `offset` -1 stands for the place where the handle stands. */
static ssize_t write_any(int fd, const struct iovec *data, int pieces, off64_t offset) {
  ssize_t (*at)(int, const struct iovec *, int, off64_t) = dlsym(RTLD_NEXT, "pwritev64");
  ssize_t (*here)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
  int what = what_is(fd);
  int todo = what == IS_FILE ? strike(WRITE) : COUNT;
  if (todo == FAIL) return -1;
  if (todo == KILL_INSIDE || todo == SHORT) {
    size_t total = 0, half = 0;
    for (int i = 0; i < pieces; i++) total += data[i].iov_len;
    size_t most = total / 2 / 512 * 512;
    if (!most && todo == SHORT) {
      errno = strike_error;
      return -1;
    }
    off64_t place = offset >= 0 ? offset : lseek64(fd, 0, SEEK_CUR);
    for (int i = 0; i < pieces && half < most; i++) {
      size_t part = data[i].iov_len;
      if (part > most - half) part = most - half;
      struct iovec piece = {data[i].iov_base, part};
      at(fd, &piece, 1, place + (off64_t)half);
      record(WRITE, handles[fd].serial, (uint32_t)handles[fd].synced, NULL, NULL,
             (uint64_t)place + half, &piece, 1, part);
      half += part;
    }
    if (todo == KILL_INSIDE) die();
    if (offset < 0) lseek64(fd, place + (off64_t)half, SEEK_SET);
    return (ssize_t)half;
  }
  off64_t place = offset;
  if (what == IS_FILE && offset < 0) place = lseek64(fd, 0, SEEK_CUR);
  ssize_t done = offset >= 0 ? at(fd, data, pieces, offset) : here(fd, data, pieces);
  if (what == IS_LEDGER && done > 0) record(MARK, 0, 0, NULL, NULL, 0, data, pieces, (uint64_t)done);
  if (what == IS_FILE && done > 0)
    record(WRITE, handles[fd].serial, (uint32_t)handles[fd].synced, NULL, NULL, (uint64_t)place,
           data, pieces, (uint64_t)done);
  if (todo == KILL_AFTER) die();
  return done;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  if (!what_is(fd)) return REAL(write)(fd, bytes, size);
  struct iovec piece = {(void *)bytes, size};
  return write_any(fd, &piece, 1, -1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  struct iovec piece = {(void *)bytes, size};
  return write_any(fd, &piece, 1, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  return pwrite64(fd, bytes, size, offset);
}
ssize_t writev(int fd, const struct iovec *data, int pieces) {
  return write_any(fd, data, pieces, -1);
}
ssize_t pwritev64(int fd, const struct iovec *data, int pieces, off64_t offset) {
  return write_any(fd, data, pieces, offset);
}
ssize_t pwritev(int fd, const struct iovec *data, int pieces, off_t offset) {
  return write_any(fd, data, pieces, offset);
}

#define CHANGE(kind, flags, call, one, two, offset, fd)                                            \
  int todo = strike(kind);                                                                         \
  if (todo == FAIL) return -1;                                                                     \
  int done = call;                                                                                 \
  if (!done) record(kind, fd >= 0 ? handles[fd].serial : 0, flags, one, two, offset, NULL, 0, 0);  \
  if (todo == KILL_AFTER) die();                                                                   \
  return done;

int fdatasync(int fd) {
  if (what_is(fd) != IS_FILE) return REAL(fdatasync)(fd);
  CHANGE(SYNC, 0, REAL(fdatasync)(fd), NULL, NULL, 0, fd)
}
int fsync(int fd) {
  if (what_is(fd) != IS_FILE) return REAL(fsync)(fd);
  CHANGE(SYNC, 0, REAL(fsync)(fd), NULL, NULL, 0, fd)
}
int ftruncate64(int fd, off64_t size) {
  if (what_is(fd) != IS_FILE) return REAL(ftruncate64)(fd, size);
  CHANGE(TRUNCATE, 0, REAL(ftruncate64)(fd, size), NULL, NULL, (uint64_t)size, fd)
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int rename(const char *old, const char *new) {
  char from[PATH_MAX], to[PATH_MAX];
  if (watched(old, from) != IS_FILE || watched(new, to) != IS_FILE) return REAL(rename)(old, new);
  CHANGE(RENAME, 0, REAL(rename)(old, new), from, to, 0, -1)
}
int renameat(int a, const char *old, int b, const char *new) {
  if (a == AT_FDCWD && b == AT_FDCWD) return rename(old, new);
  return REAL(renameat)(a, old, b, new);
}
int unlink(const char *path) {
  char full[PATH_MAX];
  if (watched(path, full) != IS_FILE) return REAL(unlink)(path);
  CHANGE(UNLINK, 0, REAL(unlink)(path), full, NULL, 0, -1)
}
int unlinkat(int at, const char *path, int flags) {
  char full[PATH_MAX];
  if (watched_at(at, path, full) != IS_FILE) return REAL(unlinkat)(at, path, flags);
  CHANGE(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, REAL(unlinkat)(at, path, flags), full, NULL, 0,
         -1)
}
int mkdir(const char *path, mode_t mode) {
  char full[PATH_MAX];
  if (watched(path, full) != IS_FILE) return REAL(mkdir)(path, mode);
  CHANGE(MKDIR, 0, REAL(mkdir)(path, mode), full, NULL, 0, -1)
}
int mkdirat(int at, const char *path, mode_t mode) {
  char full[PATH_MAX];
  if (watched_at(at, path, full) != IS_FILE) return REAL(mkdirat)(at, path, mode);
  CHANGE(MKDIR, 0, REAL(mkdirat)(at, path, mode), full, NULL, 0, -1)
}
int rmdir(const char *path) {
  char full[PATH_MAX];
  if (watched(path, full) != IS_FILE) return REAL(rmdir)(path);
  CHANGE(RMDIR, 0, REAL(rmdir)(path), full, NULL, 0, -1)
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  if (what_is(fd) != IS_FILE) return REAL(posix_fallocate64)(fd, offset, size);
  if (strike(TRUNCATE) == FAIL) return errno;
  int done = REAL(posix_fallocate64)(fd, offset, size);
  struct stat64 now;
  if (!done && !fstat64(fd, &now))
    record(TRUNCATE, handles[fd].serial, 0, NULL, NULL, (uint64_t)now.st_size, NULL, 0, 0);
  return done;
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  return posix_fallocate64(fd, offset, size);
}
int msync(void *start, size_t size, int flags) {
  return REAL(msync)(start, size, flags); /* Only the lock file is mapped for writing. */
}
