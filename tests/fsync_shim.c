/* A disk that forgets: keeps, of every file under a folder, the bytes that were there when it was last synced.

   gcc -shared -fPIC -O2 -o fsync_shim.so fsync_shim.c, then LD_PRELOAD=./fsync_shim.so and

   GRIDMAP_SHADOW_OF       the folder that is watched (a real path, no slash at its end)
   GRIDMAP_SHADOW          where the synced copies go, outside of that folder
   GRIDMAP_FSYNC_DELAY_US  each sync takes so much longer, half of it before the copy and half after it

   SHADOW/data/INODE-BIRTH is a file as it was at its last fsync or fdatasync, SHADOW/names/INODE-BIRTH the
   listing of a folder as it was at its last fsync: lines of `f|d|o INODE-BIRTH NAME`. Inode and time of birth
   together say which file it is, whatever it is called now. What was never synced has no copy. Nothing else
   needs to be watched: names are a folder's content, truncation and writing a file's.

   A file is read by the descriptor that is synced. Opening it once more and closing that would drop all locks
   that the process has on it (POSIX), and SQLite lives by these.

   Copies are made under one lock and renamed into place, so that a kill in the middle leaves the copy before.
   tests/torture_disk.py puts a folder back to what such a disk would hold. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PIECE 1048576

static void wait_us(long us) {
    struct timespec left = {us / 1000000, (us % 1000000) * 1000};
    while (us > 0 && nanosleep(&left, &left) == -1 && errno == EINTR) {}
}

static long delay_us(void) {
    const char *said = getenv("GRIDMAP_FSYNC_DELAY_US");
    return said ? atol(said) : 0;
}

/* Which file this is: 0 when it can be said. `mode` is its kind. */
static int identity(int folder, const char *name, int flags, char *key, size_t size, unsigned *mode) {
    struct statx said;
    if (statx(folder, name, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &said) != 0) return -1;
    long long birth = 0;
    if (said.stx_mask & STATX_BTIME) birth = said.stx_btime.tv_sec * 1000000000LL + said.stx_btime.tv_nsec;
    snprintf(key, size, "%llu-%lld", (unsigned long long)said.stx_ino, birth);
    *mode = said.stx_mode;
    return 0;
}

static int copy_bytes(int from, int to) {
    static __thread char piece[PIECE];
    for (off_t at = 0;;) {
        ssize_t got = pread(from, piece, PIECE, at);
        if (got <= 0) return (int)got;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, piece + done, got - done);
            if (put < 0) return -1;
            done += put;
        }
        at += got;
    }
}

static int list_names(int from, int to) {
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    if (!folder) return -1;
    char line[PATH_MAX + 128], key[64];
    int bad = 0;
    for (struct dirent *each; !bad && (each = readdir(folder));) {
        unsigned mode;
        if (!strcmp(each->d_name, ".") || !strcmp(each->d_name, "..")) continue;
        if (identity(from, each->d_name, 0, key, sizeof key, &mode)) continue; /* gone meanwhile */
        char kind = S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : 'o';
        int size = snprintf(line, sizeof line, "%c %s %s\n", kind, key, each->d_name);
        bad = write(to, line, size) != size;
    }
    closedir(folder);
    return bad ? -1 : 0;
}

/* Keep what a descriptor holds now. A copy that cannot be made must not pass for one: the process ends. */
static void keep(int fd, const char *shadow) {
    char key[64], lock_path[PATH_MAX], part[PATH_MAX], kept[PATH_MAX];
    unsigned mode;
    if (identity(fd, "", AT_EMPTY_PATH, key, sizeof key, &mode)) return;
    const char *sort = S_ISDIR(mode) ? "names" : S_ISREG(mode) ? "data" : NULL;
    if (!sort) return;
    snprintf(lock_path, sizeof lock_path, "%s/lock", shadow);
    snprintf(part, sizeof part, "%s/part", shadow);
    snprintf(kept, sizeof kept, "%s/%s/%s", shadow, sort, key);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (lock >= 0 && flock(lock, LOCK_EX) != 0 && errno == EINTR) {}
    int to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int from = fd, own = -1;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) { /* never for SQLite's files: see above */
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        from = own = open(path, O_RDONLY | O_CLOEXEC);
    }
    int bad = lock < 0 || to < 0 || from < 0;
    bad = bad || (S_ISDIR(mode) ? list_names(from, to) : copy_bytes(from, to)) || rename(part, kept);
    if (bad) {
        fprintf(stderr, "fsync_shim: %s could not be kept: %s\n", kept, strerror(errno));
        abort();
    }
    if (own >= 0) close(own);
    close(to);
    close(lock);
}

static int synced(int fd, long number) {
    const char *home = getenv("GRIDMAP_SHADOW_OF"), *shadow = getenv("GRIDMAP_SHADOW");
    char own[64], path[PATH_MAX];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(own, path, sizeof path - 1);
    long delay = delay_us();
    wait_us(delay / 2);
    int done = (int)syscall(number, fd);
    if (done == 0 && home && shadow && size > 0) {
        int saved = errno;
        size_t length = strlen(home);
        path[size] = 0;
        if (!strncmp(path, home, length) && (path[length] == '/' || path[length] == 0)) keep(fd, shadow);
        errno = saved;
    }
    wait_us(delay - delay / 2);
    return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }

int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
