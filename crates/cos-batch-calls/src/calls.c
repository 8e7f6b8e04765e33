/* Runs a program, and sees its calls to the disk; lets some fail, or kills it before one:
 *
 *   calls FOLDER HOW FIRST COUNT ERROR ONLY NOTES OPENS PROGRAM ARGUMENT...
 *
 * Counted are the calls of the program and all its threads that open, read, write, sync, make, rename or remove something in the
 * folder, from 1; with a name in ONLY, those of this name alone. HOW is
 *
 *   fail   from the FIRST on, COUNT of them do nothing and fail with this ERROR. Where there is no room, those that read are none of
 *          them.
 *   kill   before the FIRST the program is killed. Only those that change something are counted: what is read or opened is not.
 *
 * In the end NOTES has a line for each kind of call with how many there were, and one for each call that failed or was the last.
 * With another name than - for OPENS, each path that the program opens is a line there at once, wherever it leads: as the program
 * said it, behind the folder that it is in; and so is each address that it connects to, behind "connect ". The exit status is the program's, and 128 and the signal's number where one ended it;
 * 99: the system has no such filters, or does not let us make one, and nothing was run.
 *
 * The system stops each such call and asks us (seccomp, user notification); so it does not matter which library makes it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILTER = 99, PATH = 4096 };

/* Where a call says what it is about. */
enum about { FD, FOLDER, TARGET_FOLDER, TARGET_FD, NAME };

/* What it does. Only the device can fail when something is read, not for want of room. */
enum does { CHANGES, READS, OPENS, OPENS2, CONNECTS };

static const struct {
    int number;
    enum about about;
    const char *name;
    enum does does;
} calls[] = {
    {SYS_openat, FOLDER, "openat", OPENS},
    {SYS_openat2, FOLDER, "openat2", OPENS2},
    {SYS_read, FD, "read", READS},
    {SYS_pread64, FD, "pread64", READS},
    {SYS_write, FD, "write", CHANGES},
    {SYS_writev, FD, "writev", CHANGES},
    {SYS_pwrite64, FD, "pwrite64", CHANGES},
    {SYS_copy_file_range, TARGET_FD, "copy_file_range", CHANGES},
    {SYS_sendfile, FD, "sendfile", CHANGES},
    {SYS_ftruncate, FD, "ftruncate", CHANGES},
    {SYS_fallocate, FD, "fallocate", CHANGES},
    {SYS_fsync, FD, "fsync", CHANGES},
    {SYS_fdatasync, FD, "fdatasync", CHANGES},
    {SYS_syncfs, FD, "syncfs", CHANGES},
    {SYS_mkdirat, FOLDER, "mkdirat", CHANGES},
    {SYS_linkat, TARGET_FOLDER, "linkat", CHANGES},
    {SYS_renameat2, FOLDER, "renameat2", CHANGES},
#ifdef SYS_renameat
    {SYS_renameat, FOLDER, "renameat", CHANGES},
#endif
    {SYS_unlinkat, FOLDER, "unlinkat", CHANGES},
    {SYS_connect, FD, "connect", CONNECTS},
    /* Of some processors only; C libraries still use them there. */
#ifdef SYS_open
    {SYS_open, NAME, "open", OPENS},
#endif
#ifdef SYS_creat
    {SYS_creat, NAME, "creat", CHANGES},
#endif
#ifdef SYS_mkdir
    {SYS_mkdir, NAME, "mkdir", CHANGES},
#endif
#ifdef SYS_rename
    {SYS_rename, NAME, "rename", CHANGES},
#endif
#ifdef SYS_unlink
    {SYS_unlink, NAME, "unlink", CHANGES},
#endif
#ifdef SYS_rmdir
    {SYS_rmdir, NAME, "rmdir", CHANGES},
#endif
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static char folder[PATH];
static long first, count, error, counted[CALLS], all;
static int kills;
static const char *only;
static FILE *notes, *opens;
static pid_t child;

static void end(const char *why) {
    perror(why);
    exit(1);
}

static int is_inside(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Where a descriptor of a thread leads to: empty where it is closed. */
static void path_of(int thread, int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, descriptor == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", thread, descriptor);
    ssize_t length = readlink(link, path, PATH - 1);
    path[length < 0 ? 0 : length] = 0;
}

/* What a thread has at an address: so many bytes at most, fewer where there are none behind them. */
static size_t taken(int thread, unsigned long long address, void *place, size_t size) {
    struct iovec here = {place, size}, there = {(void *)address, size};
    ssize_t length;
    while ((length = process_vm_readv(thread, &here, 1, &there, 1, 0)) < 0) {
        if (there.iov_len < 2) return 0;
        there.iov_len /= 2;
    }
    return length;
}

/* The path that a call names, as the program says it, behind that of the folder it is in. */
static void named(const struct seccomp_notif *asked, enum about about, char *path) {
    int target = about == TARGET_FOLDER;
    int descriptor = about == NAME ? AT_FDCWD : (int)asked->data.args[target ? 2 : 0];
    char name[PATH] = "";
    taken(asked->pid, asked->data.args[about == NAME ? 0 : target ? 3 : 1], name, sizeof name - 1);
    path[0] = 0;
    if (name[0] != '/') path_of(asked->pid, descriptor, path);
    if (name[0] != 0) {
        if (name[0] != '/') strcat(path, "/");
        strcat(path, name);
    }
}

static void path_about(const struct seccomp_notif *asked, enum about about, char *path) {
    if (about == FD || about == TARGET_FD)
        path_of(asked->pid, (int)asked->data.args[about == TARGET_FD ? 2 : 0], path);
    else
        named(asked, about, path);
}

/* A line for a path, whatever is in it. */
static void tell(const char *path) {
    for (; *path != 0; path++) {
        if (*path == '\n' || *path == '\\')
            fprintf(opens, "\\%02x", *path);
        else
            fputc(*path, opens);
    }
    fputc('\n', opens);
    if (fflush(opens) != 0) end("opens");
}

/* The address that a call connects to. */
static void tell_address(const struct seccomp_notif *asked) {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_un local;
        char bytes[256];
    } to = {0};
    char host[INET6_ADDRSTRLEN] = "", text[512];
    size_t size = asked->data.args[2] < sizeof to - 1 ? asked->data.args[2] : sizeof to - 1;
    taken(asked->pid, asked->data.args[1], &to, size);
    if (to.any.sa_family == AF_INET)
        snprintf(text, sizeof text, "connect %s:%d", inet_ntop(AF_INET, &to.four.sin_addr, host, sizeof host),
                 ntohs(to.four.sin_port));
    else if (to.any.sa_family == AF_INET6)
        snprintf(text, sizeof text, "connect [%s]:%d", inet_ntop(AF_INET6, &to.six.sin6_addr, host, sizeof host),
                 ntohs(to.six.sin6_port));
    else
        snprintf(text, sizeof text, "connect %d %s", to.any.sa_family, to.local.sun_path);
    tell(text);
}

static int changes(const struct seccomp_notif *asked, enum does does) {
    struct open_how how = {0};
    if (does == OPENS2) taken(asked->pid, asked->data.args[2], &how, sizeof how);
    if (does == OPENS) how.flags = asked->data.args[asked->data.nr == SYS_openat ? 2 : 1];
    return does == CHANGES || (how.flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))) != 0;
}

/* What to answer: 0, or an error. */
static int judged(const struct seccomp_notif *asked) {
    for (int call = 0; call < CALLS; call++) {
        if (calls[call].number != asked->data.nr) continue;
        enum does does = calls[call].does;
        char path[2 * PATH];
        if (does == CONNECTS) {
            if (opens != NULL) tell_address(asked);
            return 0;
        }
        path_about(asked, calls[call].about, path);
        if (opens != NULL && (does == OPENS || does == OPENS2 || strcmp(calls[call].name, "creat") == 0)) tell(path);
        if (!is_inside(path)) return 0;
        if (kills ? !changes(asked, does) : does == READS && error != EIO) return 0;
        counted[call]++;
        if (*only != 0 && strcmp(only, calls[call].name) != 0) return 0;
        all++;
        if (all < first || all >= first + count) return 0;
        fprintf(notes, "%s %s\n", kills ? "killed" : "failed", calls[call].name);
        if (kills && kill(child, SIGKILL) != 0) end("kill");
        /* Were it told to go on, it could still do so before it sees the signal. */
        return kills ? EINTR : (int)error;
    }
    return 0;
}

/* Sends a descriptor through a socket, or takes one (-1: none came). */
static void send_descriptor(int socket, int descriptor) {
    char byte = 0, space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    if (sendmsg(socket, &message, 0) != 1) end("sendmsg");
}

static int taken_descriptor(int socket) {
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    int descriptor = -1;
    if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return descriptor;
}

static void run(int socket, char **program) {
    struct sock_filter code[CALLS + 3];
    code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int call = 0; call < CALLS; call++)
        code[call + 1] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, CALLS - call, 0);
    code[CALLS + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[CALLS + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog filter = {CALLS + 3, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) exit(NO_FILTER);
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (listener < 0) exit(NO_FILTER);
    send_descriptor(socket, listener);
    close(listener);
    /* Whoever ends us ends it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(program[0], program);
    exit(1);
}

static void pass_on(int number) { kill(child, number); }

int main(int arguments, char **argument) {
    if (arguments < 10 || realpath(argument[1], folder) == NULL) end("calls");
    kills = strcmp(argument[2], "kill") == 0;
    first = atol(argument[3]);
    count = atol(argument[4]);
    error = atol(argument[5]);
    only = argument[6];
    notes = fopen(argument[7], "w");
    if (strcmp(argument[8], "-") != 0 && (opens = fopen(argument[8], "w")) == NULL) end("opens");
    int sockets[2];
    if (notes == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) end("calls");
    child = fork();
    if (child == 0) run(sockets[1], argument + 9);
    close(sockets[1]);
    for (int number = 0; number < 3; number++) signal((int[]){SIGTERM, SIGINT, SIGHUP}[number], pass_on);
    int listener = taken_descriptor(sockets[0]);
    struct pollfd ready = {listener, POLLIN, 0};
    while (listener >= 0) {
        if (poll(&ready, 1, -1) < 0 && errno != EINTR) end("poll");
        if (ready.revents & POLLIN) {
            struct seccomp_notif asked;
            memset(&asked, 0, sizeof asked);
            /* Whoever asked may be gone. */
            if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
            int failure = judged(&asked);
            struct seccomp_notif_resp answer = {.id = asked.id, .error = -failure};
            if (failure == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        } else if (ready.revents & POLLHUP) {
            break;
        }
    }
    int status;
    if (waitpid(child, &status, 0) != child) end("waitpid");
    for (int call = 0; call < CALLS; call++)
        if (counted[call] > 0) fprintf(notes, "%s %ld\n", calls[call].name, counted[call]);
    if (fclose(notes) != 0) end("notes");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
