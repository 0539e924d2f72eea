/* The limit: what an epoll loop without any log, account or history costs.
 *
 *   limit PORT
 *
 * GET /<job> opens a stream of a job (a number below 65536), POST /<job> writes its body to
 * all of them as one event, at once. Nothing is buffered: a stream whose socket is full
 * misses the event.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOBS = 65536, MOST = 65536 };
typedef struct { int *fds, count, room; } Job;

static Job jobs[JOBS];
static int job_of[MOST];
static char buffer[1 << 17], framed[1 << 17];
static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n: ok\n\n";
static const char DONE[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void join(int number, int fd) {
  Job *job = &jobs[number];
  if (job->count == job->room) {
    job->room = job->room ? job->room * 2 : 1;
    job->fds = realloc(job->fds, job->room * sizeof *job->fds);
  }
  job->fds[job->count++] = fd;
  job_of[fd] = number;
}

static void leave(int fd) {
  Job *job = job_of[fd] >= 0 ? &jobs[job_of[fd]] : NULL;
  for (int i = 0; job && i < job->count; i++)
    if (job->fds[i] == fd) job->fds[i--] = job->fds[--job->count];
  job_of[fd] = -1;
  close(fd);
}

static void publish(int number, const char *body, int length) {
  static long id;
  Job *job = &jobs[number];
  int size = snprintf(framed, sizeof framed, "id: %ld\ndata: %.*s\n\n", ++id, length, body);
  for (int i = 0; i < job->count; i++)
    if (send(job->fds[i], framed, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) continue;
}

static void serve(int fd) {
  ssize_t got = recv(fd, buffer, sizeof buffer - 1, MSG_DONTWAIT);
  if (got <= 0) {
    leave(fd);
    return;
  }
  buffer[got] = 0;
  char *slash = strchr(buffer, '/'), *body = strstr(buffer, "\r\n\r\n");
  int number = slash ? atoi(slash + 1) & (JOBS - 1) : 0;
  if (buffer[0] == 'P' && body) {
    char *said = strcasestr(buffer, "content-length:");
    ssize_t length = said ? atoi(said + 15) : 0;
    while (got < body + 4 + length - buffer) {
      ssize_t more = recv(fd, buffer + got, sizeof buffer - 1 - got, 0);
      if (more <= 0) break;
      got += more;
    }
    publish(number, body + 4, length);
    send(fd, DONE, sizeof DONE - 1, MSG_NOSIGNAL);
  } else if (buffer[0] == 'G') {
    join(number, fd);
    send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL);
  }
}

int main(int argc, char **argv) {
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
    return 1;
  memset(job_of, -1, sizeof job_of);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd != listener) {
        serve(events[i].data.fd);
        continue;
      }
      int fd;
      while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 && fd < MOST) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        event.data.fd = fd;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}
