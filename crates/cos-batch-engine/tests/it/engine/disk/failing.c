/* Runs a program, and lets calls of it to the disk fail:
 *
 *   failing FOLDER FIRST COUNT ERROR ONLY NOTES PROGRAM ARGUMENT...
 *
 * Counted are the calls of the program and all its threads that open, read, write, sync, make, rename or remove something in the
 * folder, from 1; with a name in ONLY, those of this name alone. Those that read are none of them where there is no room. From
 * the FIRST on, COUNT of them do nothing and fail with this error. In the end NOTES has a line for each kind of call with how
 * many there were, and one for each call that failed. The exit status is the program's; 99: the system has no such filters, or
 * does not let us make one, and nothing was run.
 *
 * The system stops each such call and asks us (seccomp, user notification); so it does not matter which library makes it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILTER = 99, PATH = 4096 };

/* Where a call says what it is about. */
enum about { FD, FOLDER, TARGET_FOLDER, TARGET_FD };

static const struct {
    int number;
    enum about about;
    const char *name;
    /* Only the device can fail so, not for want of room. */
    int reads;
} calls[] = {
    {SYS_openat, FOLDER, "openat", 0},
    {SYS_openat2, FOLDER, "openat2", 0},
    {SYS_read, FD, "read", 1},
    {SYS_pread64, FD, "pread64", 1},
    {SYS_write, FD, "write", 0},
    {SYS_writev, FD, "writev", 0},
    {SYS_pwrite64, FD, "pwrite64", 0},
    {SYS_copy_file_range, TARGET_FD, "copy_file_range", 0},
    {SYS_sendfile, FD, "sendfile", 0},
    {SYS_ftruncate, FD, "ftruncate", 0},
    {SYS_fsync, FD, "fsync", 0},
    {SYS_fdatasync, FD, "fdatasync", 0},
    {SYS_syncfs, FD, "syncfs", 0},
    {SYS_mkdirat, FOLDER, "mkdirat", 0},
    {SYS_linkat, TARGET_FOLDER, "linkat", 0},
    {SYS_renameat2, FOLDER, "renameat2", 0},
#ifdef SYS_renameat
    {SYS_renameat, FOLDER, "renameat", 0},
#endif
    {SYS_unlinkat, FOLDER, "unlinkat", 0},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static char folder[PATH];
static long first, count, error, counted[CALLS], all;
static const char *only;
static FILE *notes;

static void end(const char *why) {
    perror(why);
    exit(1);
}

static int is_inside(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Whether a descriptor of a thread is of something in the folder. */
static int is_of_folder(int thread, int descriptor) {
    char link[64], path[PATH];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

static int is_about_folder(const struct seccomp_notif *asked, enum about about) {
    int target = about == TARGET_FOLDER || about == TARGET_FD;
    int descriptor = (int)asked->data.args[target ? 2 : 0];
    if (descriptor != AT_FDCWD) return is_of_folder(asked->pid, descriptor);
    if (about == FD || about == TARGET_FD) return 0;
    char path[PATH] = "";
    struct iovec here = {path, sizeof path - 1}, there = {(void *)asked->data.args[target ? 3 : 1], sizeof path - 1};
    /* What is behind the end of the path may not be there to be read: less, then. */
    while (process_vm_readv(asked->pid, &here, 1, &there, 1, 0) < 0) {
        if (there.iov_len < 2) return 0;
        there.iov_len /= 2;
    }
    return is_inside(path);
}

/* What to answer: 0, or an error. */
static int judged(const struct seccomp_notif *asked) {
    for (int call = 0; call < CALLS; call++) {
        if (calls[call].number != asked->data.nr) continue;
        if ((calls[call].reads && error != EIO) || !is_about_folder(asked, calls[call].about)) return 0;
        counted[call]++;
        if (*only != 0 && strcmp(only, calls[call].name) != 0) return 0;
        all++;
        if (all < first || all >= first + count) return 0;
        fprintf(notes, "failed %s\n", calls[call].name);
        return (int)error;
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
    execv(program[0], program);
    exit(1);
}

int main(int arguments, char **argument) {
    if (arguments < 8 || realpath(argument[1], folder) == NULL) end("failing");
    first = atol(argument[2]);
    count = atol(argument[3]);
    error = atol(argument[4]);
    only = argument[5];
    notes = fopen(argument[6], "w");
    int sockets[2];
    if (notes == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) end("failing");
    pid_t child = fork();
    if (child == 0) run(sockets[1], argument + 7);
    close(sockets[1]);
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
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
