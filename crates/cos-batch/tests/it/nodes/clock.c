/* Puts the clock of a process wrong: loaded into it with LD_PRELOAD. WRONG_CLOCK_SECONDS is how far it is ahead. Only the time
 * of day is: what measures how long something takes goes on as it was, as on a machine whose clock is wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int (*real)(clockid_t, struct timespec *);
static long ahead;

static void look(void)
{
    const char *seconds = getenv("WRONG_CLOCK_SECONDS");
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    ahead = seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    pthread_once(&once, look);
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += ahead;
    return result;
}
