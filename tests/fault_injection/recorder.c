/* Loaded into otpd with LD_PRELOAD. Makes system calls on one folder fail or slow down, and shifts the clock, as set by
 * the test. Records writes, truncations and syncs in the folder, so that a power cut can be simulated afterwards.
 *
 * FAULTS_FOLDER   the folder; calls on other files are not affected
 * FAULTS_CONTROL  a file with the numbers of `struct control`; the test changes them while otpd runs
 * FAULTS_LOG      where to record; without it nothing is recorded
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* `Number` in tests/fault_injection/control.rs has the same order. */
struct control {
    int64_t failing_sync;    /* from this call on, counted from 1, a sync answers EIO; 0: never */
    int64_t failing_write;   /* the same of writes */
    int64_t full;            /* 1: writes answer ENOSPC */
    int64_t lock_delay_ms;   /* how long it takes to get a file lock */
    int64_t clock_offset_ms; /* what is added to the time of day */
    int64_t syncs;           /* calls so far */
    int64_t writes;
};

enum { MAX_FDS = 65536 };
static char *names[MAX_FDS]; /* relative to the folder; "." is the folder itself */
static struct control *control;
static const char *folder;
static int record_fd = -1;

__attribute__((constructor)) static void start(void) {
    static struct control none;
    const char *path = getenv("FAULTS_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = shared == MAP_FAILED ? &none : shared;
    folder = getenv("FAULTS_FOLDER");
    if ((path = getenv("FAULTS_LOG"))) record_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Each record is written with one call, so that the records of two threads do not mix. */
static void record(const char *head, const void *data, size_t length) {
    if (record_fd < 0) return;
    struct iovec parts[] = {{(void *)head, strlen(head)}, {(void *)data, length}};
    if (writev(record_fd, parts, 2) < 0) abort();
}

/* Returns the name of a path inside the folder, to be freed by the caller, or NULL for other paths. */
static char *inside(const char *path) {
    char absolute[PATH_MAX];
    if (!folder) return NULL;
    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof absolute - strlen(path) - 2)) return NULL;
        strcat(strcat(absolute, "/"), path);
        path = absolute;
    }
    size_t length = strlen(folder);
    if (strncmp(path, folder, length)) return NULL;
    path += length;
    while (*path == '/') path++;
    return strdup(*path ? path : ".");
}

static const char *name_of(int fd) { return fd >= 0 && fd < MAX_FDS ? names[fd] : NULL; }

static int opened(int fd, const char *path, int is_new) {
    if (fd < 0 || fd >= MAX_FDS) return fd;
    free(names[fd]);
    names[fd] = inside(path);
    if (names[fd] && is_new) {
        char head[PATH_MAX + 8];
        snprintf(head, sizeof head, "C %s\n", names[fd]);
        record(head, NULL, 0);
    }
    return fd;
}

#define MODE() mode_t mode = 0; if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define IS_NEW(path) ((flags & O_CREAT) && access(path, F_OK) != 0)

int open(const char *path, int flags, ...) { MODE() REAL(open); int is_new = IS_NEW(path); return opened(real(path, flags, mode), path, is_new); }
int open64(const char *path, int flags, ...) { MODE() REAL(open64); int is_new = IS_NEW(path); return opened(real(path, flags, mode), path, is_new); }

int close(int fd) {
    REAL(close);
    if (fd >= 0 && fd < MAX_FDS) { free(names[fd]); names[fd] = NULL; }
    return real(fd);
}

static int refused(int64_t *calls, int64_t failing) {
    int64_t call = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
    if (failing && call >= failing) { errno = EIO; return 1; }
    return 0;
}

static int write_refused(void) {
    if (control->full) { errno = ENOSPC; return 1; }
    return refused(&control->writes, control->failing_write);
}

#define WRITE_AT(function, offset_type) \
ssize_t function(int fd, const void *data, size_t length, offset_type offset) { \
    REAL(function); \
    const char *name = name_of(fd); \
    if (!name) return real(fd, data, length, offset); \
    if (write_refused()) return -1; \
    char head[PATH_MAX + 64]; \
    snprintf(head, sizeof head, "W %s %lld %zu\n", name, (long long)offset, length); \
    record(head, data, length); \
    return real(fd, data, length, offset); \
}
WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

#define TRUNCATE(function, offset_type) \
int function(int fd, offset_type size) { \
    REAL(function); \
    const char *name = name_of(fd); \
    if (!name) return real(fd, size); \
    if (write_refused()) return -1; \
    char head[PATH_MAX + 64]; \
    snprintf(head, sizeof head, "T %s %lld\n", name, (long long)size); \
    record(head, NULL, 0); \
    return real(fd, size); \
}
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(function) \
int function(int fd) { \
    REAL(function); \
    const char *name = name_of(fd); \
    if (!name) return real(fd); \
    if (refused(&control->syncs, control->failing_sync)) return -1; \
    int outcome = real(fd); \
    if (!outcome) { \
        char head[PATH_MAX + 8]; \
        snprintf(head, sizeof head, "S %s\n", name); \
        record(head, NULL, 0); \
    } \
    return outcome; \
}
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    REAL(unlink);
    char *name = inside(path);
    int outcome = real(path);
    if (name && !outcome) {
        char head[PATH_MAX + 8];
        snprintf(head, sizeof head, "U %s\n", name);
        record(head, NULL, 0);
    }
    free(name);
    return outcome;
}

/* SQLite takes a file lock for every transaction, so slow locks make the database slow. */
#define LOCK(function) \
int function(int fd, int command, ...) { \
    REAL(function); \
    va_list rest; \
    va_start(rest, command); \
    void *argument = va_arg(rest, void *); \
    va_end(rest); \
    if (command == F_SETLK && control->lock_delay_ms && name_of(fd) && ((struct flock *)argument)->l_type != F_UNLCK) \
        usleep(control->lock_delay_ms * 1000); \
    return real(fd, command, argument); \
}
LOCK(fcntl)
LOCK(fcntl64)

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(clock_gettime);
    int outcome = real(clock, time);
    if (!outcome && clock == CLOCK_REALTIME && control && control->clock_offset_ms) {
        int64_t nanoseconds = time->tv_nsec + control->clock_offset_ms % 1000 * 1000000;
        time->tv_sec += control->clock_offset_ms / 1000 + nanoseconds / 1000000000;
        time->tv_nsec = nanoseconds % 1000000000;
    }
    return outcome;
}
