// Preloaded into a process, makes writes and flushes of a folder's files fail at random while a switch file exists.
//   FAULTY_FOLDER  path of the folder
//   FAULTY_SWITCH  path of the switch file
//   FAULTY_LOG     path of a file that gets one line per fault
//   FAULTY_RATE    faults per thousand calls
//   FAULTY_SEED    seed of the random numbers
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_ulong calls;

// splitmix64
static uint64_t next_random(void) {
  const char *seed = getenv("FAULTY_SEED");
  uint64_t z = (seed ? strtoull(seed, NULL, 10) : 1) * 0x2545f4914f6cdd1dULL + ++calls * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

static int is_store_file(int fd) {
  const char *folder = getenv("FAULTY_FOLDER");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (!folder || length < 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

// Returns 0, or the error that the call is to fail with.
static int fault(const char *call, int fd, const int *errors, int count) {
  const char *toggle = getenv("FAULTY_SWITCH"), *rate = getenv("FAULTY_RATE"), *log = getenv("FAULTY_LOG");
  if (!toggle || !rate || access(toggle, F_OK) != 0 || (fd >= 0 && !is_store_file(fd))) return 0;
  uint64_t random = next_random();
  if (random % 1000 >= strtoull(rate, NULL, 10)) return 0;
  int error = errors[(random >> 20) % count];
  if (log) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %s\n", call, strerrorname_np(error));
    int out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out >= 0) syscall(SYS_write, out, line, length), syscall(SYS_close, out);
  }
  return error;
}

static const int write_errors[] = {EIO, ENOSPC, EROFS, EDQUOT};
static const int sync_errors[] = {EIO, ENOSPC};

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// A failed write may have written nothing, or everything: the page is in the cache, but its flush (O_DSYNC) failed.
// A short write reports the half that it wrote.
#define WRITES(name, length, half, parameters, arguments)                    \
  ssize_t name parameters {                                                  \
    int error = fault(#name, fd, write_errors, 4);                           \
    if (!error) return REAL(name) arguments;                                 \
    if (calls % 3 == 1) REAL(name) arguments;                                \
    if (calls % 3 == 2) half;                                                \
    errno = error;                                                           \
    return -1;                                                               \
  }

WRITES(write, n, { n = n / 2; if (n) return REAL(write)(fd, data, n); }, (int fd, const void *data, size_t n), (fd, data, n))
WRITES(pwrite, n, { n = n / 2; if (n) return REAL(pwrite)(fd, data, n, at); },
       (int fd, const void *data, size_t n, off_t at), (fd, data, n, at))
WRITES(pwrite64, n, { n = n / 2; if (n) return REAL(pwrite64)(fd, data, n, at); },
       (int fd, const void *data, size_t n, off64_t at), (fd, data, n, at))
WRITES(writev, n, { n = n / 2; if (n) return REAL(writev)(fd, parts, n); },
       (int fd, const struct iovec *parts, int n), (fd, parts, n))
WRITES(pwritev, n, { n = n / 2; if (n) return REAL(pwritev)(fd, parts, n, at); },
       (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at))
WRITES(pwritev64, n, { n = n / 2; if (n) return REAL(pwritev64)(fd, parts, n, at); },
       (int fd, const struct iovec *parts, int n, off64_t at), (fd, parts, n, at))

#define FAILS(name, file, errors, parameters, arguments)                     \
  int name parameters {                                                      \
    int error = fault(#name, file, errors, 2);                               \
    if (!error) return REAL(name) arguments;                                 \
    errno = error;                                                           \
    return -1;                                                               \
  }

FAILS(fsync, fd, sync_errors, (int fd), (fd))
FAILS(fdatasync, fd, sync_errors, (int fd), (fd))
FAILS(msync, -1, sync_errors, (void *start, size_t length, int flags), (start, length, flags))
FAILS(ftruncate, fd, write_errors, (int fd, off_t length), (fd, length))
FAILS(ftruncate64, fd, write_errors, (int fd, off64_t length), (fd, length))
FAILS(fallocate, fd, write_errors, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length))
FAILS(fallocate64, fd, write_errors, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length))
