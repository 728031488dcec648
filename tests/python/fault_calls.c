/* Let the system's call number FAULT_AT, of those that make changes last, be the last one or fail.

   Preloaded (LD_PRELOAD) into a process under test. FAULT_ERROR is the errno with which the call fails; without it
   the process is killed as soon as the call is done. FAULT_TOLD names a file that is made when that happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int calls;

/* Whether this is the call. */
static int is_due(void) {
    const char *at = getenv("FAULT_AT");
    int is = at && atomic_fetch_add(&calls, 1) + 1 == atoi(at);
    const char *told = getenv("FAULT_TOLD");
    if (is && told) close(open(told, O_CREAT | O_WRONLY, 0600));
    return is;
}

#define FAULTY(name, parameters, arguments)                                   \
    int name parameters {                                                           \
        static int(*real) parameters;                                               \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #name);               \
        int due = is_due();                                                         \
        const char *error = getenv("FAULT_ERROR");                                  \
        if (due && error) {                                                         \
            errno = atoi(error);                                                    \
            return -1;                                                              \
        }                                                                           \
        int result = real arguments;                                                \
        if (due) kill(getpid(), SIGKILL);                                           \
        return result;                                                              \
    }

FAULTY(fsync, (int fd), (fd))
FAULTY(rename, (const char *a, const char *b), (a, b))
FAULTY(renameat, (int x, const char *a, int y, const char *b), (x, a, y, b))
FAULTY(link, (const char *a, const char *b), (a, b))
FAULTY(linkat, (int x, const char *a, int y, const char *b, int flags), (x, a, y, b, flags))
FAULTY(mkdir, (const char *a, mode_t mode), (a, mode))
FAULTY(unlink, (const char *a), (a))
FAULTY(unlinkat, (int x, const char *a, int flags), (x, a, flags))
