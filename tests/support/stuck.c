/* A disk that does not answer: flushing waits for as long as the file exists that STUCK_WHILE names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_while_stuck(void) {
    const char *sign = getenv("STUCK_WHILE");
    while (sign && access(sign, F_OK) == 0)
        usleep(10000);
}

int fdatasync(int file) {
    int (*really)(int) = dlsym(RTLD_NEXT, "fdatasync");
    wait_while_stuck();
    return really(file);
}

int fsync(int file) {
    int (*really)(int) = dlsym(RTLD_NEXT, "fsync");
    wait_while_stuck();
    return really(file);
}
