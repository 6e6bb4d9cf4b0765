/* Every change that a process makes below one folder: counted, recorded, refused, or its last.
 *
 * Preloaded into a process, it stands between that and the C library, so what Python, SQLite and
 * DuckDB write is seen alike. Nothing happens until `plug_set` is called. What a record holds is
 * read by `disk.py`: a line `kind offset length mode path second-path`, tabs between, and then the
 * bytes that were written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IDLE, RECORD, KILL, TORN, FULL };

static char home[PATH_MAX];
static size_t home_length;
static int mode = IDLE, record = -1;
static long at, taken;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((typeof(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

void plug_set(const char *folder, int how, long number, int file) {
    snprintf(home, sizeof home, "%s", folder);
    home_length = strlen(home);
    at = number, taken = 0, record = file, mode = how;
}

long plug_taken(void) { return taken; }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Where a path below the folder is, as the kernel names it; NULL for any other. */
static const char *below(int folder, const char *path, char *into) {
    char real_folder[PATH_MAX], whole[2 * PATH_MAX], *slash;
    if (mode == IDLE) return NULL;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else {
        char link[64];
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, real_folder, sizeof real_folder - 1);
        if (length < 0) return NULL;
        real_folder[length] = 0;
        snprintf(whole, sizeof whole, "%s/%s", real_folder, path);
    }
    while ((slash = strrchr(whole, '/')) && slash[1] == 0 && slash != whole) *slash = 0;
    if (strncmp(whole, home, home_length) || whole[home_length] != '/') return NULL;
    snprintf(into, PATH_MAX, "%s", whole + home_length + 1);
    return into;
}

/* What an open file is called now; NULL where it is not below the folder or has no name left. */
static const char *named(int file, char *into) {
    char link[64];
    if (mode == IDLE) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, into, PATH_MAX - 1);
    if (length < 0) return NULL;
    into[length] = 0;
    size_t end = strlen(" (deleted)");
    if ((size_t)length > end && !strcmp(into + length - end, " (deleted)")) return NULL;
    if (strncmp(into, home, home_length)) return NULL;
    if (into[home_length] == 0) return strcpy(into, ".");
    return into[home_length] == '/' ? into + home_length + 1 : NULL;
}

/* Set by a write, which dies half-way where others die before they do anything. */
static _Thread_local int writing;

/* One change more: whether it is refused. `takes` says whether it takes room on the disk. */
static int refused(int takes) {
    pthread_mutex_lock(&one);
    taken++;
    if ((mode == KILL || (mode == TORN && !writing)) && taken == at) die();
    if (mode == FULL && taken >= at && takes) {
        pthread_mutex_unlock(&one);
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

static void put(const void *bytes, size_t length) {
    while (length) {
        ssize_t done = REAL(write)(record, bytes, length);
        if (done <= 0) die();
        bytes = (const char *)bytes + done, length -= (size_t)done;
    }
}

/* It is done, or failed: note it and let the next come. */
static void done(int well, char kind, long offset, size_t length, unsigned bits, const char *path,
                 const char *second, const void *bytes) {
    int kept = errno;
    if (well && mode == RECORD) {
        char line[3 * PATH_MAX];
        int size = snprintf(line, sizeof line, "%c\t%ld\t%zu\t%u\t%s\t%s\n", kind, offset, length,
                            bits, path, second ? second : "");
        put(line, (size_t)size);
        if (bytes) put(bytes, length);
    }
    pthread_mutex_unlock(&one);
    errno = kept;
}

static int opened(int folder, const char *path, int flags, unsigned bits) {
    char into[PATH_MAX];
    const char *ours = (flags & (O_CREAT | O_TRUNC)) ? below(folder, path, into) : NULL;
    if (!ours) return REAL(openat)(folder, path, flags, bits);
    struct stat found;
    int there = !fstatat(folder, path, &found, 0);
    if ((there && !((flags & O_TRUNC) && found.st_size)) || (!there && !(flags & O_CREAT)))
        return REAL(openat)(folder, path, flags, bits);
    if (refused(!there)) return -1;
    int file = REAL(openat)(folder, path, flags, bits);
    int well = file >= 0;
    if (well) fstat(file, &found);
    done(well, there ? 't' : 'c', 0, 0, found.st_mode & 07777, ours, NULL, NULL);
    return file;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        unsigned bits = va_arg(more, unsigned);                                                    \
        va_end(more);                                                                              \
        return opened(AT_FDCWD, path, flags, bits);                                                \
    }
#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                       \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        unsigned bits = va_arg(more, unsigned);                                                    \
        va_end(more);                                                                              \
        return opened(folder, path, flags, bits);                                                  \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static ssize_t written(int file, const void *bytes, size_t length, off_t offset, int here) {
    char into[PATH_MAX];
    const char *ours = file == record ? NULL : named(file, into);
    if (!ours) return here ? REAL(write)(file, bytes, length) : REAL(pwrite64)(file, bytes, length, offset);
    if (here) {
        struct stat found;
        int appends = fcntl(file, F_GETFL) & O_APPEND;
        offset = appends && !fstat(file, &found) ? found.st_size : lseek(file, 0, SEEK_CUR);
    }
    writing = 1;
    int no = refused(1);
    writing = 0;
    if (no) return -1;
    if (mode == TORN && taken == at) length /= 2;
    ssize_t wrote = here ? REAL(write)(file, bytes, length) : REAL(pwrite64)(file, bytes, length, offset);
    if (mode == TORN && taken == at) die();
    done(wrote > 0, 'w', (long)offset, wrote > 0 ? (size_t)wrote : 0, 0, ours, NULL, bytes);
    return wrote;
}

ssize_t write(int file, const void *bytes, size_t length) { return written(file, bytes, length, 0, 1); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) {
    return written(file, bytes, length, offset, 0);
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return written(file, bytes, length, offset, 0);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    char into[PATH_MAX];
    if (file == record || !named(file, into)) return REAL(writev)(file, parts, count);
    for (int each = 0; each < count; each++)
        if (parts[each].iov_len) return written(file, parts[each].iov_base, parts[each].iov_len, 0, 1);
    return 0;
}
/* Copies within the kernel are left to what the caller does where there are none. */
ssize_t sendfile64(int to, int from, off_t *offset, size_t count) {
    if (mode != IDLE) return errno = EINVAL, -1;
    return REAL(sendfile64)(to, from, offset, count);
}
ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t length, unsigned flags) {
    if (mode != IDLE) return errno = EXDEV, -1;
    return REAL(copy_file_range)(from, a, to, b, length, flags);
}

/* A change that is one call. */
#define CHANGE(ours, takes, call, kind, offset, bits, second)                                      \
    do {                                                                                           \
        if (refused(takes)) return -1;                                                             \
        int found = (call);                                                                        \
        done(found == 0, kind, offset, 0, bits, ours, second, NULL);                               \
        return found;                                                                              \
    } while (0)

#define OF_FILE(name, type, kind, takes)                                                           \
    int name(int file, type length) {                                                              \
        char into[PATH_MAX];                                                                       \
        const char *ours = named(file, into);                                                      \
        if (!ours) return REAL(name)(file, length);                                                \
        CHANGE(ours, takes, REAL(name)(file, length), kind, (long)length, 0, NULL);                \
    }
OF_FILE(ftruncate, off_t, 't', 0)
OF_FILE(ftruncate64, off_t, 't', 0)
int fchmod(int file, mode_t bits) {
    char into[PATH_MAX];
    const char *ours = named(file, into);
    if (!ours) return REAL(fchmod)(file, bits);
    CHANGE(ours, 0, REAL(fchmod)(file, bits), 'm', 0, bits, NULL);
}

#define SYNC(name)                                                                                 \
    int name(int file) {                                                                           \
        char into[PATH_MAX];                                                                       \
        const char *ours = named(file, into);                                                      \
        if (!ours) return REAL(name)(file);                                                        \
        CHANGE(ours, 0, REAL(name)(file), 's', 0, 0, NULL);                                        \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlinkat(int folder, const char *path, int flags) {
    char into[PATH_MAX];
    const char *ours = below(folder, path, into);
    if (!ours) return REAL(unlinkat)(folder, path, flags);
    CHANGE(ours, 0, REAL(unlinkat)(folder, path, flags), 'u', 0, 0, NULL);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat found;
    return unlinkat(AT_FDCWD, path, !lstat(path, &found) && S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0);
}
int mkdirat(int folder, const char *path, mode_t bits) {
    char into[PATH_MAX];
    struct stat found;
    const char *ours = below(folder, path, into);
    if (!ours || !fstatat(folder, path, &found, AT_SYMLINK_NOFOLLOW))
        return REAL(mkdirat)(folder, path, bits);
    CHANGE(ours, 1, REAL(mkdirat)(folder, path, bits), 'd', 0, bits, NULL);
}
int mkdir(const char *path, mode_t bits) { return mkdirat(AT_FDCWD, path, bits); }
int fchmodat(int folder, const char *path, mode_t bits, int flags) {
    char into[PATH_MAX];
    const char *ours = below(folder, path, into);
    if (!ours) return REAL(fchmodat)(folder, path, bits, flags);
    CHANGE(ours, 0, REAL(fchmodat)(folder, path, bits, flags), 'm', 0, bits, NULL);
}
int chmod(const char *path, mode_t bits) { return fchmodat(AT_FDCWD, path, bits, 0); }
int renameat(int from, const char *path, int to, const char *second) {
    char into[PATH_MAX], into_second[PATH_MAX];
    const char *ours = below(from, path, into), *other = below(to, second, into_second);
    if (!ours || !other) return REAL(renameat)(from, path, to, second);
    CHANGE(ours, 0, REAL(renameat)(from, path, to, second), 'r', 0, 0, other);
}
int rename(const char *path, const char *second) {
    return renameat(AT_FDCWD, path, AT_FDCWD, second);
}
int linkat(int from, const char *path, int to, const char *second, int flags) {
    char into[PATH_MAX], into_second[PATH_MAX];
    const char *ours = below(from, path, into), *other = below(to, second, into_second);
    if (!ours || !other) return REAL(linkat)(from, path, to, second, flags);
    CHANGE(ours, 1, REAL(linkat)(from, path, to, second, flags), 'l', 0, 0, other);
}
int link(const char *path, const char *second) { return linkat(AT_FDCWD, path, AT_FDCWD, second, 0); }
