/* A library that the soak test preloads. It counts the operations of a process on files under one
 * directory. At the k-th operation it kills the process, sends a signal, or lets the operation fail.
 *
 * It intercepts all calls to the C library, from Python, Rust and C++. It does not intercept internal
 * calls of the C library (stdio) or access to memory-mapped files.
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
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, RENAME = 8, MAKE = 16, REMOVE = 32, CLOSE = 64, MODE = 128,
       LOOK = 256, READ = 512 };
enum { NOTHING, BEFORE, TORN, AFTER, FAIL, SIGNAL, UNLINK, CUT };
static const char *const NAMES[] = { "open", "write", "sync", "rename", "make", "remove", "close",
                                     "mode", "look", "read" };
#define FILES 4096

static char prefix[PATH_MAX], victim[PATH_MAX];
static size_t prefix_length;
static int log_file = -1, kinds, action, argument, lasting, second_signal;
static int64_t wanted, count, second_at;
static unsigned char held[FILES]; /* 1 read, 2 written */
static char paths[FILES][256];

void soak_watch(const char *directory, int log)
{
    snprintf(prefix, sizeof prefix, "%s", directory);
    prefix_length = strlen(prefix);
    log_file = log;
    count = 0;
}

/* Args: k: number of the operation among those of these kinds, starting at 1. value: error number or
 * signal. keep: whether all later operations fail as well. then: a second signal, gap operations
 * later. path: file to remove or to cut in half. */
void soak_plan(int64_t k, int what, int which, int value, int keep, int then, int64_t gap,
               const char *path)
{
    wanted = k, action = what, kinds = which, argument = value, lasting = keep;
    second_signal = then, second_at = then ? k + gap : 0;
    snprintf(victim, sizeof victim, "%s", path);
}

int64_t soak_count(void) { return count; }

/* Send a signal to this process after the given processor time. */
int soak_after(double seconds, int number)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number };
    struct itimerspec when = { .it_value = { (time_t)seconds,
                                             (long)((seconds - (time_t)seconds) * 1e9) + 1 } };
    return timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer)
        || timer_settime(timer, 0, &when, NULL);
}

static void note(const char *mark, int kind, const char *path)
{
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s%s %s\n", mark, NAMES[__builtin_ctz(kind)], path);
    if (log_file >= 0 && length > 0)
        syscall(SYS_write, log_file, line, (size_t)length);
}

static int resolved(int directory, const char *path, char *out, size_t size)
{
    char link[64];
    ssize_t length;
    if (!prefix_length || !path)
        return 0;
    if (path[0] == '/' || directory == AT_FDCWD) {
        snprintf(out, size, "%s", path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        length = readlink(link, out, size - 1);
        if (length < 0)
            return 0;
        out[length] = 0;
        snprintf(out + length, size - (size_t)length, "/%s", path);
    }
    return !strncmp(out, prefix, prefix_length)
        && (out[prefix_length] == '/' || !out[prefix_length]);
}

/* Return NOTHING, or the action that the caller must carry out for this operation. */
static int due(int kind, const char *path)
{
    int now;
    note("", kind, path);
    if (!action || !(kinds & kind))
        return NOTHING;
    count++;
    if (second_signal && count == second_at) {
        note("! ", kind, path);
        kill(getpid(), second_signal);
    }
    now = count == wanted || (lasting && count > wanted);
    if (!now)
        return NOTHING;
    note("! ", kind, path);
    switch (action) {
    case BEFORE:
        kill(getpid(), SIGKILL);
        pause();
        break;
    case SIGNAL:
        kill(getpid(), argument);
        return NOTHING;
    case UNLINK:
        syscall(SYS_unlink, victim);
        return NOTHING;
    case CUT: {
        struct stat found;
        if (!stat(victim, &found))
            syscall(SYS_truncate, victim, found.st_size / 2);
        return NOTHING;
    }
    }
    return action;
}

static void after(int what)
{
    if (what == AFTER || what == TORN) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real)                                                 \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define ON_PATH(kind, directory, path, call)                        \
    do {                                                            \
        char full[PATH_MAX];                                        \
        int what = NOTHING, result;                                 \
        if (resolved(directory, path, full, sizeof full))           \
            what = due(kind, full);                                 \
        if (what == FAIL) {                                         \
            errno = argument;                                       \
            return -1;                                              \
        }                                                           \
        result = call;                                              \
        after(what);                                                \
        return result;                                              \
    } while (0)

static int opened(int directory, const char *path, int flags, mode_t mode,
                  int (*real)(int, const char *, int, ...))
{
    char full[PATH_MAX];
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
    int known = !(flags & O_DIRECTORY) && resolved(directory, path, full, sizeof full);
    int what = known ? due(writes ? OPEN : LOOK, full) : NOTHING;
    int file;
    if (what == FAIL) {
        errno = argument;
        return -1;
    }
    file = real(directory, path, flags, mode);
    if (file >= 0 && file < FILES) {
        held[file] = known ? (writes ? 2 : 1) : 0;
        if (known)
            memcpy(paths[file], full, sizeof paths[file] - 1);
    }
    after(what);
    return file;
}

#define OPENS(name, first, directory, ...)                                      \
    int name(first const char *path, int flags, ...)                            \
    {                                                                           \
        mode_t mode = 0;                                                        \
        REAL(int, openat64, int, const char *, int, ...);                       \
        if (flags & (O_CREAT | O_TMPFILE)) {                                    \
            va_list rest;                                                       \
            va_start(rest, flags);                                              \
            mode = va_arg(rest, mode_t);                                        \
            va_end(rest);                                                       \
        }                                                                       \
        return opened(directory, path, flags, mode, real);                      \
    }
#define AT int directory,
OPENS(open, , AT_FDCWD)
OPENS(open64, , AT_FDCWD)
OPENS(openat, AT, directory)
OPENS(openat64, AT, directory)
OPENS(__open_2, , AT_FDCWD)
OPENS(__open64_2, , AT_FDCWD)
OPENS(__openat_2, AT, directory)
OPENS(__openat64_2, AT, directory)

static int of_file(int file, int kind)
{
    int wants = kind == READ ? 1 : 2;
    if (file < 0 || file >= FILES || !(held[file] & wants))
        return NOTHING;
    return due(kind, paths[file]);
}

#define WRITES(name, offset_type, offset_name, ...)                                        \
    ssize_t name(int file, const void *data, size_t size offset_type)                      \
    {                                                                                      \
        REAL(ssize_t, name, int, const void *, size_t __VA_ARGS__);                        \
        int what = of_file(file, WRITE);                                                   \
        ssize_t result;                                                                    \
        if (what == FAIL && !(lasting && count == wanted && size > 1)) {                   \
            errno = argument;                                                              \
            return -1;                                                                     \
        }                                                                                  \
        if (what == TORN || what == FAIL) /* a full disk first accepts a part */ \
            size /= 2;                                                                     \
        result = real(file, data, size offset_name);                                       \
        after(what);                                                                       \
        return result;                                                                     \
    }
#define COMMA ,
WRITES(write, , )
WRITES(pwrite, COMMA off_t offset, COMMA offset, , off_t)
WRITES(pwrite64, COMMA off64_t offset, COMMA offset, , off64_t)

ssize_t writev(int file, const struct iovec *parts, int number)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    int what = of_file(file, WRITE);
    ssize_t result;
    if (what == FAIL) {
        errno = argument;
        return -1;
    }
    result = real(file, parts, what == TORN && number > 1 ? number / 2 : number);
    after(what);
    return result;
}

#define READS(name, offset_type, offset_name, ...)                        \
    ssize_t name(int file, void *data, size_t size offset_type)           \
    {                                                                     \
        REAL(ssize_t, name, int, void *, size_t __VA_ARGS__);             \
        int what = of_file(file, READ);                                   \
        if (what == FAIL) {                                               \
            errno = argument;                                             \
            return -1;                                                    \
        }                                                                 \
        ssize_t result = real(file, data, size offset_name);              \
        after(what);                                                      \
        return result;                                                    \
    }
READS(read, , )
READS(pread, COMMA off_t offset, COMMA offset, , off_t)
READS(pread64, COMMA off64_t offset, COMMA offset, , off64_t)

#define ON_FILE(name, kind)                                \
    int name(int file)                                     \
    {                                                      \
        REAL(int, name, int);                              \
        int what = of_file(file, kind), result;            \
        if (what == FAIL) {                                \
            errno = argument;                              \
            return -1;                                     \
        }                                                  \
        result = real(file);                               \
        after(what);                                       \
        return result;                                     \
    }
ON_FILE(fdatasync, SYNC)

int fsync(int file)
{
    REAL(int, fsync, int);
    char link[64], full[PATH_MAX];
    int what = NOTHING, result;
    ssize_t length;
    if (file >= 0 && file < FILES && held[file]) {
        what = due(SYNC, paths[file]);
    } else if (prefix_length) { /* a directory */
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        length = readlink(link, full, sizeof full - 1);
        full[length > 0 ? length : 0] = 0;
        if (!strncmp(full, prefix, prefix_length))
            what = due(SYNC, full);
    }
    if (what == FAIL) {
        errno = argument;
        return -1;
    }
    result = real(file);
    after(what);
    return result;
}

int close(int file)
{
    REAL(int, close, int);
    int what = of_file(file, CLOSE), result;
    if (file >= 0 && file < FILES)
        held[file] = 0;
    result = real(file);
    after(what);
    if (what == FAIL) { /* the descriptor is closed anyway, as on Linux */
        errno = argument;
        return -1;
    }
    return result;
}

int ftruncate64(int file, off64_t size)
{
    REAL(int, ftruncate64, int, off64_t);
    int what = of_file(file, WRITE), result;
    if (what == FAIL) {
        errno = argument;
        return -1;
    }
    result = real(file, size);
    after(what);
    return result;
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    ON_PATH(RENAME, AT_FDCWD, to, real(from, to));
}

int renameat(int a, const char *from, int b, const char *to)
{
    REAL(int, renameat, int, const char *, int, const char *);
    ON_PATH(RENAME, b, to, real(a, from, b, to));
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, mkdir, const char *, mode_t);
    ON_PATH(MAKE, AT_FDCWD, path, real(path, mode));
}

int rmdir(const char *path)
{
    REAL(int, rmdir, const char *);
    ON_PATH(REMOVE, AT_FDCWD, path, real(path));
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    ON_PATH(REMOVE, AT_FDCWD, path, real(path));
}

int unlinkat(int directory, const char *path, int flags)
{
    REAL(int, unlinkat, int, const char *, int);
    ON_PATH(REMOVE, directory, path, real(directory, path, flags));
}

int chmod(const char *path, mode_t mode)
{
    REAL(int, chmod, const char *, mode_t);
    ON_PATH(MODE, AT_FDCWD, path, real(path, mode));
}

int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
    REAL(int, fchmodat, int, const char *, mode_t, int);
    ON_PATH(MODE, directory, path, real(directory, path, mode, flags));
}
