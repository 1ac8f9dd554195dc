/* Preloaded into a process it shifts its wall clock, while it runs, by what a shared file says.

   A wait until a time of the wall clock then behaves as in the kernel when the clock is really set: after a step back the
   waits under way take as much longer. (libfaketime reckons each such wait in real time when it begins, so it cannot show
   that.) The monotonic clocks stay as they are.

   Such a wait is made of short ones. A signal that falls between two of them would be lost, so signals are counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define SLICE_NS 5000000LL
/* A time of the monotonic clock is far below this, one of the wall clock far above. */
#define LEAST_WALL_S 500000000

static int64_t none;
static volatile int64_t *shift_ns = &none;
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_signal)(pthread_cond_t *);
static int (*real_broadcast)(pthread_cond_t *);
/* Two conditions may share a count: a waiter then wakes without need, for which every waiter must be ready. */
#define COUNTS 4096
static atomic_uint signals[COUNTS];

static atomic_uint *signals_of(const pthread_cond_t *condition) { return &signals[((uintptr_t)condition >> 4) % COUNTS]; }

__attribute__((constructor)) static void start(void) {
    real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    real_signal = dlvsym(RTLD_NEXT, "pthread_cond_signal", "GLIBC_2.3.2");
    real_broadcast = dlvsym(RTLD_NEXT, "pthread_cond_broadcast", "GLIBC_2.3.2");
    const char *path = getenv("SHIFT_FILE");
    int file = path ? open(path, O_RDONLY) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (!real_timedwait || !real_signal || !real_broadcast || page == MAP_FAILED) abort();
    shift_ns = page;
    close(file);
}

static int64_t ns_of(const struct timespec *t) { return t->tv_sec * NS_PER_S + t->tv_nsec; }

static struct timespec timespec_of(int64_t ns) { return (struct timespec){ns / NS_PER_S, ns % NS_PER_S}; }

static int64_t real_ns(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return ns_of(&now);
}

int clock_gettime(clockid_t id, struct timespec *t) {
    int result = (int)syscall(SYS_clock_gettime, id, t);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) *t = timespec_of(ns_of(t) + *shift_ns);
    return result;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    struct timespec now = timespec_of(real_ns() + *shift_ns);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    (void)zone;
    return 0;
}

time_t time(time_t *t) {
    time_t now = (real_ns() + *shift_ns) / NS_PER_S;
    if (t != NULL) *t = now;
    return now;
}

int pthread_cond_signal(pthread_cond_t *condition) {
    atomic_fetch_add(signals_of(condition), 1);
    return real_signal(condition);
}

int pthread_cond_broadcast(pthread_cond_t *condition) {
    atomic_fetch_add(signals_of(condition), 1);
    return real_broadcast(condition);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    if (until->tv_sec < LEAST_WALL_S) return real_timedwait(condition, mutex, until);
    unsigned seen = atomic_load(signals_of(condition));
    for (;;) {
        int64_t now = real_ns(), left = ns_of(until) - (now + *shift_ns);
        if (left <= 0) return ETIMEDOUT;
        struct timespec next = timespec_of(now + (left < SLICE_NS ? left : SLICE_NS));
        int result = real_timedwait(condition, mutex, &next);
        if (result != ETIMEDOUT) return result;
        if (atomic_load(signals_of(condition)) != seen) return 0;
    }
}
