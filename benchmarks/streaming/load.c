/* The load generator: many event streams over one epoll loop, told what to do on stdin.
 *
 *   load HOST PORT TARGETS [OPENING [RECEIVE_BUFFER]]
 *
 * TARGETS is a file with a line for each stream: source address, path, headers (parted by
 * "\t", headers by "|"). At most OPENING streams are being opened at any time. An event
 * bears "@<ns>.<seq>@" in its data: CLOCK_MONOTONIC when it was published, and its number
 * among its job's events, from 1. Commands, one a line; each is answered by a line of JSON:
 *
 *   open MS           open every stream that is not; answers when all are, or after MS
 *   measure           forget the figures so far
 *   report SEQ        the figures; streams that have not come to SEQ count as having lost
 *   await SEQ MS      wait until all streams have come to SEQ, or MS have passed
 *   return SEQ MS     open every stream that is not, and wait as `await` does
 *   drop              close every stream; each keeps its place, and comes back with it
 *   pause             stop reading
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLOSED, CONNECTING, HEAD, BODY };
enum { BUCKET_US = 5, BUCKETS = 4 * 1000 * 1000, RETRIES = 3 };

typedef struct {
  int fd, state, is_chunked, is_open, tries;
  int in_chunk;           /* in a chunk's data; else in a line with its size */
  long chunk_left;
  char *line;             /* what came of a line, of the head or of the body */
  int used, room;
  char id[64], last_id[64];
  int64_t sent_ns;        /* of the event that is being read; 0 without one */
  uint64_t seq, last_seq, seen;  /* seen: a bit for each of the last 64 numbers */
  char *source, *path, *headers;
} Stream;

static Stream *streams;
static int count, epoll, opening, open_streams, most_opening = 256, receive_buffer;
static int next_to_open, wants_open;
static struct sockaddr_in server;
static const char *host;
static uint32_t *histogram;
static uint64_t deliveries, lost, duplicated, disordered, errors, ended, bytes, snapshots;
static char buffer[1 << 18];

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_us(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void let_go(Stream *s) {
  if (s->state == CLOSED) return;
  if (s->state == BODY && s->is_open) open_streams--;
  if (s->state == CONNECTING || s->state == HEAD || !s->is_open) opening--;
  close(s->fd);
  s->state = CLOSED;
  s->is_open = 0;
  s->used = 0;
}

static void fail(Stream *s) {
  errors++;
  let_go(s);
}

static void deliver(Stream *s, int64_t received_ns) {
  uint64_t seq = s->seq;
  deliveries++;
  if (seq > s->last_seq) {
    uint64_t step = seq - s->last_seq;
    lost += step - 1;
    s->seen = (step < 64 ? s->seen << step : 0) | 1;
    s->last_seq = seq;
  } else {
    uint64_t back = s->last_seq - seq;
    if (back < 64 && !(s->seen >> back & 1)) {
      disordered++;
      if (lost) lost--;
      s->seen |= 1ULL << back;
    } else {
      duplicated++;
    }
  }
  int64_t bucket = (received_ns - s->sent_ns) / 1000 / BUCKET_US;
  if (bucket < 0) bucket = 0;
  if (bucket >= BUCKETS) bucket = BUCKETS - 1;
  histogram[bucket]++;
}

static void take_marker(Stream *s, const char *text, const char *end) {
  for (const char *at = text; (at = memchr(at, '@', end - at)); at++) {
    char *after;
    int64_t sent = strtoll(at + 1, &after, 10);
    if (after == at + 1 || *after != '.') continue;
    uint64_t seq = strtoull(after + 1, &after, 10);
    if (*after != '@') continue;
    s->sent_ns = sent;
    s->seq = seq;
    return;
  }
}

static void take_line(Stream *s, char *text, int length, int64_t received_ns) {
  while (length && text[length - 1] == '\r') length--;
  if (!length) {
    if (s->id[0]) memcpy(s->last_id, s->id, sizeof s->id);
    if (s->sent_ns) deliver(s, received_ns);
    s->sent_ns = 0;
    s->id[0] = 0;
  } else if (!strncmp(text, "id:", 3)) {
    int skip = text[3] == ' ' ? 4 : 3, size = length - skip;
    if (size >= (int)sizeof s->id) size = sizeof s->id - 1;
    memcpy(s->id, text + skip, size);
    s->id[size] = 0;
  } else if (!strncmp(text, "data:", 5)) {
    /* A snapshot repeats what was told before: it is no delivery. */
    char *type = memmem(text, length < 64 ? length : 64, "\"type\":\"snapshot\"", 17);
    if (type) snapshots++;
    else take_marker(s, text, text + length);
  }
}

static void keep(Stream *s, const char *data, int length) {
  if (s->used + length + 1 > s->room) {
    s->room = s->used + length + 256;
    s->line = realloc(s->line, s->room);
  }
  memcpy(s->line + s->used, data, length);
  s->used += length;
  s->line[s->used] = 0;
}

static void take_text(Stream *s, char *data, int length, int64_t received_ns) {
  if (!s->is_open && length) {
    s->is_open = 1;
    s->tries = 0;
    open_streams++;
    opening--;
  }
  while (length) {
    char *end = memchr(data, '\n', length);
    if (!end) {
      keep(s, data, length);
      return;
    }
    int size = end - data;
    if (s->used) {
      keep(s, data, size);
      take_line(s, s->line, s->used, received_ns);
      s->used = 0;
    } else {
      take_line(s, data, size, received_ns);
    }
    data += size + 1;
    length -= size + 1;
  }
}

static void take_body(Stream *s, char *data, int length, int64_t received_ns) {
  if (!s->is_chunked) {
    take_text(s, data, length, received_ns);
    return;
  }
  while (length) {
    if (s->in_chunk) {
      int part = length < s->chunk_left ? length : s->chunk_left;
      take_text(s, data, part, received_ns);
      data += part;
      length -= part;
      if (!(s->chunk_left -= part)) s->in_chunk = 0;
      continue;
    }
    char c = *data++;
    length--;
    if (c == '\r') continue;
    if (c == '\n') {
      /* The empty line after a chunk's data is a size of 0, and changes nothing. */
      s->in_chunk = s->chunk_left > 0;
    } else {
      int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
      s->chunk_left = s->chunk_left * 16 + digit;
    }
  }
}

static void take_head(Stream *s, char *data, int length, int64_t received_ns) {
  keep(s, data, length);
  char *end = strstr(s->line, "\r\n\r\n");
  if (!end) return;
  int head = end + 4 - s->line, rest = s->used - head;
  if (strncmp(s->line + 9, "200", 3)) {
    if (errors < 3) fprintf(stderr, "load: %.*s\n", 60, s->line);
    fail(s);
    return;
  }
  *end = 0;
  s->is_chunked = strcasestr(s->line, "\r\ntransfer-encoding: chunked") != NULL;
  s->in_chunk = 0;
  s->chunk_left = 0;
  s->state = BODY;
  char *copy = malloc(rest + 1);
  memcpy(copy, s->line + head, rest);
  s->used = 0;
  take_body(s, copy, rest, received_ns);
  free(copy);
}

static void start(Stream *s) {
  struct sockaddr_in source = {.sin_family = AF_INET};
  int on = 1;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd < 0) {
    errors++;
    return;
  }
  inet_pton(AF_INET, s->source, &source.sin_addr);
  setsockopt(s->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (receive_buffer)
    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  bind(s->fd, (struct sockaddr *)&source, sizeof source);
  s->state = CONNECTING;
  s->is_open = 0;
  s->sent_ns = 0;
  s->id[0] = 0;
  s->used = 0;
  opening++;
  if (connect(s->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) {
    fail(s);
    return;
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = s};
  epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event);
}

static void ask(Stream *s) {
  char request[4096], headers[2048] = "";
  for (char *h = s->headers; *h;) {
    size_t size = strcspn(h, "|");
    size_t used = strlen(headers);
    snprintf(headers + used, sizeof headers - used, "%.*s\r\n", (int)size, h);
    h += size + (h[size] == '|');
  }
  int length = snprintf(request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n"
      "User-Agent: earmark-load\r\n%s%s%s%s\r\n", s->path, host, headers,
      s->last_id[0] ? "Last-Event-ID: " : "", s->last_id, s->last_id[0] ? "\r\n" : "");
  if (write(s->fd, request, length) != length) {
    fail(s);
    return;
  }
  s->state = HEAD;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = s};
  epoll_ctl(epoll, EPOLL_CTL_MOD, s->fd, &event);
}

static void attend(Stream *s) {
  if (s->state == CLOSED) return;
  if (s->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail(s);
    else ask(s);
    return;
  }
  ssize_t got = read(s->fd, buffer, sizeof buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    if (s->state == BODY && s->is_open) {
      ended++;
      let_go(s);
    } else {
      fail(s);
    }
    return;
  }
  bytes += got;
  int64_t received_ns = now_ns();
  if (s->state == HEAD) take_head(s, buffer, got, received_ns);
  else take_body(s, buffer, got, received_ns);
}

static void open_some(void) {
  while (wants_open && opening < most_opening && next_to_open < count) {
    Stream *s = &streams[next_to_open++];
    if (s->state == CLOSED) start(s);
  }
}

/* Streams that failed are tried again: what a browser does. Each failure counts. */
static int again(void) {
  int left = 0;
  for (int i = 0; i < count; i++) {
    if (streams[i].state == CLOSED && streams[i].tries < RETRIES) {
      streams[i].tries++;
      left++;
    }
  }
  if (left) next_to_open = 0;
  return left;
}

static uint64_t total_histogram(void) {
  uint64_t sum = 0;
  for (int i = 0; i < BUCKETS; i++) sum += histogram[i];
  return sum;
}

static double quantile_ms(double part) {
  uint64_t target = total_histogram() * part, sum = 0;
  for (int i = 0; i < BUCKETS; i++)
    if ((sum += histogram[i]) > target) return (i + 0.5) * BUCKET_US / 1000.0;
  return 0;
}

static double measured_from_us;

static void measure(void) {
  memset(histogram, 0, BUCKETS * sizeof *histogram);
  deliveries = lost = duplicated = disordered = errors = ended = bytes = snapshots = 0;
  measured_from_us = cpu_us();
}

static void report(uint64_t target) {
  uint64_t behind = 0;
  for (int i = 0; i < count; i++)
    if (streams[i].last_seq < target) behind += target - streams[i].last_seq;
  printf("{\"open\":%d,\"deliveries\":%lu,\"lost\":%lu,\"duplicated\":%lu,\"disordered\":%lu,"
         "\"errors\":%lu,\"ended\":%lu,\"snapshots\":%lu,\"bytes\":%lu,\"p50_ms\":%.3f,"
         "\"p99_ms\":%.3f,\"cpu_us\":%.0f}\n",
         open_streams, deliveries, lost + behind, duplicated, disordered, errors, ended, snapshots,
         bytes, quantile_ms(0.5), quantile_ms(0.99), cpu_us() - measured_from_us);
}

static int all_at(uint64_t seq) {
  for (int i = 0; i < count; i++)
    if (streams[i].last_seq < seq) return 0;
  return 1;
}

static int64_t began_ns, deadline_ns;
static uint64_t awaited;
static enum { IDLE, OPENING, AWAITING } doing;

static void finish(void) {
  double seconds = (now_ns() - began_ns) / 1e9;
  if (doing == OPENING) {
    if (open_streams < count && now_ns() < deadline_ns) {
      if (opening || next_to_open < count || again()) return;
    }
    printf("{\"opened\":%d,\"seconds\":%.4f,\"errors\":%lu}\n", open_streams, seconds, errors);
  } else if (doing == AWAITING) {
    int is_there = all_at(awaited);
    if (!is_there && now_ns() < deadline_ns) {
      if (wants_open && !opening && next_to_open >= count) again();
      return;
    }
    printf("{\"arrived\":%s,\"seconds\":%.4f}\n", is_there ? "true" : "false", seconds);
  } else {
    return;
  }
  wants_open = 0;
  doing = IDLE;
}

static void wait_for(int what, unsigned long ms) {
  doing = what;
  began_ns = now_ns();
  deadline_ns = began_ns + ms * 1000000LL;
}

static int obey(void) {
  char command[256];
  unsigned long seq, ms;
  if (!fgets(command, sizeof command, stdin)) return 0;
  if (sscanf(command, "open %lu", &ms) == 1) {
    wants_open = 1;
    next_to_open = 0;
    wait_for(OPENING, ms);
  } else if (sscanf(command, "return %lu %lu", &seq, &ms) == 2) {
    wants_open = 1;
    next_to_open = 0;
    awaited = seq;
    wait_for(AWAITING, ms);
  } else if (sscanf(command, "await %lu %lu", &seq, &ms) == 2) {
    awaited = seq;
    wait_for(AWAITING, ms);
  } else if (sscanf(command, "report %lu", &seq) == 1) {
    report(seq);
  } else if (!strncmp(command, "measure", 7)) {
    measure();
    printf("{}\n");
  } else if (!strncmp(command, "drop", 4)) {
    for (int i = 0; i < count; i++) {
      let_go(&streams[i]);
      streams[i].tries = 0;
    }
    printf("{}\n");
  } else if (!strncmp(command, "pause", 5)) {
    for (int i = 0; i < count; i++)
      if (streams[i].state != CLOSED) epoll_ctl(epoll, EPOLL_CTL_DEL, streams[i].fd, NULL);
    printf("{}\n");
  }
  return 1;
}

static void read_targets(const char *name) {
  FILE *file = fopen(name, "r");
  char *line = NULL;
  size_t room = 0;
  int held = 0;
  while (file && getline(&line, &room, file) > 0) {
    if (count == held) {
      held = held ? held * 2 : 1024;
      streams = realloc(streams, held * sizeof *streams);
    }
    Stream *s = &streams[count++];
    memset(s, 0, sizeof *s);
    line[strcspn(line, "\n")] = 0;
    char *rest = line, *part;
    s->source = strdup((part = strsep(&rest, "\t")) ? part : "127.0.0.1");
    s->path = strdup((part = strsep(&rest, "\t")) ? part : "/");
    s->headers = strdup((part = strsep(&rest, "\t")) ? part : "");
  }
  free(line);
  if (file) fclose(file);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  host = argv[1];
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(argv[2]));
  inet_pton(AF_INET, host, &server.sin_addr);
  read_targets(argv[3]);
  if (argc > 4) most_opening = atoi(argv[4]);
  if (argc > 5) receive_buffer = atoi(argv[5]);
  histogram = calloc(BUCKETS, sizeof *histogram);
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event told = {.events = EPOLLIN, .data.ptr = NULL}, events[512];
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &told);
  for (;;) {
    open_some();
    finish();
    int ready = epoll_wait(epoll, events, 512, doing == IDLE ? 1000 : 1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) attend(events[i].data.ptr);
      else if (!obey()) return 0;
    }
  }
}
