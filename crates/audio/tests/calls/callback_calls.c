/* Counts what a thread asks of the C library inside marked stretches: memory, locks, files and sockets, waits, the system.
 *
 * Loaded before the C library (LD_PRELOAD) by callback_calls.rs. A stretch begins and ends with a write of one of two
 * sentences, to whatever file; that write goes nowhere. The report is written when the program ends, as one JSON object,
 * into the file that CALLBACK_CALLS names.
 *
 * Only calls that pass the border between a program and the library are seen. What the library does inside itself is not,
 * and neither is a lock of Rust's that nobody contends: that one is no call at all.
 *
 * Compiled with -DPROOF it is a program that makes one call of each sort inside a stretch, and again outside of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const char BEGINS[] = "a callback begins";
static const char ENDS[] = "a callback ends";

#ifdef PROOF

static void once(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint32_t word = 7;
    void *volatile memory = malloc(100);
    free(memory);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    if (write(STDOUT_FILENO, "x", 1) != 1) exit(1);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    /* Another value than the word has: it does not wait. */
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 8, NULL, NULL, 0);
    syscall(SYS_getpid);
}

int main(void) {
    once();
    if (write(STDOUT_FILENO, BEGINS, sizeof BEGINS - 1) < 0) return 1;
    once();
    if (write(STDOUT_FILENO, ENDS, sizeof ENDS - 1) < 0) return 1;
    once();
    return 0;
}

#else

#define COUNTED(each) \
    each(malloc) each(calloc) each(realloc) each(free) each(aligned) \
    each(pthread_mutex_lock) each(pthread_mutex_trylock) each(pthread_rwlock_rdlock) each(pthread_rwlock_wrlock) \
    each(read) each(write) each(recv) each(send) each(recvfrom) each(sendto) each(recvmsg) each(sendmsg) \
    each(open) each(open64) each(openat) each(poll) each(nanosleep) each(clock_nanosleep) each(sched_yield) \
    each(mmap) each(munmap) each(futex_wake) each(futex_wait) each(other_syscall)

#define AS_NUMBER(name) number_of_##name,
#define AS_TEXT(name) #name,
enum { COUNTED(AS_NUMBER) CALLS };
static const char *const names[CALLS] = {COUNTED(AS_TEXT)};

static unsigned long counts[CALLS];
static unsigned long stretches;
/* This model takes no memory at the first use in a thread. */
static __thread int marked __attribute__((tls_model("initial-exec")));

static void note(int call) {
    if (marked) __atomic_fetch_add(&counts[call], 1, __ATOMIC_RELAXED);
}

/* The library's own function of this name. */
#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FORWARD(result, name, parameters, arguments) \
    result name parameters { \
        NEXT(name); \
        note(number_of_##name); \
        return next arguments; \
    }

/* Memory: by the names under which the library keeps these for such as us, since looking one up may need memory. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size) {
    note(number_of_malloc);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(number_of_calloc);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    note(number_of_realloc);
    return __libc_realloc(memory, size);
}

void free(void *memory) {
    note(number_of_free);
    __libc_free(memory);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note(number_of_aligned);
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    note(number_of_aligned);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    note(number_of_aligned);
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12 /* ENOMEM */;
}

FORWARD(int, pthread_mutex_lock, (pthread_mutex_t *lock), (lock))
FORWARD(int, pthread_mutex_trylock, (pthread_mutex_t *lock), (lock))
FORWARD(int, pthread_rwlock_rdlock, (pthread_rwlock_t *lock), (lock))
FORWARD(int, pthread_rwlock_wrlock, (pthread_rwlock_t *lock), (lock))

struct sockaddr;
struct msghdr;
struct pollfd;
struct timespec;
extern ssize_t recv(int, void *, size_t, int);
extern ssize_t send(int, const void *, size_t, int);
extern ssize_t recvfrom(int, void *, size_t, int, struct sockaddr *, unsigned *);
extern ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, unsigned);
extern ssize_t recvmsg(int, struct msghdr *, int);
extern ssize_t sendmsg(int, const struct msghdr *, int);
extern int open(const char *, int, ...);
extern int open64(const char *, int, ...);
extern int openat(int, const char *, int, ...);
extern int poll(struct pollfd *, unsigned long, int);
extern int nanosleep(const struct timespec *, struct timespec *);
extern int clock_nanosleep(int, int, const struct timespec *, struct timespec *);
extern int sched_yield(void);

FORWARD(ssize_t, read, (int file, void *to, size_t length), (file, to, length))
FORWARD(ssize_t, recv, (int file, void *to, size_t length, int flags), (file, to, length, flags))
FORWARD(ssize_t, send, (int file, const void *from, size_t length, int flags), (file, from, length, flags))
FORWARD(ssize_t, recvfrom, (int file, void *to, size_t length, int flags, struct sockaddr *whose, unsigned *size),
        (file, to, length, flags, whose, size))
FORWARD(ssize_t, sendto, (int file, const void *from, size_t length, int flags, const struct sockaddr *whose, unsigned size),
        (file, from, length, flags, whose, size))
FORWARD(ssize_t, recvmsg, (int file, struct msghdr *message, int flags), (file, message, flags))
FORWARD(ssize_t, sendmsg, (int file, const struct msghdr *message, int flags), (file, message, flags))
FORWARD(int, poll, (struct pollfd *files, unsigned long count, int patience), (files, count, patience))
FORWARD(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
FORWARD(int, clock_nanosleep, (int clock, int flags, const struct timespec *time, struct timespec *left),
        (clock, flags, time, left))
FORWARD(int, sched_yield, (void), ())
FORWARD(void *, mmap, (void *at, size_t length, int may, int flags, int file, off_t offset),
        (at, length, may, flags, file, offset))
FORWARD(int, munmap, (void *at, size_t length), (at, length))

/* The mode is only there for files that are made; to pass on one that is not there does no harm. */
#define FORWARD_OPEN(name, parameters, ...) \
    int name parameters { \
        NEXT(name); \
        va_list more; \
        va_start(more, flags); \
        unsigned mode = va_arg(more, unsigned); \
        va_end(more); \
        note(number_of_##name); \
        return next(__VA_ARGS__, mode); \
    }

FORWARD_OPEN(open, (const char *path, int flags, ...), path, flags)
FORWARD_OPEN(open64, (const char *path, int flags, ...), path, flags)
FORWARD_OPEN(openat, (int folder, const char *path, int flags, ...), folder, path, flags)

ssize_t write(int file, const void *from, size_t length) {
    NEXT(write);
    if (length == sizeof BEGINS - 1 && memcmp(from, BEGINS, length) == 0) {
        marked = 1;
        return (ssize_t)length;
    }
    if (length == sizeof ENDS - 1 && memcmp(from, ENDS, length) == 0) {
        marked = 0;
        __atomic_fetch_add(&stretches, 1, __ATOMIC_RELAXED);
        return (ssize_t)length;
    }
    note(number_of_write);
    return next(file, from, length);
}

/* The standard library of Rust asks for its futexes this way. */
long syscall(long number, ...) {
    NEXT(syscall);
    long a[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_futex) {
        int wakes = (a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE;
        note(wakes ? number_of_futex_wake : number_of_futex_wait);
    } else {
        note(number_of_other_syscall);
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static const char *report;

__attribute__((constructor)) static void begin(void) {
    report = getenv("CALLBACK_CALLS");
}

__attribute__((destructor)) static void tell(void) {
    if (!report) return;
    FILE *file = fopen(report, "w");
    if (!file) return;
    fprintf(file, "{\"stretches\": %lu", stretches);
    for (int call = 0; call < CALLS; call++) fprintf(file, ", \"%s\": %lu", names[call], counts[call]);
    fprintf(file, "}\n");
    fclose(file);
}

#endif
