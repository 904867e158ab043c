/* Writing fails as on a file system that the kernel has remounted read-only (EROFS), for as long as the file exists that
   READ_ONLY_WHILE names. `mount -o remount,ro` cannot show this: it is refused while a file is open for writing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_read_only(void) {
    const char *sign = getenv("READ_ONLY_WHILE");
    return sign && access(sign, F_OK) == 0;
}

static int refused(void) {
    errno = EROFS;
    return -1;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    ssize_t (*really)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return is_read_only() ? refused() : really(file, bytes, length, at);
}

int ftruncate64(int file, off64_t length) {
    int (*really)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
    return is_read_only() ? refused() : really(file, length);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    va_end(more);
    int (*really)(const char *, int, mode_t) = dlsym(RTLD_NEXT, "open64");
    int writes = (flags & O_ACCMODE) != O_RDONLY && strstr(path, "gatelodge.redb");
    return writes && is_read_only() ? refused() : really(path, flags, mode);
}
