/* Notes in which order a process changes and syncs the files of one folder: loaded into it with LD_PRELOAD.
 *
 * POWER_FOLDER is the folder, POWER_JOURNAL where the notes go. Each note is a line, for a write followed by its bytes:
 *   C name               an empty file is there that was not
 *   W name offset bytes  bytes are written (the bytes follow, and a line feed)
 *   T name bytes         the file has this length now
 *   S name               everything of the file so far was synced
 *   F name               a sync failed, and what was to be synced counts as clean: no later sync will write it
 *   D                    the same for the folder's own list of names
 *   U name               the name is gone
 *   R name name          the first name is now the second
 * A change and its note are made under one lock, so that the order of the notes is that of the changes. What would change a
 * file in a way that is not noted ends the process. The shared memory of SQLite ("…-shm") is none of the files: after a
 * loss of power nothing of it is left, nor needed.
 *
 * With POWER_FAILS and POWER_ERROR the call with this number, of those that change or sync a file, does nothing and fails with
 * this error; the first is 1. With POWER_SYNCS only those that sync are counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static long fails = 0, calls = 0;
static int only_syncs = 0;
static int error = 0;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static void *(*real_mmap)(void *, size_t, int, int, int, off64_t);

static void end(const char *why) {
    fprintf(stderr, "journal: %s\n", why);
    abort();
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) end(name);
    return found;
}

static void begin(void) {
    real_open = next("open64");
    real_write = next("write");
    real_pwrite = next("pwrite64");
    real_fsync = next("fsync");
    real_fdatasync = next("fdatasync");
    real_ftruncate = next("ftruncate64");
    real_unlink = next("unlink");
    real_rename = next("rename");
    real_mmap = next("mmap64");
    const char *place = getenv("POWER_FOLDER");
    const char *notes = getenv("POWER_JOURNAL");
    if (place == NULL || notes == NULL || realpath(place, folder) == NULL) end("it is not said where");
    folder_length = strlen(folder);
    if (getenv("POWER_FAILS") != NULL && getenv("POWER_ERROR") != NULL) {
        fails = atol(getenv("POWER_FAILS"));
        only_syncs = getenv("POWER_SYNCS") != NULL;
        error = atoi(getenv("POWER_ERROR"));
    }
    journal = real_open(notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) end("the notes cannot be written");
}

static void enter(void) {
    pthread_once(&once, begin);
    pthread_mutex_lock(&lock);
}

static void leave(void) {
    int kept = errno;
    pthread_mutex_unlock(&lock);
    errno = kept;
}

/* The name inside the folder; "" for the folder itself, NULL for what is none of its files. */
static const char *inside(const char *path) {
    if (strncmp(path, folder, folder_length) != 0) return NULL;
    if (path[folder_length] == 0) return "";
    if (path[folder_length] != '/') return NULL;
    const char *name = path + folder_length + 1;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, "-shm") == 0) return NULL;
    if (strpbrk(name, "/ \n") != NULL) end("a name that cannot be noted");
    return name;
}

static const char *of_descriptor(int descriptor, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    int kept = errno;
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = kept;
    if (length < 0) return NULL;
    path[length] = 0;
    return inside(path);
}

static void put(const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        ssize_t wrote = real_write(journal, from, length);
        if (wrote <= 0) end("a note cannot be written");
        from += wrote;
        length -= wrote;
    }
}

static void note(const char *form, ...) {
    char line[2 * PATH_MAX];
    va_list values;
    va_start(values, form);
    int length = vsnprintf(line, sizeof line, form, values);
    va_end(values);
    if (length < 0 || (size_t)length >= sizeof line) end("a note is too long");
    put(line, length);
}

/* Whether this call on a file of the store is to fail. */
static int is_failing(const char *name, int syncs) {
    if (name == NULL || strncmp(name, "jobs", 4) != 0 || (only_syncs && !syncs) || ++calls != fails) return 0;
    errno = error;
    return 1;
}

static int do_open(const char *path, int flags, mode_t mode) {
    enter();
    const char *name = inside(path);
    struct stat status;
    int is_new = name != NULL && (flags & O_CREAT) != 0 && stat(path, &status) != 0;
    int descriptor = real_open(path, flags, mode);
    if (descriptor >= 0 && is_new) note("C %s\n", name);
    if (descriptor >= 0 && name != NULL && !is_new && (flags & O_TRUNC) != 0) note("T %s 0\n", name);
    leave();
    return descriptor;
}

static mode_t mode_of(int flags, va_list values) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(values, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = mode_of(flags, values);
    va_end(values);
    return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = mode_of(flags, values);
    va_end(values);
    return do_open(path, flags, mode);
}

static void note_write(const char *name, off64_t offset, const void *bytes, ssize_t wrote) {
    if (wrote <= 0) return;
    note("W %s %lld %zd\n", name, (long long)offset, wrote);
    put(bytes, wrote);
    put("\n", 1);
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    char path[PATH_MAX];
    enter();
    const char *name = of_descriptor(descriptor, path);
    ssize_t wrote = is_failing(name, 0) ? -1 : real_write(descriptor, bytes, length);
    /* Where it ended is known also for what is only appended to. */
    if (name != NULL && wrote > 0) note_write(name, lseek64(descriptor, 0, SEEK_CUR) - wrote, bytes, wrote);
    leave();
    return wrote;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
    char path[PATH_MAX];
    enter();
    const char *name = of_descriptor(descriptor, path);
    ssize_t wrote = is_failing(name, 0) ? -1 : real_pwrite(descriptor, bytes, length, offset);
    if (name != NULL) note_write(name, offset, bytes, wrote);
    leave();
    return wrote;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return pwrite64(descriptor, bytes, length, offset);
}

static int do_sync(int descriptor, int (*real)(int)) {
    char path[PATH_MAX];
    const char *name = of_descriptor(descriptor, path);
    if (is_failing(name, 1)) {
        int kept = errno;
        note("F %s\n", name);
        errno = kept;
        return -1;
    }
    int answer = real(descriptor);
    if (answer == 0 && name != NULL && *name == 0) note("D\n");
    if (answer == 0 && name != NULL && *name != 0) note("S %s\n", name);
    return answer;
}

int fsync(int descriptor) {
    enter();
    int answer = do_sync(descriptor, real_fsync);
    leave();
    return answer;
}

int fdatasync(int descriptor) {
    enter();
    int answer = do_sync(descriptor, real_fdatasync);
    leave();
    return answer;
}

int ftruncate64(int descriptor, off64_t length) {
    char path[PATH_MAX];
    enter();
    const char *name = of_descriptor(descriptor, path);
    int answer = is_failing(name, 0) ? -1 : real_ftruncate(descriptor, length);
    if (answer == 0 && name != NULL) note("T %s %lld\n", name, (long long)length);
    leave();
    return answer;
}

int ftruncate(int descriptor, off_t length) {
    return ftruncate64(descriptor, length);
}

int unlink(const char *path) {
    enter();
    const char *name = inside(path);
    int answer = real_unlink(path);
    if (answer == 0 && name != NULL) note("U %s\n", name);
    leave();
    return answer;
}

int rename(const char *from, const char *to) {
    enter();
    const char *first = inside(from), *second = inside(to);
    if ((first == NULL) != (second == NULL)) end("a file that comes into the folder or leaves it");
    int answer = real_rename(from, to);
    if (answer == 0 && first != NULL) note("R %s %s\n", first, second);
    leave();
    return answer;
}

/* Whether this descriptor is of a file that is noted. */
static int is_noted(int descriptor) {
    char path[PATH_MAX];
    const char *name = of_descriptor(descriptor, path);
    return name != NULL && *name != 0;
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    pthread_once(&once, begin);
    int writes = (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && (flags & MAP_ANONYMOUS) == 0;
    if (writes && is_noted(descriptor)) end("a file is changed through memory");
    return real_mmap(address, length, protection, flags, descriptor, offset);
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mmap64(address, length, protection, flags, descriptor, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    pthread_once(&once, begin);
    if (is_noted(descriptor)) end("writev");
    ssize_t (*real)(int, const struct iovec *, int) = next("writev");
    return real(descriptor, parts, count);
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
    pthread_once(&once, begin);
    if (is_noted(descriptor)) end("fallocate");
    int (*real)(int, int, off64_t, off64_t) = next("fallocate64");
    return real(descriptor, mode, offset, length);
}

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    return fallocate64(descriptor, mode, offset, length);
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
    pthread_once(&once, begin);
    if (is_noted(descriptor)) end("posix_fallocate");
    int (*real)(int, off64_t, off64_t) = next("posix_fallocate64");
    return real(descriptor, offset, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length) {
    return posix_fallocate64(descriptor, offset, length);
}
